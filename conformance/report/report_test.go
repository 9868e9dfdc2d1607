package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// nasty is text that breaks writers which do not escape.
const nasty = "<b>&\"']]>\x00\x1b\u009b</b>"

// results are results of every verdict.
func results() []conformance.Result {
	start := time.Date(2007, 7, 31, 12, 0, 0, 0, time.UTC)
	record := &conformance.Record{Attempt: nasty, Started: start, Events: []conformance.Event{
		{At: start.Add(time.Millisecond), Kind: status.OnSignin, HR: ocserr.Connect, Text: nasty},
	}, Notes: []string{nasty}}
	result := func(id string, v conformance.Verdict) conformance.Result {
		return conformance.Result{
			Case: conformance.Case{
				ID: id, Title: nasty, Level: conformance.Must, Refs: []string{nasty}, Purpose: nasty,
				Attempts: []conformance.Attempt{{Name: nasty, Expect: []conformance.Outcome{{Note: nasty}}}},
			},
			Verdict: v, Duration: 1500 * time.Millisecond, Records: []*conformance.Record{record},
			Axes: []conformance.Judgement{{Axis: conformance.AxisContract, Verdict: v, Actual: []string{nasty}}},
		}
	}
	known, unexpected := result("b/known", conformance.Fail), result("b/unexpected", conformance.Pass)
	known.Deviation, unexpected.Deviation, unexpected.Unexpected = nasty, nasty, true
	all := []conformance.Result{known, unexpected}
	for _, v := range conformance.Verdicts() {
		all = append(all, result("a/"+strings.ToLower(string(v)), v))
	}
	return all
}

func sample(t *testing.T) *Report {
	t.Helper()
	r, err := New(Run{Subject: "us & them", Ground: conformance.Simulator, Started: time.Now(), Missing: []string{"c/must"}}, results())
	require.NoError(t, err)
	return r
}

func TestJSONIsReadBackAsItWas(t *testing.T) {
	var b bytes.Buffer
	r := sample(t)
	require.NoError(t, r.JSON(&b))
	read, err := Read(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.True(t, read.Failed)
	require.True(t, read.Broken)
	require.Len(t, read.Cases, len(r.Cases))
	for i, c := range read.Cases {
		require.Equal(t, r.Cases[i].ID, c.ID)
		require.Equal(t, r.Cases[i].Verdict, c.Verdict)
		require.Equal(t, r.Cases[i].Axes, c.Axes)
		require.Len(t, c.Attempts, 1)
		require.Contains(t, string(c.Attempts[0]), `"t_ms": 1`)
		require.Contains(t, string(c.Attempts[0]), `"hr": -2130705663`)
	}
	require.Equal(t, 2, read.Summary[conformance.Fail])
}

func TestReadRefusesAnotherSchema(t *testing.T) {
	_, err := Read(strings.NewReader(`{"schema":"ocs/1"}`))
	require.ErrorContains(t, err, "ocs-conformance/1")
	_, err = Read(strings.NewReader(`{"schema":"ocs-conformance/1","unknown":1}`))
	require.Error(t, err)
	_, err = Read(strings.NewReader(`{"schema":"ocs-conformance/1"} {}`))
	require.ErrorContains(t, err, "more text")
}

// junitRule is what the schema says of an element (junit-10.xsd of Jenkins' xUnit plug-in): its attributes, * for
// required ones, and its children in the order that they must have.
var junitRules = map[string]struct {
	attributes []string
	children   []string
}{
	"testsuites": {[]string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
	"testsuite":  {[]string{"*name", "*tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id"}, []string{"properties", "testcase", "system-out", "system-err"}},
	"properties": {nil, []string{"property"}},
	"property":   {[]string{"*name", "*value"}, nil},
	"testcase":   {[]string{"*name", "classname", "time"}, []string{"skipped", "error", "failure", "system-out", "system-err"}},
	"skipped":    {[]string{"message", "type"}, nil},
	"error":      {[]string{"message", "type"}, nil},
	"failure":    {[]string{"message", "type"}, nil},
	"system-out": {nil, nil},
}

// node is an element of any XML.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []node     `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (n node) attr(name string) string {
	i := slices.IndexFunc(n.Attrs, func(a xml.Attr) bool { return a.Name.Local == name })
	if i < 0 {
		return ""
	}
	return n.Attrs[i].Value
}

// validate holds an element and everything in it against the schema's rules.
func validate(t *testing.T, n node) {
	t.Helper()
	rule, known := junitRules[n.XMLName.Local]
	require.Truef(t, known, "element %s", n.XMLName.Local)
	for _, a := range rule.attributes {
		if name, required := strings.CutPrefix(a, "*"); required {
			require.NotEmptyf(t, n.attr(name), "%s without %s", n.XMLName.Local, name)
		}
	}
	for _, a := range n.Attrs {
		name := a.Name.Local
		require.Truef(t, slices.Contains(rule.attributes, name) || slices.Contains(rule.attributes, "*"+name), "attribute %s of %s", name, n.XMLName.Local)
		switch name {
		case "tests", "failures", "errors", "skipped":
			if n.XMLName.Local != "skipped" {
				_, err := strconv.ParseUint(a.Value, 10, 32)
				require.NoError(t, err)
			}
		case "time":
			_, err := strconv.ParseFloat(a.Value, 64)
			require.NoError(t, err)
		case "timestamp":
			require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`, a.Value)
		}
	}
	last := 0
	for _, child := range n.Children {
		at := slices.Index(rule.children, child.XMLName.Local)
		require.GreaterOrEqualf(t, at, last, "%s in %s", child.XMLName.Local, n.XMLName.Local)
		last = at
		validate(t, child)
	}
}

func TestJUnitFollowsItsSchemaAndCounts(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, sample(t).JUnit(&b))
	var root node
	require.NoError(t, xml.Unmarshal(b.Bytes(), &root))
	require.Equal(t, "testsuites", root.XMLName.Local)
	validate(t, root)

	counts := map[string]int{}
	for _, suite := range root.Children {
		in := map[string]int{}
		for _, c := range suite.Children {
			if c.XMLName.Local != "testcase" {
				continue
			}
			in["tests"]++
			require.NotEmpty(t, c.attr("name"))
			require.Equal(t, suite.attr("name"), c.attr("classname"))
			outcomes := 0
			for _, what := range c.Children {
				in[what.XMLName.Local]++
				if what.XMLName.Local != "system-out" {
					outcomes++
				}
			}
			require.LessOrEqual(t, outcomes, 1)
		}
		for attribute, element := range map[string]string{"tests": "tests", "failures": "failure", "errors": "error", "skipped": "skipped"} {
			require.Equal(t, suite.attr(attribute), strconv.Itoa(in[element]), attribute)
			counts[element] += in[element]
		}
	}
	require.Equal(t, map[string]int{"tests": 10, "failure": 3, "error": 1, "skipped": 3}, counts)
	require.Equal(t, "10", root.attr("tests"))
}

func TestHTMLIsOnePageThatEscapes(t *testing.T) {
	var b bytes.Buffer
	r := sample(t)
	require.NoError(t, HTML(&b, r, r))
	text := b.String()
	require.NotContains(t, text, "<b>&")
	require.NotRegexp(t, `(?i)(src|href)="?(https?:|//)`, text, "it needs no other file")
	for _, c := range r.Cases {
		anchor := strings.ReplaceAll(c.ID, "/", "-")
		require.Contains(t, text, `href="#`+anchor+`"`)
		require.Contains(t, text, `<section id="`+anchor+`">`)
	}
	// What opens is closed: read it back as XML, with HTML's void elements.
	require.NotRegexp(t, `[\x00-\x08\x0b-\x1f\x7f-\x{9f}]`, text, "no byte that steers")
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	sections := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "section" {
			sections++
		}
	}
	require.Equal(t, len(r.Cases), sections)
}

func TestDiffTellsWhatChanged(t *testing.T) {
	report := func(cases ...Case) *Report { return &Report{Cases: cases} }
	before := report(Case{ID: "a/same", Verdict: conformance.Pass}, Case{ID: "a/worse", Verdict: conformance.Pass}, Case{ID: "a/gone", Verdict: conformance.Skip})
	after := report(Case{ID: "a/new", Verdict: conformance.Fail}, Case{ID: "a/worse", Verdict: conformance.Fail}, Case{ID: "a/same", Verdict: conformance.Pass})
	require.Equal(t, []Change{
		{"a/worse", conformance.Pass, conformance.Fail}, {"a/gone", conformance.Skip, ""}, {"a/new", "", conformance.Fail},
	}, Diff(before, after))
	require.Empty(t, Diff(before, before))
	require.Equal(t, "PASS          -> (none)        a/b", Change{"a/b", conformance.Pass, ""}.String())
}

func TestTextNamesWhatWentWrong(t *testing.T) {
	var b bytes.Buffer
	for _, result := range results() {
		require.NoError(t, Progress(&b, result))
	}
	require.NoError(t, sample(t).Totals(&b))
	require.NotContains(t, b.String(), "\x1b", "a report cannot steer a terminal")
	lines := strings.Split(b.String(), "\n")
	for _, c := range sample(t).Cases {
		require.Truef(t, slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, string(c.Verdict)) && strings.Contains(l, c.ID) }), "%s", c.ID)
	}
	require.Contains(t, b.String(), "known to fail")
	require.Contains(t, b.String(), "not run, and must be: c/must")
	require.Contains(t, b.String(), "9 cases on ground S against us & them")
}

func TestTextOfAKeptReportSaysWhatARunSaid(t *testing.T) {
	var kept, run, text bytes.Buffer
	require.NoError(t, sample(t).JSON(&kept))
	read, err := Read(&kept)
	require.NoError(t, err)
	for _, result := range results() {
		if result.Verdict != conformance.Pass || result.Unexpected {
			require.NoError(t, Progress(&run, result))
		}
	}
	require.NoError(t, read.Totals(&run))
	require.NoError(t, read.Text(&text))
	require.Equal(t, run.String(), text.String())
	require.Contains(t, text.String(), "    actual ")
}
