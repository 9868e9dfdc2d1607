package signin_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/dial"
)

// through makes the client go through a proxy.
func (w *world) through(url string) {
	w.t.Helper()
	proxy, err := dial.ParseProxy(url)
	require.NoError(w.t, err)
	w.config.Proxy = func(string) (*dial.Proxy, error) { return proxy, nil }
}

func TestSignInThroughAProxy(t *testing.T) {
	for _, url := range []string{"http://proxy.ocs.test:3128", "socks5://proxy.ocs.test:1080", "socks4a://proxy.ocs.test:1080"} {
		t.Run(url, func(t *testing.T) {
			inWorld(t, server.Config{}, func(t *testing.T, w *world) {
				w.through(url)
				c, s := w.signIn()
				used := c.Report().Tries[0]
				require.Equal(t, url, used.Via.Proxy)
				require.NotEmpty(t, used.Via.Steps)
				require.Equal(t, "server.ocs.test", used.TLS.ServerName, "TLS is with the server, not with the proxy")
				require.NoError(t, s.SignOut(t.Context()))
			})
		})
	}
}

func TestNamesThatDNSDoesNotKnowAreLeftToTheProxy(t *testing.T) {
	for name, c := range map[string]struct {
		dns    server.Action
		server string
		used   string
	}{
		"a configured server":         {server.ActionNXDomain, "server.ocs.test", "server.ocs.test:5061"},
		"with its port":               {server.ActionNXDomain, "server.ocs.test:5061", "server.ocs.test:5061"},
		"the names of a domain":       {server.ActionNXDomain, "", "sipinternal.ocs.test:5061"},
		"where DNS fails":             {server.ActionServFail, "", "sipinternal.ocs.test:5061"},
		"where DNS does not answer":   {server.ActionSilent, "", "sipinternal.ocs.test:5061"},
		"a server, DNS without words": {server.ActionSilent, "server.ocs.test", "server.ocs.test:5061"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageDNS, Action: c.dns}}}, func(t *testing.T, w *world) {
				w.config.Server = c.server
				_, err := w.client().SignIn(t.Context())
				require.ErrorIs(t, err, ocserr.InvalidServerName, "without a proxy")

				w.through("http://127.0.0.1:3128")
				client, s := w.signIn()
				used := client.Report().Tries[0]
				require.Equal(t, c.used, net.JoinHostPort(used.Host, strconv.Itoa(used.Port)))
				require.NoError(t, s.SignOut(t.Context()))
			})
		})
	}
}

func TestAProxyThatRefusesThePasswordIsAskedOnce(t *testing.T) {
	inWorld(t, server.Config{Proxy: server.ProxyAuth{User: "p", Password: "right"}}, func(t *testing.T, w *world) {
		w.through("http://p:wrong@proxy.ocs.test:3128")
		client := w.client()
		r := record(t, client)
		_, err := client.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CauseProxyPassword, failed.Cause, failed.Error())
		shown := 0
		for _, p := range w.server.History(server.KindProxy) {
			if p.User != "" {
				shown++
			}
		}
		require.Equal(t, 1, shown)
		require.Equal(t, then(connecting, "OnSignin(MSGR_E_CONNECT)",
			"OnMyStatusChange("+ocserr.Connect.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop(), "the proxy's password is not the user's")
		require.NotContains(t, failed.Error(), "wrong@")
	})
}

// The server inside is reached straight and takes its time; the one outside is behind a proxy that wants a log-on.
func TestAProxyThatRefusesOneServerEndsNoTryAtAnother(t *testing.T) {
	const zone = "$TTL 60\n@ SOA server hostmaster 1 3600 600 86400 60\n@ NS server\nsip A 127.0.0.1\nserver A 127.0.0.1\n" +
		"_sipinternaltls._tcp SRV 0 0 5061 server\n_sip._tls SRV 0 0 5061 sip\n"
	inWorld(t, server.Config{Zone: zone, Proxy: server.ProxyAuth{User: "p", Password: "right"}}, func(t *testing.T, w *world) {
		w.through("http://127.0.0.1:3128")
		through, straight := w.config.Proxy, w.config.Dial
		w.config.Proxy = func(target string) (*dial.Proxy, error) {
			if target == "server.ocs.test:5061" {
				return nil, nil
			}
			return through(target)
		}
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "127.0.0.1:5061" {
				time.Sleep(400 * time.Millisecond)
			}
			return straight(ctx, network, address)
		}
		_, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
	})
}

// A proxy that takes its time to judge a password is not shown it by the tries that begin meanwhile.
func TestAPasswordIsShownToASlowProxyOnce(t *testing.T) {
	for _, scheme := range []string{"http", "socks5"} {
		for _, autodiscover := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, autodiscover %v", scheme, autodiscover), func(t *testing.T) {
				inWorld(t, server.Config{
					Proxy: server.ProxyAuth{User: "p", Password: "right"},
					Faults: []server.Fault{
						{Stage: server.StageDNS, Action: server.ActionNXDomain},
						{Stage: server.StageProxy, Action: server.ActionDelay, Delay: time.Second},
					},
				}, func(t *testing.T, w *world) {
					w.config.Autodiscover = autodiscover
					w.through(scheme + "://p:wrong@127.0.0.1:" + map[string]string{"http": "3128", "socks5": "1080"}[scheme])
					_, err := w.client().SignIn(t.Context())
					var failed *ocserr.Error
					require.ErrorAs(t, err, &failed)
					require.Equal(t, ocserr.CauseProxyPassword, failed.Cause, failed.Error())
					shown := 0
					for _, r := range w.server.History(server.KindProxy) {
						if r.User == "p" {
							shown++
						}
					}
					require.Equal(t, 1, shown)
				})
			})
		}
	}
}

func TestASilentProxyIsNamed(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageProxy, Action: server.ActionSilent}}}, func(t *testing.T, w *world) {
		w.through("http://proxy.ocs.test:3128")
		client := w.client()
		_, err := client.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		require.Equal(t, ocserr.CauseProxySilent, failed.Cause)
		require.ErrorContains(t, err, "no answer to CONNECT server.ocs.test:5061")
		require.NotContains(t, err.Error(), "closed")
		require.Equal(t, signin.ConnectingLimit, w.since())
	})
}

func TestAProxyIsFoundByTheDNSOfTheConfiguration(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		w.through("http://proxy.ocs.test:3128")
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if _, err := netip.ParseAddrPort(address); err != nil {
				return nil, err // what would be left to the system's resolver
			}
			return w.server.Dial(ctx, network, address)
		}
		_, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestAProxyThatIsNotFound(t *testing.T) {
	for action, cause := range map[server.Action]ocserr.Cause{
		server.ActionNXDomain: ocserr.CauseProxyNotFound,
		server.ActionServFail: ocserr.CauseDNSFailure,
		server.ActionSilent:   ocserr.CauseDNSTimeout,
	} {
		t.Run(string(action), func(t *testing.T) {
			faults := []server.Fault{{Stage: server.StageDNS, Action: action, Match: server.Match{Name: "proxy.ocs.test"}}}
			inWorld(t, server.Config{Faults: faults}, func(t *testing.T, w *world) {
				w.through("http://proxy.ocs.test:3128")
				_, err := w.client().SignIn(t.Context())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, cause, failed.Cause)
				require.Equal(t, ocserr.StageDial, failed.Stage)
				require.ErrorIs(t, err, ocserr.InvalidServerName)
				require.Equal(t, cause != ocserr.CauseProxyNotFound, failed.Retry)
				require.ErrorContains(t, err, "proxy proxy.ocs.test:3128")
			})
		})
	}
}

// SOCKS 4 carries addresses only, so a name that DNS does not know cannot be left to it.
func TestNamesAreNotLeftToASOCKS4Proxy(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageDNS, Action: server.ActionNXDomain}}}, func(t *testing.T, w *world) {
		w.through("socks4://127.0.0.1:1080")
		w.config.Server = "server.ocs.test"
		_, err := w.client().SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.InvalidServerName)
	})
}
