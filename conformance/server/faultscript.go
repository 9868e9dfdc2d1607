package server

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// faults is the fault script in force.
type faults struct {
	any    atomic.Bool // whether there are faults at all
	mu     sync.Mutex
	script []*activeFault
}

type activeFault struct {
	Fault
	group  group
	moment moment
	skip   int // how often it still fits without striking
	left   int // how often it still strikes; -1: always
}

// add appends to the script of a server with a configuration.
func (fs *faults) add(script []Fault, config Config) error {
	for i, f := range script {
		if err := f.check(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range script {
		f.Match = f.Match.normalise(config)
		left := f.Count
		if left == 0 {
			left = -1
		}
		g := f.rules().group
		fs.script = append(fs.script, &activeFault{f, g, f.moment(g), f.Skip, left})
	}
	fs.any.Store(len(fs.script) > 0)
	return nil
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.script = nil
	fs.any.Store(false)
}

// list returns the faults that can still strike, each with the count that is left.
func (fs *faults) list() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := []Fault{}
	for _, a := range fs.script {
		if a.left != 0 {
			f := a.Fault
			f.Skip, f.Count = a.skip, max(a.left, 0)
			out = append(out, f)
		}
	}
	return out
}

// take finds the fault that strikes where there is one moment only, and counts it.
func (fs *faults) take(stage FaultStage, is facts) (Fault, bool) {
	return fs.takeOf(groupDeed, stage, onArrival, is)
}

// takeOf finds the fault of a group that strikes at a moment, and counts it.
func (fs *faults) takeOf(g group, stage FaultStage, at moment, is facts) (Fault, bool) {
	if !fs.any.Load() {
		return Fault{}, false
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.script {
		if a.left == 0 || a.group != g || a.Stage != stage || !a.strikes(at, is) || !a.Match.fits(is) {
			continue
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		if a.left > 0 {
			a.left--
		}
		return a.Fault, true
	}
	return Fault{}, false
}

// strikes tells whether this is the fault's moment. A request of the server's has only one, and nothing that
// is an answer fits it.
func (a *activeFault) strikes(at moment, is facts) bool {
	if is.own {
		return a.group != groupDeed || slices.Contains([]Action{ActionSilent, ActionDelay, ActionClose, ActionReset}, a.Action)
	}
	if a.Stage == StageProxy && strings.HasPrefix(is.transport, "socks") && (a.Action == ActionStatus || a.Action == ActionChallenge) {
		return false // those are answers of HTTP
	}
	return a.moment == at && (a.group != groupSequel || is.status/100 == 2)
}

// AddFaults appends to the fault script.
func (s *Server) AddFaults(script ...Fault) error { return s.faults.add(script, s.config) }

// Faults returns the faults that can still strike, with the counts left.
func (s *Server) Faults() []Fault { return s.faults.list() }

// ClearFaults ends all faults.
func (s *Server) ClearFaults() { s.faults.clear() }
