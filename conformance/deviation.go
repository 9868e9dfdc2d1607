package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Deviations are the cases that a subject is known to fail, by selector, each with the reason.
type Deviations map[string]string

// ReadDeviations reads deviations from JSON: {"selector": "reason"}.
func ReadDeviations(from io.Reader) (Deviations, error) {
	var d Deviations
	decoder := json.NewDecoder(io.LimitReader(from, 1<<20))
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("deviations: %w", err)
	}
	for selector, reason := range d {
		if reason == "" {
			return nil, fmt.Errorf("deviations: %q has no reason", selector)
		}
		if _, err := matches(selector, "area/name"); err != nil {
			return nil, fmt.Errorf("deviations: selector %q: %w", selector, err)
		}
	}
	return d, nil
}

// Match returns the reason for a case, and whether there is one.
func (d Deviations) Match(id string) (reason string, known bool) {
	for _, selector := range d.selectors() {
		if ok, err := matches(selector, id); ok && err == nil {
			return d[selector], true
		}
	}
	return "", false
}

// Check returns an error where a selector names no case of the catalogue.
func (d Deviations) Check(cases []Case) error {
	for _, selector := range d.selectors() {
		if _, err := Select(cases, selector); err != nil {
			return fmt.Errorf("deviations: %w", err)
		}
	}
	return nil
}

func (d Deviations) selectors() []string {
	out := make([]string, 0, len(d))
	for s := range d {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
