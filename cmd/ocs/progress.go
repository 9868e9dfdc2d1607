package main

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/ocsgo/ocs/status"
)

// progress shows events on a terminal: each step of the way has a line, which is rewritten with a mark and
// the time it took once the next event tells how it went.
type progress struct {
	out    *output
	colour bool
	width  func() int

	open  *status.Event // the step under way, whose line is not finished
	since time.Time
}

// The marks of a line, with the colour that each has.
const (
	markOpen   = "…"
	markDone   = "✓"
	markFailed = "✗"

	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"

	eraseLine = "\r\x1b[K"
)

// event shows an event: it finishes the line of the step under way, and begins the next.
func (p *progress) event(e status.Event) {
	if p.open != nil {
		mark := markDone
		if !e.HR.Success() {
			mark = markFailed
		}
		p.line(eraseLine, mark, *p.open, duration(e.At.Sub(p.since)), "\n")
		p.open = nil
	}
	switch {
	case e.Kind == status.OnMyStatusChange && e.Status.Local():
		p.line("", markOpen, e, "", "")
		p.open, p.since = &e, e.At
	case e.HR.Success():
		p.line("", markDone, e, "", "\n")
	default:
		p.line("", markFailed, e, "", "\n")
	}
}

// line writes a line that fits the terminal: a longer one would wrap, and could not be rewritten.
func (p *progress) line(before, mark string, e status.Event, took, after string) {
	rest := fmt.Sprintf(" %-23s %9s  %s", label(e), took, names(e))
	if room := p.width() - utf8.RuneCountInString(mark) - 1; utf8.RuneCountInString(rest) > room {
		rest = string([]rune(rest)[:max(room, 0)])
	}
	if p.colour && mark != markOpen {
		mark = choose(mark == markDone, green, red) + mark + plain
	}
	fmt.Fprint(p.out, before+mark+rest+after)
}

// names are the names of an event that its label does not tell: what is good and is in every line is left out.
func names(e status.Event) string {
	if e.Kind == status.OnMyStatusChange && e.HR.Success() {
		return e.Status.String()
	}
	return eventText(e)
}

// duration is a time that a step took.
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", milliseconds(d))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// label is an event in words.
func label(e status.Event) string {
	switch {
	case e.Kind == status.OnSignin:
		return choose(e.HR.Success(), "Accepted by the server", "Sign-in failed")
	case e.Kind == status.OnSignout:
		return "Signed out"
	case e.Status == status.FindingServer:
		return "Finding the server"
	case e.Status == status.Connecting:
		return "Connecting (15 s limit)"
	case e.Status == status.Synchronizing:
		return "Synchronizing"
	case e.Status == status.Disconnecting:
		return "Signing out"
	case e.Status == status.Offline:
		return "Offline"
	case e.Status == status.Online:
		return "Online"
	}
	return "Status"
}
