package conformance

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Select returns the cases that one of the selectors names, in the order of the catalogue; all without a
// selector. A selector is an id, the beginning of ids up to a slash, or either with the wildcards of
// path.Match in its segments: "reg" selects reg/basic and not regx/basic, "tls/*name*" works as one thinks.
// A selector that selects nothing is an error that names it.
func Select(cases []Case, selectors ...string) ([]Case, error) {
	if len(selectors) == 0 {
		return cases, nil
	}
	selected := make([]bool, len(cases))
	for _, s := range selectors {
		found := false
		for i, c := range cases {
			ok, err := matches(s, c.ID)
			if err != nil {
				return nil, fmt.Errorf("selector %q: %w", s, err)
			}
			selected[i] = selected[i] || ok
			found = found || ok
		}
		if !found {
			return nil, fmt.Errorf("selector %q selects no case", s)
		}
	}
	var out []Case
	for i, c := range cases {
		if selected[i] {
			out = append(out, c)
		}
	}
	return out, nil
}

// matches tells whether a selector names an id, segment by segment.
func matches(selector, id string) (bool, error) {
	want, have := strings.Split(strings.TrimSuffix(selector, "/"), "/"), strings.Split(id, "/")
	for i, pattern := range want {
		if i == len(have) {
			return false, nil
		}
		if ok, err := path.Match(pattern, have[i]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Missing returns those of the ids that must run which did not: they were skipped, not implemented, or not
// there at all. So a suite that silently skips everything does not pass.
func Missing(mustRun []string, results []Result) []string {
	ran := func(id string) bool {
		return slices.ContainsFunc(results, func(r Result) bool {
			return r.Case.ID == id && (r.Verdict != Skip && r.Verdict != Unimplemented || r.Deviation != "")
		})
	}
	return slices.DeleteFunc(slices.Clone(mustRun), ran)
}
