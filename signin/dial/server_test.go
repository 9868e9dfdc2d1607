package dial_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
)

const proxyPassword = "s3cret"

// inBubble runs a test against a server in virtual time, whose proxy asks alice for a password in the given
// schemes, or nobody.
func inBubble(t *testing.T, schemes string, test func(t *testing.T, s *server.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := server.Config{}
		if schemes != "" {
			cfg.Proxy = server.ProxyAuth{User: "alice", Password: proxyPassword, Schemes: strings.Split(schemes, ",")}
		}
		s, err := server.Start(cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		test(t, s)
	})
}

// through dials a host of the server's through its proxy. The user is "", or user:password@.
func through(t *testing.T, s *server.Server, scheme, user, host string, port int) (*dial.Via, error) {
	t.Helper()
	p := "1080"
	if strings.HasPrefix(scheme, "http") {
		p = "3128"
	}
	proxy, err := dial.ParseProxy(fmt.Sprintf("%s://%sproxy.ocs.test:%s", scheme, user, p))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	nc, via, err := dial.Dial(ctx, dial.Config{Dial: s.Dial, Proxy: proxy, Roots: s.CA()}, host, port, nil)
	require.NotContains(t, fmt.Sprintf("%+v %v %+v", via, err, s.History()), proxyPassword)
	if err != nil {
		require.NotErrorIs(t, err, ocserr.InvalidPassword)
		return via, err
	}
	defer nc.Close()
	secured := tls.Client(nc, &tls.Config{ServerName: "server.ocs.test", RootCAs: s.CA()})
	require.NoError(t, secured.HandshakeContext(ctx), "the TLS inside is the server's")
	return via, nil
}

func requireCause(t *testing.T, want ocserr.Cause, status int, err error) {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause)
	require.Equal(t, status, e.Status)
}

// answers are the proxy's answers in the server's history.
func answers(s *server.Server) []string {
	var all []string
	for _, r := range s.History(server.KindProxy) {
		all = append(all, strings.TrimSpace(r.Transport+" "+r.Name+" "+r.Answer+" "+r.User))
	}
	return all
}

func TestEveryKindOfProxyReachesTheServer(t *testing.T) {
	const target = "server.ocs.test:5061 "
	for _, test := range []struct {
		scheme, user, asks string
		answers            []string
	}{
		{"http", "", "", []string{"http " + target + "200"}},
		{"https", "", "", []string{"https " + target + "200"}},
		{"socks4a", "", "", []string{"socks4a " + target + "90"}},
		{"socks5", "", "", []string{"socks5 " + target + "0"}},
		{"http", "alice:s3cret@", "Basic", []string{"http " + target + "407", "http " + target + "200 alice"}},
		{"http", "alice:s3cret@", "Basic,Digest", []string{"http " + target + "407", "http " + target + "200 alice"}},
		{"https", "alice:s3cret@", "Digest", []string{"https " + target + "407", "https " + target + "200 alice"}},
		{"http", "OCS%5Calice:s3cret@", "Negotiate,NTLM,Basic", []string{"http " + target + "407", "http " + target + "407", "http " + target + "200 alice"}},
		{"socks4a", "alice@", "Basic", []string{"socks4a " + target + "90 alice"}},
		{"socks5", "alice:s3cret@", "Basic", []string{"socks5 " + target + "0 alice"}},
	} {
		t.Run(test.scheme+" "+test.user+" "+test.asks, func(t *testing.T) {
			inBubble(t, test.asks, func(t *testing.T, s *server.Server) {
				_, err := through(t, s, test.scheme, test.user, "server.ocs.test", 5061)
				require.NoError(t, err)
				require.Equal(t, test.answers, answers(s))
			})
		})
	}
}

func TestTheProxysPasswordIsNotTheSignIns(t *testing.T) {
	for _, test := range []struct {
		scheme, user, asks string
		want               ocserr.Cause
		status             int
		last               string
	}{
		{"http", "", "Basic", ocserr.CauseProxyAuthRequired, 407, "http server.ocs.test:5061 407"},
		{"http", "alice:wrong@", "Basic", ocserr.CauseProxyPassword, 407, "http server.ocs.test:5061 407 alice"},
		{"http", "alice:wrong@", "Digest", ocserr.CauseProxyPassword, 407, "http server.ocs.test:5061 407 alice"},
		{"http", "alice:wrong@", "NTLM", ocserr.CauseProxyPassword, 407, "http server.ocs.test:5061 407 alice"},
		{"http", "alice:wrong@", "Kerberos,Negotiate", ocserr.CauseProxyAuthUnsupported, 407, "http server.ocs.test:5061 407"},
		{"socks4a", "bob@", "Basic", ocserr.CauseProxyAuthFailed, 0, "socks4a server.ocs.test:5061 93 bob"},
		{"socks5", "", "Basic", ocserr.CauseProxyAuthRequired, 0, "socks5  no acceptable method"},
		{"socks5", "alice:wrong@", "Basic", ocserr.CauseProxyPassword, 0, "socks5  rejected alice"},
	} {
		t.Run(test.scheme+" "+test.user+" "+test.asks, func(t *testing.T) {
			inBubble(t, test.asks, func(t *testing.T, s *server.Server) {
				_, err := through(t, s, test.scheme, test.user, "server.ocs.test", 5061)
				requireCause(t, test.want, test.status, err)
				require.ErrorIs(t, err, ocserr.Connect)
				named := 0
				for _, answer := range answers(s) {
					if strings.HasSuffix(answer, "alice") {
						named++
					}
				}
				require.LessOrEqual(t, named, 1, "a rejected password is sent once")
				all := answers(s)
				require.Equal(t, test.last, all[len(all)-1])
				require.Zero(t, s.Rejected("alice"))
			})
		})
	}
}

func TestTargetsThatTheProxyDoesNotReach(t *testing.T) {
	for _, test := range []struct {
		scheme, host string
		port         int
		want         ocserr.Cause
		status       int
	}{
		{"http", "nowhere.ocs.test", 5061, ocserr.CauseProxyCannotResolve, 502},
		{"http", "server.ocs.test", 443, ocserr.CauseProxyCannotConnect, 502},
		{"https", "server.ocs.test", 443, ocserr.CauseProxyCannotConnect, 502},
		{"socks4a", "nowhere.ocs.test", 5061, ocserr.CauseProxyCannotConnect, 0},
		{"socks5", "nowhere.ocs.test", 5061, ocserr.CauseProxyCannotConnect, 0},
		{"socks5", "server.ocs.test", 443, ocserr.CauseProxyCannotConnect, 0},
	} {
		t.Run(test.scheme+" "+test.host, func(t *testing.T) {
			inBubble(t, "", func(t *testing.T, s *server.Server) {
				_, err := through(t, s, test.scheme, "", test.host, test.port)
				requireCause(t, test.want, test.status, err)
			})
		})
	}
}

func TestFaultsOfTheProxy(t *testing.T) {
	const silence = 15 * time.Second
	for _, test := range []struct {
		name   string
		fault  server.Fault
		http   ocserr.Cause // "": it works
		status int
		socks  ocserr.Cause
		after  time.Duration
	}{
		{"refuse", server.Fault{Action: server.ActionRefuse}, ocserr.CauseProxyRefused, 403, ocserr.CauseProxyRefused, 0},
		{"nxdomain", server.Fault{Action: server.ActionNXDomain}, ocserr.CauseProxyCannotResolve, 502, ocserr.CauseProxyCannotConnect, 0},
		{"unreachable", server.Fault{Action: server.ActionUnreachable}, ocserr.CauseProxyCannotConnect, 502, ocserr.CauseProxyCannotConnect, 0},
		{"silent", server.Fault{Action: server.ActionSilent}, ocserr.CauseProxySilent, 0, ocserr.CauseProxySilent, silence},
		{"close", server.Fault{Action: server.ActionClose}, ocserr.CauseProxyClosed, 0, ocserr.CauseProxyClosed, 0},
		{"reset", server.Fault{Action: server.ActionReset, Delay: time.Second}, ocserr.CauseProxyClosed, 0, ocserr.CauseProxyClosed, time.Second},
		{"banner", server.Fault{Action: server.ActionBanner}, ocserr.CauseProxyBadAnswer, 0, ocserr.CauseProxyBadAnswer, 0},
		{"delay", server.Fault{Action: server.ActionDelay, Delay: 3 * time.Second}, "", 0, "", 3 * time.Second},
		{"another host", server.Fault{Action: server.ActionRefuse, Match: server.Match{Name: "elsewhere"}}, "", 0, "", 0},
		{"split", server.Fault{Action: server.ActionSplit, Bytes: 3}, "", 0, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for scheme, want := range map[string]ocserr.Cause{"http": test.http, "socks5": test.socks} {
				inBubble(t, "", func(t *testing.T, s *server.Server) {
					fault := test.fault
					fault.Stage, fault.Count = server.StageProxy, 1
					require.NoError(t, s.AddFaults(fault))
					start := time.Now()
					_, err := through(t, s, scheme, "", "server.ocs.test", 5061)
					require.Equal(t, test.after, time.Since(start))
					if want == "" {
						require.NoError(t, err)
						return
					}
					status := test.status
					if scheme != "http" {
						status = 0
					}
					requireCause(t, want, status, err)
				})
			}
		})
	}
}

func TestStatusFaultsOfTheProxy(t *testing.T) {
	inBubble(t, "Basic", func(t *testing.T, s *server.Server) {
		require.NoError(t, s.AddFaults(
			server.Fault{Stage: server.StageProxy, Action: server.ActionStatus, Status: 503, Headers: map[string]string{"X-Squid-Error": "ERR_DNS_FAIL 0"}, Text: "<html>", Count: 1},
			server.Fault{Stage: server.StageProxy, Action: server.ActionChallenge},
		))
		_, err := through(t, s, "http", "", "server.ocs.test", 5061)
		requireCause(t, ocserr.CauseProxyCannotResolve, 503, err)
		_, err = through(t, s, "http", "alice:s3cret@", "server.ocs.test", 5061)
		requireCause(t, ocserr.CauseProxyPassword, 407, err)
	})
}

// The server speaks first here, and the proxy sends that together with its answer.
func TestWhatTheServerSaysFirstIsNotLost(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks4a", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			inBubble(t, "", func(t *testing.T, s *server.Server) {
				require.NoError(t, s.AddFaults(
					server.Fault{Stage: server.StageAccept, Action: server.ActionBanner, Text: "220 mail.example.test\r\n"},
					server.Fault{Stage: server.StageProxy, Action: server.ActionCoalesce},
				))
				proxy, err := dial.ParseProxy(scheme + "://proxy.ocs.test:3128")
				require.NoError(t, err)
				nc, _, err := dial.Dial(t.Context(), dial.Config{Dial: s.Dial, Proxy: proxy, Roots: s.CA()}, "server.ocs.test", 5061, nil)
				require.NoError(t, err)
				defer nc.Close()
				banner := make([]byte, len("220 mail.example.test\r\n"))
				_, err = io.ReadFull(nc, banner)
				require.NoError(t, err)
				require.Equal(t, "220 mail.example.test\r\n", string(banner))
			})
		})
	}
}

func TestTheCertificateOfAnHTTPSProxyIsVerified(t *testing.T) {
	inBubble(t, "", func(t *testing.T, s *server.Server) {
		proxy, err := dial.ParseProxy("https://proxy.ocs.test:3128")
		require.NoError(t, err)
		_, via, err := dial.Dial(t.Context(), dial.Config{Dial: s.Dial, Proxy: proxy}, "server.ocs.test", 5061, nil)
		requireCause(t, ocserr.CauseProxyUnreachable, 0, err)
		require.ErrorContains(t, err, "certificate")
		require.Equal(t, []dial.Step{{Sent: "TLS"}}, via.Steps)
		require.Empty(t, s.History(server.KindProxy))
	})
}

func TestANameThatOnlyTheProxyKnows(t *testing.T) {
	inBubble(t, "", func(t *testing.T, s *server.Server) {
		_, err := through(t, s, "http", "", "sip.ocs.test", 5061)
		require.NoError(t, err)
		require.Equal(t, []string{"http sip.ocs.test:5061 200"}, answers(s))
		require.Empty(t, s.History(server.KindQuery), "nobody asked DNS")
	})
}

func TestTheProxyOnPorts(t *testing.T) {
	s, err := server.Start(server.Config{
		ListenTLS: "127.0.0.1:0", ListenProxy: "127.0.0.1:0",
		Proxy: server.ProxyAuth{User: "alice", Password: proxyPassword, Schemes: []string{"NTLM", "Basic"}},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	host, port := "server.ocs.test", 0
	_, err = fmt.Sscanf(s.TLSAddr(), "127.0.0.1:%d", &port)
	require.NoError(t, err)
	for _, scheme := range []string{"http", "socks5"} {
		proxy, err := dial.ParseProxy(scheme + "://alice:s3cret@" + s.ProxyAddr())
		require.NoError(t, err)
		nc, _, err := dial.Dial(t.Context(), dial.Config{Proxy: proxy}, host, port, nil)
		require.NoError(t, err)
		secured := tls.Client(nc, &tls.Config{ServerName: host, RootCAs: s.CA()})
		require.NoError(t, secured.Handshake())
		require.NoError(t, secured.Close())
	}
}
