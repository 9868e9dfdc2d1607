package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// Outcome is one acceptable course of an attempt. Its zero value is a sign-in that succeeds, becomes ready,
// and signs out when the client is stopped.
type Outcome struct {
	NonStrict bool   // acceptable, but not what the documents ask for
	Note      string // why it is acceptable, or what it means

	Code   ocserr.Code  // what OnSignin carries
	Cause  ocserr.Cause // where the client tells its cause, as our own engine must: this; empty: any
	Detail ocserr.Code  // likewise the finer code; 0: any, and of our own engine none, where Cause is given
	Fall   ocserr.Code  // what OnMyStatusChange(OFFLINE) carries after a failure; 0: as Code has it

	// After is the time from CONNECTING to OnSignin: exact on ground V, nearly so elsewhere; 0: any.
	After time.Duration
	// Within bounds the time from the order to stop to the last event; 0: any.
	Within time.Duration

	// Events is the whole course, where it is not that of Code. An event is written as Event.String has it;
	// one that begins with "?" may be missing.
	Events []string
}

// What a busy machine may cost: an event that is told late, and one before it that was, which makes the time
// between them short.
const (
	slack = 1500 * time.Millisecond
	early = 250 * time.Millisecond
)

// The parts that courses are made of.
const (
	finding       = "OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"
	connecting    = "OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"
	accepted      = "OnSignin(S_OK)"
	synchronizing = "OnMyStatusChange(S_OK, MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER)"
	online        = "OnMyStatusChange(S_OK, MISTATUS_ONLINE)"
	disconnecting = "OnMyStatusChange(S_OK, MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER)"
	signedOut     = "OnSignout"
	offline       = "OnMyStatusChange(S_OK, MISTATUS_OFFLINE)"
)

// Course returns the events of a sign-in that succeeds, with those of live between ONLINE and the sign-out.
func Course(live ...string) []string {
	return slices.Concat([]string{finding, connecting, accepted, synchronizing, online}, live, []string{disconnecting, signedOut, offline})
}

// CourseAs returns the events of a sign-in that succeeds and shows as another state than ONLINE, given as event.
func CourseAs(state string) []string {
	return []string{finding, connecting, accepted, synchronizing, state, disconnecting, signedOut, offline}
}

// Lost returns the events of a sign-in that succeeds and whose session then ends with a code.
func Lost(code ocserr.Code) []string {
	return []string{finding, connecting, accepted, synchronizing, online, fell(code)}
}

// Unfound returns the events of a sign-in that ended in discovery, whatever there was to find, with a code.
func Unfound(code ocserr.Code) []string {
	return []string{finding, "?" + connecting, Event{Kind: status.OnSignin, HR: code}.String(), fell(code.StatusChange())}
}

// Unpresented returns the events of a sign-in that the server accepted and that did not come online.
func Unpresented(code ocserr.Code) []string {
	return []string{finding, connecting, accepted, synchronizing, fell(code)}
}

// Retreat returns the events of a sign-in that was stopped between the server's acceptance and ONLINE.
func Retreat() []string {
	return []string{finding, connecting, accepted, synchronizing, disconnecting, signedOut, offline}
}

func fell(code ocserr.Code) string {
	return Event{Kind: status.OnMyStatusChange, HR: code, Status: status.Offline}.String()
}

// inWords is a course for people: a status change that tells of no failure is its status.
func inWords(course []string) string {
	short := make([]string, len(course))
	for i, e := range course {
		optional := strings.HasPrefix(e, "?")
		e = strings.TrimPrefix(e, "?")
		if inner, ok := strings.CutPrefix(e, string(status.OnMyStatusChange)+"("); ok {
			code, state, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", MISTATUS_")
			e = strings.TrimPrefix(state, "LOCAL_")
			if code != ocserr.OK.Name() {
				e += "(" + code + ")"
			}
		}
		if optional {
			e = "[" + e + "]"
		}
		short[i] = e
	}
	return strings.Join(short, ", ")
}

// events is the whole course that the outcome stands for.
func (o Outcome) events() []string {
	if o.Events != nil {
		return o.Events
	}
	if o.Code.Success() {
		return Course()
	}
	fall := o.Fall
	if fall == 0 {
		fall = o.Code.StatusChange()
	}
	tried := connecting
	switch {
	case o.Code == ocserr.InvalidServerName && o.Cause != ocserr.CauseProxyNotFound:
		return []string{finding, Event{Kind: status.OnSignin, HR: o.Code}.String(), fell(fall)}
	case o.Code == ocserr.Cancel, o.Code == ocserr.Connect: // in discovery, or after it
		tried = "?" + connecting
	}
	return []string{finding, tried, Event{Kind: status.OnSignin, HR: o.Code}.String(), fell(fall)}
}

// String is the outcome in words.
func (o Outcome) String() string {
	var b strings.Builder
	switch {
	case o.Events != nil:
		b.WriteString(inWords(o.Events))
	case o.Code.Success():
		b.WriteString("signs in, becomes ready, signs out")
	default:
		fmt.Fprintf(&b, "OnSignin(%s)", o.Code.Name())
	}
	if o.Cause != "" {
		fmt.Fprintf(&b, ", cause %s", o.Cause)
	}
	if o.Detail != 0 {
		fmt.Fprintf(&b, ", detail %s", o.Detail.Name())
	}
	if o.After != 0 {
		fmt.Fprintf(&b, ", %s after CONNECTING", o.After)
	}
	if o.Within != 0 {
		fmt.Fprintf(&b, ", within %s of the order to stop", o.Within)
	}
	if o.NonStrict {
		b.WriteString(" (not strict)")
	}
	if o.Note != "" {
		b.WriteString(": " + o.Note)
	}
	return b.String()
}

// misfit says what of a record is not as the outcome has it; "" where all is. exact is for a clock that nobody
// disturbs.
func (o Outcome) misfit(r *Record, exact bool) string {
	if want, got := o.events(), r.Course(); !fits(want, got) {
		return "events " + inWords(got)
	}
	if e, ok := r.reason(); ok {
		if wrong := o.otherReason(e, r.Report != nil); wrong != "" {
			return wrong
		}
	}
	if o.After != 0 {
		got := r.Connecting()
		if late := got - o.After; late < -early || late > slack || exact && late != 0 {
			return fmt.Sprintf("OnSignin %s after CONNECTING", got)
		}
	}
	if o.Within != 0 {
		got := r.stopping()
		if got < 0 || got > o.Within+slack || exact && got > o.Within {
			return fmt.Sprintf("%s from the order to stop to the last event", got)
		}
	}
	return ""
}

// otherReason says what of the reason of a failure is not as the outcome has it. Our own engine must tell the cause that
// the outcome has, with just its detail; another client may keep both to itself.
func (o Outcome) otherReason(e Event, own bool) string {
	switch {
	case o.Cause != "" && e.Cause != o.Cause && (own || e.Cause != ""):
		return fmt.Sprintf("cause %q", e.Cause)
	case e.Detail == o.Detail:
	case own && o.Cause != "", o.Detail != 0 && (e.Cause != "" || e.Detail != 0):
		return fmt.Sprintf("cause %q, detail %s", e.Cause, e.Detail.Name())
	}
	return ""
}

// fits compares a course with the one wanted.
func fits(want, got []string) bool {
	for _, w := range want {
		w, optional := strings.CutPrefix(w, "?")
		switch {
		case len(got) > 0 && got[0] == w:
			got = got[1:]
		case !optional:
			return false
		}
	}
	return len(got) == 0
}
