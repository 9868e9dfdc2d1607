package conformance

import (
	"context"
	"errors"
	"time"
)

// defaultPause is long enough for a person to see in a log that it is no attack.
const defaultPause = time.Second

// pace keeps log-ons to a real server apart. They are made one after the other. Nil keeps nothing apart.
type pace struct {
	pause time.Duration // 0: none
	ended time.Time     // of the last log-on; zero: there was none

	profile  *Profile
	rejected bool // the server does not take the profile's password
}

// errRejected is what a log-on comes to that is not made, for the one before it was rejected.
var errRejected = errors.New("the server rejected the name or the password of the profile: " +
	"nothing more is sent, an account could be locked")

// heard notes the rejection of the profile's password, which is not sent again.
func (p *pace) heard(s Settings, events []Event) {
	if p != nil && p.profile.rejected(s, events) {
		p.rejected = true
	}
}

// locked tells whether the profile's password has been rejected.
func (p *pace) locked() bool { return p != nil && p.rejected }

// wait lets the pause pass, or ctx end.
func (p *pace) wait(ctx context.Context) {
	if p == nil || p.ended.IsZero() {
		return
	}
	timer := time.NewTimer(time.Until(p.ended.Add(p.pause)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// done begins the pause.
func (p *pace) done() {
	if p != nil {
		p.ended = time.Now()
	}
}

// Pause lets as much time pass as there is between log-ons, for a body that makes one beside those of SignIn.
func (w *World) Pause(ctx context.Context) {
	w.pace.done()
	w.pace.wait(ctx)
}
