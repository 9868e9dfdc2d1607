package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

func tear() []conformance.Case {
	return []conformance.Case{
		{
			ID: "tear/clean", Title: "A clean sign-out", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"contract 3.5", "RFC 3261 section 10.2.2"}, Purpose: "The server must know that the user is gone.",
			Attempts: one(conformance.Attempt{Expect: []conformance.Outcome{{Within: time.Second}}, Wire: []conformance.Check{removalSent, signed}}),
		},
		{
			ID: "tear/not-signed-in", Title: "Signing out when not signed in", Level: conformance.Must, Grounds: inVS, Needs: onlyEngine,
			Refs: []string{"contract 3.5", "IMessenger::Signout"}, Purpose: "The call says MSGR_E_NOT_LOGGED_ON and no event follows.",
			Attempts: one(conformance.Attempt{Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				cfg, bad := w.Settings.Config()
				if err = errors.Join(err, bad); err != nil {
					return r, err
				}
				m := signin.NewMessenger(cfg)
				defer m.Close()
				m.OnSignout = func() { r.Fail("OnSignout without a sign-in") }
				if got := m.Signout(); got != ocserr.NotLoggedOn {
					r.Fail("Signout returned " + got.Name())
				}
				return r, nil
			}}),
		},
		{
			ID: "tear/server-silent", Title: "Sign-out ends although the server is silent", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"design: bounded"}, Purpose: "Nobody waits for a server that is gone.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionSilent, Match: refresh}), Expect: []conformance.Outcome{{Within: 10 * time.Second}},
				Wire: []conformance.Check{removalSent},
			}),
		},
		{
			ID: "tear/double", Title: "Signing out twice", Level: conformance.Should, Grounds: inVS, Needs: onlyEngine,
			Refs: []string{"signin.Session.SignOut"}, Purpose: "The second call does nothing.",
			Attempts: one(conformance.Attempt{
				Expect: signsIn,
				Run: withEngine(func(ctx context.Context, _ *conformance.Record, _ *signin.Client, s *signin.Session) error {
					return errors.Join(s.SignOut(ctx), s.SignOut(ctx))
				}),
			}),
		},
		{
			ID: "tear/again", Title: "Signing in again after the sign-out", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"RFC 3261 section 10.2.4"}, Purpose: "A new sign-in is a new registration: its Call-ID is new.",
			Attempts: one(conformance.Attempt{
				LogOns: 2, Expect: []conformance.Outcome{{Events: append(conformance.Course(), conformance.Course()...)}},
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					r, err := w.SignIn(ctx)
					if err != nil {
						return r, err
					}
					again, err := w.SignIn(ctx)
					r.Then(again)
					return r, err
				},
				Wire: []conformance.Check{check("two Call-IDs of REGISTER", func(r *conformance.Record) string {
					ids := map[string]bool{}
					for _, m := range r.Requests("REGISTER") {
						ids[m.CallID] = true
					}
					if len(ids) != 2 {
						return fmt.Sprintf("there are %d", len(ids))
					}
					return ""
				})},
			}),
		},
		{
			ID: "tear/no-leak", Title: "Nothing is left behind", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"design: ownership"}, Purpose: "No connection and no goroutine remains. Checked at the end of every attempt of every case.",
			Attempts: []conformance.Attempt{
				{Name: "after success", Expect: signsIn},
				{Name: "after failure", Client: wrongPassword, Expect: rejectedOnce},
				{Name: "after cancelling", Server: faulty(silent(server.StageTLS)), StopAfter: time.Second, Expect: cancelled},
			},
		},
		{
			ID: "tear/handler-reenters", Title: "A handler may call the client", Level: conformance.Must, Grounds: inV, Needs: onlyEngine,
			Refs: []string{"contract 3.8"}, Purpose: "Scripts sign out from within OnMyStatusChange, and sign in from within OnSignout.",
			Attempts: one(conformance.Attempt{Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				cfg, bad := w.Settings.Config()
				if err = errors.Join(err, bad); err != nil {
					return r, err
				}
				cfg.Credentials.User = conformance.Alice
				m, signedIn, over := signin.NewMessenger(cfg), 0, make(chan struct{})
				m.OnSignin = func(ocserr.Code) { signedIn++ }
				m.OnMyStatusChange = func(_ ocserr.Code, st status.Status) {
					switch {
					case st.Online():
						_ = m.Signout() // its event tells
					case st == status.Offline && signedIn == 1:
						_ = m.AutoSignin()
					case st == status.Offline:
						close(over)
					}
				}
				_ = m.AutoSignin()
				select {
				case <-over:
				case <-time.After(time.Minute):
					r.Fail("no second sign-in within a minute")
				}
				m.Close()
				return r, nil
			}}),
		},
	}
}
