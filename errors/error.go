package ocserr

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Stage names the part of a sign-in in which an error arose, in the order in which data passes them.
type Stage string

// The stages of a sign-in.
const (
	StageConfig   Stage = "config"
	StageResolve  Stage = "resolve"
	StageDial     Stage = "dial"
	StageSecure   Stage = "secure"
	StageRegister Stage = "register"
	StagePresence Stage = "presence"
	StageLive     Stage = "live"
	StageSignout  Stage = "signout"
)

// Side names who said so.
type Side string

// The sides that can report a failure.
const (
	SideClient Side = "client"
	SideProxy  Side = "proxy"
	SideServer Side = "server"
)

// Diagnostic is one ms-diagnostics, ms-diagnostics-public or ms-diagnostics-fault value (MS-OCER 2.2.1).
type Diagnostic struct {
	ID     int               `json:"id"`
	Sub    int               `json:"sub,omitempty"`
	Reason string            `json:"reason,omitempty"`
	Source string            `json:"source,omitempty"`
	Public bool              `json:"public,omitempty"`
	Params map[string]string `json:"params,omitempty"`
}

// Warning is one value of a SIP Warning header (RFC 3261 20.43). The version filter of a server puts
// its advice, often the address of a newer client, into Text (MS-SIPREGE 3.4.2.5).
type Warning struct {
	Code  int    `json:"code"`
	Agent string `json:"agent,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Error is one failed attempt: what happened, where, who said so and what to do.
// errors.Is finds both its Code and everything that Err wraps. Make one with New or FromResponse.
// Its JSON form is part of the report: see MarshalJSON.
type Error struct {
	Code        Code          // one of the ten OnSignin values, or Disconnected after the sign-in
	Detail      Code          // the finer MSGR_E_* code, or 0
	Stage       Stage         // where in the sign-in
	Side        Side          // who said so
	Cause       Cause         // the row of the table
	Status      int           // SIP (or proxy's HTTP) status, or 0
	Diagnostics []Diagnostic  // as received
	Warnings    []Warning     // as received
	Remedy      string        // one sentence: what to do
	Retry       bool          // whether the same attempt may succeed later without a change
	RetryAfter  time.Duration // the server's wish, or 0
	Err         error         // the wrapped cause, or nil
}

// New returns the error of a cause, filled from the first row that the table has for it, with err
// (may be nil) as what it wraps. A cause that the table does not know, or that is no failure, gives
// Unexpected. At moves the error to another stage.
func New(cause Cause, err error) *Error {
	row, ok := Lookup(cause, "")
	if !ok || row.Code.Success() {
		row, _ = Lookup(CauseUnexpected, "")
		row.Cause = cause
	}
	e := &Error{Err: err}
	e.fill(row)
	return e
}

// At sets the stage in which e arose and returns e. Where the table has a row for its cause in that
// stage, code, detail, side, remedy and retry become that row's: a connection reset is Connect while
// dialling and Disconnected in a live session.
func (e *Error) At(stage Stage) *Error {
	if row, ok := Lookup(e.Cause, stage); ok && row.Stage == stage && !row.Code.Success() {
		e.fill(row)
	}
	e.Stage = stage
	return e
}

func (e *Error) fill(row Row) {
	e.Code, e.Detail, e.Stage, e.Side = row.Code, row.Detail, row.Stage, row.Side
	e.Cause, e.Remedy, e.Retry = row.Cause, row.Remedy, row.Retry
}

// Meaning says in words what happened: the meaning of the table's row, or of the code where the
// table does not know the cause.
func (e *Error) Meaning() string {
	if row, ok := Lookup(e.Cause, e.Stage); ok {
		return row.Meaning
	}
	return e.Code.Meaning()
}

// ExitStatus returns the exit status with which the command line reports e: 2 for a fault of the
// configuration, else that of its code.
func (e *Error) ExitStatus() int {
	if e.Stage == StageConfig {
		return 2
	}
	return e.Code.ExitStatus()
}

// Error returns one line: code, stage, meaning, what was wrapped or received, and the remedy.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code.Name())
	if e.Stage != "" {
		fmt.Fprintf(&b, " at %s", e.Stage)
	}
	if m := e.Meaning(); m != "" {
		b.WriteString(": " + m)
	}
	var said []string
	if e.Err != nil {
		said = append(said, oneLine(e.Err.Error()))
	}
	for _, d := range e.Diagnostics {
		said = append(said, oneLine(strings.TrimSpace(fmt.Sprintf("ms-diagnostics %d %s", d.ID, d.Reason))))
	}
	for _, w := range e.Warnings {
		said = append(said, oneLine(strings.TrimSpace(fmt.Sprintf("Warning %d %s", w.Code, w.Text))))
	}
	if len(said) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(said, "; "))
	}
	if r := strings.TrimSuffix(e.Remedy, "."); r != "" {
		b.WriteString("; " + lowerFirst(r))
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the code and the wrapped error.
func (e *Error) Unwrap() []error {
	var errs []error
	if !e.Code.Success() {
		errs = append(errs, e.Code)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// LogValue logs the error as a group.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("code", e.Code.Name()),
		slog.String("stage", string(e.Stage)),
		slog.String("side", string(e.Side)),
		slog.String("cause", string(e.Cause)),
	}
	if e.Detail != 0 {
		attrs = append(attrs, slog.String("detail", e.Detail.Name()))
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	for _, d := range e.Diagnostics {
		attrs = append(attrs, slog.String("diagnostic", oneLine(fmt.Sprintf("%d %s", d.ID, d.Reason))))
	}
	attrs = append(attrs, slog.String("message", e.message()), slog.String("remedy", e.Remedy))
	return slog.GroupValue(attrs...)
}

// errorJSON is the JSON form of an Error; its keys are a contract.
type errorJSON struct {
	HR          Code              `json:"hr"`
	Hex         string            `json:"hex"`
	Code        string            `json:"code"`
	Detail      string            `json:"detail,omitempty"`
	Stage       Stage             `json:"stage,omitempty"`
	Side        Side              `json:"side,omitempty"`
	Cause       Cause             `json:"cause,omitempty"`
	Status      int               `json:"status,omitempty"`
	Diagnostics []Diagnostic      `json:"diagnostics,omitempty"`
	Warnings    []Warning         `json:"warnings,omitempty"`
	Message     string            `json:"message"`
	Remedy      string            `json:"remedy,omitempty"`
	Retry       bool              `json:"retry"`
	RetryAfter  float64           `json:"retry_after_s,omitempty"`
	Errors      []json.RawMessage `json:"errors,omitempty"`
}

// MarshalJSON writes the error as one object: hr as a signed number, hex, the names of code and
// detail, stage, side, cause, status, diagnostics, warnings, message (the text of what e wraps, else
// the meaning), remedy, retry, retry_after_s in seconds; and, where e wraps several errors, errors:
// each one in order, an Error as an object of this form, any other as {"message": text}.
func (e *Error) MarshalJSON() ([]byte, error) {
	j := errorJSON{
		HR: e.Code, Hex: e.Code.Hex(), Code: e.Code.Name(), Stage: e.Stage, Side: e.Side, Cause: e.Cause,
		Status: e.Status, Diagnostics: e.Diagnostics, Warnings: e.Warnings, Message: e.message(),
		Remedy: e.Remedy, Retry: e.Retry, RetryAfter: e.RetryAfter.Seconds(),
	}
	if e.Detail != 0 {
		j.Detail = e.Detail.Name()
	}
	for _, err := range joined(e.Err) {
		var v any = map[string]string{"message": oneLine(err.Error())}
		if sub, ok := errors.AsType[*Error](err); ok {
			v = sub
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		j.Errors = append(j.Errors, raw)
	}
	return json.Marshal(j)
}

func (e *Error) message() string {
	if e.Err != nil {
		return oneLine(e.Err.Error())
	}
	return e.Meaning()
}

// joined returns the errors that were joined in err, in order, or nil.
func joined(err error) []error {
	for err != nil {
		if _, ok := err.(*Error); ok { //nolint:errorlint // this walks the chain itself
			return nil // it keeps its own
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			return many.Unwrap()
		}
		err = errors.Unwrap(err)
	}
	return nil
}

// oneLine makes text from anywhere fit for one line of a log: line breaks become "; ", other control
// characters blanks.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// lowerFirst lowers the first letter of a sentence that begins with an ordinary word.
func lowerFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[n:])
	if unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[n:]
}
