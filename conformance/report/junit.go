package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
)

// The elements of JUnit XML as build servers read it (the schema of Jenkins' xUnit plug-in, junit-10.xsd).
// Order of fields is order of elements.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`

		seconds float64
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Skipped   *junitMessage `xml:"skipped"`
		Error     *junitMessage `xml:"error"`
		Failure   *junitMessage `xml:"failure"`
		Out       string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as JUnit XML: a test suite an area, a test case a case. A failure is the subject's, an
// error the harness's. NON-STRICT and INFO are successes with their findings in system-out; where a known
// deviation fails, the case is skipped with its reason.
func (r *Report) JUnit(w io.Writer) error {
	out := junitSuites{Name: "ocs conformance", Time: seconds(r.Seconds)}
	index := map[string]int{}
	for _, c := range r.Cases {
		area, _, _ := strings.Cut(c.ID, "/")
		i, ok := index[area]
		if !ok {
			i = len(out.Suites)
			index[area] = i
			out.Suites = append(out.Suites, junitSuite{
				Name: area, Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
				Properties: []junitProperty{
					{"subject", r.Subject},
					{"ground", string(r.Ground)},
					{"tool", r.Tool},
					{"strict", fmt.Sprint(r.Strict)},
				},
			})
		}
		out.Suites[i].add(area, c)
	}
	if len(r.Missing) > 0 {
		s := junitSuite{Name: "must-run", Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"), Properties: []junitProperty{{"ground", string(r.Ground)}}}
		for _, id := range r.Missing {
			s.add("must-run", Case{ID: id, Verdict: conformance.Fail, Level: conformance.Must, Expected: []string{"the case is run"}, Actual: []string{"it was not"}})
		}
		out.Suites = append(out.Suites, s)
	}
	for i := range out.Suites {
		s := &out.Suites[i]
		s.Time = seconds(s.seconds)
		out.Tests += s.Tests
		out.Failures += s.Failures
		out.Errors += s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add adds a case to its area.
func (s *junitSuite) add(area string, c Case) {
	t := junitCase{Name: c.ID, Classname: area, Time: seconds(c.Seconds), Out: "level: " + string(c.Level) + "\n" + c.findings()}
	first := c.Reason
	if first == "" && len(c.Actual) > 0 {
		first = c.Actual[0]
	}
	switch {
	case c.Unexpected:
		t.Failure = &junitMessage{Message: "passes, but is known to fail: " + c.Deviation, Type: "unexpected pass", Text: c.findings()}
		s.Failures++
	case c.Verdict == conformance.Error:
		t.Error = &junitMessage{Message: first, Type: "harness", Text: c.findings()}
		s.Errors++
	case c.Deviation != "":
		t.Skipped = &junitMessage{Message: "known: " + c.Deviation}
		s.Skipped++
	case c.Verdict == conformance.Fail:
		t.Failure = &junitMessage{Message: first, Type: string(c.Level), Text: c.findings()}
		s.Failures++
	case c.Verdict == conformance.Skip, c.Verdict == conformance.Unimplemented:
		t.Skipped = &junitMessage{Message: string(c.Verdict) + ": " + c.Reason}
		s.Skipped++
	}
	s.Tests++
	s.seconds += c.Seconds
	s.Cases = append(s.Cases, t)
}

// findings is what was expected and what happened, as text.
func (c Case) findings() string {
	var b strings.Builder
	fmt.Fprintf(&b, "verdict: %s\n", c.Verdict)
	for _, line := range c.Expected {
		fmt.Fprintf(&b, "expected: %s\n", line)
	}
	for _, line := range c.Actual {
		fmt.Fprintf(&b, "actual: %s\n", line)
	}
	return b.String()
}

func seconds(s float64) string {
	return fmt.Sprintf("%.3f", time.Duration(s*float64(time.Second)).Seconds())
}
