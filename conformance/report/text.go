package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/ocsgo/ocs/conformance"
)

// Progress writes the line of a case that has ended and, where it went wrong, what was expected and what
// happened.
func Progress(w io.Writer, result conformance.Result) error {
	_, err := io.WriteString(w, printable(caseOf(result).text()))
	return err
}

func (c Case) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-13s %-34s %6.1f s  %s\n", c.Verdict, c.ID, c.Seconds, c.Title)
	switch {
	case c.Unexpected:
		fmt.Fprintf(&b, "    passes, but is known to fail (%s): take it out of the deviations\n", c.Deviation)
	case c.Deviation != "":
		fmt.Fprintf(&b, "    known: %s\n", c.Deviation)
	case c.Reason != "":
		fmt.Fprintf(&b, "    %s\n", c.Reason)
	}
	if wrong(c.Verdict) || c.Verdict == conformance.Informational {
		list(&b, "expected", c.Expected)
		list(&b, "actual", c.Actual)
	}
	return b.String()
}

// printable keeps what a foreign program said from steering a terminal or a browser.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '?'
		}
		return r
	}, text)
}

// wrong tells whether a verdict needs an explanation.
func wrong(v conformance.Verdict) bool {
	return v == conformance.Fail || v == conformance.NonStrict || v == conformance.Error
}

func list(b *strings.Builder, title string, lines []string) {
	for i, line := range lines {
		if i > 0 {
			title = ""
		}
		fmt.Fprintf(b, "    %-9s %s\n", title, line)
	}
}

// Text writes the report: each case that did not pass as Progress has it, and the summary.
func (r *Report) Text(w io.Writer) error {
	for _, c := range r.Cases {
		if c.Verdict == conformance.Pass && !c.Unexpected {
			continue
		}
		if _, err := io.WriteString(w, printable(c.text())); err != nil {
			return err
		}
	}
	return r.Totals(w)
}

// Totals writes the summary of a run, whose cases Progress has shown.
func (r *Report) Totals(w io.Writer) error {
	var b strings.Builder
	var counts []string
	for _, v := range conformance.Verdicts() {
		if n := r.Summary[v]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	fmt.Fprintf(&b, "\n%d cases on ground %s against %s in %.1f s: %s\n", len(r.Cases), r.Ground, r.Subject, r.Seconds, strings.Join(counts, ", "))
	for _, c := range r.Cases {
		if c.Verdict == conformance.Fail && c.Deviation == "" || c.Verdict == conformance.Error || c.Unexpected {
			fmt.Fprintf(&b, "  %-13s %s\n", c.Verdict, c.ID)
		}
	}
	for _, id := range r.Missing {
		fmt.Fprintf(&b, "  not run, and must be: %s\n", id)
	}
	_, err := io.WriteString(w, printable(b.String()))
	return err
}
