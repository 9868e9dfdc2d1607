package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Deviations are the cases that a subject is known to fail, by selector, each with the reason.
type Deviations map[string]string

// ErrorNames are the words of a foreign program for what goes wrong, each with our name for it: a code
// (MSGR_E_INVALID_PASSWORD) or a cause (password-rejected). They are looked up for "code", "cause" and "detail" of its
// events.
type ErrorNames map[string]string

// errorNamesKey is no selector, for there is no area of that name.
const errorNamesKey = "errors"

// ReadDeviations reads what is known of a subject from JSON: {"selector": "reason", "errors": {"its word": "our name"}}.
func ReadDeviations(from io.Reader) (Deviations, ErrorNames, error) {
	d, names, err := readDeviations(from)
	if err != nil {
		return nil, nil, fmt.Errorf("deviations: %w", err)
	}
	return d, names, nil
}

func readDeviations(from io.Reader) (Deviations, ErrorNames, error) {
	d, names := Deviations{}, ErrorNames{}
	decoder := json.NewDecoder(io.LimitReader(from, 1<<20))
	err := decodeObject(decoder, func(selector string) error {
		if selector == errorNamesKey {
			return decodeObject(decoder, func(word string) (err error) {
				names[word], err = decodeErrorName(decoder)
				return err
			})
		}
		if _, err := matches(selector, "area/name"); err != nil {
			return fmt.Errorf("selector %q: %w", selector, err)
		}
		var reason string
		if err := decoder.Decode(&reason); err != nil {
			return fmt.Errorf("%q: %w", selector, err)
		}
		if reason == "" {
			return fmt.Errorf("%q has no reason", selector)
		}
		d[selector] = reason
		return nil
	})
	if err == nil {
		err = atEnd(decoder)
	}
	return d, names, err
}

// decodeErrorName reads one of our names.
func decodeErrorName(decoder *json.Decoder) (string, error) {
	var name string
	if err := decoder.Decode(&name); err != nil {
		return "", err
	}
	isCause := slices.ContainsFunc(ocserr.Table(), func(row ocserr.Row) bool { return string(row.Cause) == name })
	if _, err := ocserr.Parse(name); err != nil && !isCause {
		return "", fmt.Errorf("%q is neither a code nor a cause: \"ocs codes\" lists the codes, docs/error-map.md the causes", name)
	}
	return name, nil
}

// decodeObject reads an object: member reads the value of each key. No key may be there twice.
func decodeObject(decoder *json.Decoder, member func(key string) error) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder allows nothing else
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// atEnd tells that more follows a JSON value.
func atEnd(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more text after the JSON value")
	}
	return nil
}

// of is our name for a word.
func (n ErrorNames) of(word string) string {
	if name, ok := n[word]; ok {
		return name
	}
	return word
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
