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
	c := result.Case
	var b strings.Builder
	fmt.Fprintf(&b, "%-13s %-34s %6.1f s  %s\n", result.Verdict, c.ID, result.Duration.Seconds(), c.Title)
	switch {
	case result.Unexpected:
		fmt.Fprintf(&b, "    passes, but is known to fail (%s): take it out of the deviations\n", result.Deviation)
	case result.Deviation != "":
		fmt.Fprintf(&b, "    known: %s\n", result.Deviation)
	case result.Reason != "":
		fmt.Fprintf(&b, "    %s\n", result.Reason)
	}
	if wrong(result.Verdict) || result.Verdict == conformance.Informational {
		list(&b, "expected", c.Expected())
		list(&b, "actual", result.Actual())
	}
	_, err := io.WriteString(w, printable(b.String()))
	return err
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

// Text writes the summary of a run.
func (r *Report) Text(w io.Writer) error {
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
