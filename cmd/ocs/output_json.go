package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// schema names the form of every JSON line. Keys are added under this name, never changed.
const schema = "ocs/1"

// jsonEvent is the line of an event.
type jsonEvent struct {
	Schema string       `json:"schema"`
	Event  status.Kind  `json:"event"`
	TimeMS float64      `json:"t_ms"` // since the start of the attempt
	HR     *ocserr.Code `json:"hr,omitempty"`
	Hex    string       `json:"hex,omitempty"` // of a failure
	Code   string       `json:"code,omitempty"`
	Status string       `json:"status,omitempty"`
	Value  *int32       `json:"value,omitempty"` // of the status
	Stage  ocserr.Stage `json:"stage,omitempty"` // this and what follows: why it failed
	Detail string       `json:"detail,omitempty"`
	Cause  string       `json:"cause,omitempty"`
	Remedy string       `json:"remedy,omitempty"`
}

// jsonReport is the last line.
type jsonReport struct {
	Schema string         `json:"schema"`
	Event  string         `json:"event"`
	Report *signin.Report `json:"report"`
}

// jsonLines shows a sign-in as JSON lines on out; an error also in words on errors.
type jsonLines struct {
	out     *output
	errors  io.Writer
	started time.Time
}

func (j *jsonLines) begin(_ string, started time.Time) { j.started = started }

func (j *jsonLines) event(e status.Event) {
	line := jsonEvent{Schema: schema, Event: e.Kind, TimeMS: math.Round(milliseconds(e.At.Sub(j.started))*10) / 10}
	if e.Kind != status.OnSignout {
		line.HR, line.Code = &e.HR, e.HR.Name()
	}
	if e.Kind == status.OnMyStatusChange {
		value := int32(e.Status)
		line.Status, line.Value = e.Status.String(), &value
	}
	if !e.HR.Success() {
		line.Hex = e.HR.Hex()
	}
	if e.Err != nil {
		line.Stage, line.Cause, line.Remedy = e.Err.Stage, cause(e.Err), e.Err.Remedy
		if e.Err.Detail != 0 {
			line.Detail = e.Err.Detail.Name()
		}
	}
	writeJSON(j.out, line)
}

func (j *jsonLines) online(*signin.Report) {}

func (j *jsonLines) end(r *signin.Report, err *ocserr.Error) {
	writeJSON(j.out, jsonReport{Schema: schema, Event: "Report", Report: r})
	if err != nil {
		fmt.Fprintf(j.errors, "ocs: %s\n", printable(inWords(err)))
	}
}

// cause is why e arose, on one line: what happened, and what was heard of it.
func cause(e *ocserr.Error) string {
	text := e.Meaning()
	if e.Err != nil {
		text += ": " + strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	return text
}

// writeJSON writes v on a line of its own, in one write. out remembers a failure.
func writeJSON(out *output, v any) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil && out.err == nil {
		out.err = err
	}
}
