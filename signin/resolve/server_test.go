package resolve

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// TestAutodiscoverOfTheServer asks the test server, which writes its documents itself, over DNS and TLS.
func TestAutodiscoverOfTheServer(t *testing.T) {
	const self = "tls server.ocs.test:5061 [127.0.0.1]"
	for name, test := range map[string]struct {
		service server.Autodiscover
		want    string // the first candidate
		why     string
	}{
		"XML":               {server.Autodiscover{External: "sip.ocs.test:443"}, self, "autodiscover lyncdiscoverinternal.ocs.test"},
		"JSON":              {server.Autodiscover{External: "sip.ocs.test:443", Location: "external", JSON: true}, "tls sip.ocs.test:443 [127.0.0.1]", "autodiscover lyncdiscoverinternal.ocs.test"},
		"redirects":         {server.Autodiscover{Redirects: maxHops - 2}, self, "autodiscover lyncdiscoverinternal.ocs.test"},
		"too many of them":  {server.Autodiscover{Redirects: maxHops - 1}, self, "SRV _sipinternaltls._tcp.ocs.test, priority 0"},
		"unresolvable host": {server.Autodiscover{Internal: "gone.ocs.test:5061", Location: "Internal"}, self, "SRV _sipinternaltls._tcp.ocs.test, priority 0"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := server.Start(server.Config{Autodiscover: &test.service})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			plan, err := Discover(t.Context(), Config{
				Exchange: s.Exchange, HostsFile: "testdata/hosts-empty",
				Autodiscover: &Autodiscover{
					SignInName: "alice@ocs.test",
					Dial: func(ctx context.Context, host string, port int, addrs []netip.Addr) (net.Conn, error) {
						nc, err := s.Dial(ctx, "tcp", joinHostPort(addrs[0].String(), port))
						if err != nil {
							return nil, err
						}
						conn := tls.Client(nc, &tls.Config{RootCAs: s.CA(), ServerName: host})
						return conn, conn.HandshakeContext(ctx)
					},
				},
			}, "ocs.test")
			require.NoError(t, err)
			require.Equal(t, test.want, brief(plan)[0])
			require.Equal(t, test.why, plan.Candidates[0].Why)
		})
	}
}
