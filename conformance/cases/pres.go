package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

var onlyEngine = []conformance.Need{conformance.NeedEngine}

// withEngine is the body of a case about our own engine's Go API: it signs in through it, runs live with the
// session, and signs out.
func withEngine(live func(context.Context, *conformance.Record, *signin.Client, *signin.Session) error) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
		var inner *conformance.Record
		problems := new(conformance.Record)
		w.Client = func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
			cfg, err := s.Config()
			if err != nil {
				return nil, err
			}
			return conformance.LiveEngine(ctx, cfg, tell, func(c *signin.Client, session *signin.Session) error {
				return live(ctx, problems, c, session)
			})
		}
		inner, err := w.SignIn(ctx)
		inner.Adopt(problems)
		return inner, err
	}
}

func pres() []conformance.Case {
	return []conformance.Case{
		{
			ID: "pres/ready-is-online", Title: "Ready is ONLINE, not OnSignin", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"OnSignin: S_OK"}, Purpose: "A script that uses the client at OnSignin comes too early. Checked on every attempt of every case.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
				r, err := w.SignIn(ctx)
				if !slices.ContainsFunc(r.Events, func(e conformance.Event) bool { return e.Kind == conformance.Ready }) {
					r.Fail("the client was never ready")
				}
				return r, err
			}}),
		},
		{
			ID: "pres/signin-before-online", Title: "OnSignin comes before ONLINE", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"contract 3.8"}, Purpose: "The order of the events is the order of the facts. Checked on every attempt of every case.",
			Attempts: one(conformance.Attempt{Expect: signsIn}),
		},
		{
			ID: "pres/local-states-order", Title: "The local states come in order, each once", Level: conformance.Should, Grounds: inVSR,
			Refs: []string{"contract 3.8"}, Purpose: "A display that follows the states never jumps back.",
			Attempts: one(conformance.Attempt{Expect: []conformance.Outcome{{Events: conformance.Course()}}}),
		},
		{
			ID: "pres/no-online-when-publish-fails", Title: "Accepted, and the publication is refused", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "The documents do not say what happens; a second OnSignin would be wrong.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StagePublish, Action: server.ActionStatus, Status: 503}), Expect: unpresented, Wire: []conformance.Check{removalSent},
			}),
		},
		{
			ID: "pres/no-online-when-subscribe-fails", Title: "Accepted, and a subscription is refused", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "The documents do not say what happens; a second OnSignin would be wrong.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageSubscribe, Action: server.ActionStatus, Status: 403}),
				Expect: append(slices.Clip(unpresented), conformance.Outcome{Note: "online all the same"}),
			}),
		},
		{
			ID: "pres/online-bit", Title: "Busy and invisible are online too", Level: conformance.Info, Grounds: inVS, Needs: onlyEngine,
			Refs: []string{"contract 3.8"}, Purpose: "The status that the user chose last comes back at sign-in; bit 0x2 says that the client is ready.",
			Attempts: []conformance.Attempt{kept("Busy", status.Busy, busy), kept("Invisible", status.Invisible, invisible)},
		},
		{
			ID: "pres/publish-conflict-409", Title: "A version conflict is retried with the server's version", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"MS-PRES 3.4"}, Purpose: "What an endpoint left behind last time does not keep it out.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StagePublish, Action: server.ActionConflict, Count: 1}), Expect: signsIn,
				Wire: []conformance.Check{check("a 409, and a SERVICE after it", func(r *conformance.Record) string {
					conflict := false
					for _, m := range r.Of(server.KindMessage) {
						switch {
						case m.Status == 409:
							conflict = true
						case conflict && !m.Sent && m.Method == "SERVICE":
							return ""
						}
					}
					return "there was none"
				})},
			}),
		},
		{
			ID: "pres/notify-of-its-own", Title: "The first notification comes as a request", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 6665 4.1.2.4"}, Purpose: "A server that does not piggyback is a server too.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageSubscribe, Action: server.ActionNoPiggyback}), Expect: signsIn,
			}),
		},
		early(),
		{
			ID: "pres/subscriber-late", Title: "Whoever comes late gets the present state first", Level: conformance.Must, Grounds: inV, Needs: onlyEngine,
			Refs: []string{"signin.Client.Events"}, Purpose: "No race between signing in and listening.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Run: withEngine(func(ctx context.Context, r *conformance.Record, c *signin.Client, _ *signin.Session) error {
				for e := range c.Events(ctx) {
					if e.Kind != status.OnMyStatusChange || e.Status != status.Online {
						r.Fail("the first event is " + conformance.EventOf(e).String())
					}
					break
				}
				return nil
			})}),
		},
		{
			ID: "pres/slow-reader", Title: "A slow reader loses nothing and delays nobody", Level: conformance.Must, Grounds: inV, Needs: onlyEngine,
			Refs: []string{"signin.Client.Events"}, Purpose: "A handler that blocks must not hold up the session.",
			Attempts: one(conformance.Attempt{
				Expect: []conformance.Outcome{{Events: conformance.Course(slices.Repeat([]string{busy, back}, 20)...)}},
				Run: withEngine(func(ctx context.Context, r *conformance.Record, c *signin.Client, s *signin.Session) error {
					slow := c.Events(ctx) // its first event is the present state
					for range 20 {
						if err := errors.Join(s.SetStatus(ctx, status.Busy), s.SetStatus(ctx, status.Online)); err != nil {
							return err
						}
					}
					n := 0
					for e := range slow {
						if n++; n == 41 {
							break
						}
						if want := []status.Status{status.Online, status.Busy}[(n-1)%2]; e.Status != want {
							r.Fail(fmt.Sprintf("event %d is %s", n, conformance.EventOf(e)))
						}
						time.Sleep(time.Second)
					}
					return nil
				}),
			}),
		},
		{
			ID: "pres/same-status-fires", Title: "Setting the present status fires", Level: conformance.Should, Grounds: inVS, Needs: onlyEngine,
			Refs: []string{"contract 2.2"}, Purpose: "A script that sets a status waits for the event, whatever the status was.",
			Attempts: one(conformance.Attempt{
				Expect: []conformance.Outcome{{Events: conformance.Course(busy, busy)}},
				Run: withEngine(func(ctx context.Context, _ *conformance.Record, _ *signin.Client, s *signin.Session) error {
					return errors.Join(s.SetStatus(ctx, status.Busy), s.SetStatus(ctx, status.Busy))
				}),
			}),
		},
	}
}

// kept is an attempt in which a status is chosen, and comes back at the next sign-in.
func kept(name string, st status.Status, event string) conformance.Attempt {
	return conformance.Attempt{
		Name: name, Expect: []conformance.Outcome{{Events: append(conformance.Course(event), conformance.CourseAs(event)...)}},
		Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
			client := w.Client
			r, err := withEngine(func(ctx context.Context, _ *conformance.Record, _ *signin.Client, s *signin.Session) error {
				return s.SetStatus(ctx, st)
			})(ctx, w)
			if err != nil {
				return r, err
			}
			w.Client = client
			again, err := w.SignIn(ctx)
			r.Then(again)
			return r, err
		},
	}
}

// unpresented are the courses of a sign-in that was accepted and did not come online.
var unpresented = []conformance.Outcome{
	{Events: conformance.Unpresented(ocserr.ServerUnavailable)},
	{Events: conformance.Unpresented(ocserr.Unexpected)},
	{Events: conformance.Unpresented(ocserr.Disconnected)},
}

// Events of a status that was set.
const (
	busy = "OnMyStatusChange(S_OK, MISTATUS_BUSY)"
	back = "OnMyStatusChange(S_OK, MISTATUS_ONLINE)"

	invisible = "OnMyStatusChange(S_OK, MISTATUS_INVISIBLE)"
)
