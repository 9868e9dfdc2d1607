package status

import (
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Kind names an event of DMessengerEvents.
type Kind string

// The events of a client's own life.
const (
	OnSignin         Kind = "OnSignin"
	OnMyStatusChange Kind = "OnMyStatusChange"
	OnSignout        Kind = "OnSignout"
)

// Event is one event as the Automation API would deliver it.
type Event struct {
	Kind   Kind
	HR     ocserr.Code   // OnSignin and OnMyStatusChange
	Status Status        // OnMyStatusChange: the current state
	Err    *ocserr.Error // the reason of a failing HR, or nil
	At     time.Time     // set by Log.Append if zero
}

// Fact is something that happened to the client and may change its state. Make one with the
// functions below.
type Fact struct {
	kind   factKind
	status Status
	err    *ocserr.Error
}

type factKind int

const (
	started factKind = iota + 1
	resolved
	accepted
	ready
	failed
	statusSet
	signingOut
	signedOut
	lost
)

// Started says that an attempt to sign in begins, with a configured server too.
func Started() Fact { return Fact{kind: started} }

// Resolved says that the candidates are known and the first is about to be tried. The next
// candidate, or a redirect to another server, changes nothing.
func Resolved() Fact { return Fact{kind: resolved} }

// Accepted says that a server accepted the registration.
func Accepted() Fact { return Fact{kind: accepted} }

// Ready says that presence is published and the client shows as s.
func Ready(s Status) Fact { return Fact{kind: ready, status: s} }

// Failed says that the attempt ended without success: before the server accepted, or after it,
// while presence was being made. A nil err counts as Unexpected.
func Failed(err *ocserr.Error) Fact { return Fact{kind: failed, err: orUnexpected(err)} }

// StatusSet says that the own status is now s, also when it was s before.
func StatusSet(s Status) Fact { return Fact{kind: statusSet, status: s} }

// SigningOut says that the sign-out begins.
func SigningOut() Fact { return Fact{kind: signingOut} }

// SignedOut says that the sign-out is over, whether the server answered or not.
func SignedOut() Fact { return Fact{kind: signedOut} }

// Lost says that an accepted session ended without being asked to: the connection is gone, the
// server removed the client, a refresh failed. A nil err counts as Unexpected.
func Lost(err *ocserr.Error) Fact { return Fact{kind: lost, err: orUnexpected(err)} }

func orUnexpected(err *ocserr.Error) *ocserr.Error {
	if err == nil {
		return ocserr.New(ocserr.CauseUnexpected, nil)
	}
	return err
}

// Next is the whole state machine: the state after a fact, and the events to announce, in order. It
// has no side effects. A fact that cannot happen in a state leaves the state as it is, with no event.
//
// The rules are those of the Automation API: OnSignin exactly once an attempt, with one of its ten
// documented values; every change of state its own OnMyStatusChange; OnSignin before the state that
// follows from it (our choice, the documents give no order).
func Next(now Status, f Fact) (Status, []Event) {
	switch {
	case f.kind == started && (now == Offline || now == Unknown):
		return FindingServer, changed(FindingServer)
	case f.kind == resolved && now == FindingServer:
		return Connecting, changed(Connecting)
	case f.kind == accepted && now == Connecting:
		return Synchronizing, append([]Event{{Kind: OnSignin, HR: ocserr.OK}}, changed(Synchronizing)...)
	case f.kind == failed && (now == FindingServer || now == Connecting):
		signin := Event{Kind: OnSignin, HR: signinResult(f.err.Code), Err: f.err}
		return Offline, []Event{signin, ended(f.err)}
	case (f.kind == failed || f.kind == lost) && now == Synchronizing, f.kind == lost && now.Online():
		return Offline, []Event{ended(f.err)}
	case f.kind == ready && now == Synchronizing && f.status.Online(),
		f.kind == statusSet && now.Online() && f.status.Online():
		return f.status, changed(f.status)
	case f.kind == signingOut && (now == Synchronizing || now.Online()):
		return Disconnecting, changed(Disconnecting)
	case f.kind == signedOut && now == Disconnecting:
		return Offline, append([]Event{{Kind: OnSignout}}, changed(Offline)...)
	}
	return now, nil
}

func changed(s Status) []Event {
	return []Event{{Kind: OnMyStatusChange, HR: ocserr.OK, Status: s}}
}

// ended announces the fall to Offline for a reason.
func ended(err *ocserr.Error) Event {
	hr := err.Code.StatusChange()
	if hr.Success() {
		hr = ocserr.Disconnected
	}
	return Event{Kind: OnMyStatusChange, HR: hr, Status: Offline, Err: err}
}

// signinResult keeps OnSignin to its documented failures, whatever an error carries.
func signinResult(c ocserr.Code) ocserr.Code {
	switch {
	case c == ocserr.UserNotFound:
		return ocserr.InvalidPassword
	case c.Signin() && !c.Success():
		return c
	}
	return ocserr.Unexpected
}
