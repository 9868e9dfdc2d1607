package server

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

const unvaried = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\nVia: SIP/2.0/TCP b\r\nFrom: <sip:a@ocs.test>;tag=1\r\nTo: <sip:a@ocs.test>\r\n" +
	"Call-ID: 1\r\nCSeq: 1 REGISTER\r\nSupported: x\r\nSupported: y\r\nms-diagnostics: 1;reason=\"a b c\"\r\nContent-Length: 4\r\n\r\nbody"

func TestEveryFormSaysTheSame(t *testing.T) {
	want, err := sip.Parse([]byte(unvaried))
	require.NoError(t, err)
	for _, form := range forms() {
		t.Run(string(form), func(t *testing.T) {
			raw := string(vary([]byte(unvaried), form, 1))
			require.NotEqual(t, unvaried, raw)
			got, err := sip.Parse([]byte(raw))
			require.NoError(t, err, raw)
			for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq", "Supported", "ms-diagnostics", "Content-Length"} {
				require.Equal(t, sip.Values(want, name), sip.Values(got, name), raw)
			}
			require.Equal(t, want.Body(), got.Body())
		})
	}
}

func TestFormsLookAsTheyAreNamed(t *testing.T) {
	for form, line := range map[Form]string{
		FormCase:    "\r\nVIA: SIP/2.0/TCP a\r\nvia: SIP/2.0/TCP b\r\nfRoM: ",
		FormCompact: "\r\nv:SIP/2.0/TCP a\r\n",
		FormFold:    "\r\nCall-ID:\r\n\t1\r\nCSeq: 1\r\n REGISTER\r\n",
		FormBlanks:  "\r\nCall-ID \t:\t 1 \t\r\n",
		FormOrder:   "SIP/2.0 200 OK\r\nFrom: ",
	} {
		require.Contains(t, string(vary([]byte(unvaried), form, 1)), line, form)
	}
}

func TestVariedMessagesTakeEveryForm(t *testing.T) {
	seen := map[string]bool{}
	for n := range 12 {
		seen[string(varied([]byte(unvaried), n))] = true
	}
	require.Len(t, seen, 12)
	require.Equal(t, "no message", string(varied([]byte("no message"), 1)))
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
			require.Contains(t, strings.Join(c.raw, ""), "\r\nSERVER: ")
		})
	}
}

func TestFaultVariesAMessage(t *testing.T) {
	config := twoUsers()
	config.Faults = []Fault{{Stage: StageSubscribe, Action: ActionVary, How: string(FormCompact), Count: 1}}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		before := len(c.raw)
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode)
		require.Contains(t, strings.Join(c.raw[before:], ""), "\r\ni:")
		before = len(c.raw)
		require.Equal(t, 200, c.subscribe(eventACL).StatusCode)
		require.NotContains(t, strings.Join(c.raw[before:], ""), "\r\ni:")
	})
}
