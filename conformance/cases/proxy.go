package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// The ways through the server's proxy, without and with its password.
var (
	viaHTTP       = conformance.Settings{Proxy: "http://$ip:3128"}
	viaHTTPLogin  = conformance.Settings{Proxy: "http://surfer:" + conformance.ProxyPassword + "@$ip:3128"}
	viaHTTPWrong  = conformance.Settings{Proxy: "http://surfer:" + conformance.WrongPassword + "@$ip:3128"}
	viaSOCKS      = conformance.Settings{Proxy: "socks5://$ip:3128"}
	viaSOCKSLogin = conformance.Settings{Proxy: "socks5://surfer:" + conformance.ProxyPassword + "@$ip:3128"}
)

// guarded is a proxy that asks for a password.
func guarded(schemes ...string) server.Config {
	return server.Config{Proxy: server.ProxyAuth{User: "surfer", Password: conformance.ProxyPassword, Schemes: schemes}}
}

// atProxy is a fault at the proxy.
func atProxy(f server.Fault) server.Config {
	f.Stage = server.StageProxy
	return faulty(f)
}

// viaProxy: the proxy was asked for the server by a name.
func viaProxy(target string) conformance.Check {
	return check("the proxy was asked for "+target, func(r *conformance.Record) string {
		for _, p := range r.Of(server.KindProxy) {
			if p.Name != target {
				return fmt.Sprintf("it was asked for %q", p.Name)
			}
		}
		if len(r.Of(server.KindProxy)) == 0 {
			return "it was not asked"
		}
		return ""
	})
}

// quoting: the report, where there is one, quotes the proxy's status.
func quoting(status string) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return reporting(func(r *conformance.Record) string {
		if r.Report.Error == nil || !strings.Contains(r.Report.Error.Error(), status) {
			return "the report does not quote " + status
		}
		return ""
	})
}

func proxy() []conformance.Case {
	http, socks := []conformance.Need{conformance.NeedProxyHTTP}, []conformance.Need{conformance.NeedProxySOCKS}
	direct := viaProxy("server.ocs.test:5061")
	return []conformance.Case{
		{
			ID: "proxy/connect-ok", Title: "Signing in through CONNECT", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"RFC 9110 section 9.3.6"}, Purpose: "TLS inside the tunnel is with the server: its name, not the proxy's.",
			Attempts: one(conformance.Attempt{Client: viaHTTP, Expect: signsIn, Wire: []conformance.Check{direct, sni("server.ocs.test")}}),
		},
		{
			ID: "proxy/connect-remote-dns", Title: "A name that only the proxy knows", Level: conformance.Should, Grounds: inVS, Needs: http,
			Refs: []string{"RFC 9110 section 9.3.6"}, Purpose: "Inside many networks DNS knows no outside name; the proxy does.",
			Attempts: one(conformance.Attempt{
				Server: faulty(dnsFault(server.ActionNXDomain)), Client: conformance.Settings{Proxy: "http://$ip:3128", Server: "server.ocs.test"},
				Expect: signsIn, Wire: []conformance.Check{direct},
			}),
		},
		{
			ID: "proxy/name-unresolvable", Title: "The proxy's own name has no address", Level: conformance.Info, Grounds: inV, Needs: http,
			Refs: []string{"contract 1.3"}, Purpose: "MSGR_E_INVALID_PROXY_NAME is reserved; OnSignin is documented to carry neither it nor another for this. Over sockets the machine's own resolver would be asked, which is no part of the suite.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{Proxy: "http://nosuch.ocs.test:3128"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseProxyNotFound, ocserr.InvalidProxyName),
			}),
		},
		{
			ID: "proxy/connect-407-then-ok", Title: "The proxy asks for a password and gets it", Level: conformance.Should, Grounds: inVS, Needs: http,
			Refs: []string{"RFC 9110 section 11.7"}, Purpose: "Proxies of enterprises ask, each in its own scheme.",
			Attempts: []conformance.Attempt{
				{Name: "Basic", Server: guarded("Basic"), Client: viaHTTPLogin, Expect: signsIn, Wire: []conformance.Check{direct}},
				{Name: "Digest", Server: guarded("Digest"), Client: viaHTTPLogin, Expect: signsIn, Wire: []conformance.Check{direct}},
				{Name: "NTLM", Server: guarded("NTLM"), Client: viaHTTPLogin, Expect: signsIn, Wire: []conformance.Check{direct}},
			},
		},
		{
			ID: "proxy/connect-407-refused", Title: "The proxy rejects its password", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "It is not the user's password: MSGR_E_INVALID_PASSWORD would send people to the wrong desk.",
			Attempts: []conformance.Attempt{
				{Name: "wrong", Server: guarded(), Client: viaHTTPWrong, Expect: fails(ocserr.Connect, ocserr.CauseProxyPassword, ocserr.ProxyPasswordIncorrect)},
				{Name: "none given", Server: guarded(), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyAuthRequired, ocserr.ProxyAuthRequired)},
			},
		},
		{
			ID: "proxy/rejected-once", Title: "A password that the proxy rejects is shown to it once", Level: conformance.Must, Grounds: inVS, Needs: append(http, socks...),
			Refs: []string{"design: lock-out"}, Purpose: "Every candidate is asked for through the same proxy, and its accounts are locked too.",
			Attempts: []conformance.Attempt{
				shownOnce("Basic", viaHTTPWrong, "Basic"), shownOnce("Digest", viaHTTPWrong, "Digest"), shownOnce("NTLM", viaHTTPWrong, "NTLM"),
				shownOnce("SOCKS 5", conformance.Settings{Proxy: "socks5://surfer:" + conformance.WrongPassword + "@$ip:3128"}),
			},
		},
		{
			ID: "proxy/connect-403-502-504", Title: "The proxy refuses or fails", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "Policy, name and network of the proxy are told apart in the cause; the code is the same.",
			Attempts: []conformance.Attempt{
				{Name: "policy", Server: atProxy(server.Fault{Action: server.ActionRefuse}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyRefused, ocserr.SSLTunnelFailed)},
				{Name: "403", Server: atProxy(server.Fault{Action: server.ActionStatus, Status: 403}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyRefused, ocserr.SSLTunnelFailed), Run: quoting("403")},
				{Name: "502", Server: atProxy(server.Fault{Action: server.ActionStatus, Status: 502}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyCannotConnect, ocserr.SSLTunnelFailed), Run: quoting("502")},
				{Name: "504", Server: atProxy(server.Fault{Action: server.ActionStatus, Status: 504}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyCannotConnect, ocserr.SSLTunnelFailed), Run: quoting("504")},
			},
		},
		{
			ID: "proxy/connect-garbage", Title: "What answers is no HTTP proxy", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A wrong port is named as such, and nothing is read without bound.",
			Attempts: []conformance.Attempt{
				{Name: "a few bytes", Server: atProxy(server.Fault{Action: server.ActionBanner}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyBadAnswer, ocserr.ConnectProxy)},
				{
					Name: "a mebibyte without a line end", Server: atProxy(server.Fault{Action: server.ActionBanner, Text: strings.Repeat("x", 1<<20)}), Client: viaHTTP,
					Expect: fails(ocserr.Connect, ocserr.CauseProxyBadAnswer, ocserr.ConnectProxy),
				},
			},
		},
		{
			ID: "proxy/connect-silent", Title: "15 s: the proxy does not answer", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: "The dialogue with the proxy counts to the 15 s.",
			Attempts: one(conformance.Attempt{
				Server: atProxy(server.Fault{Action: server.ActionSilent}), Client: viaHTTP,
				Expect: []conformance.Outcome{{Code: ocserr.LogonTimeout, Cause: ocserr.CauseProxySilent, Detail: ocserr.ConnectProxy, After: limit}},
			}),
		},
		{
			ID: "proxy/connect-closed", Title: "The proxy closes instead of answering", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A proxy that hangs up is told at once.",
			Attempts: one(conformance.Attempt{
				Server: atProxy(server.Fault{Action: server.ActionClose}), Client: viaHTTP, Expect: fails(ocserr.Connect, ocserr.CauseProxyClosed, ocserr.ConnectProxy),
			}),
		},
		{
			ID: "proxy/connect-early-bytes", Title: "Bytes behind the proxy's answer", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"RFC 9110 section 9.3.6"}, Purpose: "What the server sends together with the answer is not lost, nor is an answer in pieces misread.",
			Attempts: []conformance.Attempt{
				{
					Name: "together",
					Server: faulty(
						server.Fault{Stage: server.StageProxy, Action: server.ActionCoalesce},
						server.Fault{Stage: server.StageAccept, Action: server.ActionInject, Text: longRequest()},
					),
					Client: conformance.Settings{Proxy: viaHTTP.Proxy, Transport: "tcp"}, Expect: signsIn, Run: withEarlyBytes,
				},
				{Name: "byte by byte", Server: atProxy(server.Fault{Action: server.ActionSplit}), Client: viaHTTP, Expect: signsIn},
			},
		},
		{
			ID: "proxy/unreachable", Title: "The proxy itself is not there", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"OnSignin: MSGR_E_CONNECT", "contract 1.3"}, Purpose: "Wrong proxy settings are MSGR_E_CONNECT by the document's own words.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{Proxy: "http://$ip:3999"}, Expect: fails(ocserr.Connect, ocserr.CauseProxyUnreachable, ocserr.ConnectProxy),
			}),
		},
		{
			ID: "proxy/socks5-ok", Title: "Signing in through SOCKS 5", Level: conformance.Must, Grounds: inVS, Needs: socks,
			Refs: []string{"RFC 1928"}, Purpose: "The name goes to the proxy.",
			Attempts: one(conformance.Attempt{Client: viaSOCKS, Expect: signsIn, Wire: []conformance.Check{direct, sni("server.ocs.test")}}),
		},
		{
			ID: "proxy/socks5-auth", Title: "SOCKS 5 with a password", Level: conformance.Must, Grounds: inVS, Needs: socks,
			Refs: []string{"RFC 1929"}, Purpose: "The proxy's password is given to the proxy alone.",
			Attempts: []conformance.Attempt{
				{Name: "right", Server: guarded(), Client: viaSOCKSLogin, Expect: signsIn, Wire: []conformance.Check{direct}},
				{Name: "none given", Server: guarded(), Client: viaSOCKS, Expect: fails(ocserr.Connect, ocserr.CauseProxyAuthRequired, ocserr.ProxyAuthRequired)},
			},
		},
		{
			ID: "proxy/socks5-refused", Title: "SOCKS 5 refuses", Level: conformance.Must, Grounds: inVS, Needs: socks,
			Refs: []string{"RFC 1928", "OnSignin: MSGR_E_CONNECT"}, Purpose: "A refusal by any proxy is MSGR_E_CONNECT.",
			Attempts: []conformance.Attempt{
				{Name: "policy", Server: atProxy(server.Fault{Action: server.ActionRefuse}), Client: viaSOCKS, Expect: fails(ocserr.Connect, ocserr.CauseProxyRefused, ocserr.SSLTunnelFailed)},
				{Name: "name", Server: atProxy(server.Fault{Action: server.ActionNXDomain}), Client: viaSOCKS, Expect: fails(ocserr.Connect, ocserr.CauseProxyCannotConnect, ocserr.SSLTunnelFailed)},
				{Name: "network", Server: atProxy(server.Fault{Action: server.ActionUnreachable}), Client: viaSOCKS, Expect: fails(ocserr.Connect, ocserr.CauseProxyCannotConnect, ocserr.SSLTunnelFailed)},
			},
		},
		{
			ID: "proxy/no-password-in-report", Title: "The proxy's password is never visible", Level: conformance.Must, Grounds: inVS, Needs: http,
			Refs: []string{"docs/security.md"}, Purpose: "A proxy's URL holds a password, and reports quote URLs.",
			Attempts: []conformance.Attempt{
				{Name: "accepted", Server: guarded(), Client: viaHTTPLogin, Expect: signsIn},
				{Name: "rejected", Server: guarded(), Client: viaHTTPWrong, Expect: fails(ocserr.Connect, ocserr.CauseProxyPassword, ocserr.ProxyPasswordIncorrect)},
				{Name: "unreachable", Client: conformance.Settings{Proxy: "http://surfer:" + conformance.ProxyPassword + "@$ip:3999"}, Expect: fails(ocserr.Connect, ocserr.CauseProxyUnreachable, ocserr.ConnectProxy)},
			},
		},
	}
}

// shownOnce is an attempt with a wrong password for the proxy, which takes its time, and several candidates.
func shownOnce(name string, client conformance.Settings, schemes ...string) conformance.Attempt {
	script := guarded(schemes...)
	script.Zone = host + "sip A $ip\nsipexternal A $ip\n" + internal + "_sip._tls SRV 0 0 5061 sip\n"
	script.Faults = []server.Fault{{Stage: server.StageProxy, Action: server.ActionDelay, Delay: time.Second}}
	return conformance.Attempt{
		Name: name, Server: script, Client: client, Expect: fails(ocserr.Connect, ocserr.CauseProxyPassword, ocserr.ProxyPasswordIncorrect),
		Wire: []conformance.Check{check("the proxy rejected one log-on", func(r *conformance.Record) string {
			n := 0
			for _, p := range r.Of(server.KindProxy) {
				if p.User != "" && (p.Answer == "407" || p.Answer == "rejected") {
					n++
				}
			}
			if n != 1 {
				return fmt.Sprintf("there were %d", n)
			}
			return ""
		})},
	}
}

// longRequest is a request of which the proxy has the head and the beginning of its body when the tunnel opens. Who loses that
// cannot make sense of the rest, nor of what follows.
func longRequest() string {
	return strings.Replace(strangeRequest("OPTIONS"), "Content-Length: 0\r\n\r\n",
		"Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat("x", 1000), 1)
}

// withEarlyBytes is the body of a case that is none where the server has said nothing when the tunnel opens.
func withEarlyBytes(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
	r, err := w.SignIn(ctx)
	for _, f := range r.Of(server.KindFault) {
		if f.Type == string(server.ActionCoalesce) && f.Bytes == 0 {
			err = errors.Join(err, errors.New("no byte went out together with the proxy's answer"))
		}
	}
	return r, err
}
