package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// faultJSON is a Fault as JSON writes it.
type faultJSON struct {
	Stage   FaultStage        `json:"stage"`
	Match   Match             `json:"match,omitzero"`
	Action  Action            `json:"action"`
	Status  int               `json:"status,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Text    string            `json:"text,omitempty"`
	To      string            `json:"to,omitempty"`
	How     string            `json:"how,omitempty"`
	Bytes   int               `json:"bytes,omitempty"`
	Seed    int               `json:"seed,omitempty"`
	Delay   string            `json:"delay,omitempty"`
	Skip    int               `json:"skip,omitempty"`
	Count   int               `json:"count,omitempty"`
}

// MarshalJSON writes the fault in the form that UnmarshalJSON reads.
func (f Fault) MarshalJSON() ([]byte, error) {
	out := faultJSON{
		Stage: f.Stage, Match: f.Match, Action: f.Action, Status: f.Status, Reason: f.Reason, Headers: f.Headers,
		Text: f.Text, To: f.To, How: f.How, Bytes: f.Bytes, Seed: f.Seed, Skip: f.Skip, Count: f.Count,
	}
	if f.Delay != 0 {
		out.Delay = f.Delay.String()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads one fault and checks it.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var in faultJSON
	if err := unmarshalStrict(data, &in); err != nil {
		if strings.Contains(err.Error(), "unknown field") {
			return fmt.Errorf("fault: %w; known: stage, match, action, %s, delay, skip, count; in match: %s", err, list(faultKeys()), list(matchKeys()))
		}
		return fmt.Errorf("fault: %w", err)
	}
	out := Fault{
		Stage: in.Stage, Match: in.Match, Action: in.Action, Status: in.Status, Reason: in.Reason, Headers: in.Headers,
		Text: in.Text, To: in.To, How: in.How, Bytes: in.Bytes, Seed: in.Seed, Skip: in.Skip, Count: in.Count,
	}
	if in.Delay != "" {
		var err error
		if out.Delay, err = time.ParseDuration(in.Delay); err != nil {
			return fmt.Errorf("fault: delay %q is not a duration such as \"2s\" or \"150ms\"", in.Delay)
		}
	}
	if err := out.check(); err != nil {
		return err
	}
	*f = out
	return nil
}

// ParseFaults reads one fault, or an array of faults, from JSON.
func ParseFaults(data []byte) ([]Fault, error) {
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '[' {
		var faults []Fault
		err := unmarshalStrict(data, &faults)
		return faults, err
	}
	var f Fault
	if err := unmarshalStrict(data, &f); err != nil {
		return nil, err
	}
	return []Fault{f}, nil
}

// unmarshalStrict reads exactly one JSON value and refuses keys that the target does not have.
func unmarshalStrict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return inWords(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("more text after the JSON value")
	}
	return nil
}

// inWords says of an error of encoding/json what is wanted, and nothing of Go.
func inWords(err error) error {
	const example = `a fault is JSON such as {"stage":"register","action":"silent"}`
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: %s found: give %s", orDefault(mistyped.Field, "the whole"), mistyped.Value, wanted(mistyped))
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %s", err, example)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("nothing is given: " + example)
	}
	return err
}

// wanted is what should be in the place of a value of another type.
func wanted(mistyped *json.UnmarshalTypeError) string {
	switch mistyped.Type.Kind() {
	case reflect.String:
		if mistyped.Field == "delay" {
			return `a time in quotes, such as "5s" or "150ms"`
		}
		return "text in quotes"
	case reflect.Int:
		return "a whole number, without quotes"
	case reflect.Bool:
		return "true or false, without quotes"
	}
	return "an object in braces"
}
