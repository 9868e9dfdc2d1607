package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// Client is a program under test. It signs in as it is told, tells of every event as it happens, and stays
// signed in until ctx ends, which is a person's order to stop: to cancel before a server accepted, to sign
// out after. It returns when everything is over.
//
// A failed sign-in is no error: the events tell of it. ErrUnimplemented says that the client cannot do what
// the settings ask for; any other error that it could not run at all.
type Client func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error)

// ErrUnimplemented is what a Client returns where it lacks what a case asks for.
var ErrUnimplemented = errors.New("not implemented by the program under test")

// ErrRunaway is what a Client returns where the program under test ran, and had to be ended by force. It is the
// program's failure: the case is judged.
var ErrRunaway = errors.New("the program under test ran away")

// Settings is what a client is told. It is the configuration of the shim protocol, as one JSON object.
type Settings struct {
	Case string `json:"case,omitempty"` // the id of the case, for logs

	SignInName string `json:"sign_in_name,omitempty"`
	User       string `json:"user,omitempty"`     // log-on name; empty: the sign-in name
	Password   string `json:"password,omitempty"` // a made-up one, but on a real server
	Server     string `json:"server,omitempty"`   // host[:port]; empty: discover
	Transport  string `json:"transport,omitempty"`
	Proxy      string `json:"proxy,omitempty"`  // URL: http, https, socks4, socks4a or socks5; empty: none
	Policy     string `json:"policy,omitempty"` // "resilient" or "communicator"; empty: the client's own
	DNS        string `json:"dns,omitempty"`    // host:port of the DNS server to ask
	CA         string `json:"ca,omitempty"`     // PEM of the authorities to trust; empty: the system's

	Naming string `json:"naming,omitempty"` // "domain" or "strict"; empty: servers may have any name

	Autodiscover bool `json:"autodiscover,omitempty"` // ask Lync's autodiscover service before DNS

	ServerCheck string `json:"server_check,omitempty"` // "strict" or "off"; empty: servers known to be too old are refused

	LegacyTLS          bool     `json:"legacy_tls,omitempty"`         // accept what servers of 2007 have
	ClientCertificate  string   `json:"client_certificate,omitempty"` // PEM of certificate and key, to be shown if asked for
	InsecureSkipVerify bool     `json:"insecure_skip_verify,omitempty"`
	Schemes            []string `json:"schemes,omitempty"`    // of authentication, to use no others
	KDC                string   `json:"kdc,omitempty"`        // host:port of the KDC of the realm that is the SIP domain in capitals; empty: no Kerberos
	UserAgent          string   `json:"user_agent,omitempty"` // of every request
	Hostname           string   `json:"hostname,omitempty"`   // of the machine, as it is told to the server

	// Transcript receives the client's own record of the messages, where it is in this process and keeps one.
	Transcript io.Writer `json:"-"`
	// Network is the way out of the process; nil: sockets. It is set on ground V only.
	Network *Network `json:"-"`
}

// Network is how a client in this process reaches servers without sockets.
type Network struct {
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Exchange func(ctx context.Context, network, server string, query []byte) ([]byte, error)
}

// Ready is the kind of the Event with which a client says that it is ready for use: the one event that is not
// the Automation API's.
const Ready status.Kind = "Ready"

// Event is one event that a client told of.
type Event struct {
	At     time.Time
	Kind   status.Kind
	HR     ocserr.Code   // OnSignin and OnMyStatusChange
	Status status.Status // OnMyStatusChange

	// What a client says of a failure beyond its code; empty where it does not.
	Stage  ocserr.Stage
	Cause  ocserr.Cause
	Detail ocserr.Code
	Text   string
}

// String is the event as reports and expectations write it.
func (e Event) String() string {
	switch e.Kind {
	case status.OnSignin:
		return fmt.Sprintf("OnSignin(%s)", e.HR.Name())
	case status.OnMyStatusChange:
		return fmt.Sprintf("OnMyStatusChange(%s, %s)", e.HR.Name(), e.Status)
	}
	return string(e.Kind)
}

// eventNames are the kinds as the shim protocol writes them.
var eventNames = map[string]status.Kind{
	"onSignin": status.OnSignin, "onMyStatusChange": status.OnMyStatusChange, "onSignout": status.OnSignout, "ready": Ready,
}

// eventLine is an Event as a line of the shim protocol and of reports has it. A code is its number, a
// signed HRESULT; the status is its number too.
type eventLine struct {
	Event  string       `json:"event"`
	TimeMS float64      `json:"t_ms,omitempty"` // since the start; the shim's is not used
	HR     *ocserr.Code `json:"hr,omitempty"`
	Code   string       `json:"code,omitempty"` // the name of hr, for people
	Status *int32       `json:"status,omitempty"`
	Name   string       `json:"status_name,omitempty"`
	Stage  ocserr.Stage `json:"stage,omitempty"`
	Cause  ocserr.Cause `json:"cause,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Text   string       `json:"message,omitempty"`
}

// line writes an event, with its offset from start.
func (e Event) line(start time.Time) eventLine {
	l := eventLine{TimeMS: float64(e.At.Sub(start).Microseconds()) / 1000, Stage: e.Stage, Cause: e.Cause, Text: e.Text}
	for name, kind := range eventNames {
		if kind == e.Kind {
			l.Event = name
		}
	}
	if e.Kind == status.OnSignin || e.Kind == status.OnMyStatusChange {
		l.HR, l.Code = &e.HR, e.HR.Name()
	}
	if e.Kind == status.OnMyStatusChange {
		value := int32(e.Status)
		l.Status, l.Name = &value, e.Status.String()
	}
	if e.Detail != 0 {
		l.Detail = e.Detail.Name()
	}
	return l
}

// parseEvent reads a line of the shim protocol; keys that it does not know are for the client's own use. Instead of
// hr a client may give the code's name.
func parseEvent(line []byte, names ErrorNames) (Event, error) {
	var l eventLine
	if err := json.Unmarshal(line, &l); err != nil {
		return Event{}, fmt.Errorf("not an event: %w", err)
	}
	kind, ok := eventNames[l.Event]
	if !ok {
		return Event{}, fmt.Errorf("unknown event %q: known are onSignin, onMyStatusChange, onSignout and ready", l.Event)
	}
	e := Event{Kind: kind, Stage: l.Stage, Cause: ocserr.Cause(names.of(string(l.Cause))), Text: l.Text}
	signin, change := kind == status.OnSignin, kind == status.OnMyStatusChange
	if (signin || change) && l.HR == nil && l.Code != "" {
		code, err := ocserr.Parse(names.of(l.Code))
		if err != nil {
			return Event{}, fmt.Errorf("%w: a file of deviations can translate it", err)
		}
		l.HR = &code
	}
	switch {
	case (signin || change) && l.HR == nil:
		return Event{}, fmt.Errorf("event %s without hr", l.Event)
	case change && l.Status == nil:
		return Event{}, fmt.Errorf("event %s without status", l.Event)
	}
	if l.HR != nil {
		e.HR = *l.HR
	}
	if l.Status != nil {
		e.Status = status.Status(*l.Status)
	}
	if l.Detail != "" {
		detail, err := ocserr.Parse(names.of(l.Detail))
		if err != nil {
			return Event{}, err
		}
		e.Detail = detail
	}
	return e, nil
}
