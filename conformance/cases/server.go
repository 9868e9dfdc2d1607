package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// The cases that judge a server: our engine signs in to it, and what it shows is looked at. They are listed under
// the areas that they belong to.

var onSR = []conformance.Ground{conformance.Simulator, conformance.Real}

// noting is the body of a case that records something of our engine's report.
func noting(note func(*conformance.Record)) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return reporting(func(r *conformance.Record) string {
		note(r)
		return ""
	})
}

func discServer() []conformance.Case {
	return []conformance.Case{{
		ID: "disc/server-publishes", Title: "The domain publishes a usable record", Subject: conformance.SubjectServer, Level: conformance.Should,
		Grounds: onSR, Needs: []conformance.Need{conformance.NeedSRV}, Refs: []string{"contract 4.4"}, Purpose: "Without it every client has to be configured by hand.",
		Attempts: one(conformance.Attempt{Expect: signsIn, Run: noting(func(r *conformance.Record) {
			plan := r.Report.Discovery
			if plan == nil || len(plan.Candidates) == 0 || !strings.HasPrefix(plan.Candidates[0].Why, "SRV") {
				r.Fail("no SRV record leads to a server")
				return
			}
			_, domain, _ := strings.Cut(r.Settings.SignInName, "@")
			if host := plan.Candidates[0].Host; !strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(domain)) {
				r.Fail(fmt.Sprintf("its target %s is not in %s", host, domain))
			}
		})}),
	}}
}

func tlsServer() []conformance.Case {
	secure := func(r *conformance.Record, note func(version string, expiry time.Time)) {
		for _, try := range r.Report.Tries {
			if try.TLS != nil && try.Error == nil {
				note(try.TLS.Version+", "+try.TLS.CipherSuite, try.TLS.Expiry)
				return
			}
		}
		r.Fail("no TLS connection came about")
	}
	return []conformance.Case{
		{
			ID: "tls/server-expiry", Title: "How long the server's chain is valid", Subject: conformance.SubjectServer, Level: conformance.Info, Grounds: onSR,
			Refs: []string{"RFC 5280 section 4.1.2.5"}, Purpose: "Who knows the day before does not learn it from the users.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Run: noting(func(r *conformance.Record) {
				secure(r, func(_ string, expiry time.Time) {
					r.Note(fmt.Sprintf("valid until %s, for %d days", expiry.UTC().Format(time.DateOnly), int(expiry.Sub(r.Started).Hours()/24)))
				})
			})}),
		},
		{
			ID: "tls/server-min-version", Title: "Which TLS the server speaks", Subject: conformance.SubjectServer, Level: conformance.Info, Grounds: onSR,
			Refs: []string{"RFC 8996"}, Purpose: "Servers of 2007 speak what clients of today refuse; this records what came about.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Run: noting(func(r *conformance.Record) {
				secure(r, func(version string, _ time.Time) { r.Note("it came to " + version) })
			})}),
		},
	}
}

func authServer() []conformance.Case {
	return []conformance.Case{
		{
			ID: "auth/server-offers", Title: "Which schemes the server offers", Subject: conformance.SubjectServer, Level: conformance.Info, Grounds: onSR,
			Refs: []string{"MS-SIPAE 3.3"}, Purpose: "Before a scheme is switched off somebody should know who uses it.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Run: noting(func(r *conformance.Record) {
				r.Note("offered: " + strings.Join(r.Report.Authentication.Offered, ", ") + "; used: " + r.Report.Authentication.Scheme)
			})}),
		},
		{
			ID: "auth/server-rejects-bad", Title: "A wrong password is refused, as an unknown user is", Subject: conformance.SubjectServer, Level: conformance.Should,
			Grounds: onSR, Risk: conformance.RiskLockout, Refs: []string{"OnSignin: MSGR_E_INVALID_PASSWORD"},
			Purpose: "A server that tells the two apart tells strangers who exists.",
			Attempts: []conformance.Attempt{
				{Name: "wrong password", Client: wrongPassword, Expect: rejectedOnce},
				{Name: "unknown user", Client: conformance.Settings{SignInName: conformance.Unknown, Password: conformance.WrongPassword}, Expect: rejectedOnce},
			},
		},
	}
}

func regServer() []conformance.Case {
	return []conformance.Case{{
		ID: "reg/contact-two-endpoints", Title: "Two endpoints of a user coexist", Subject: conformance.SubjectServer, Level: conformance.Should, Grounds: onSR,
		Refs: []string{"MS-SIPREGE 3.2"}, Purpose: "The desk and the laptop are signed in at the same time.",
		Attempts: one(conformance.Attempt{LogOns: 2, Expect: signsIn, Run: beside(func(ctx context.Context, r *conformance.Record, first, second *signin.Session) error {
			if !first.Status().Online() || !second.Status().Online() {
				r.Fail("the first endpoint fell out when the second signed in")
			}
			return second.SignOut(ctx)
		})}),
	}}
}

func presServer() []conformance.Case {
	return []conformance.Case{{
		ID: "pres/server-roundtrip", Title: "A published status comes to the other endpoint", Subject: conformance.SubjectServer, Level: conformance.Should, Grounds: onSR,
		Risk: conformance.RiskWrites, Refs: []string{"MS-PRES 3.1"}, Purpose: "Presence is what the server is for.",
		Attempts: one(conformance.Attempt{
			LogOns: 2, Expect: []conformance.Outcome{{Events: conformance.Course(busy, back)}},
			Run: beside(func(ctx context.Context, r *conformance.Record, first, second *signin.Session) error {
				for _, want := range []status.Status{status.Busy, status.Online} {
					if err := second.SetStatus(ctx, want); err != nil {
						return err
					}
					for deadline := time.Now().Add(5 * time.Second); first.Status() != want; time.Sleep(10 * time.Millisecond) {
						if time.Now().After(deadline) {
							r.Fail(fmt.Sprintf("%s did not come within 5 s", want))
							break
						}
					}
				}
				return second.SignOut(ctx)
			}),
		}),
	}}
}

// beside is the body of a case with two endpoints of one user.
func beside(live func(ctx context.Context, r *conformance.Record, first, second *signin.Session) error) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
		settings := w.Settings
		settings.Hostname += "-2"
		return withEngine(func(ctx context.Context, r *conformance.Record, _ *signin.Client, first *signin.Session) error {
			cfg, err := settings.Config()
			if err != nil {
				return err
			}
			client, err := signin.New(cfg)
			if err != nil {
				return err
			}
			w.Pause(ctx)
			second, err := client.SignIn(ctx)
			if err != nil {
				if coded, ok := errors.AsType[*ocserr.Error](err); ok {
					r.Fail("the second endpoint: " + coded.Error())
					return nil
				}
				return err
			}
			return live(ctx, r, first, second)
		})(ctx, w)
	}
}
