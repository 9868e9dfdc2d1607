package signin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/presence"
	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/status"
)

// signOutLimit bounds the wait for the server's answer to a sign-out.
const signOutLimit = 5 * time.Second

// refreshLimit bounds the refresh of the registration (RFC 3261 17.1.2.2, Timer F).
const refreshLimit = 32 * time.Second

// Session is a signed-in user. It lives until SignOut, or until the server or the connection ends it; its
// client's events tell of either. At rest it holds one goroutine, the connection's reader.
type Session struct {
	client       *Client
	conn         *sip.Conn
	endpoint     *register.Endpoint
	auth         *auth.Client
	earlier      Authentication // with those who led here
	registration *register.Registration
	log          *slog.Logger
	requests     requests

	mu       sync.Mutex
	phase    phase
	presence *presence.Presence // nil where the server has none
	report   *Report            // of the attempt; never changed once it is here
	err      error              // why it ended; nil after SignOut
	refresh  *time.Timer
	done     chan struct{}

	closed chan struct{} // closed when nothing of the connection is left
}

// phase is where a session is in its life.
type phase int

const (
	beginning phase = iota // the attempt still works on it: its end makes no event of its own
	live
	leaving // signing out: whatever ends the connection now is welcome
	over
)

// newSession puts a SIP connection on link. It is not live until begin.
func newSession(a *attempt, l *link) *Session {
	epid := a.cfg.Epid
	if epid == "" {
		epid = register.Epid(a.cfg.address(), a.hostname, hostOf(l.conn.LocalAddr().String()))
	}
	a.auth = a.newAuth(epid)
	s := &Session{client: a.client, auth: a.auth, earlier: a.earlier, log: a.cfg.Log, done: make(chan struct{}), closed: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.endpoint = &register.Endpoint{
		URI: "sip:" + a.cfg.identity(), Epid: epid, UserAgent: a.cfg.UserAgent,
		Transport: string(l.candidate.Transport), Local: l.conn.LocalAddr(),
	}
	s.mu.Lock() // the reader may end before s.conn is set
	defer s.mu.Unlock()
	s.conn = sip.NewConn(l.conn, sip.Config{
		Sign: a.auth.Sign, Verify: a.auth.Verify, Handle: s.handle, Closed: s.connectionEnded,
		Trace: transcribe(a.cfg.Transcript), Log: a.cfg.Log,
	})
	return s
}

// begin makes the session live: from here its end is told as an event. It fails where the connection has
// ended in the meantime.
func (s *Session) begin(shown status.Status, report *Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != beginning {
		return s.err
	}
	s.phase, s.report = live, report
	s.report.Status = shown.String()
	s.refresh = time.AfterFunc(s.registration.Granted().RefreshIn(), s.renew)
	s.client.adopt(s, status.Ready(shown))
	return nil
}

// Status is the user's own status.
func (s *Session) Status() status.Status { return s.client.Status() }

// Done is closed when the session has ended; Err then tells why.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is why the session ended: an *ocserr.Error, or nil while it lives and after SignOut.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// SetStatus publishes st as the user's choice and returns when the server has accepted it. OnMyStatusChange
// tells of it, also where it was in force before. Not every status may be set: see status.Status.Settable.
func (s *Session) SetStatus(ctx context.Context, st status.Status) error {
	if !st.Settable() {
		return ocserr.InvalidArg
	}
	s.mu.Lock()
	p, phase := s.presence, s.phase
	s.mu.Unlock()
	switch {
	case phase != live:
		return ocserr.NotLoggedOn
	case p == nil && st != status.Online:
		return ocserr.NotImpl // a plain registrar knows one status: registered
	case p != nil:
		if err := p.Publish(ctx, st); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return coded(err, ocserr.StageLive)
		}
	}
	s.client.apply(status.StatusSet(st))
	return nil
}

// Do sends a request on the signed channel and waits for its final response. The request needs all its
// headers but the credentials: NewRequest makes one.
func (s *Session) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	return s.registration.Do(ctx, req)
}

// NewRequest starts a request of this endpoint outside any dialog, to any SIP URI, with all headers that the
// server asks for; add others and the body (sip.SetBody is required, with nil for none).
func (s *Session) NewRequest(method, uri string) (*sip.Request, error) {
	req, err := s.endpoint.Request(method, uri, "<"+uri+">", sip.NewTag(), sip.NewCallID(), 1)
	if err != nil {
		return nil, err
	}
	sip.Add(req, "Contact", s.endpoint.Contact())
	return req, nil
}

// SignOut signs out: it removes the registration, waits for the server's answer until ctx ends and for 5
// seconds at most, and closes the connection. It is out in any case; the error says that the server did not
// answer. It returns when what it sent is out, so that the process may end. Signing out of a session that has ended does
// nothing; of one that is being signed out, it waits for that.
func (s *Session) SignOut(ctx context.Context) error {
	if s.leave(live) {
		err := s.signOut(ctx)
		if err != nil { // else the answer has shown that the REGISTER is out
			s.linger()
		}
		return err
	}
	select { // somebody else is at it, or it is over
	case <-s.done:
	case <-ctx.Done():
	}
	return nil
}

// leave takes a session from a phase to leaving; false: it is not in that phase. Who is told true signs out.
func (s *Session) leave(from phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != from {
		return false
	}
	s.phase = leaving
	return true
}

// signOut signs out of a registered session that is leaving.
func (s *Session) signOut(ctx context.Context) error {
	s.client.apply(status.SigningOut())
	limited, stop := context.WithTimeout(ctx, signOutLimit)
	defer stop()
	err := s.registration.Remove(limited)
	s.end(nil)
	s.conclude(status.SignedOut())
	if err != nil {
		return ocserr.New(ocserr.CauseSignoutUnanswered, err)
	}
	return nil
}

// discard gives up a session that has not begun; no event comes of it. What was sent last, a withdrawal, may still be on
// its way: see linger.
func (s *Session) discard() { s.end(nil) }

// lingerLimit bounds the wait for what an ended session has sent last: a little more than package sip gives it.
const lingerLimit = 1500 * time.Millisecond

// linger waits until a session that has ended has sent what it had to send: the process may end when the caller returns.
func (s *Session) linger() {
	limit := time.NewTimer(lingerLimit)
	defer limit.Stop()
	select {
	case <-s.closed:
	case <-limit.C:
	}
}

// renew refreshes the registration from its timer.
func (s *Session) renew() {
	ctx, stop := context.WithTimeout(context.Background(), refreshLimit)
	defer stop()
	granted, err := s.registration.Refresh(ctx)
	if err != nil {
		s.lost(ocserr.New(ocserr.CauseRefreshFailed, err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == live {
		s.refresh.Reset(granted.RefreshIn())
	}
}

// connectionEnded is told by the connection's reader, at its end, why it ended.
func (s *Session) connectionEnded(err error) {
	s.lost(coded(err, ocserr.StageLive))
	close(s.closed)
}

// changed is told by presence of a status that came from elsewhere.
func (s *Session) changed(st status.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == live {
		s.client.apply(status.StatusSet(st))
	}
}

// lost ends the session for a reason that was not ours.
func (s *Session) lost(reason *ocserr.Error) {
	switch s.end(reason) {
	case live:
		s.log.Warn("session lost", "reason", reason)
		s.conclude(status.Lost(reason))
	case beginning, leaving, over: // told by the attempt, by SignOut, or before
	}
}

// end releases everything the session holds, once, and returns the phase that it ended.
func (s *Session) end(reason *ocserr.Error) (was phase) {
	s.mu.Lock()
	was = s.phase
	s.phase = over
	if was != over && was != leaving && reason != nil {
		s.err = reason
	}
	if s.refresh != nil {
		s.refresh.Stop()
	}
	if s.presence != nil {
		s.presence.Stop()
	}
	s.mu.Unlock()
	if was != over {
		s.conn.Close()
		s.auth.Close()
	}
	return was
}

// conclude tells that a session which others knew of has ended: whoever hears of it may sign in again at once.
func (s *Session) conclude(f status.Fact) {
	s.client.conclude(f, s.Report())
	close(s.done)
}

// removed is what the server said when it removed the endpoint while a stage of the attempt was working on it, nil where
// that stage failed by itself: the connection that was closed then has nothing to tell.
func (s *Session) removed(err error) *ocserr.Error {
	conn, ok := errors.AsType[*sip.ConnError](err)
	if !ok || conn.Op != "closed" {
		return nil
	}
	reason, ok := errors.AsType[*ocserr.Error](s.Err())
	if !ok {
		return nil
	}
	told := *reason
	return &told
}

func (s *Session) setPresence(p *presence.Presence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presence = p
}

// transcribe writes every message to w with its secrets masked; nil where w is.
func transcribe(w io.Writer) func(sent bool, raw []byte) {
	if w == nil {
		return nil
	}
	return func(sent bool, raw []byte) {
		direction := "<<<"
		if sent {
			direction = ">>>"
		}
		// A transcript that cannot be written must not end a session.
		_, _ = io.WriteString(w, direction+" "+time.Now().UTC().Format(time.RFC3339Nano)+"\n")
		_, _ = w.Write(append(sip.Redact(raw), '\n'))
	}
}
