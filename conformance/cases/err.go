package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

func mapping() []conformance.Case {
	return slices.Concat([]conformance.Case{
		{
			ID: "err/refused", Title: "Nothing listens on the port", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "The address is known and no connection can be made.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n"}, Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused, ocserr.TCPError),
			}),
		},
		{
			ID: "err/unreachable", Title: "There is no route to the address", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A missing VPN looks like this.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "server A " + conformance.NoRoute + "\n" + internal}, Expect: fails(ocserr.Connect, ocserr.CauseHostUnreachable, ocserr.TCPError),
			}),
		},
		{
			ID: "err/reset", Title: "The connection is reset", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A reset ends the attempt at once, with the same code wherever it strikes.",
			Attempts: []conformance.Attempt{
				{Name: "on connection", Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionReset}), Expect: fails(ocserr.Connect, ocserr.CauseConnectionReset, ocserr.TLSFail)},
				{
					Name: "on REGISTER", Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionReset}),
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionReset, ocserr.TCPError),
				},
				{
					Name: "closed on REGISTER", Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionClose}),
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionClosed, ocserr.TCPError),
				},
			},
		},
		{
			ID: "err/401-final", Title: "401 to the proof of a password, with ms-diagnostics 1000", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 1.4", "MS-OCER"}, Purpose: "A server that asks for nothing more has given its verdict.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{
					Action: server.ActionStatus, Status: 401, Match: server.Match{Authenticated: yes()}, Headers: diagnostics(1000, "Final handshake failed"),
				}),
				Expect: rejectedOnce,
			}),
		},
		{
			ID: "err/says-why", Title: "A failure says why", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"design: the report"}, Purpose: "Stage, cause and remedy are with every code, and the report says the same. Checked on every attempt of every case.",
			Attempts: []conformance.Attempt{
				{Name: "discovery", Server: server.Config{Zone: "other A $ip\n"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseNoServerFound, ocserr.DNSSRVFail)},
				{Name: "registration", Client: wrongPassword, Expect: rejectedOnce},
				{
					Name: "session", Live: losesServer,
					Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: ocserr.CauseConnectionClosed, Detail: ocserr.TCPError}},
				},
			},
		},
		{
			ID: "err/server-header-too-old", Title: "A server older than OCS 2007", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 4.5"}, Purpose: "Communicator refused by the Server header, with a policy to switch that off; by which values is not documented.",
			Attempts: []conformance.Attempt{
				{Name: "checked", Server: server.Config{Server: "RTC/2.0"}, Expect: fails(ocserr.ServerVersion, ocserr.CauseServerVersionRefused, ocserr.InvalidServerVersion), Wire: []conformance.Check{removalSent}},
				{Name: "not checked", Server: server.Config{Server: "RTC/2.0"}, Client: conformance.Settings{ServerCheck: "off"}, Expect: signsIn},
			},
		},
		{
			ID: "err/hr-sign-rule", Title: "The sign of a code decides", Level: conformance.Must, Grounds: inV, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"OnSignin: hr"}, Purpose: "Zero and positive are success, S_FALSE too; every negative value is a failure.",
			Attempts: one(conformance.Attempt{Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				for _, i := range ocserr.Codes() {
					negative := i.Code < 0
					if i.Code.Success() == negative || strings.HasPrefix(i.Name, "MSGR_E_") != negative && strings.HasPrefix(i.Name, "MSGR_") {
						r.Fail(i.Name + " is on the wrong side")
					}
				}
				return r, err
			}}),
		},
		{
			ID: "err/values-golden", Title: "The values of the codes", Level: conformance.Must, Grounds: inV, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"contract 1.2"}, Purpose: "Scripts compare numbers.",
			Attempts: one(conformance.Attempt{Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				for name, value := range onSigninValues() {
					if code, err := ocserr.Parse(name); err != nil || int32(code) != value || code.Name() != name {
						r.Fail(fmt.Sprintf("%s is not %d", name, value))
					}
				}
				return r, err
			}}),
		},
		{
			ID: "err/chain-kept", Title: "errors.Is reaches the cause", Level: conformance.Must, Grounds: inV, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"package ocserr"}, Purpose: "A program can ask for ECONNREFUSED, not for a text.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n"}, Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused, ocserr.TCPError),
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					r, err := w.SignIn(ctx)
					if r.Report == nil || !errors.Is(r.Report.Error, syscall.ECONNREFUSED) || !errors.Is(r.Report.Error, ocserr.Connect) {
						r.Fail("the error does not wrap ECONNREFUSED and its code")
					}
					return r, err
				},
			}),
		},
		{
			ID: "err/diagnostics-decoded", Title: "ms-diagnostics is in the report", Level: conformance.Should, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"MS-OCER 2.2.1"}, Purpose: "The server says why; an administrator must see it.",
			Attempts: []conformance.Attempt{{
				Name: "403", Server: answering(403, diagnostics(4003, "User is not enabled for remote access")),
				Expect: fails(ocserr.Unexpected, ocserr.CauseRemoteAccessRefused, ocserr.SIPLoginForbidden),
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					r, err := w.SignIn(ctx)
					switch e := r.Report; {
					case e == nil || e.Error == nil || len(e.Error.Diagnostics) == 0:
						r.Fail("no diagnostics in the report")
					case e.Error.Diagnostics[0].ID != 4003 || e.Error.Diagnostics[0].Source != "server.ocs.test":
						r.Fail("the diagnostics in the report are not those of the answer")
					}
					return r, err
				},
			}, {
				Name: "as the server has it", Client: stranger, Expect: refusedStranger,
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					r, err := w.SignIn(ctx)
					said := strings.Contains(strings.ToLower(r.Transcript()), "\nms-diagnostics: ")
					if e := r.Report; said && (e == nil || e.Error == nil || len(e.Error.Diagnostics) == 0 || e.Error.Diagnostics[0].ID == 0) {
						r.Fail("the server sent ms-diagnostics, and they are not in the report")
					}
					return r, err
				},
			}},
		},
		{
			ID: "err/all-candidates-reported", Title: "Every candidate that was tried is in the report", Level: conformance.Should, Grounds: inVS, Needs: []conformance.Need{conformance.NeedEngine},
			Refs: []string{"RFC 8305"}, Purpose: "Of three servers that are down, three are named.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5997 server\n_sipinternaltls._tcp SRV 1 0 5998 server\n_sip._tls SRV 0 0 5999 server\n"},
				Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused, ocserr.TCPError),
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					r, err := w.SignIn(ctx)
					if r.Report == nil || len(r.Report.Tries) != 3 {
						r.Fail("the report does not list the three candidates")
						return r, err
					}
					for _, try := range r.Report.Tries {
						if try.Error == nil {
							r.Fail(fmt.Sprintf("no error for port %d", try.Port))
						}
					}
					return r, err
				},
			}),
		},
	}, answers())
}

// onSigninValues are the values that OnSignin is documented to carry, as signed numbers.
func onSigninValues() map[string]int32 {
	return map[string]int32{
		"S_OK": 0, "MSGR_E_INVALID_SERVER_NAME": -2130705662, "MSGR_E_CONNECT": -2130705663, "MSGR_E_CANCEL": -2130705646,
		"MSGR_E_LOGON_TIMEOUT": -2130705658, "MSGR_E_SERVER_VERSION": -2130705659, "MSGR_E_INVALID_PASSWORD": -2130705661,
		"MSGR_E_SERVER_TOO_BUSY": -2130705650, "MSGR_E_SERVER_UNAVAILABLE": -2130705644, "MSGR_E_UNEXPECTED": -2130705651,
	}
}
