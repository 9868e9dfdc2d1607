package server

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
)

// stageRules says what a stage can do, and on what it can be narrowed down.
type stageRules struct {
	stage   FaultStage
	actions []Action
	matches []string
}

// actionRules says what an action changes, and what it takes besides delay, skip and count.
type actionRules struct {
	action Action
	group  group
	takes  []string
	hows   []string // values of how
}

func faultStages() []stageRules {
	request := []Action{
		ActionSilent, ActionDelay, ActionClose, ActionReset, ActionStatus, ActionRedirect, ActionChallenge, ActionUnchallenged,
		ActionProvisional, ActionRewrite, ActionMutate, ActionDropSignature, ActionCorruptSignature, ActionReplaySignature,
		ActionSplit, ActionCoalesce, ActionDuplicate, ActionUnsolicited, ActionCorrupt, ActionVary,
	}
	also := func(actions ...Action) []Action { return append(slices.Clone(request), actions...) }
	sender := []string{"user", "epid", "method", "event", "authenticated", "registered", "status"}
	return []stageRules{
		{StageDNS, []Action{ActionNXDomain, ActionServFail, ActionRefuse, ActionSilent, ActionDelay, ActionUnsolicited}, []string{"name", "type"}},
		{StageAccept, []Action{
			ActionSilent, ActionClose, ActionReset, ActionDelay, ActionRefuse, ActionBlackhole, ActionBanner, ActionSplit, ActionInject,
		}, []string{"transport"}},
		{StageProxy, []Action{
			ActionSilent, ActionDelay, ActionClose, ActionReset, ActionBanner, ActionStatus, ActionChallenge,
			ActionRefuse, ActionNXDomain, ActionUnreachable, ActionCoalesce, ActionSplit,
		}, []string{"name", "transport"}},
		{StageTLS, []Action{ActionSilent, ActionClose, ActionReset}, []string{"name"}},
		{StageKDC, []Action{ActionSilent, ActionClose, ActionDelay}, nil},
		{StageWeb, []Action{ActionSilent, ActionClose, ActionDelay, ActionStatus}, []string{"name"}},
		{StageRegister, also(ActionRemoveEndpoint, ActionInject), sender},
		{StageSubscribe, also(ActionNoPiggyback, ActionNotifyFirst), sender},
		{StagePublish, also(ActionConflict), sender},
		{StageLive, request, sender},
	}
}

func faultActions() []actionRules {
	answer := []string{"status", "reason", "headers", "text"}
	return []actionRules{
		{ActionSilent, groupDeed, []string{"bytes"}, nil},
		{ActionDelay, groupDeed, nil, nil},
		{ActionClose, groupDeed, []string{"bytes"}, nil},
		{ActionReset, groupDeed, []string{"bytes"}, nil},
		{ActionNXDomain, groupDeed, nil, nil},
		{ActionServFail, groupDeed, nil, nil},
		{ActionRefuse, groupDeed, nil, nil},
		{ActionUnreachable, groupDeed, nil, nil},
		{ActionBlackhole, groupDeed, nil, nil},
		{ActionBanner, groupDeed, []string{"text"}, nil},
		{ActionStatus, groupDeed, answer, nil},
		{ActionRedirect, groupDeed, []string{"status", "reason", "headers", "to"}, nil},
		{ActionChallenge, groupDeed, []string{"status", "reason", "headers", "how"}, []string{"stale"}},
		{ActionUnchallenged, groupDeed, nil, nil},
		{ActionProvisional, groupDeed, []string{"status", "reason", "headers"}, nil},
		{ActionConflict, groupDeed, nil, nil},
		{ActionNoPiggyback, groupDeed, nil, nil},
		{ActionNotifyFirst, groupDeed, nil, nil},
		{ActionRewrite, groupContent, answer, nil},
		{ActionMutate, groupContent, []string{"how", "bytes", "seed"}, words(Mutations()...)},
		{ActionDropSignature, groupSignature, nil, nil},
		{ActionCorruptSignature, groupSignature, nil, nil},
		{ActionReplaySignature, groupSignature, nil, nil},
		{ActionSplit, groupBytes, []string{"bytes"}, nil},
		{ActionCoalesce, groupBytes, nil, nil},
		{ActionDuplicate, groupBytes, nil, nil},
		{ActionUnsolicited, groupBytes, answer, nil},
		{ActionCorrupt, groupBytes, []string{"how", "bytes"}, words(
			DamageGarbage, DamageLonger, DamageShorter, DamageNoLength, DamageHeader, DamageBody,
		)},
		{ActionVary, groupBytes, []string{"how"}, words(forms()...)},
		{ActionRemoveEndpoint, groupSequel, []string{"how"}, words(RemovedUnregistered, RemovedRejected, RemovedDeactivated)},
		{ActionInject, groupSequel, []string{"text"}, nil},
	}
}

// at are the parameters that the action takes at a stage.
func (r actionRules) at(stage FaultStage) []string {
	switch {
	case stage != StageAccept && slices.Contains([]Action{ActionSilent, ActionClose, ActionReset}, r.action):
		return nil // elsewhere there is nothing of which to count the bytes
	case stage == StageProxy && r.action == ActionChallenge: // 407, with what the proxy has to offer
		return nil
	case stage == StageWeb && r.action == ActionStatus: // the reason is net/http's
		return []string{"status", "headers", "text"}
	}
	return r.takes
}

// maxFaultBytes bounds what one fault can make the server send.
const maxFaultBytes = 64 << 20

// rules finds what is known of the fault's action.
func (f Fault) rules() actionRules {
	all := faultActions()
	if i := slices.IndexFunc(all, func(r actionRules) bool { return r.action == f.Action }); i >= 0 {
		return all[i]
	}
	return actionRules{}
}

// check tells what is wrong with a fault.
func (f Fault) check() error {
	stages := faultStages()
	i := slices.IndexFunc(stages, func(r stageRules) bool { return r.stage == f.Stage })
	if i < 0 {
		var known []FaultStage
		for _, r := range stages {
			known = append(known, r.stage)
		}
		return fmt.Errorf("fault: unknown stage %q; known: %s", f.Stage, list(known))
	}
	stage, action := stages[i], f.rules()
	if !slices.Contains(stage.actions, f.Action) {
		return fmt.Errorf("fault: unknown action %q at stage %q; known: %s", f.Action, f.Stage, list(stage.actions))
	}
	for _, field := range f.Match.given() {
		if !slices.Contains(stage.matches, field) {
			return fmt.Errorf("fault: unknown match %q at stage %q; known: %s", field, f.Stage, list(stage.matches))
		}
	}
	if err := f.Match.check(f.Stage, f.Action); err != nil {
		return err
	}
	takes := action.at(f.Stage)
	for _, field := range f.given() {
		if !slices.Contains(takes, field) {
			return fmt.Errorf("fault: action %q at stage %q does not take %q; it takes: %s", f.Action, f.Stage, field, list(append(slices.Clone(takes), "delay", "skip", "count")))
		}
	}
	if f.How != "" && !slices.Contains(action.hows, f.How) {
		return fmt.Errorf("fault: unknown how %q of action %q; known: %s", f.How, f.Action, list(action.hows))
	}
	if err := f.checkValues(); err != nil {
		return err
	}
	return checkHeaders(f.Headers)
}

// checkValues checks what no list can say.
func (f Fault) checkValues() error {
	least, most := 100, 699
	switch f.Action {
	case ActionRedirect:
		least, most = 300, 399
	case ActionProvisional:
		most = 199
	}
	status := f.Status
	if status == 0 && f.Action != ActionStatus {
		status = least // it has a default
	}
	switch {
	case status < least || status > most:
		return fmt.Errorf("fault: action %q needs a status of %d to %d, not %d", f.Action, least, most, f.Status)
	case f.Action == ActionChallenge && !slices.Contains([]int{0, 401, 407}, f.Status):
		return fmt.Errorf("fault: action %q needs a status of 401 or 407, not %d", f.Action, f.Status)
	case f.Action == ActionRewrite && len(f.given()) == 0:
		return fmt.Errorf("fault: action %q needs something to write: %s", f.Action, list(f.rules().takes))
	case (f.Action == ActionDelay || f.Action == ActionProvisional) && f.Delay <= 0:
		return fmt.Errorf("fault: action %q needs a delay above 0", f.Action)
	case (f.Action == ActionCorrupt || f.Action == ActionVary || f.Action == ActionMutate) && f.How == "":
		return fmt.Errorf("fault: action %q needs how; known: %s", f.Action, list(f.rules().hows))
	case f.Action == ActionInject && f.Text == "":
		return fmt.Errorf("fault: action %q needs text", f.Action)
	case f.Delay < 0 || f.Skip < 0 || f.Count < 0 || f.Bytes < 0 || f.Seed < 0:
		return fmt.Errorf("fault: delay, skip, count, bytes and seed are not negative")
	case f.Bytes > maxFaultBytes || len(f.Text) > maxFaultBytes:
		return fmt.Errorf("fault: bytes and text are at most %d", maxFaultBytes)
	case strings.ContainsAny(f.Reason, "\r\n"):
		return fmt.Errorf("fault: the reason is one line")
	}
	if address, _, _ := strings.Cut(f.To, ";"); f.To != "" {
		if _, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(f.To, "<>\r\n \"") {
			return fmt.Errorf("fault: to %q is not \"host:port;transport=tls\"", f.To)
		}
	}
	return nil
}

func checkHeaders(headers map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		switch {
		case name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(headers[name], "\r\x00"):
			return fmt.Errorf("fault: header %q cannot be sent", name)
		case strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l"):
			return fmt.Errorf("fault: Content-Length follows from the body; action %q can make it wrong", ActionCorrupt)
		}
	}
	return nil
}

// named tells which of some fields are given.
func named(fields []string, given ...bool) (out []string) {
	for i, name := range fields {
		if given[i] {
			out = append(out, name)
		}
	}
	return out
}

// matchKeys and faultKeys are the fields as JSON has them.
func matchKeys() []string {
	return []string{"name", "type", "transport", "user", "epid", "method", "event", "authenticated", "registered", "status"}
}

func faultKeys() []string {
	return []string{"status", "reason", "headers", "text", "to", "how", "bytes", "seed"}
}

func (m Match) given() []string {
	return named(matchKeys(), m.Name != "", m.Type != "", m.Transport != "", m.User != "", m.Epid != "", m.Method != "", m.Event != "",
		m.Authenticated != nil, m.Registered != nil, m.Status != 0)
}

// given tells which parameters of the action are set.
func (f Fault) given() []string {
	return named(faultKeys(), f.Status != 0, f.Reason != "", len(f.Headers) > 0, f.Text != "", f.To != "", f.How != "", f.Bytes != 0, f.Seed != 0)
}

func words[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func list[T ~string](known []T) string { return strings.Join(words(known...), ", ") }
