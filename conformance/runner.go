package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
)

// Runner runs cases on one ground against one subject.
type Runner struct {
	Ground Ground // empty: Simulator
	Client Client // the program under test; nil: Engine
	// Own says that the client is our own engine, wrapped or not, so that cases may use its Go API.
	Own bool
	// Settle waits until nothing moves: synctest.Wait on ground V; nil elsewhere.
	Settle func()

	Strict     bool // should weighs as must, and what is not strict fails
	Parallel   int  // cases at a time; 0: 16; one on ground R
	Profile    *Profile
	Pause      time.Duration // between log-ons on ground R; 0: 1 s; negative: none
	Deviations Deviations

	pace pace // on ground R
}

func (r *Runner) client() Client {
	if r.Client == nil {
		return Engine
	}
	return r.Client
}

// defaultParallel is how many cases run at a time: most of a time case is waiting.
const defaultParallel = 16

// Run runs cases and returns their results in the order of the cases. tell, where it is not nil, is called
// as each one ends, never twice at a time. When ctx ends the cases that have not begun are skipped.
func (r *Runner) Run(ctx context.Context, cases []Case, tell func(Result)) []Result {
	parallel := r.Parallel
	if parallel <= 0 {
		parallel = defaultParallel
	}
	if r.Ground == Real {
		parallel = 1
	}
	results := make([]Result, len(cases))
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, i := range slowestFirst(cases) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			result := r.Case(ctx, cases[i])
			mu.Lock()
			defer mu.Unlock()
			results[i] = result
			if tell != nil {
				tell(result)
			}
		})
	}
	wg.Wait()
	return results
}

// slowestFirst orders cases so that those that last as long as a limit do not come last.
func slowestFirst(cases []Case) []int {
	order := make([]int, len(cases))
	length := make([]time.Duration, len(cases))
	for i, c := range cases {
		order[i] = i
		for _, a := range c.Attempts {
			length[i] += a.StopAfter
			if len(a.Expect) > 0 {
				length[i] += a.Expect[0].After
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(length[b] - length[a]) })
	return order
}

// Case runs one case.
func (r *Runner) Case(ctx context.Context, c Case) Result {
	started := time.Now()
	result := Result{Case: c, Verdict: Pass}
	if reason := r.skips(ctx, c); reason != "" {
		result.Verdict, result.Reason = Skip, reason
		return result
	}
	judges := map[Axis]*Judgement{}
	for _, axis := range Axes() {
		judges[axis] = &Judgement{Axis: axis, Verdict: Pass}
	}
	judged := true // every attempt
	for _, a := range r.attempts(c) {
		if r.pace.locked() {
			break
		}
		record, err := r.attempt(ctx, c, a)
		if record != nil {
			record.Settings.Network = nil
			result.Records = append(result.Records, record)
		}
		switch {
		case errors.Is(err, ErrUnimplemented):
			result.Verdict, result.Reason = Unimplemented, named(a, err.Error())
		case errors.Is(err, errNoPort443):
			result.Verdict, result.Reason = Skip, named(a, err.Error())
		case err != nil:
			result.Verdict, result.Reason = Error, named(a, err.Error())
		default:
			if !r.judge(c, a, record, judges) {
				result.misfit = true
			}
			continue
		}
		judged = false
		told := a.Client
		if record != nil {
			told = record.Settings
		}
		if form := server.SpellingsOf(told.secrets()...).In([]byte(result.Reason)); form != "" {
			result.Verdict, result.Reason = Fail, "" // which is not to be shown
			*judges[AxisWire] = Judgement{AxisWire, Fail, []string{named(a, "rob/secrets-never-visible: the client shows a password in its error: "+form)}}
		}
		break
	}
	for _, axis := range Axes() {
		if judged || judges[axis].Verdict != Pass {
			result.Axes = append(result.Axes, *judges[axis])
		}
		result.Verdict = worst(result.Verdict, judges[axis].Verdict)
	}
	result.Duration = time.Since(started)
	if reason, known := r.Deviations.Match(c.ID); known {
		result.Deviation = reason
		result.Unexpected = result.Verdict == Pass
	}
	return result
}

// attempts are those of a case that are made here: to a real server those that need no script.
func (r *Runner) attempts(c Case) []Attempt {
	return slices.DeleteFunc(slices.Clone(c.Attempts), func(a Attempt) bool {
		return a.Only != "" && a.Only != r.ground() || r.ground() == Real && a.Scripted()
	})
}

// skips says why a case is not run; "" where it is.
func (r *Runner) skips(ctx context.Context, c Case) string {
	ground := r.ground()
	switch {
	case ctx.Err() != nil:
		return "the run was stopped"
	case !c.On(ground):
		return fmt.Sprintf("not a case of ground %s", ground)
	}
	for _, need := range c.Needs {
		switch {
		case need == NeedEngine && r.Client != nil && !r.Own:
			return "needs our own engine's Go API"
		case ground == Real && need != NeedEngine:
			if reason := r.Profile.lacks(need); reason != "" {
				return reason
			}
		}
	}
	if ground == Real {
		if reason := r.Profile.forbids(c.Risk); reason != "" {
			return reason
		}
	}
	if r.pace.locked() {
		return errRejected.Error()
	}
	return ""
}

func (r *Runner) ground() Ground {
	if r.Ground == "" {
		return Simulator
	}
	return r.Ground
}

// attempt makes the attempt's world, runs its body, and ends the world.
func (r *Runner) attempt(ctx context.Context, c Case, a Attempt) (*Record, error) {
	w, err := r.open(c, a)
	if err != nil {
		return nil, err
	}
	run := a.Run
	if run == nil {
		run = func(ctx context.Context, w *World) (*Record, error) { return w.SignIn(ctx) }
	}
	record, err := run(ctx, w)
	if errors.Is(err, errRejected) {
		err = nil // the log-on that was rejected is judged
	}
	return record, errors.Join(err, w.close())
}

// judge judges a record, adds to the judgements of its case, and tells whether all was as expected.
func (r *Runner) judge(c Case, a Attempt, record *Record, judges map[Axis]*Judgement) (fitting bool) {
	fitting = true
	add := func(axis Axis, v Verdict, text string) {
		j := judges[axis]
		j.Verdict = worst(j.Verdict, v)
		if text != "" {
			j.Actual = append(j.Actual, named(a, clip(text)))
		}
	}
	wrong := func(axis Axis, v Verdict, text string) {
		fitting = false
		add(axis, v, text)
	}
	weight := r.weight(c.Level)
	exact := r.ground() == Virtual

	if r.ground() == Real && r.Profile.rejected(record.Settings, record.Events) {
		wrong(AxisContract, Fail, errRejected.Error()) // whatever the level: a run that stopped here must not pass
	}
	if record.runaway != "" {
		wrong(AxisContract, Fail, record.runaway)
	}
	switch fit, misfit := choose(a.Expect, record, exact); {
	case record.problem != "":
		wrong(AxisContract, weight, record.problem)
	case misfit != "":
		wrong(AxisContract, weight, misfit)
	case c.Level == Info:
		add(AxisContract, Informational, "as expected: "+fit.String())
	case fit.NonStrict:
		add(AxisContract, r.weight(Should), fit.String())
	}
	if c.Level == Info {
		for _, note := range record.Notes {
			add(AxisContract, Informational, note)
		}
	}
	if record.History != nil {
		for _, check := range a.Wire {
			if what := check.Of(record); what != "" {
				wrong(AxisWire, weight, check.Name+": "+what)
			}
		}
	}
	for _, i := range Invariants() {
		if what := i.Of(record); what != "" {
			wrong(i.Axis, Fail, i.ID+": "+what)
		}
	}
	for _, left := range record.Left {
		wrong(AxisEnd, Fail, left)
	}
	return fitting
}

// weight is the verdict on a case of a level that does not hold.
func (r *Runner) weight(level Level) Verdict {
	switch {
	case level == Info:
		return Informational
	case level == Should && !r.Strict:
		return NonStrict
	}
	return Fail
}

// choose finds the first outcome that a record fits, or says why the first one does not. Without outcomes
// everything fits.
func choose(expect []Outcome, record *Record, exact bool) (Outcome, string) {
	var first string
	for i, o := range expect {
		misfit := o.misfit(record, exact)
		if misfit == "" {
			return o, ""
		}
		if i == 0 {
			first = misfit
		}
	}
	return Outcome{}, first
}

// maxActual bounds a finding in bytes: a client may tell of thousands of events.
const maxActual = 2 << 10

func clip(text string) string {
	if len(text) <= maxActual {
		return text
	}
	return strings.ToValidUTF8(text[:maxActual], "") + " ..."
}

// named puts the attempt's name before a text.
func named(a Attempt, text string) string {
	if a.Name == "" {
		return text
	}
	return a.Name + ": " + text
}
