package signin

import (
	"context"
	"sync"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/status"
)

// Limits on the arguments of Messenger.Signin (IMessenger::Signin).
const (
	maxSigninName = 129 // characters
	maxPassword   = 256
)

// Messenger is a client with the names and the manners of the Office Communicator 2007 Automation API
// (IMessenger, DMessengerEvents), so that a script can be ported line by line. Every call returns its
// HRESULT at once; how it went comes as events. It adds nothing to Client but these manners.
//
// Set the handlers before the first call. They run one at a time, in the order of the events, on a goroutine
// of the Messenger's own, with no lock held: a handler may call every method.
type Messenger struct {
	OnSignin         func(hr ocserr.Code)
	OnMyStatusChange func(hr ocserr.Code, myStatus status.Status)
	OnSignout        func()

	cfg    *Config         // a pointer: fmt would print a Secret in an unexported struct
	ctx    context.Context // of everything the Messenger has under way
	cancel context.CancelFunc

	mu            sync.Mutex
	client        *Client // of the last call that signed in, or nil
	cancelAttempt context.CancelFunc
	attempted     chan struct{} // closed when the attempt of the last call has ended
	delivered     chan struct{} // closed when the events of the client before are all delivered
}

// NewMessenger makes a Messenger. cfg is what Communicator has in its options and its stored credentials:
// AutoSignin uses them as they are. It does no I/O; a fault in cfg comes out of AutoSignin or Signin as
// E_FAIL or E_INVALIDARG, as the API has it. Close ends it.
func NewMessenger(cfg Config) *Messenger {
	ctx, cancel := context.WithCancel(context.Background())
	return &Messenger{cfg: &cfg, ctx: ctx, cancel: cancel}
}

// AutoSignin signs in with the stored credentials (IMessenger::AutoSignin). It returns S_OK when the attempt
// has begun, MSGR_E_ALREADY_LOGGED_ON when signed in, MSGR_E_LOGON_UI_ACTIVE while an attempt is under way,
// and E_FAIL without stored credentials.
func (m *Messenger) AutoSignin() ocserr.Code {
	if m.cfg.SignInName == "" || m.cfg.Credentials.Secret == "" {
		return ocserr.Fail
	}
	return m.signin(*m.cfg, ocserr.Fail, ocserr.LogonUIActive)
}

// Signin signs in with a name and a password (IMessenger::Signin). Communicator 2007 ignored both strings;
// this one honours them, and with an empty name does what AutoSignin does. It returns S_OK when the attempt
// has begun, E_INVALIDARG for a name or password with a blank or line break or of excessive length,
// MSGR_E_ALREADY_LOGGED_ON when signed in, and S_FALSE while an attempt is under way. hwndParent is not used.
func (m *Messenger) Signin(hwndParent int32, signinName, password string) ocserr.Code {
	if signinName == "" {
		return m.AutoSignin()
	}
	if !argument(signinName, maxSigninName) || !argument(password, maxPassword) {
		return ocserr.InvalidArg
	}
	cfg := *m.cfg
	cfg.SignInName, cfg.Credentials.Secret = signinName, auth.Secret(password)
	if signinName != m.cfg.SignInName {
		cfg.Credentials.User = "" // the stored logon name belongs to the stored sign-in name
	}
	return m.signin(cfg, ocserr.InvalidArg, ocserr.False)
}

// argument tells whether a string may be passed to Signin.
func argument(s string, limit int) bool {
	n := 0
	for _, r := range s {
		if r == ' ' || r == '\r' || r == '\n' {
			return false
		}
		n++
	}
	return n <= limit
}

// signin begins an attempt. invalid is the answer to a fault in cfg, pending to an attempt under way.
func (m *Messenger) signin(cfg Config, invalid, pending ocserr.Code) ocserr.Code {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		switch now := m.client.Status(); {
		case now.Online():
			return ocserr.AlreadyLoggedOn
		case now != status.Offline:
			return pending
		}
		m.client.events.Close()
	}
	client, err := New(cfg)
	if err != nil || m.ctx.Err() != nil {
		return invalid
	}
	m.deliver(client)
	client.start() // nobody else has this client, so it is free
	ctx, cancel := context.WithCancel(m.ctx)
	m.client, m.cancelAttempt, m.attempted = client, cancel, make(chan struct{})
	go func(attempted chan struct{}) {
		defer close(attempted)
		defer cancel()
		_, _ = client.attempt(ctx) // the events tell how it went
	}(m.attempted)
	return ocserr.OK
}

// deliver calls the handlers with the events of client, after those of the client before it. The caller
// holds mu.
func (m *Messenger) deliver(client *Client) {
	before, delivered := m.delivered, make(chan struct{})
	m.delivered = delivered
	events := client.Events(context.Background())
	go func() {
		defer close(delivered)
		if before != nil {
			<-before
		}
		snapshot := true
		for e := range events {
			if !snapshot { // COM has no current state as first event
				m.fire(e)
			}
			snapshot = false
		}
	}()
}

func (m *Messenger) fire(e status.Event) {
	switch {
	case e.Kind == status.OnSignin && m.OnSignin != nil:
		m.OnSignin(e.HR)
	case e.Kind == status.OnMyStatusChange && m.OnMyStatusChange != nil:
		m.OnMyStatusChange(e.HR, e.Status)
	case e.Kind == status.OnSignout && m.OnSignout != nil:
		m.OnSignout()
	}
}

// Signout signs out (IMessenger::Signout). It returns S_OK when that has begun, and MSGR_E_NOT_LOGGED_ON when
// not signed in.
func (m *Messenger) Signout() ocserr.Code {
	s := m.session()
	if s == nil {
		return ocserr.NotLoggedOn
	}
	go func() { _ = s.SignOut(m.ctx) }() // it is out in any case
	return ocserr.OK
}

// Cancel stands for the user's act of cancelling a sign-in, for which the API has no method: the attempt under
// way ends with MSGR_E_CANCEL. It returns S_FALSE when there is none.
func (m *Messenger) Cancel() ocserr.Code {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client == nil || m.client.Status() == status.Offline || m.client.Status().Online() {
		return ocserr.False
	}
	m.cancelAttempt()
	return ocserr.OK
}

// MyStatus is the current state (IMessenger::get_MyStatus). It does not fail when offline.
func (m *Messenger) MyStatus() status.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client == nil {
		return status.Offline
	}
	return m.client.Status()
}

// SetMyStatus sets the user's status (IMessenger::put_MyStatus). It returns S_OK when the change has been
// asked for, E_INVALIDARG for a status that cannot be set, and MSGR_E_NOT_LOGGED_ON when offline: it does not
// sign in.
func (m *Messenger) SetMyStatus(s status.Status) ocserr.Code {
	if !s.Settable() {
		return ocserr.InvalidArg
	}
	session := m.session()
	if session == nil {
		return ocserr.NotLoggedOn
	}
	go func() {
		ctx, cancel := context.WithTimeout(m.ctx, refreshLimit)
		defer cancel()
		_ = session.SetStatus(ctx, s) // a change that fails makes no event
	}()
	return ocserr.OK
}

// MySigninName is the name that the session was signed in with (IMessenger::get_MySigninName);
// MSGR_E_NOT_LOGGED_ON when offline.
func (m *Messenger) MySigninName() (string, ocserr.Code) {
	s := m.session()
	if s == nil {
		return "", ocserr.NotLoggedOn
	}
	return s.client.cfg.SignInName, ocserr.OK
}

// Client is the client of the last sign-in, for its Report and its Session; nil before the first.
func (m *Messenger) Client() *Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client
}

// Close cancels what is under way, signs out, and ends the Messenger: no event comes after those that this
// makes. It waits for the sign-out, not for the handlers.
func (m *Messenger) Close() {
	m.cancel()
	m.mu.Lock()
	client, attempted := m.client, m.attempted
	m.mu.Unlock()
	if client == nil {
		return
	}
	<-attempted
	if s := client.Session(); s != nil {
		_ = s.SignOut(context.Background())
	}
	client.events.Close()
}

func (m *Messenger) session() *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client == nil {
		return nil
	}
	return m.client.Session()
}
