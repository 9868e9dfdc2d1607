package conformance

import (
	"fmt"
	"time"
)

// Verdict is the judgement of a case, or of one of its axes.
type Verdict string

// The verdicts, the best first.
const (
	Pass          Verdict = "PASS"
	Informational Verdict = "INFO" // recorded, not judged
	NonStrict     Verdict = "NON-STRICT"
	Skip          Verdict = "SKIP"          // not run, with a reason
	Unimplemented Verdict = "UNIMPLEMENTED" // the client says that it cannot
	Fail          Verdict = "FAIL"
	Error         Verdict = "ERROR" // the harness or its ground failed: nothing is said of the subject
)

// Verdicts returns all verdicts, the best first.
func Verdicts() []Verdict {
	return []Verdict{Pass, Informational, NonStrict, Skip, Unimplemented, Fail, Error}
}

// rank orders verdicts: the higher of two decides.
func (v Verdict) rank() int {
	for i, w := range Verdicts() {
		if v == w {
			return i
		}
	}
	return -1
}

func worst(a, b Verdict) Verdict {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Axis is what a judgement is about.
type Axis string

// The axes.
const (
	AxisContract Axis = "contract" // the events and their codes
	AxisWire     Axis = "wire"     // what was sent
	AxisEnd      Axis = "end"      // what is left behind
)

// Axes returns all axes.
func Axes() []Axis { return []Axis{AxisContract, AxisWire, AxisEnd} }

// Judgement is the verdict on one axis.
type Judgement struct {
	Axis    Axis     `json:"axis"`
	Verdict Verdict  `json:"verdict"`
	Actual  []string `json:"actual,omitempty"` // what was wrong, or what was recorded
}

// Result is what became of a case.
type Result struct {
	Case       Case
	Verdict    Verdict
	Reason     string      // of SKIP, UNIMPLEMENTED and ERROR
	Axes       []Judgement // of a case that was not judged to its end only what was found
	Records    []*Record
	Duration   time.Duration
	Deviation  string // why this case is known to fail; "" where it is not
	Unexpected bool   // it passed although it is known to fail

	misfit bool
}

// Bad tells whether the result alone makes a run fail.
func (r Result) Bad() bool {
	return r.Unexpected || r.Verdict == Fail && r.Deviation == ""
}

// AsExpected tells whether everything fits an expected outcome: for an informational case too, which has no
// other verdict than INFO.
func (r Result) AsExpected() bool {
	return !r.misfit && r.Verdict != Skip && r.Verdict != Unimplemented && r.Verdict != Error
}

// Axis is the judgement on one axis.
func (r Result) Axis(a Axis) Judgement {
	for _, j := range r.Axes {
		if j.Axis == a {
			return j
		}
	}
	return Judgement{Axis: a, Verdict: Pass}
}

// Expected is the acceptable outcomes as text, each with the attempt that it belongs to.
func (c Case) Expected() []string {
	var out []string
	for _, a := range c.Attempts {
		prefix := ""
		if a.Name != "" {
			prefix = a.Name + ": "
		}
		or := ""
		for _, o := range a.Expect {
			out = append(out, prefix+or+o.String())
			or = "or "
		}
		for _, check := range a.Wire {
			out = append(out, prefix+"on the wire: "+check.Name)
		}
	}
	return out
}

// Actual is what was wrong or recorded, as text.
func (r Result) Actual() []string {
	var out []string
	for _, j := range r.Axes {
		for _, text := range j.Actual {
			out = append(out, fmt.Sprintf("%s: %s", j.Axis, text))
		}
	}
	return out
}

// Failed tells whether a run as a whole failed, and Broken whether its harness did.
func Failed(results []Result) (failed, broken bool) {
	for _, r := range results {
		failed = failed || r.Bad()
		broken = broken || r.Verdict == Error
	}
	return failed, broken
}
