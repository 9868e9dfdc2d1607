package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// Record is what was seen of one attempt.
type Record struct {
	Attempt  string
	Started  time.Time
	Stopped  time.Time // when the client was told to stop; zero: it ended by itself
	Duration time.Duration
	Events   []Event
	Report   *signin.Report  // of our own engine; nil for others
	History  []server.Record // of the server and its DNS, secrets masked; nil for a real server
	Notes    []string        // what the case's body has to say
	Left     []string        // what the client has left behind: connections, goroutines
	Settings Settings        // what the client was told

	transcript transcript
	problem    string // that the body of the case found; "" for none
	runaway    string // why the client was ended by force; "" where it was not
}

// Fail notes that the subject did something wrong that neither events nor history show. The first counts.
func (r *Record) Fail(problem string) {
	if r.problem == "" {
		r.problem = problem
	}
}

// Adopt takes over what the body of a case found while the client ran.
func (r *Record) Adopt(found *Record) {
	r.Fail(found.problem)
	r.Notes = append(r.Notes, found.Notes...)
}

// Transcript is what the client wrote of its messages, "" where it keeps no record.
func (r *Record) Transcript() string { return r.transcript.String() }

// Note adds to what is recorded of the attempt.
func (r *Record) Note(text string) { r.Notes = append(r.Notes, text) }

// Course is the events of the contract as text, in order.
func (r *Record) Course() []string {
	var out []string
	for _, e := range r.Events {
		if e.Kind != Ready {
			out = append(out, e.String())
		}
	}
	return out
}

// Then appends what was seen of a later sign-in of the same attempt.
func (r *Record) Then(next *Record) {
	r.Events = append(r.Events, next.Events...)
	r.runaway = orElse(r.runaway, next.runaway)
	r.Stopped, r.Report, r.History = next.Stopped, next.Report, next.History
	r.Left = append(r.Left, next.Left...)
	_, _ = r.transcript.Write([]byte(next.Transcript())) // never fails
	r.Adopt(next)
	r.Duration = next.Started.Add(next.Duration).Sub(r.Started)
}

// Signin is the first OnSignin.
func (r *Record) Signin() (Event, bool) {
	return r.first(func(e Event) bool { return e.Kind == status.OnSignin })
}

// reason is the first event that tells of a failure.
func (r *Record) reason() (Event, bool) {
	return r.first(func(e Event) bool { return !e.HR.Success() })
}

func (r *Record) first(is func(Event) bool) (Event, bool) {
	i := slices.IndexFunc(r.Events, is)
	if i < 0 {
		return Event{}, false
	}
	return r.Events[i], true
}

// Connecting is the time from CONNECTING to OnSignin; negative where one of them is missing.
func (r *Record) Connecting() time.Duration {
	began, ok := r.first(func(e Event) bool { return e.Status == status.Connecting })
	ended, ok2 := r.Signin()
	if !ok || !ok2 {
		return -1
	}
	return ended.At.Sub(began.At)
}

// stopping is the time from the order to stop to the last event; negative where there was none.
func (r *Record) stopping() time.Duration {
	if r.Stopped.IsZero() || len(r.Events) == 0 {
		return -1
	}
	return max(0, r.Events[len(r.Events)-1].At.Sub(r.Stopped))
}

// Messages returns the SIP messages of the history that the client sent, or received where sent is false.
func (r *Record) Messages(sent bool) []server.Record {
	var out []server.Record
	for _, h := range r.History {
		if h.Kind == server.KindMessage && h.Sent != sent { // the history's view is the server's
			out = append(out, h)
		}
	}
	return out
}

// Requests returns the requests of a method that the client sent.
func (r *Record) Requests(method string) []server.Record {
	var out []server.Record
	for _, m := range r.Messages(true) {
		if m.Status == 0 && m.Method == method {
			out = append(out, m)
		}
	}
	return out
}

// Header is the first value of a header of a message in the history; "" where it has none.
func Header(m server.Record, name string) string {
	for line := range strings.Lines(m.Text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if line == "\r\n" {
			break
		}
		if ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Queries returns the questions that the DNS server was asked, by type; every type for "".
func (r *Record) Queries(qtype string) []server.Record {
	var out []server.Record
	for _, h := range r.History {
		if h.Kind == server.KindQuery && (qtype == "" || h.Type == qtype) {
			out = append(out, h)
		}
	}
	return out
}

// Of returns the records of the history of one kind.
func (r *Record) Of(kind server.Kind) []server.Record {
	var out []server.Record
	for _, h := range r.History {
		if h.Kind == kind {
			out = append(out, h)
		}
	}
	return out
}

// recordJSON is a Record as the JSON report has it.
type recordJSON struct {
	Attempt  string          `json:"attempt,omitempty"`
	Started  time.Time       `json:"started"`
	Duration float64         `json:"seconds"`
	Stopped  float64         `json:"stopped_ms,omitempty"`
	Events   []eventLine     `json:"events"`
	Notes    []string        `json:"notes,omitempty"`
	Left     []string        `json:"left_behind,omitempty"`
	Wire     []server.Record `json:"wire,omitempty"`
	Report   *signin.Report  `json:"report,omitempty"`
}

// MarshalJSON writes the record with times as offsets; what the client was told is left out.
func (r *Record) MarshalJSON() ([]byte, error) {
	out := recordJSON{
		Attempt: r.Attempt, Started: r.Started, Duration: r.Duration.Seconds(), Events: []eventLine{},
		Notes: r.Notes, Left: r.Left, Wire: r.History, Report: r.Report,
	}
	if !r.Stopped.IsZero() {
		out.Stopped = float64(r.Stopped.Sub(r.Started).Microseconds()) / 1000
	}
	for _, e := range r.Events {
		out.Events = append(out.Events, e.line(r.Started))
	}
	return json.Marshal(out)
}

// transcript keeps what a client writes of its messages, as much as a sign-in makes.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

const maxTranscript = 4 << 20

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) < maxTranscript {
		t.text = append(t.text, p...)
	}
	return len(p), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// Check is something that must hold of what was sent.
type Check struct {
	Name string
	// Of returns what is wrong, "" for nothing.
	Of func(*Record) string
}
