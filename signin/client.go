package signin

import (
	"context"
	"iter"
	"sync"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
	"github.com/ocsgo/ocs/status"
)

// Client signs one user in, one attempt at a time. Its methods may be called from any goroutine.
type Client struct {
	cfg    *Config // a pointer: fmt would print a Secret in an unexported struct
	events *status.Log

	certificates *ocauthws.Cache // for TLS-DSK

	mu      sync.Mutex
	state   status.Status
	session *Session // the live one, or nil
	report  *Report  // of what ended last; never changed once it is here
	busy    bool     // an attempt is under way
}

// New makes a client. It validates cfg and does no I/O; the error is an *ocserr.Error of stage config that
// names the value and the remedy.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = DefaultUserAgent
	}
	if cfg.Credentials.User == "" {
		cfg.Credentials.User = cfg.address()
	}
	cfg.logins = new(dial.Logins)
	return &Client{
		cfg: &cfg, events: status.NewLog(), state: status.Offline,
		certificates: &ocauthws.Cache{Folder: cfg.CertificateFolder},
	}, nil
}

// SignIn makes one attempt. It returns when the user is online: a Session in hand is a client that is ready.
//
// Its error is an *ocserr.Error whose code is the value that OnSignin carried, or, where the server had
// accepted but the user could not be made online, the one that OnMyStatusChange carried. When ctx ends
// before a server accepted, the code is Cancel; after that the attempt is signed out, and the error still
// says Cancel. While an attempt is under way or a session lives the error is AlreadyLoggedOn, and no event
// is made.
func (c *Client) SignIn(ctx context.Context) (*Session, error) {
	if !c.start() {
		return nil, ocserr.AlreadyLoggedOn
	}
	return c.attempt(ctx)
}

// attempt makes an attempt for which the client was claimed. It returns when what the attempt sent last is out.
func (c *Client) attempt(ctx context.Context) (*Session, error) {
	a := newAttempt(c)
	s, err := a.run(ctx)
	if err != nil && a.last != nil {
		a.last.linger()
	}
	return s, err
}

// Events yields the contract's events: first the current state, then every event from the call on, in
// order, none lost, until ctx ends. A slow reader delays nobody.
func (c *Client) Events(ctx context.Context) iter.Seq[status.Event] { return c.events.Events(ctx) }

// Status is the current state as OnMyStatusChange last told it.
func (c *Client) Status() status.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Session is the live session, or nil.
func (c *Client) Session() *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Report tells of the last attempt and, where it succeeded, of the session that it began, as it stands
// now. nil before the first attempt has ended.
func (c *Client) Report() *Report {
	c.mu.Lock()
	report, session := c.report, c.session
	c.mu.Unlock()
	if session != nil {
		return session.Report()
	}
	return report
}

// start claims the client for an attempt; false where an attempt is under way or a session lives.
func (c *Client) start() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy || c.session != nil {
		return false
	}
	c.busy = true
	c.enter(status.Started())
	return true
}

// apply takes a fact to the next state and announces it.
func (c *Client) apply(f status.Fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(f)
}

// adopt takes over the session that an attempt has made.
func (c *Client) adopt(s *Session, f status.Fact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.busy = s, false
	c.enter(f)
}

// conclude ends an attempt or a session: whoever hears of it may sign in again at once.
func (c *Client) conclude(f status.Fact, report *Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.busy, c.report = nil, false, report
	c.enter(f)
}

// enter is the one place where the state changes. The caller holds mu.
func (c *Client) enter(f status.Fact) {
	next, events := status.Next(c.state, f)
	c.state = next
	c.events.Append(events...)
}
