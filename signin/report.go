package signin

import (
	"errors"
	"slices"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/presence"
	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
	"github.com/ocsgo/ocs/sip/auth"
)

// Report tells what a sign-in did, stage by stage. It holds no secret. Its JSON form is part of the command
// line's contract (schema "ocs/1"): keys are added, never changed.
type Report struct {
	SignInName string         `json:"sign_in_name"`
	User       string         `json:"user"`
	Policy     resolve.Policy `json:"policy,omitempty"`
	Started    time.Time      `json:"started"`
	Duration   float64        `json:"duration_ms"` // of the attempt

	HR     ocserr.Code   `json:"hr"`               // what OnSignin said
	Code   string        `json:"code"`             // its name
	Status string        `json:"status,omitempty"` // what the user showed as when the attempt ended; while the session lives, now
	Error  *ocserr.Error `json:"error,omitempty"`  // why it failed, or why the session ended

	Stages         []Stage        `json:"stages"`
	Discovery      *resolve.Plan  `json:"discovery,omitempty"`
	Tries          []Try          `json:"tries,omitempty"`     // in order
	Redirects      []Redirect     `json:"redirects,omitempty"` // to other servers, in order
	Connection     *Connection    `json:"connection,omitempty"`
	Authentication Authentication `json:"authentication"`
	Registration   *Registration  `json:"registration,omitempty"`
	Presence       *Presence      `json:"presence,omitempty"`
}

// Stage is the time that a stage took, in milliseconds from the start of the attempt.
type Stage struct {
	Stage    ocserr.Stage `json:"stage"`
	Start    float64      `json:"start_ms"`
	Duration float64      `json:"duration_ms"`
}

// Try is one try at a candidate, at one of its addresses.
type Try struct {
	Host      string            `json:"host"`
	Port      int               `json:"port"`
	Address   string            `json:"address,omitempty"` // absent: a proxy looked for it
	Transport resolve.Transport `json:"transport"`
	Why       string            `json:"why"`                 // how the candidate was found
	Redirects int               `json:"redirects,omitempty"` // that led to it
	Stage     ocserr.Stage      `json:"stage"`               // reached
	Duration  float64           `json:"duration_ms"`
	Dial      float64           `json:"dial_ms"`             // of it, to the connection
	Secure    float64           `json:"secure_ms,omitempty"` // of it, for TLS
	Via       *dial.Via         `json:"via,omitempty"`       // the dialogue with a proxy
	TLS       *secure.Report    `json:"tls,omitempty"`
	Error     *ocserr.Error     `json:"error,omitempty"`
	GivenUp   bool              `json:"given_up,omitempty"` // another candidate was faster, or the attempt ended

	began time.Time
	ended bool
}

// end notes the end of a try.
func (t *Try) end() { t.Duration, t.ended = sinceMS(t.began), true }

// Redirect is the answer of one server that another is to be asked.
type Redirect struct {
	From      string             `json:"from"` // host:port
	Status    int                `json:"status"`
	Contact   string             `json:"contact"`
	Questions []resolve.Question `json:"questions,omitempty"` // for the addresses of its host
}

// Connection is the one that carried the sign-in.
type Connection struct {
	Local     string            `json:"local"`
	Remote    string            `json:"remote"`
	Host      string            `json:"host"`
	Transport resolve.Transport `json:"transport"`
	Proxy     string            `json:"proxy,omitempty"` // through which it goes: Remote is its address
}

// Authentication tells what the sign-in proves about the password and the server.
type Authentication struct {
	Challenged       bool            `json:"challenged"`        // the server asked for proof
	Offered          []string        `json:"offered,omitempty"` // schemes, in the server's order
	Scheme           string          `json:"scheme,omitempty"`  // the one used
	Version          int             `json:"version,omitempty"` // of MS-SIPAE
	Failed           []SchemeFailure `json:"failed,omitempty"`  // schemes tried before it, in order
	NTLMv1           bool            `json:"ntlmv1,omitempty"`  // the server was given NTLMv1
	PasswordSent     bool            `json:"password_sent"`     // the server was given something derived from the password
	PasswordTested   bool            `json:"password_tested"`   // the server, or somebody on the way to it, gave a verdict on the password
	ServerVerified   bool            `json:"server_verified"`   // the server's signature was verified
	MessagesVerified int             `json:"messages_verified"`
	MessagesRefused  int             `json:"messages_refused"`
	ClockSkew        float64         `json:"clock_skew_s,omitempty"` // the server's clock ahead of ours
}

// SchemeFailure is an authentication scheme that was tried and gave way to the next one.
type SchemeFailure struct {
	Scheme string        `json:"scheme"`
	Error  *ocserr.Error `json:"error"`
}

// Registration is what the server granted.
type Registration struct {
	Expires    float64          `json:"expires_s"`
	KeepAlive  float64          `json:"keep_alive_s,omitempty"`
	GRUU       string           `json:"gruu,omitempty"`
	Server     string           `json:"server,omitempty"` // its Server header
	Categories bool             `json:"categories"`       // the presence model of OCS 2007 and later
	RemoteUser bool             `json:"remote_user,omitempty"`
	Events     []string         `json:"events,omitempty"`
	Warnings   []ocserr.Warning `json:"warnings,omitempty"`
}

// Presence is how the user was made present; absent where the server has no presence of this kind.
type Presence struct {
	Subscriptions []presence.Subscription `json:"subscriptions"`
	Published     bool                    `json:"published"`
}

// Ready tells whether the user was online at the end of the attempt.
func (r *Report) Ready() bool { return r.Error == nil && r.HR.Success() }

func newTry(r route, redirects int) Try {
	t := Try{
		Host: r.Host, Port: r.Port, Transport: r.Transport, Why: r.Why, Redirects: redirects, Stage: ocserr.StageDial,
	}
	if r.proxy == nil && len(r.Addrs) == 1 {
		t.Address = r.Addrs[0].String()
	}
	return t
}

func connection(l *link) *Connection {
	c := &Connection{
		Local: l.conn.LocalAddr().String(), Remote: l.conn.RemoteAddr().String(),
		Host: l.candidate.Host, Transport: l.candidate.Transport,
	}
	if l.proxy != nil {
		c.Proxy = l.proxy.String()
	}
	return c
}

// and is what is proved once a further server was met: of an earlier one it counts what it got and said of the password.
func (a Authentication) and(s auth.State) Authentication {
	failed := slices.Clone(a.Failed)
	for _, f := range s.Failed {
		failed = append(failed, SchemeFailure{f.Scheme, f.Err})
	}
	return Authentication{
		Failed: failed, NTLMv1: s.NTLMv1 || a.NTLMv1,
		Challenged: s.Challenged || a.Challenged, Offered: s.Offered, Scheme: s.Scheme, Version: s.Version,
		PasswordSent: s.PasswordSent || a.PasswordSent, PasswordTested: s.PasswordTested || a.PasswordTested,
		ServerVerified:   s.ServerVerified,
		MessagesVerified: s.Verified, MessagesRefused: s.Refused, ClockSkew: clockSkew(s.ClockSkew),
	}
}

// clockSkew is how far ahead the server's clock is, in seconds; less than two is what its Date header cannot tell.
func clockSkew(d time.Duration) float64 {
	if d.Abs() < 2*time.Second {
		return 0
	}
	return d.Seconds()
}

func registration(g register.Granted) *Registration {
	return &Registration{
		Expires: g.Expires.Seconds(), KeepAlive: g.KeepAlive.Seconds(), GRUU: g.GRUU, Server: g.Server,
		Categories: g.Categories, RemoteUser: g.RemoteUser, Events: g.Events, Warnings: g.Warnings,
	}
}

// Report is the report of the attempt, brought up to date with what the session has seen since.
func (s *Session) Report() *Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.report
	r.Authentication = s.earlier.and(s.auth.State())
	if s.presence != nil {
		r.Presence = &Presence{Subscriptions: s.presence.Subscriptions(), Published: r.Presence.Published}
	}
	if s.phase == live {
		r.Status = s.client.Status().String()
	}
	if reason, ok := errors.AsType[*ocserr.Error](s.err); ok {
		r.Error = reason
	}
	return &r
}
