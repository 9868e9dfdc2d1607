package server

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestVariedMessageSaysTheSame(t *testing.T) {
	const message = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\nVia: SIP/2.0/TCP b\r\nFrom: <sip:a@ocs.test>;tag=1\r\nTo: <sip:a@ocs.test>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 REGISTER\r\nSupported: x\r\nSupported: y\r\nms-diagnostics: 1;reason=\"a b c\"\r\nContent-Length: 4\r\n\r\nbody"
	want, err := sip.Parse([]byte(message))
	require.NoError(t, err)
	seen := map[string]bool{}
	for n := range 12 {
		raw := string(vary([]byte(message), n))
		got, err := sip.Parse([]byte(raw))
		require.NoError(t, err, raw)
		for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq", "Supported", "ms-diagnostics", "Content-Length"} {
			require.Equal(t, sip.Values(want, name), sip.Values(got, name), raw)
		}
		require.Equal(t, want.Body(), got.Body())
		seen[raw] = true
	}
	require.Greater(t, len(seen), 6)
	require.Equal(t, "no message", string(vary([]byte("no message"), 1)))
}

func TestSignInAtAVariedServer(t *testing.T) {
	for _, transport := range []string{"tcp", "tls"} {
		config := twoUsers()
		config.Varied = true
		inBubble(t, config, func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{transport: transport}).signIn()
			for range 4 {
				require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode)
			}
			require.Empty(t, c.refused, "signatures do not cover how a header is written")
			require.Contains(t, strings.Join(c.raw, ""), "\r\nCALL-ID: ")
		})
	}
}
