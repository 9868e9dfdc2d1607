package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// stay keeps a session for a while. Beyond seconds that is for ground V only.
func stay(d time.Duration) func(context.Context, *conformance.World) error {
	return func(ctx context.Context, _ *conformance.World) error {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return nil
	}
}

// losesServer is a life in which the server ends.
func losesServer(ctx context.Context, w *conformance.World) error {
	if err := w.Server.Close(); err != nil {
		return err
	}
	return stay(time.Second)(ctx, w)
}

// refresh matches the REGISTER of an endpoint that is registered.
var refresh = server.Match{Registered: yes()}

func reg() []conformance.Case {
	removed := conformance.Case{
		ID: "reg/removed-by-server", Title: "The server ends the registration", Level: conformance.Should, Grounds: inVS,
		Refs: []string{"MS-SIPREGE 3.3"}, Purpose: "A client that was signed out must know it, and why.",
	}
	for _, removal := range []struct {
		how    server.Removal
		cause  ocserr.Cause
		detail ocserr.Code
	}{
		{server.RemovedUnregistered, ocserr.CauseRemovedUnregistered, ocserr.RemoteLogin},
		{server.RemovedRejected, ocserr.CauseRemovedRejected, ocserr.SIPLoginForbidden},
		{server.RemovedDeactivated, ocserr.CauseRemovedDeactivated, 0},
	} {
		removed.Attempts = append(removed.Attempts, conformance.Attempt{
			Name: string(removal.how),
			Live: removes(removal.how), Wire: []conformance.Check{answered("NOTIFY", 200)},
			Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: removal.cause, Detail: removal.detail}},
			Run: reporting(func(r *conformance.Record) string {
				if e := r.Report.Error; e == nil || len(e.Diagnostics) == 0 || e.Diagnostics[0].Reason == "" {
					return "the report does not have the server's reason"
				}
				return ""
			}),
		})
	}
	longer := map[string]string{"Min-Expires": "20000"}
	return slices.Concat([]conformance.Case{
		{
			ID: "reg/basic", Title: "REGISTER is accepted", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"MS-SIPREGE 3.1"}, Purpose: "The endpoint is known by its epid and its instance.",
			Attempts: one(conformance.Attempt{
				Expect: signsIn,
				Wire: []conformance.Check{
					risingCSeq, signed,
					check("epid and +sip.instance on every REGISTER", func(r *conformance.Record) string {
						for _, m := range r.Requests("REGISTER") {
							if !strings.Contains(conformance.Header(m, "From"), "epid=") || !strings.Contains(conformance.Header(m, "Contact"), "+sip.instance") {
								return fmt.Sprintf("REGISTER %d has not", m.CSeq)
							}
						}
						return ""
					}),
				},
			}),
		},
		{
			ID: "reg/423-min-expires", Title: "A longer registration is asked for", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 3261 section 10.2.8"}, Purpose: "A server that wants more than the client asked for gets it, once.",
			Attempts: []conformance.Attempt{
				{
					Name: "once", Server: onRegister(server.Fault{Action: server.ActionStatus, Status: 423, Headers: longer, Count: 1}), Expect: signsIn,
					Wire: []conformance.Check{check("the next REGISTER asks for 20000 s", func(r *conformance.Record) string {
						for _, m := range r.Requests("REGISTER") {
							if conformance.Header(m, "Expires") == "20000" || strings.Contains(conformance.Header(m, "Contact"), "expires=20000") {
								return ""
							}
						}
						return "none does"
					})},
				},
				{
					Name: "for ever", Server: onRegister(server.Fault{Action: server.ActionStatus, Status: 423, Headers: longer}),
					Expect: fails(ocserr.Unexpected, ocserr.CauseIntervalTooBrief, ocserr.ServerProtocol),
					Wire:   []conformance.Check{registers(2, 2)},
				},
			},
		},
		{
			ID: "reg/301-redirect", Title: "The home server is followed", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"MS-SIPREGE 3.1", "RFC 3261 section 8.1.3.4"}, Purpose: "A director sends each user to his pool; TLS there is with the pool's name.",
			Attempts: []conformance.Attempt{
				{
					Name: "to another name", Server: onRegister(server.Fault{Action: server.ActionRedirect, To: "sip.ocs.test:5061;transport=tls", Count: 1}), Expect: signsIn,
					Wire: []conformance.Check{reached("server.ocs.test"), reached("sip.ocs.test")},
				},
				{
					Name: "to a name that the certificate there lacks",
					Server: server.Config{Zone: host + "home A $ip\n" + internal, Faults: []server.Fault{{
						Stage: server.StageRegister, Action: server.ActionRedirect, To: "home.ocs.test:5061;transport=tls",
					}}},
					Expect: fails(ocserr.Connect, ocserr.CauseTLSWrongName, ocserr.InvalidCertificate), Wire: []conformance.Check{registers(1, 1)},
				},
			},
		},
		{
			ID: "reg/301-loop", Title: "Redirects without end", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 1.4"}, Purpose: "Two servers that disagree about a user do not keep the client busy.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionRedirect, To: "sip.ocs.test:5061;transport=tls"}),
				Expect: fails(ocserr.Unexpected, ocserr.CauseRedirectLoop, ocserr.AccountErrorRedirect), Wire: []conformance.Check{registers(2, 20)},
			}),
		},
		{
			ID: "reg/301-foreign-domain", Title: "Names are strict for redirects too", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 4.4"}, Purpose: "What DNS may not do a redirect may not either.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "sip A $ip\nhome A $ip\n_sipinternaltls._tcp SRV 0 0 5061 sip\n", Faults: []server.Fault{{
					Stage: server.StageRegister, Action: server.ActionRedirect, To: "home.ocs.test:5061;transport=tls",
				}}},
				Client: conformance.Settings{Naming: "strict"}, Expect: fails(ocserr.Connect, ocserr.CauseStrictNamingRefused, 0),
				Wire: []conformance.Check{sni("sip.ocs.test")},
			}),
		},
		{
			ID: "reg/301-to-nowhere", Title: "A redirect to a name without an address", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 1.4"}, Purpose: "The server was reached: it is not the client's server name that is wrong.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionRedirect, To: "gone.ocs.test:5061;transport=tls"}),
				Expect: fails(ocserr.Unexpected, ocserr.CauseRedirectInvalid, ocserr.AccountErrorRedirect),
			}),
		},
		{
			ID: "reg/301-to-tcp", Title: "A redirect to clear TCP", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.1"}, Purpose: "A redirect must not take TLS away.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionRedirect, To: "sip.ocs.test:5060;transport=tcp"}),
				Expect: fails(ocserr.Connect, ocserr.CauseInsecureTransport, ocserr.SIPHighSecuritySetTLS), Wire: []conformance.Check{onlyTLS},
			}),
		},
		{
			ID: "reg/connection-lost", Title: "A connection that breaks ends the session", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnMyStatusChange: MSGR_E_DISCONNECTED"}, Purpose: "MSGR_E_DISCONNECTED is an OnMyStatusChange value, not one of OnSignin.",
			Attempts: one(conformance.Attempt{
				Live:   losesServer,
				Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: ocserr.CauseConnectionClosed, Detail: ocserr.TCPError}},
			}),
		},
		removed,
		crowded(),
		{
			ID: "reg/user-agent-preset", Title: "The configured User-Agent is on every request", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"MS-SIPREGE 3.4.1.5.1"}, Purpose: "Servers filter by it: one request without it is one refusal.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{UserAgent: "UCCAPI/2.0.6362.0 OC/2.0.6362.0"}, Expect: signsIn,
				Wire: []conformance.Check{header("User-Agent", "UCCAPI/2.0.6362.0 OC/2.0.6362.0")},
			}),
		},
		{
			ID: "reg/advise-200-warning", Title: "200 with a Warning of the version filter is success", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.5", "MS-SIPREGE 3.4.2.5"}, Purpose: "Advice to upgrade is no refusal.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionRewrite, Match: server.Match{Status: 200}, Headers: warning(313, "a newer client is available")}),
				Expect: signsIn,
			}),
		},
	}, lasting())
}

// crowded is the case of a user who signs in at more places than the server allows.
func crowded() conformance.Case {
	return conformance.Case{
		ID: "reg/removed-too-many-endpoints", Title: "Another endpoint crowds this one out", Level: conformance.Info, Grounds: inVS,
		Refs: []string{"MS-SIPREGE 3.3", "MS-OCER 4140"}, Purpose: "The documents do not say how the oldest endpoint of a user with too many learns of it; this records what the client does then.",
		Attempts: one(conformance.Attempt{
			Server: server.Config{MaxEndpoints: 1},
			Live: func(ctx context.Context, w *conformance.World) error {
				meanwhile, leave := context.WithCancel(ctx)
				defer leave()
				_, err := conformance.Engine(meanwhile, elsewhere(w.Settings), func(e conformance.Event) {
					if e.Kind == conformance.Ready {
						time.AfterFunc(time.Second, leave) // until then the first one has its time to notice
					}
				})
				return err
			},
			Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: ocserr.CauseRemovedUnregistered, Detail: ocserr.RemoteLogin}},
			Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				last := "the client told of nothing"
				if n := len(r.Events); n > 0 {
					e := r.Events[n-1]
					last = fmt.Sprintf("the last event: %s, cause %q, text %q", e, e.Cause, e.Text)
				}
				r.Note(last)
				return r, err
			},
		}),
	}
}
