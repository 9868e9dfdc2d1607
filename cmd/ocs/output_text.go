package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// textOptions say how much a person wants to read, and when.
type textOptions struct {
	explain bool // all of the report
	stay    bool // the verdict is due at ONLINE, not at the end
}

// text shows a sign-in to a person: the events, the stages, the verdict. Why it failed goes to errors.
type text struct {
	textOptions
	out      *output
	errors   io.Writer
	progress *progress // nil where lines cannot be rewritten
	started  time.Time
	begun    bool
}

func newText(std *streams, options textOptions) *text {
	t := &text{textOptions: options, out: std.out, errors: std.err}
	if std.out.terminal {
		t.progress = &progress{out: std.out, colour: std.out.colour, width: std.out.width}
	}
	return t
}

func (t *text) begin(signInName string, started time.Time) {
	t.started, t.begun = started, true
	fmt.Fprintf(t.out, "Signing in as %s\n", signInName)
}

func (t *text) event(e status.Event) {
	if t.progress != nil {
		t.progress.event(e)
		return
	}
	fmt.Fprintf(t.out, "%9.1f ms  %s\n", milliseconds(e.At.Sub(t.started)), eventText(e))
}

// eventText is an event as one greppable text: "OnMyStatusChange S_OK MISTATUS_ONLINE".
func eventText(e status.Event) string {
	switch e.Kind {
	case status.OnSignout:
		return string(e.Kind)
	case status.OnMyStatusChange:
		return fmt.Sprintf("%s %s %s", e.Kind, e.HR.Name(), e.Status)
	}
	return fmt.Sprintf("%s %s", e.Kind, e.HR.Name())
}

func (t *text) online(r *signin.Report) {
	if t.stay {
		t.summary(r)
		fmt.Fprintln(t.out, "Staying signed in. Ctrl-C signs out.")
	}
}

func (t *text) end(r *signin.Report, err *ocserr.Error) {
	lost := err != nil && err.Stage == ocserr.StageLive
	if t.begun && (!t.stay || err != nil && !lost) {
		t.summary(r)
	}
	switch {
	case err == nil:
	case err.Stage == ocserr.StageSignout:
		fmt.Fprintf(t.errors, "ocs: warning: %s\n", inWords(err))
	case err.Stage == ocserr.StageConfig:
		fmt.Fprintf(t.errors, "ocs: %s\n", inWords(err))
	case err.Cause == ocserr.CauseCancelled:
		fmt.Fprintf(t.errors, "%s is not signed in: %s: %s\n", r.SignInName, err.Code.Name(), err.Meaning())
	case lost:
		fmt.Fprintf(t.errors, "%s was signed out: %s", r.SignInName, failure(err, failureContext{explained: t.explain}))
	default:
		fmt.Fprintf(t.errors, "%s is not signed in: %s", r.SignInName,
			failure(err, failureContext{password: passwordVerdict(r), hint: hint(r, err), explained: t.explain}))
	}
}

// summary shows the stages and, where it is good news, the verdict.
func (t *text) summary(r *signin.Report) {
	fmt.Fprintln(t.out)
	writeStages(t.out, r, t.explain)
	fmt.Fprintln(t.out)
	if r.Ready() {
		fmt.Fprintln(t.out, printable(verdict(r)))
	}
}

// verdict is what a successful sign-in proves, in one line.
func verdict(r *signin.Report) string {
	proof := "the server asked for no password, so none was tested"
	if a := r.Authentication; a.PasswordTested && !a.Challenged {
		proof = "the server asked for no password; autodiscover did, and tested it"
	} else if a.Challenged {
		proof = a.Scheme
		if a.Version != 0 {
			proof += fmt.Sprintf(", SIPAE version %d", a.Version)
		}
		proof += choose(a.PasswordTested, ", password tested", ", password NOT tested") +
			choose(a.ServerVerified, ", server signature verified", ", server NOT verified by signature")
	}
	shown := status.Online.String()
	if r.Status != "" && !strings.Contains(r.Status, "OFFLINE") {
		shown = r.Status
	}
	return fmt.Sprintf("Signed in as %s: %s in %.0f ms; %s", r.SignInName, shown, r.Duration, proof)
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// passwordVerdict is what a failed sign-in says about the password.
func passwordVerdict(r *signin.Report) string {
	switch a := r.Authentication; {
	case a.PasswordTested:
		return "was tested"
	case a.PasswordSent:
		return "was sent, and no verdict came that can be believed: to the server it may be a failed log-on"
	}
	return "was not tested"
}

// failureContext is what is told beside an error. What is empty is not told.
type failureContext struct {
	password  string // what it says about the password
	hint      string // the flag that helps
	explained bool   // all else has been told
}

// failure tells why a sign-in failed: the code, what happened, who said so, what was heard, what to do.
func failure(e *ocserr.Error, c failureContext) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", e.Code.Name(), e.Code.Hex())
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", label, printable(fmt.Sprintf(format, args...)))
	}
	line("what", "%s", e.Meaning())
	line("where", "stage %s, said by the %s", e.Stage, e.Side)
	if e.Detail != 0 {
		line("detail", "%s: %s", e.Detail.Name(), e.Detail.Meaning())
	}
	label := "cause"
	for _, heard := range heard(e) {
		line(label, "%s", heard)
		label = ""
	}
	if c.password != "" {
		line("password", "%s", c.password)
	}
	if e.Remedy != "" {
		line("remedy", "%s", e.Remedy)
	}
	if c.hint != "" {
		line("", "%s", c.hint)
	}
	if e.RetryAfter > 0 {
		line("retry", "the server asks to wait %v", e.RetryAfter)
	} else if e.Retry {
		line("retry", "the same attempt may succeed later")
	}
	more := "ocs codes " + e.Code.Name()
	if !c.explained {
		more += " says more about the code, --explain about this attempt"
	}
	line("more", "%s", more)
	return b.String()
}

// heard lists what an error rests on: what went wrong beneath it, and what the server said.
func heard(e *ocserr.Error) []string {
	var lines []string
	if e.Err != nil {
		lines = inner(e.Err)
	} else if e.Status != 0 {
		lines = append(lines, fmt.Sprintf("SIP status %d", e.Status))
	}
	for _, d := range e.Diagnostics {
		lines = append(lines, diagnosticText(d))
	}
	for _, w := range e.Warnings {
		lines = append(lines, fmt.Sprintf("Warning %d %s", w.Code, w.Text))
	}
	return lines
}

// inner lists what an error wraps, a line for each of several; what is said twice stands once.
func inner(err error) []string {
	all := []error{err}
	// errors.Join gives each a line; fmt.Errorf, which also wraps several, makes one text of them.
	if joined, ok := err.(interface{ Unwrap() []error }); ok && strings.Contains(err.Error(), "\n") {
		all = joined.Unwrap()
	}
	var lines []string
	for _, err := range all {
		text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
		if coded, ok := err.(*ocserr.Error); ok { //nolint:errorlint // only the join is taken apart here
			text = cause(coded)
		}
		if !slices.Contains(lines, text) {
			lines = append(lines, text)
		}
	}
	return lines
}

// diagnosticText is an ms-diagnostics value as a person reads it.
func diagnosticText(d ocserr.Diagnostic) string {
	text := fmt.Sprintf("ms-diagnostics %d", d.ID)
	if d.Reason != "" {
		text += " " + d.Reason
	}
	if d.Source != "" {
		text += " (from " + d.Source + ")"
	}
	return text
}

// printable makes text that a server may have written fit for a terminal: it could hold escape sequences.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
