package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// diagnostics is an ms-diagnostics header.
func diagnostics(id int, reason string) map[string]string {
	return map[string]string{"ms-diagnostics": fmt.Sprintf(`%d;reason="%s";source="server.ocs.test"`, id, reason)}
}

// warning is a Warning header.
func warning(code int, text string) map[string]string {
	return map[string]string{"Warning": fmt.Sprintf(`%d server.ocs.test "%s"`, code, text)}
}

func mapping() []conformance.Case {
	answer := func(id, title string, level conformance.Level, status int, headers map[string]string, code ocserr.Code, cause ocserr.Cause, refs ...string) conformance.Case {
		return conformance.Case{
			ID: id, Title: title, Level: level, Grounds: inVS, Refs: append(refs, "contract 1.4"),
			Purpose:  fmt.Sprintf("A REGISTER answered %d has this code and no other.", status),
			Attempts: one(conformance.Attempt{Server: answering(status, headers), Expect: fails(code, cause)}),
		}
	}
	versions := conformance.Case{
		ID: "err/warning-312-313-314", Title: "403 with a Warning of the version filter", Level: conformance.Must, Grounds: inVS,
		Refs: []string{"contract 4.5", "MS-SIPREGE 3.4.2.5"}, Purpose: "The version filter of a server refuses with a Warning: it is not the password.",
	}
	for _, code := range []int{312, 313, 314} {
		versions.Attempts = append(versions.Attempts, conformance.Attempt{
			Name: fmt.Sprint(code), Server: answering(403, warning(code, "a newer client is needed")),
			Expect: fails(ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded),
		})
	}
	cases := []conformance.Case{
		{
			ID: "err/refused", Title: "Nothing listens on the port", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "The address is known and no connection can be made.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n"}, Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused),
			}),
		},
		{
			ID: "err/unreachable", Title: "There is no route to the address", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A missing VPN looks like this.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "server A " + conformance.NoRoute + "\n" + internal}, Expect: fails(ocserr.Connect, ocserr.CauseHostUnreachable),
			}),
		},
		{
			ID: "err/reset", Title: "The connection is reset", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A reset ends the attempt at once, with the same code wherever it strikes.",
			Attempts: []conformance.Attempt{
				{Name: "on connection", Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionReset}), Expect: fails(ocserr.Connect, "")},
				{
					Name: "on REGISTER", Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionReset}),
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionReset),
				},
				{
					Name: "closed on REGISTER", Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionClose}),
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionClosed),
				},
			},
		},
		answer("err/403-version-17002", "403 with ms-diagnostics 17002", conformance.Must, 403, diagnostics(17002, "Client version not supported"), ocserr.ServerVersion, ocserr.CauseClientVersionRefused, "MS-OCER", "contract 4.5"),
		versions,
		answer("err/503-retry-after", "503 with Retry-After", conformance.Should, 503, map[string]string{"Retry-After": "30"}, ocserr.ServerTooBusy, ocserr.CauseServerTooBusy),
		answer("err/503-17000", "503 with ms-diagnostics 17000", conformance.Should, 503, diagnostics(17000, "Server is busy"), ocserr.ServerTooBusy, ocserr.CauseServerTooBusy, "MS-OCER"),
		answer("err/503-plain", "503", conformance.Should, 503, nil, ocserr.ServerUnavailable, ocserr.CauseServiceUnavailable),
		answer("err/504", "504", conformance.Should, 504, nil, ocserr.ServerUnavailable, ocserr.CauseServerTimeout),
		answer("err/480", "480", conformance.Should, 480, nil, ocserr.ServerUnavailable, ocserr.CauseTemporarilyUnavailable),
		answer("err/500", "500", conformance.Should, 500, nil, ocserr.Unexpected, ocserr.CauseServerError),
		answer("err/400", "400", conformance.Should, 400, nil, ocserr.Unexpected, ocserr.CauseBadRequest),
		answer("err/488", "488", conformance.Should, 488, nil, ocserr.Unexpected, ocserr.CauseNotAcceptable),
		answer("err/unknown-6xx", "699", conformance.Should, 699, nil, ocserr.Unexpected, ocserr.CauseUnexpectedStatus),
		answer("err/403-plain", "403 without a reason", conformance.Should, 403, nil, ocserr.Unexpected, ocserr.CauseForbidden, "MS-OCER"),
		answer("err/403-identity", "403 with ms-diagnostics 4004", conformance.Should, 403, diagnostics(4004, "The credentials do not match the identity"), ocserr.InvalidPassword, ocserr.CauseIdentityRefused, "MS-OCER"),
		answer("err/403-remote-access", "403 with ms-diagnostics 4003", conformance.Should, 403, diagnostics(4003, "User is not enabled for remote access"), ocserr.Unexpected, ocserr.CauseRemoteAccessRefused, "MS-OCER"),
		answer("err/408", "408", conformance.Should, 408, nil, ocserr.ServerUnavailable, ocserr.CauseRequestTimeout),
		answer("err/415", "415", conformance.Should, 415, nil, ocserr.Unexpected, ocserr.CauseUnsupportedMedia),
		answer("err/420", "420", conformance.Should, 420, nil, ocserr.Unexpected, ocserr.CauseBadExtension),
		answer("err/421", "421", conformance.Should, 421, nil, ocserr.Unexpected, ocserr.CauseExtensionRequired),
		answer("err/486", "486", conformance.Should, 486, nil, ocserr.ServerUnavailable, ocserr.CauseServerBusy),
		answer("err/489", "489", conformance.Should, 489, nil, ocserr.Unexpected, ocserr.CauseBadEvent),
		answer("err/505", "505", conformance.Should, 505, nil, ocserr.ServerVersion, ocserr.CauseSIPVersion),
		answer("err/600", "600", conformance.Should, 600, nil, ocserr.ServerUnavailable, ocserr.CauseServerBusy),
		answer("err/603", "603", conformance.Should, 603, nil, ocserr.Unexpected, ocserr.CauseDeclined),
		answer("err/606", "606", conformance.Should, 606, nil, ocserr.Unexpected, ocserr.CauseNotAcceptable),
		{
			ID: "err/server-header-too-old", Title: "A server older than OCS 2007", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 4.5"}, Purpose: "Communicator refused by the Server header, with a policy to switch that off; by which values is not documented.",
			Attempts: []conformance.Attempt{
				{Name: "checked", Server: server.Config{Server: "RTC/2.0"}, Expect: fails(ocserr.ServerVersion, ocserr.CauseServerVersionRefused)},
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
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n"}, Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused),
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
				Name: "403", Server: answering(403, diagnostics(4003, "User is not enabled for remote access")), Expect: fails(ocserr.Unexpected, ""),
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
				Name: "as the server has it", Client: stranger, Expect: fails(ocserr.InvalidPassword, ""),
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
				Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused),
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
	}
	return cases
}

// onSigninValues are the values that OnSignin is documented to carry, as signed numbers.
func onSigninValues() map[string]int32 {
	return map[string]int32{
		"S_OK": 0, "MSGR_E_INVALID_SERVER_NAME": -2130705662, "MSGR_E_CONNECT": -2130705663, "MSGR_E_CANCEL": -2130705646,
		"MSGR_E_LOGON_TIMEOUT": -2130705658, "MSGR_E_SERVER_VERSION": -2130705659, "MSGR_E_INVALID_PASSWORD": -2130705661,
		"MSGR_E_SERVER_TOO_BUSY": -2130705650, "MSGR_E_SERVER_UNAVAILABLE": -2130705644, "MSGR_E_UNEXPECTED": -2130705651,
	}
}
