package signin

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/presence"
	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/status"
)

// attempt is one run through the stages of a sign-in. It lives until SignIn returns.
type attempt struct {
	client   *Client
	cfg      *Config
	hostname string
	auth     *auth.Client   // of the present connection; nil before there is one
	earlier  Authentication // with the ticket service of autodiscover and the servers that redirected

	last *Session // the session on the present connection; nil before there is one

	stage  ocserr.Stage // reached so far
	report Report       // what has been learned so far
}

// errConnectingLimit is the cause with which the contract's limit ends a context.
var errConnectingLimit = errors.New("15 seconds of connecting are over")

// errSynchronizingLimit is the cause with which the limit on synchronizing ends a context.
var errSynchronizingLimit = errors.New("32 seconds of synchronizing are over")

func newAttempt(c *Client) *attempt {
	hostname := c.cfg.Hostname
	if hostname == "" {
		hostname, _ = os.Hostname()
	}
	if hostname == "" {
		hostname = "localhost"
	}
	c.cfg.logins.Forget()
	return &attempt{
		client: c, cfg: c.cfg, hostname: hostname,
		report: Report{
			SignInName: c.cfg.address(), User: c.cfg.Credentials.User, Policy: cmp.Or(c.cfg.Policy, resolve.Resilient), Started: time.Now(),
		},
	}
}

// run takes the attempt through its stages. Each stage gets what the one before it made; whatever fails is
// told apart in fail, so that exactly one OnSignin comes out.
func (a *attempt) run(ctx context.Context) (*Session, error) {
	plan, err := a.resolve(ctx)
	if err != nil {
		return nil, a.fail(ctx, err)
	}

	a.client.apply(status.Resolved())
	connecting, stop := context.WithTimeoutCause(ctx, ConnectingLimit, errConnectingLimit)
	defer stop()
	s, err := a.reach(connecting, plan.Candidates)
	if err != nil {
		return nil, a.fail(connecting, err)
	}

	a.client.apply(status.Accepted())
	shown, err := a.present(ctx, s)
	if err != nil {
		return nil, a.retreat(ctx, s, err)
	}
	if err := s.begin(shown, a.close(nil)); err != nil {
		return nil, a.fail(ctx, err)
	}
	return s, nil
}

// reach takes the attempt from candidates to a registered session, by way of other servers where one redirects.
func (a *attempt) reach(ctx context.Context, candidates []resolve.Candidate) (*Session, error) {
	for {
		link, err := a.connect(ctx, candidates)
		if err != nil {
			return nil, err
		}
		s := newSession(a, link)
		a.last = s
		err = a.register(ctx, s)
		if err == nil {
			return s, nil
		}
		if removed := s.removed(err); removed != nil { // before it was accepted
			err = ocserr.New(ocserr.CauseUnexpected, removed).At(ocserr.StageRegister)
		}
		s.discard()
		if late := a.late(link, err); late != nil {
			return nil, late
		}
		redirect, ok := errors.AsType[*register.Redirect](err)
		if !ok {
			return nil, err
		}
		if candidates, err = a.follow(ctx, link.candidate, redirect); err != nil {
			return nil, err
		}
	}
}

// resolve finds the candidates, in the order in which they are to be tried.
func (a *attempt) resolve(ctx context.Context) (*resolve.Plan, error) {
	defer a.enter(ocserr.StageResolve)()
	plan, err := a.cfg.discover(ctx, a.cfg.domain(), func() { a.earlier.PasswordTested = true })
	a.report.Discovery = plan
	return plan, err
}

// register brings the session's endpoint to a registration.
func (a *attempt) register(ctx context.Context, s *Session) error {
	defer a.enter(ocserr.StageRegister)()
	r, err := register.Register(ctx, s.conn, s.endpoint, a.auth)
	a.report.Authentication = a.authentication()
	if err != nil {
		return err
	}
	s.registration = r
	granted := r.Granted()
	a.report.Registration = registration(granted)
	if err := a.cfg.checkServer(granted.Server); err != nil {
		r.Withdraw()
		return err
	}
	s.conn.KeepAlive(granted.KeepAlive)
	return nil
}

// late explains the end of a connection on which the server has answered nothing yet by its TLS handshake.
func (a *attempt) late(l *link, err error) *ocserr.Error {
	if l.tls == nil || a.auth.State().Challenged {
		return nil
	}
	return l.tls.Late(err)
}

// present makes the registered endpoint present and says what it shows as. Where the server has no
// presence of OCS 2007's kind there is nothing to do: registered is online.
func (a *attempt) present(ctx context.Context, s *Session) (status.Status, error) {
	defer a.enter(ocserr.StagePresence)()
	granted := s.registration.Granted()
	if !granted.Categories {
		return status.Online, nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, SynchronizingLimit, errSynchronizingLimit)
	defer stop()
	p := presence.New(presence.Config{
		Registration: s.registration, Endpoint: s.endpoint, Events: granted.Events, Machine: a.hostname, Changed: s.changed,
	})
	s.setPresence(p)
	err := p.Start(ctx, a.cfg.InitialStatus)
	a.report.Presence = &Presence{Subscriptions: p.Subscriptions(), Published: err == nil}
	if err != nil {
		return 0, err
	}
	return p.Status(), nil
}

// fail ends an attempt: it gives err its code and stage, announces it, and returns it. ctx is the one that
// the failed stage ran under.
func (a *attempt) fail(ctx context.Context, err error) *ocserr.Error {
	coded := a.coded(ctx, err)
	a.client.conclude(status.Failed(coded), a.close(coded))
	return coded
}

// retreat ends an attempt that the server accepted but that did not come online. Where the user gave up
// that is a sign-out; else the contract's answer is OnMyStatusChange with the reason.
func (a *attempt) retreat(ctx context.Context, s *Session, err error) *ocserr.Error {
	if ctx.Err() != nil && s.leave(beginning) {
		cancelled := ocserr.New(ocserr.CauseCancelled, context.Cause(ctx)).At(a.stage)
		s.report = a.close(cancelled)
		_ = s.signOut(context.WithoutCancel(ctx)) // it is out in any case
		return cancelled
	}
	if removed := s.removed(err); removed != nil {
		err = removed.At(a.stage)
	}
	s.registration.Withdraw()
	s.discard()
	return a.fail(ctx, err)
}

// close ends the report.
func (a *attempt) close(err *ocserr.Error) *Report {
	a.report.Duration = sinceMS(a.report.Started)
	a.report.Error, a.report.HR = err, ocserr.OK
	if err != nil && a.stage != ocserr.StagePresence { // from presence on, OnSignin has said S_OK
		a.report.HR = err.Code
	}
	a.report.Code = a.report.HR.Name()
	a.report.Authentication = a.authentication()
	report := a.report // alone: a session keeps it, and nothing else of the attempt
	return &report
}

// authentication is what is proved so far.
func (a *attempt) authentication() Authentication {
	if a.auth == nil {
		return a.earlier
	}
	return a.earlier.and(a.auth.State())
}

// coded turns whatever ended a stage into an Error: the end of ctx by a limit, the end of ctx by the caller,
// the stage's own Error, or the connection's end.
func (a *attempt) coded(ctx context.Context, err error) *ocserr.Error {
	known, _ := errors.AsType[*ocserr.Error](err)
	switch {
	case errors.Is(context.Cause(ctx), errConnectingLimit) && known != nil && known.Code == ocserr.LogonTimeout:
		return known // it knows who was silent
	case errors.Is(context.Cause(ctx), errConnectingLimit):
		return ocserr.New(ocserr.CauseLogonTimeout, err).At(a.stage)
	case ctx.Err() != nil:
		return ocserr.New(ocserr.CauseCancelled, context.Cause(ctx)).At(a.stage)
	case errors.Is(err, errSynchronizingLimit):
		return ocserr.New(ocserr.CausePresenceUnanswered, err).At(a.stage)
	default:
		return coded(err, a.stage)
	}
}

// coded gives an error of a stage that works on the SIP connection its code.
func coded(err error, stage ocserr.Stage) *ocserr.Error {
	var known *ocserr.Error
	var signature *auth.SignatureError
	var conn *sip.ConnError
	cause := ocserr.CauseUnexpected
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &signature):
		cause = signature.Cause
	case errors.Is(err, sip.ErrTimeout) && stage == ocserr.StagePresence:
		cause = ocserr.CausePresenceUnanswered
	case errors.Is(err, sip.ErrTimeout):
		cause = ocserr.CauseServerTimeout
	case errors.As(err, &conn):
		cause = ended(conn)
	}
	return ocserr.New(cause, err).At(stage)
}

// ended is the cause of a connection's end.
func ended(conn *sip.ConnError) ocserr.Cause {
	switch {
	case conn.Op == "parse" && errors.Is(conn, sip.ErrTooLarge):
		return ocserr.CauseAnswerTooLarge
	case conn.Op == "parse":
		return ocserr.CauseAnswerUnreadable
	case errors.Is(conn, io.EOF), errors.Is(conn, io.ErrUnexpectedEOF), errors.Is(conn, syscall.EPIPE):
		return ocserr.CauseConnectionClosed
	case dial.IsReset(conn):
		return ocserr.CauseConnectionReset
	}
	return ocserr.CauseConnectionLost
}

// enter notes that a stage begins; the function that it returns notes its end.
func (a *attempt) enter(stage ocserr.Stage) (leave func()) {
	a.stage = stage
	i := len(a.report.Stages)
	a.report.Stages = append(a.report.Stages, Stage{Stage: stage, Start: sinceMS(a.report.Started)})
	began := time.Now()
	return func() { a.report.Stages[i].Duration = sinceMS(began) }
}

// sinceMS is the time since start in milliseconds.
func sinceMS(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }
