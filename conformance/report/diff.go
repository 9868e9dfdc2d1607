package report

import (
	"cmp"
	"fmt"

	"github.com/ocsgo/ocs/conformance"
)

// Change is a case that is not in two reports with the same verdict.
type Change struct {
	ID            string
	Before, After conformance.Verdict // empty where the report lacks the case
}

// String is the change in a line.
func (c Change) String() string {
	return fmt.Sprintf("%-13s -> %-13s %s", cmp.Or(c.Before, "(none)"), cmp.Or(c.After, "(none)"), c.ID)
}

// Diff returns what has changed from one report to another: in the order of the first, then what has appeared.
func Diff(before, after *Report) []Change {
	then, now := verdicts(before), verdicts(after)
	var out []Change
	for _, c := range before.Cases {
		if now[c.ID] != c.Verdict {
			out = append(out, Change{c.ID, c.Verdict, now[c.ID]})
		}
	}
	for _, c := range after.Cases {
		if _, known := then[c.ID]; !known {
			out = append(out, Change{c.ID, "", c.Verdict})
		}
	}
	return out
}

func verdicts(r *Report) map[string]conformance.Verdict {
	out := map[string]conformance.Verdict{}
	for _, c := range r.Cases {
		out[c.ID] = c.Verdict
	}
	return out
}
