package conformance

import (
	"context"
	"time"
)

// defaultPause is long enough for a person to see in a log that it is no attack.
const defaultPause = time.Second

// pace keeps log-ons to a real server apart. They are made one after the other. Nil keeps nothing apart.
type pace struct {
	pause time.Duration // 0: none
	ended time.Time     // of the last log-on; zero: there was none
}

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
