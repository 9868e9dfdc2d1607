package ocauthws

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrRejected says that the service rejected user name and password. They must not be sent again: each
	// attempt counts towards the account's lock-out.
	ErrRejected = errors.New("the service rejected user name and password")
	// ErrNoScheme says that the service offers no HTTP authentication that the credentials allow.
	ErrNoScheme = errors.New("the service offers no authentication scheme that the credentials allow")
	// ErrAnswer says that an answer is malformed, too long, or not what was asked for.
	ErrAnswer = errors.New("unusable answer")
)

// Step names a request: all four are made for a certificate, the two about the ticket for a web ticket.
type Step string

// The requests, in order.
const (
	StepMetadata       Step = "metadata of the certificate service"
	StepTicketMetadata Step = "metadata of the ticket service"
	StepTicket         Step = "web ticket"
	StepCertificate    Step = "certificate"
)

// Error says which request failed and why. With errors.Is it is an ErrRejected, an ErrNoScheme or an ErrAnswer,
// or else wraps what the network or the context said.
type Error struct {
	Step   Step
	URL    string
	Status int    // of the HTTP answer; 0: there was none
	Fault  *Fault // what the service gave as its reason; nil: nothing
	Err    error
}

// Error is one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ocauthws: %s from %s: ", e.Step, e.URL)
	if e.Status != 0 {
		fmt.Fprintf(&b, "HTTP %d: ", e.Status)
	}
	b.WriteString(e.Err.Error())
	if e.Fault != nil {
		b.WriteString(": " + e.Fault.String())
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Fault is what a service gives as its reason: a SOAP fault with its Ms-Diagnostics-Fault (MS-OCAUTHWS 2.2.4.1),
// an X-Ms-diagnostics header (3.2.4.1), or the ErrorInfo of GetAndPublishCert (3.1.4.1). Fields are empty where
// it says nothing.
type Fault struct {
	ErrorID int    // of MS-OCER 7.22, such as 28020
	Reason  string // such as "No valid security token."
	Code    string // faultcode, without its prefix: "FailedAuthentication"
	Text    string // faultstring
	Source  string // the server that says so
}

// String is what a reader wants: number and reason.
func (f *Fault) String() string {
	text := f.Reason
	if text == "" {
		text = f.Text
	}
	if text == "" {
		text = f.Code
	}
	if f.ErrorID != 0 {
		text = strings.TrimSpace(fmt.Sprintf("%d %s", f.ErrorID, text))
	}
	return text
}
