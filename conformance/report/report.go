// Package report writes what became of a run of the conformance suite: as text for people, as JSON for
// programs and for keeping, as JUnit XML for build servers, as HTML for the web.
//
//   - report.go: Report, which is the JSON form, and how it is made and read
//   - text.go: Progress, line by line; Totals, the summary; Text, both of a report that was kept
//   - junit.go: JUnit XML
//   - html.go, page.html: one page, which needs nothing else; of several reports a matrix
//   - diff.go: what is different between two
//
// JSON is the whole; the others are made from it, so that they can be made later too.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/ocsgo/ocs/conformance"
)

// Schema names the form of the JSON report. Keys are added under this name, never changed.
const Schema = "ocs-conformance/1"

// Report is a run.
type Report struct {
	Schema  string             `json:"schema"`
	Tool    string             `json:"tool"`    // version of this program
	Subject string             `json:"subject"` // who was judged
	Ground  conformance.Ground `json:"ground"`
	Started time.Time          `json:"started"`
	Seconds float64            `json:"seconds"`
	Strict  bool               `json:"strict"`
	Claims  []conformance.Need `json:"claims,omitempty"` // of the real server's profile
	Run     string             `json:"run,omitempty"`    // how the run is called in the real server's logs

	Summary map[conformance.Verdict]int `json:"summary"`
	Missing []string                    `json:"missing,omitempty"` // ids that must run and did not
	Failed  bool                        `json:"failed"`            // a case failed that is not known to, or passed that is
	Broken  bool                        `json:"broken"`            // the harness failed
	Cases   []Case                      `json:"cases"`
}

// Case is a case and what became of it.
type Case struct {
	ID      string              `json:"id"`
	Title   string              `json:"title"`
	Subject conformance.Subject `json:"subject"`
	Level   conformance.Level   `json:"level"`
	Purpose string              `json:"purpose"`
	Refs    []string            `json:"refs"`

	Verdict    conformance.Verdict     `json:"verdict"`
	Reason     string                  `json:"reason,omitempty"`     // of SKIP, UNIMPLEMENTED and ERROR
	Deviation  string                  `json:"deviation,omitempty"`  // why it is known to fail
	Unexpected bool                    `json:"unexpected,omitempty"` // it passed although it is known to fail
	Axes       []conformance.Judgement `json:"axes,omitempty"`       // only what was found, where not all was judged
	Expected   []string                `json:"expected,omitempty"`
	Actual     []string                `json:"actual,omitempty"`
	Seconds    float64                 `json:"seconds"`
	Attempts   []json.RawMessage       `json:"attempts,omitempty"` // conformance.Record
}

// Run is what a Report is made of, beside the results.
type Run struct {
	Subject string
	Ground  conformance.Ground
	Started time.Time
	Strict  bool
	Claims  []conformance.Need
	ID      string // of a run against a real server
	Missing []string
}

// New makes the report of a run.
func New(run Run, results []conformance.Result) (*Report, error) {
	failed, broken := conformance.Failed(results)
	r := &Report{
		Schema: Schema, Tool: version(), Subject: run.Subject, Ground: run.Ground, Started: run.Started, Seconds: time.Since(run.Started).Seconds(),
		Strict: run.Strict, Claims: run.Claims, Run: run.ID, Missing: run.Missing, Failed: failed || len(run.Missing) > 0, Broken: broken,
		Summary: map[conformance.Verdict]int{}, Cases: []Case{},
	}
	for _, result := range results {
		c, err := newCase(result)
		if err != nil {
			return nil, err
		}
		r.Summary[result.Verdict]++
		r.Cases = append(r.Cases, c)
	}
	return r, nil
}

// caseOf is a case without its attempts.
func caseOf(result conformance.Result) Case {
	c := result.Case
	out := Case{
		ID: c.ID, Title: c.Title, Subject: c.Subject, Level: c.Level, Purpose: c.Purpose, Refs: c.Refs,
		Verdict: result.Verdict, Reason: result.Reason, Deviation: result.Deviation, Unexpected: result.Unexpected,
		Axes: result.Axes, Expected: c.Expected(), Actual: result.Actual(), Seconds: result.Duration.Seconds(),
	}
	if out.Subject == "" {
		out.Subject = conformance.SubjectClient
	}
	return out
}

func newCase(result conformance.Result) (Case, error) {
	out := caseOf(result)
	for _, record := range result.Records {
		raw, err := json.Marshal(record)
		if err != nil {
			return out, fmt.Errorf("case %s: %w", out.ID, err)
		}
		out.Attempts = append(out.Attempts, raw)
	}
	return out, nil
}

// version is this program's own, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// JSON writes the report as JSON.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(r)
}

// Read reads a report that JSON has written.
func Read(from io.Reader) (*Report, error) {
	data, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("report: more text after the JSON value")
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("report: schema %q is not %q", r.Schema, Schema)
	}
	return r, nil
}
