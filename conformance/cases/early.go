package cases

import (
	"context"
	"slices"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// early is the case of a notification that is faster than the answer to its SUBSCRIBE.
func early() conformance.Case {
	script := faulty(server.Fault{Stage: server.StageSubscribe, Action: server.ActionNotifyFirst, Delay: 300 * time.Millisecond})
	wire := []conformance.Check{notifiedFirst, onlineAfterAnswers}
	return conformance.Case{
		ID: "pres/notify-before-200", Title: "The first notification comes before the answer", Level: conformance.Must, Grounds: inVS,
		Refs: []string{"RFC 6665 section 4.1.2.4"}, Purpose: "What it says is not lost, and nobody is told ONLINE before the server has answered.",
		Attempts: []conformance.Attempt{
			{Name: "nothing kept", Server: script, Expect: signsIn, Wire: wire},
			{
				// The notification alone says that the user was busy last time.
				Name: "busy kept", Server: script, Expect: []conformance.Outcome{{Events: conformance.CourseAs(busy)}}, Wire: wire,
				Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
					if err := keepBusy(ctx, w.Settings); err != nil {
						return nil, err
					}
					return w.SignIn(ctx)
				},
			},
		},
	}
}

// keepBusy lets the server keep the user's choice of a former sign-in, made with our own engine.
func keepBusy(ctx context.Context, s conformance.Settings) error {
	cfg, err := s.Config()
	if err != nil {
		return err
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	_, err = conformance.LiveEngine(ctx, cfg, func(conformance.Event) {}, func(_ *signin.Client, session *signin.Session) error {
		defer leave()
		return session.SetStatus(ctx, status.Busy)
	})
	return err
}

// notifiedFirst: the server did as it was told.
var notifiedFirst = check("a notification came before the answer to its SUBSCRIBE", func(r *conformance.Record) string {
	for _, m := range latest(r) {
		switch {
		case m.Sent && m.Status == 0 && (m.Method == "NOTIFY" || m.Method == "BENOTIFY"):
			return ""
		case m.Sent && m.Status != 0 && m.Method == "SUBSCRIBE":
			return "the answer came first"
		}
	}
	return "there was neither"
})

// onlineAfterAnswers: no state of a client that is online was told before the last answer to a SUBSCRIBE.
var onlineAfterAnswers = check("ONLINE after the answers to SUBSCRIBE", func(r *conformance.Record) string {
	var answered time.Time
	for _, m := range latest(r) {
		if m.Sent && m.Status != 0 && m.Method == "SUBSCRIBE" {
			answered = m.Time
		}
	}
	for _, e := range r.Events {
		if e.Status.Online() && e.At.Before(answered) {
			return e.String() + " came " + answered.Sub(e.At).String() + " before the last of them"
		}
	}
	return ""
})

// latest returns the messages of the last connection: that of the sign-in which is judged.
func latest(r *conformance.Record) []server.Record {
	messages, last := r.Of(server.KindMessage), 0
	for _, m := range messages {
		last = max(last, m.Conn)
	}
	return slices.DeleteFunc(messages, func(m server.Record) bool { return m.Conn != last })
}
