package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

// anyScheme lets alice prove herself by every scheme of the server's.
func anyScheme(t *testing.T, s *Server, cache *ocauthws.Cache) auth.ClientConfig {
	t.Helper()
	conf, err := kerberos.ParseConfig("[libdefaults]\ndefault_realm = OCS.TEST\n[realms]\nOCS.TEST = {\nkdc = tcp/server.ocs.test:88\n}\n")
	require.NoError(t, err)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if s.KDCAddr() != "" && strings.HasSuffix(address, ":88") {
			return net.Dial("tcp", s.KDCAddr())
		}
		if s.config.ListenWeb != "" && !strings.HasSuffix(address, ":88") {
			return net.Dial("tcp", s.WebAddr())
		}
		return s.Dial(ctx, network, address)
	}
	return auth.ClientConfig{
		Password: auth.Password{User: "alice", Secret: "secret"},
		Kerberos: &kerberos.Client{Config: conf, Dial: dial},
		Certificates: &ocauthws.Client{
			Address: "alice@ocs.test", Device: "34d859db-6585-5f91-a3b4-de853c15347d", Cache: cache,
			Transport: func() *http.Transport {
				return &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: s.CA()}}
			},
		},
	}
}

func TestEverySchemeSignsIn(t *testing.T) {
	for _, scheme := range []string{auth.NTLM, auth.Kerberos, auth.TLSDSK, auth.Digest} {
		t.Run(scheme, func(t *testing.T) {
			config := twoUsers()
			config.Schemes = []string{scheme}
			inBubble(t, config, func(t *testing.T, s *Server) { signsIn(t, s, scheme) })
		})
		t.Run(scheme+" on sockets", func(t *testing.T) {
			config := twoUsers()
			config.Schemes = []string{scheme}
			config.ListenTLS, config.ListenKDC, config.ListenWeb = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
			signsIn(t, startTest(t, config), scheme)
		})
	}
}

// signsIn signs alice in twice and subscribes. The second time TLS-DSK has a certificate already.
func signsIn(t *testing.T, s *Server, scheme string) {
	var cache ocauthws.Cache
	requests := 0
	for i := range 2 {
		c := dialTest(t, s, clientConfig{transport: "tls"})
		c.auth = auth.NewClient(anyScheme(t, s, &cache))
		defer c.auth.Close()
		res := c.register()
		require.Equal(t, 200, res.StatusCode)
		info := sip.Value(res, "Authentication-Info")
		require.True(t, scheme == auth.Digest || strings.HasPrefix(info, scheme+" "), info)
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode)
		require.Empty(t, c.refused)
		web := s.History(KindWeb)
		if i == 0 {
			requests = len(web)
		}
		require.Equal(t, scheme == auth.TLSDSK, len(web) > 0)
		require.Len(t, web, requests)
	}
	require.Zero(t, s.Rejected("alice"))
}

func TestSchemesAreOfferedInOrder(t *testing.T) {
	config := twoUsers()
	config.Schemes = []string{"tls-dsk", "Kerberos", "ntlm", "Digest"}
	s := startTest(t, config)
	c := dialTest(t, s, clientConfig{})
	var got []string
	for _, challenge := range sip.Values(c.do(c.registerRequest()), "WWW-Authenticate") {
		scheme, _, _ := strings.Cut(challenge, " ")
		got = append(got, scheme)
		if scheme == auth.TLSDSK {
			require.Contains(t, challenge, `sts-uri="https://server.ocs.test/CertProv/CertProvisioningService.svc"`)
		}
	}
	require.Equal(t, []string{"TLS-DSK", "Kerberos", "NTLM", "Digest", "Digest"}, got)
}

func TestThirdPartiesAreThereOnlyWithTheirSchemes(t *testing.T) {
	s := startTest(t, twoUsers())
	for _, port := range []string{"88", "443"} {
		_, err := s.Dial(t.Context(), "tcp", "server.ocs.test:"+port)
		require.ErrorContains(t, err, "refused")
	}
}

func TestFaultsOfThirdParties(t *testing.T) {
	for _, test := range []struct {
		scheme string
		fault  Fault
		want   string
		after  time.Duration
	}{
		{auth.Kerberos, Fault{Stage: StageKDC, Action: ActionSilent}, "deadline", 15 * time.Second},
		{auth.Kerberos, Fault{Stage: StageKDC, Action: ActionClose}, "KDC", 0},
		{auth.TLSDSK, Fault{Stage: StageWeb, Action: ActionSilent}, "deadline", 15 * time.Second},
		{auth.TLSDSK, Fault{Stage: StageWeb, Action: ActionClose}, "EOF", 0},
		{auth.TLSDSK, Fault{Stage: StageWeb, Match: Match{Name: "/WebTicket/WebTicketService.svc/mex"}, Action: ActionStatus, Status: 503, Headers: map[string]string{"Retry-After": "5"}, Text: "busy"}, "503", 0},
	} {
		t.Run(test.scheme+" "+string(test.fault.Action), func(t *testing.T) {
			config := withFaults(test.fault)
			config.Schemes = []string{test.scheme}
			inBubble(t, config, func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				c.auth = auth.NewClient(anyScheme(t, s, nil))
				defer c.auth.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				begin := time.Now()
				var err error
				for err == nil {
					res := c.do(c.registerRequest())
					require.Equal(t, 401, res.StatusCode)
					err = c.auth.Challenge(ctx, res)
				}
				require.ErrorContains(t, err, test.want)
				require.Equal(t, test.after, time.Since(begin))
				require.NotEmpty(t, s.History(KindFault))
			})
		})
	}
}
