package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/cases"
	"github.com/ocsgo/ocs/conformance/report"
)

// Exit statuses of "ocs conformance run", beside 0 and 2.
const (
	exitCasesFailed = 1
	exitHarness     = 3
)

// conformanceRun is "ocs conformance run".
type conformanceRun struct {
	conformanceSelectors
	Target       string         `enum:"sim,real" default:"sim" help:"Where: sim, a server of our own on loopback for each case; real, the server of --profile. Default: ${default}."`
	Profile      string         `placeholder:"FILE" help:"JSON: the real server, the user, and what the server offers."`
	Sut          string         `placeholder:"SUBJECT" default:"inproc" help:"The program under test: inproc, our own engine, or exec:PATH. Default: ${default}."`
	Output       string         `enum:"text,json,junit,html" default:"text" help:"text, json, junit or html. Default: ${default}."`
	Strict       bool           `help:"What should be must be, and what is not strict fails."`
	Deviations   string         `placeholder:"FILE" help:"JSON: {\"selector\": \"reason\"} of what is known to fail; what then passes is a failure. And what a program's words mean, see below."`
	Parallel     int            `placeholder:"N" help:"Cases at a time; against a real server always one. Default: 16."`
	Pause        *time.Duration `placeholder:"TIME" help:"Against a real server: from one log-on to the next, as 500ms or 2s. Default: 1s."`
	DryRun       bool           `help:"Against a real server: print the plan and stop."`
	AllowLockout bool           `help:"Against a real server: allow cases that send a wrong password."`
	AllowWrite   bool           `help:"Against a real server: allow cases that change what it keeps of the user."`
}

// Help is what "ocs conformance run --help" says beyond the flags.
func (conformanceRun) Help() string {
	return `Without a selector every case runs. Nothing needs root but disc/autodiscover, which is skipped where nobody else may listen at port
443; the 15 seconds of connecting are never shortened.

    ocs conformance run
    ocs conformance run time err/503-plain --output junit >report.xml
    ocs conformance run --sut exec:./myshim --deviations known.json
    ocs conformance run --target real --profile lab.json --dry-run

A real server is treated gently: the plan is printed first, log-ons are made one at a time with a --pause between them, and the run is
named in the User-Agent and in the name of the user that does not exist, so that an administrator finds it in the logs. A password of the
profile that the server rejects is sent once: nothing more is run then.

A program under test is started once for each sign-in. It reads one line of JSON from its standard input: sign_in_name, password,
dns, ca and what else the case asks for. It writes each event as a line of JSON to its standard output:
{"event":"onMyStatusChange","hr":0,"status":256}, {"event":"onSignin","hr":0}, {"event":"ready"}, {"event":"onSignout"}. The end of
its standard input is the order to cancel or to sign out. It exits with 0 when it ran to the end, and with 89 when it cannot do
what the case asks for. Instead of hr it may give "code", a name, and beside it the names "cause" and "detail"; words of its own for
them are translated by the file of --deviations:
{"errors": {"LOGON_DENIED": "MSGR_E_INVALID_PASSWORD", "bad secret": "password-rejected"}}. One that has not ended 40 seconds after
that order, or that writes more than 10,000 events, is killed with all that it started, and its case fails. docs/shim.md has every key
and event, and a whole program to start from.

Exit status: 0 all right; 1 cases failed, passed unexpectedly, or did not run that must; 2 usage or an unknown id; 3 the suite itself failed.`
}

// Run runs the cases and prints the report.
func (c *conformanceRun) Run(ctx context.Context, std *streams) error {
	runner, err := c.runner()
	if err != nil {
		return err
	}
	selected, err := c.casesOn(runner.Ground)
	if err != nil {
		return err
	}
	if runner.Ground == conformance.Real {
		c.tellPlan(std, runner, selected)
		if c.DryRun {
			return nil
		}
	}
	run := report.Run{Subject: c.Sut, Ground: runner.Ground, Started: time.Now(), Strict: c.Strict}
	if runner.Profile != nil {
		run.Subject, run.Claims = c.Sut+" with "+cmp.Or(runner.Profile.Name, "a real server"), runner.Profile.Claims
		run.ID = runner.Profile.Run
	}
	results := runner.Run(ctx, selected, func(result conformance.Result) {
		if c.Output == "text" {
			_ = report.Progress(std.out, result) // std.out remembers
		}
	})
	run.Missing = conformance.Missing(mustRun(runner.Ground, selected), results)
	r, err := report.New(run, results)
	if err != nil {
		return err
	}
	write := map[string]func() error{
		"text":  func() error { return r.Totals(std.out) },
		"json":  func() error { return r.JSON(std.out) },
		"junit": func() error { return r.JUnit(std.out) },
		"html":  func() error { return report.HTML(std.out, r) },
	}
	if err := write[c.Output](); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return exitStatus(exitCancelled)
	case r.Broken:
		return exitStatus(exitHarness)
	case r.Failed:
		return exitStatus(exitCasesFailed)
	}
	return nil
}

// runner makes the Runner that the flags describe.
func (c *conformanceRun) runner() (*conformance.Runner, error) {
	runner := &conformance.Runner{Ground: conformance.Simulator, Strict: c.Strict, Parallel: c.Parallel}
	var names conformance.ErrorNames
	if c.Deviations != "" {
		f, err := os.Open(c.Deviations)
		if err != nil {
			return nil, usagef("--deviations: %w", err)
		}
		defer f.Close()
		if runner.Deviations, names, err = conformance.ReadDeviations(f); err == nil {
			err = runner.Deviations.Check(cases.All())
		}
		if err != nil {
			return nil, usagef("--deviations %s: %w", c.Deviations, err)
		}
	}
	program, isExec := strings.CutPrefix(c.Sut, "exec:")
	switch command := strings.Fields(program); {
	case isExec && len(command) > 0:
		runner.Client = conformance.Exec(names, command[0], command[1:]...)
	case c.Sut != "inproc":
		return nil, usagef("--sut %q is unknown: use inproc, or exec: and a program", c.Sut)
	}
	switch {
	case c.Target == "sim" && (c.Profile != "" || c.Pause != nil || c.DryRun || c.AllowLockout || c.AllowWrite):
		return nil, usagef("--profile, --pause, --dry-run, --allow-lockout and --allow-write are for --target real")
	case c.Target == "sim":
		return runner, nil
	case c.Profile == "":
		return nil, usagef("--target real needs --profile: a file that names the server")
	}
	profile, err := conformance.ReadProfile(c.Profile)
	if err != nil {
		return nil, usagef("--profile: %w", err)
	}
	profile.AllowLockout, profile.AllowWrite = c.AllowLockout, c.AllowWrite
	runner.Ground, runner.Profile = conformance.Real, profile
	switch {
	case c.Pause != nil && *c.Pause < 0:
		return nil, usagef("--pause %s is negative: 0s is none", *c.Pause)
	case c.Pause != nil:
		runner.Pause = cmp.Or(*c.Pause, -1)
	}
	return runner, nil
}

// tellPlan says what will be done to a real server. It goes to standard error, so that a report on standard
// output stays whole.
func (c *conformanceRun) tellPlan(std *streams, runner *conformance.Runner, selected []conformance.Case) {
	plan, logOns := runner.Plan(selected)
	fmt.Fprintf(std.err, "Plan for %s as %s, run %s:\n", cmp.Or(runner.Profile.Name, "a real server"), runner.Profile.SignInName, runner.Profile.Run)
	var skipped []string
	for _, p := range plan {
		if p.Skipped != "" {
			skipped = append(skipped, fmt.Sprintf("  %-34s %s\n", p.Case.ID, p.Skipped))
			continue
		}
		fmt.Fprintf(std.err, "  %-34s %d log-ons  %s\n", p.Case.ID, p.LogOns, p.Case.Title)
	}
	fmt.Fprintf(std.err, "%d log-ons in all, one after the other.\n", logOns)
	if len(skipped) > 0 {
		fmt.Fprintf(std.err, "%d cases are not for this server or not allowed:\n%s", len(skipped), strings.Join(skipped, ""))
	}
}

// mustRun are the ids of the selected cases that must have run on a ground.
func mustRun(g conformance.Ground, selected []conformance.Case) []string {
	return slices.DeleteFunc(cases.MustRun(g), func(id string) bool {
		return !slices.ContainsFunc(selected, func(c conformance.Case) bool { return c.ID == id })
	})
}

// casesOn are the selected cases that run on a ground: the others are no part of its catalogue. A selector of which
// nothing runs there is a usage error.
func (c *conformanceRun) casesOn(g conformance.Ground) ([]conformance.Case, error) {
	if _, err := c.cases(); err != nil {
		return nil, err
	}
	here := slices.DeleteFunc(cases.All(), func(c conformance.Case) bool { return !c.On(g) })
	selected, err := conformance.Select(here, c.Selector...)
	if err != nil {
		return nil, usagef("%w that runs on ground %s: \"ocs conformance list\" shows where each runs (V is \"go test ./conformance/cases\")", err, g)
	}
	return selected, nil
}
