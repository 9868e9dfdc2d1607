package main

import (
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// outputFlag chooses how a command shows its result.
type outputFlag struct {
	Output string `group:"Show:" enum:"text,json" default:"text" placeholder:"text|json" help:"How to show the result: text for people, or JSON lines (schema ocs/1) for programs."`
}

// presenter shows a sign-in as it goes: one attempt and the session that comes of it. The calls come in the
// order of the methods.
type presenter interface {
	// begin says who is about to sign in.
	begin(signInName string, started time.Time)
	// event shows one event of the contract, in order.
	event(e status.Event)
	// online says that the user is signed in and ready.
	online(r *signin.Report)
	// end shows how it ended: with an error, or nil. Where the configuration was refused it is the only call.
	end(r *signin.Report, err *ocserr.Error)
}

// milliseconds is a duration as reports write it.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
