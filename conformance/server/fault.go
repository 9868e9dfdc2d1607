package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultStage is where in a sign-in a fault strikes.
type FaultStage string

// The stages, in the order in which a sign-in passes them.
const (
	StageDNS       FaultStage = "dns"       // a DNS query
	StageAccept    FaultStage = "accept"    // a connection, before a byte of it is read
	StageTLS       FaultStage = "tls"       // a ClientHello
	StageRegister  FaultStage = "register"  // a REGISTER
	StageSubscribe FaultStage = "subscribe" // a SUBSCRIBE
	StagePublish   FaultStage = "publish"   // a SERVICE
	StageLive      FaultStage = "live"      // any other request, and the server's own NOTIFY and BENOTIFY
)

// Action is what a fault does.
type Action string

// The actions.
const (
	ActionSilent   Action = "silent"            // nothing is answered, the connection stays
	ActionDelay    Action = "delay"             // the right answer, Delay later
	ActionNXDomain Action = "nxdomain"          // dns: the name does not exist
	ActionServFail Action = "servfail"          // dns: the server failed
	ActionRefuse   Action = "refuse"            // dns: REFUSED
	ActionClose    Action = "close"             // the connection is closed
	ActionReset    Action = "reset"             // the connection is reset
	ActionStatus   Action = "status"            // SIP: the answer is Status, with Reason and Headers; a request of the server's is not sent
	ActionUnsigned Action = "drop-signature"    // SIP: what is sent is not signed
	ActionMissign  Action = "corrupt-signature" // SIP: what is sent is signed wrong
)

// Fault makes the server misbehave: at a stage, when Match fits, Action is done, Count times. Of several
// faults that fit, the first with a count left strikes.
//
// As JSON its keys are stage, match, action, status, reason, headers, delay and count; delay is text as
// time.ParseDuration reads it. Unknown keys and values are errors that name those known.
type Fault struct {
	Stage   FaultStage
	Match   Match
	Action  Action
	Status  int               // with ActionStatus: 100 to 699
	Reason  string            // with ActionStatus; empty: a text of the server's
	Headers map[string]string // with ActionStatus: added to the answer, in the order of their names
	Delay   time.Duration     // before the answer, whatever the action
	Count   int               // how often; 0: always
}

// Match narrows a fault down. An empty field fits anything; names compare without case.
type Match struct {
	Name      string `json:"name,omitempty"`      // dns: the name asked; tls: the name asked for (SNI)
	Type      string `json:"type,omitempty"`      // dns: "SRV", "A", ...
	Transport string `json:"transport,omitempty"` // accept: "tls" or "tcp"

	// Of SIP requests: the client's by their From, the server's own by their To.
	User   string `json:"user,omitempty"` // "alice@ocs.test"
	Epid   string `json:"epid,omitempty"`
	Method string `json:"method,omitempty"`
	Event  string `json:"event,omitempty"`
	// Authenticated tells requests whose sender has proved a password from others. Without it a fault
	// strikes before the server looks at credentials, but the signature actions always after.
	Authenticated *bool `json:"authenticated,omitempty"`
	// Registered tells requests of registered endpoints, so a refresh from a first REGISTER.
	Registered *bool `json:"registered,omitempty"`
}

// facts are what a fault is matched against.
type facts struct {
	name, qtype, transport    string
	user, epid, method, event string
	registered                bool
	judged, authenticated     bool // judged: the server has looked at the credentials
	own                       bool // a request of the server's: there is one moment only
}

func (m Match) fits(is facts) bool {
	for _, pair := range [][2]string{
		{m.Name, is.name},
		{m.Type, is.qtype},
		{m.Transport, is.transport},
		{m.User, is.user},
		{m.Epid, is.epid},
		{m.Method, is.method},
		{m.Event, is.event},
	} {
		if pair[0] != "" && !strings.EqualFold(pair[0], pair[1]) {
			return false
		}
	}
	return (m.Authenticated == nil || *m.Authenticated == is.authenticated) &&
		(m.Registered == nil || *m.Registered == is.registered)
}

// fits tells whether the fault strikes at this moment: a SIP request has two, before and after the server
// looks at its credentials.
func (f Fault) fits(stage FaultStage, is facts) bool {
	signature := f.Action == ActionUnsigned || f.Action == ActionMissign
	late := signature || f.Match.Authenticated != nil
	return f.Stage == stage && (late == is.judged || is.own) && (is.authenticated || !signature) && f.Match.fits(is)
}

// stageRules says what a stage can do, and on what it can be narrowed down.
type stageRules struct {
	stage   FaultStage
	actions []Action
	matches []string
}

func faultRules() []stageRules {
	request := []Action{ActionSilent, ActionStatus, ActionDelay, ActionClose, ActionReset, ActionUnsigned, ActionMissign}
	sender := []string{"user", "epid", "method", "event", "authenticated", "registered"}
	return []stageRules{
		{StageDNS, []Action{ActionNXDomain, ActionServFail, ActionRefuse, ActionSilent, ActionDelay}, []string{"name", "type"}},
		{StageAccept, []Action{ActionSilent, ActionClose, ActionReset, ActionDelay}, []string{"transport"}},
		{StageTLS, []Action{ActionSilent, ActionClose, ActionReset}, []string{"name"}},
		{StageRegister, request, sender},
		{StageSubscribe, request, sender},
		{StagePublish, request, sender},
		{StageLive, request, sender},
	}
}

// check tells what is wrong with a fault.
func (f Fault) check() error {
	rules := faultRules()
	i := slices.IndexFunc(rules, func(r stageRules) bool { return r.stage == f.Stage })
	if i < 0 {
		var known []FaultStage
		for _, r := range rules {
			known = append(known, r.stage)
		}
		return fmt.Errorf("fault: unknown stage %q; known: %s", f.Stage, list(known))
	}
	if !slices.Contains(rules[i].actions, f.Action) {
		return fmt.Errorf("fault: unknown action %q at stage %q; known: %s", f.Action, f.Stage, list(rules[i].actions))
	}
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"name", f.Match.Name != ""},
		{"type", f.Match.Type != ""},
		{"transport", f.Match.Transport != ""},
		{"user", f.Match.User != ""},
		{"epid", f.Match.Epid != ""},
		{"method", f.Match.Method != ""},
		{"event", f.Match.Event != ""},
		{"authenticated", f.Match.Authenticated != nil},
		{"registered", f.Match.Registered != nil},
	} {
		if field.set && !slices.Contains(rules[i].matches, field.name) {
			return fmt.Errorf("fault: unknown match %q at stage %q; known: %s", field.name, f.Stage, list(rules[i].matches))
		}
	}
	switch {
	case f.Action == ActionStatus && (f.Status < 100 || f.Status > 699):
		return fmt.Errorf("fault: action %q needs a status of 100 to 699, not %d", f.Action, f.Status)
	case f.Action != ActionStatus && (f.Status != 0 || f.Reason != "" || len(f.Headers) > 0):
		return fmt.Errorf("fault: status, reason and headers need action %q, not %q", ActionStatus, f.Action)
	case f.Action == ActionDelay && f.Delay <= 0:
		return fmt.Errorf("fault: action %q needs a delay above 0", f.Action)
	case f.Delay < 0 || f.Count < 0:
		return fmt.Errorf("fault: delay and count are not negative")
	}
	for name, value := range f.Headers {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("fault: header %q cannot be sent", name)
		}
	}
	return nil
}

func list[T ~string](known []T) string {
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// faultJSON is a Fault as JSON writes it.
type faultJSON struct {
	Stage   FaultStage        `json:"stage"`
	Match   Match             `json:"match,omitzero"`
	Action  Action            `json:"action"`
	Status  int               `json:"status,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Delay   string            `json:"delay,omitempty"`
	Count   int               `json:"count,omitempty"`
}

// MarshalJSON writes the fault in the form that UnmarshalJSON reads.
func (f Fault) MarshalJSON() ([]byte, error) {
	out := faultJSON{Stage: f.Stage, Match: f.Match, Action: f.Action, Status: f.Status, Reason: f.Reason, Headers: f.Headers, Count: f.Count}
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
			return fmt.Errorf("fault: %w; known: stage, match, action, status, reason, headers, delay, count; "+
				"in match: name, type, transport, user, epid, method, event, authenticated, registered", err)
		}
		return fmt.Errorf("fault: %w", err)
	}
	out := Fault{Stage: in.Stage, Match: in.Match, Action: in.Action, Status: in.Status, Reason: in.Reason, Headers: in.Headers, Count: in.Count}
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
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("more text after the JSON value")
	}
	return nil
}

// faults is the fault script in force.
type faults struct {
	mu     sync.Mutex
	script []*activeFault
}

type activeFault struct {
	Fault
	left int // how often it still strikes; -1: always
}

func (fs *faults) add(script []Fault) error {
	for i, f := range script {
		if err := f.check(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range script {
		left := f.Count
		if left == 0 {
			left = -1
		}
		fs.script = append(fs.script, &activeFault{f, left})
	}
	return nil
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.script = nil
}

// list returns the faults that can still strike, each with the count that is left.
func (fs *faults) list() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := []Fault{}
	for _, a := range fs.script {
		if a.left != 0 {
			f := a.Fault
			f.Count = max(a.left, 0)
			out = append(out, f)
		}
	}
	return out
}

// take finds the fault that strikes and counts it.
func (fs *faults) take(stage FaultStage, is facts) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.script {
		if a.left == 0 || !a.fits(stage, is) {
			continue
		}
		if a.left > 0 {
			a.left--
		}
		return a.Fault, true
	}
	return Fault{}, false
}

// AddFaults appends to the fault script.
func (s *Server) AddFaults(script ...Fault) error { return s.faults.add(script) }

// Faults returns the faults that can still strike, with the counts left.
func (s *Server) Faults() []Fault { return s.faults.list() }

// ClearFaults ends all faults.
func (s *Server) ClearFaults() { s.faults.clear() }
