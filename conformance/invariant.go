package conformance

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// Invariant is what must hold of every attempt of every case. Its name is the id of the case that stands for
// it in the catalogue.
type Invariant struct {
	ID   string
	Axis Axis
	// Of returns what is wrong, "" for nothing.
	Of func(*Record) string
}

// Invariants returns all of them.
func Invariants() []Invariant {
	return []Invariant{
		{"time/exactly-once", AxisContract, exactlyOnce},
		{"auth/never-user-not-found", AxisContract, documentedCodes},
		{"pres/signin-before-online", AxisContract, signinBeforeOnline},
		{"pres/ready-is-online", AxisContract, readyIsOnline},
		{"err/says-why", AxisContract, saysWhy},
		{"auth/no-retry-after-reject", AxisWire, rejectedOnce},
		{"auth/client-signs", AxisWire, signsRight},
		{"rob/secrets-never-visible", AxisWire, secretsHidden},
	}
}

// exactlyOnce: one OnSignin for each attempt, which FINDING_SERVER begins and OFFLINE ends.
func exactlyOnce(r *Record) string {
	told := 0
	for _, e := range r.Events {
		switch {
		case e.Status == status.FindingServer:
			told = 0
		case e.Kind == status.OnSignin:
			if told++; told > 1 {
				return "OnSignin a second time: " + e.String()
			}
		case e.Status == status.Offline && told == 0:
			return "the attempt ended without OnSignin"
		}
	}
	if told == 0 {
		return "no OnSignin"
	}
	return ""
}

// documentedCodes: OnSignin carries one of its ten values, and nothing ever carries MSGR_E_USER_NOT_FOUND.
func documentedCodes(r *Record) string {
	for _, e := range r.Events {
		if e.HR == ocserr.UserNotFound || e.Kind == status.OnSignin && !e.HR.Signin() {
			return e.String() + " is not documented"
		}
	}
	return ""
}

// signinBeforeOnline: no state of a signed-in client before OnSignin told of success.
func signinBeforeOnline(r *Record) string {
	accepted := false
	for _, e := range r.Events {
		switch {
		case e.Kind == status.OnSignin:
			accepted = e.HR.Success()
		case e.Status.Online() && !accepted:
			return e.String() + " before OnSignin(S_OK)"
		}
	}
	return ""
}

// readyIsOnline: ready only while OnMyStatusChange has told of a state with bit 0x2.
func readyIsOnline(r *Record) string {
	online := false
	for _, e := range r.Events {
		switch {
		case e.Kind == status.OnMyStatusChange:
			online = e.Status.Online()
		case e.Kind == Ready && !online:
			return "ready before OnMyStatusChange told of ONLINE"
		}
	}
	return ""
}

// saysWhy: our own engine tells stage and cause of every failure, and its report has the same, with what to do about it.
// Other clients may keep it to themselves.
func saysWhy(r *Record) string {
	if r.Report == nil {
		return ""
	}
	var failed *Event // the last
	for i, e := range r.Events {
		if e.HR.Success() {
			continue
		}
		failed = &r.Events[i]
		if e.Stage == "" || e.Cause == "" || e.Text == "" {
			return e.String() + " does not say why"
		}
	}
	told := r.Report.Error
	switch {
	case failed == nil:
		return ""
	case told == nil || told.Stage != failed.Stage || told.Cause != failed.Cause || told.Detail != failed.Detail || told.Code.StatusChange() != failed.HR.StatusChange():
		return "the report does not say what " + failed.String() + " says"
	case told.Remedy == "" && told.Cause != ocserr.CauseCancelled: // nothing is to be done for who wanted it so
		return "the report has no remedy for " + string(told.Cause)
	}
	return ""
}

// rejectedOnce: no attempt has more than one password rejected, for servers lock accounts.
func rejectedOnce(r *Record) string {
	attempts, rejected := 0, 0
	for _, e := range r.Events {
		if e.Status == status.FindingServer {
			attempts++
		}
	}
	for _, h := range r.History {
		if h.Kind == server.KindRejected {
			rejected++
		}
	}
	if attempts > 0 && rejected > attempts {
		return fmt.Sprintf("%d passwords were rejected in %d attempts", rejected, attempts)
	}
	return ""
}

// signsRight: the server could verify every message of the client's that is to be signed.
func signsRight(r *Record) string {
	for _, h := range r.Of(server.KindDistrusted) {
		return fmt.Sprintf("%s %d (%d): %s", h.Method, h.CSeq, h.Status, h.Error)
	}
	return ""
}

// unescapeHTML undoes what package json does for the sake of HTML.
var unescapeHTML = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">")

// secretsHidden: no password in what a person may see, nor in what the server got beside proofs of it.
func secretsHidden(r *Record) string {
	for _, h := range r.History {
		if h.Kind == server.KindLeak {
			return fmt.Sprintf("a password was sent as %s (%s)", h.Name, h.Transport)
		}
	}
	spellings := server.SpellingsOf(r.Settings.secrets()...)
	for _, place := range []struct {
		name string
		what any
	}{
		{"the events", r.Events},
		{"the report", r.Report},
		{"the history of the server", r.History},
		{"the notes", r.Notes},
		{"what is left behind", r.Left},
		{"what the case found", r.problem},
		{"the transcript", r.Transcript()},
	} {
		text, err := json.Marshal(place.what)
		if err != nil {
			return fmt.Sprintf("%s cannot be written: %v", place.name, err)
		}
		plain := unescapeHTML.Replace(string(text))
		if form := spellings.In([]byte(plain)); form != "" {
			return fmt.Sprintf("a password is visible in %s: %s", place.name, form)
		}
	}
	return ""
}
