package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/cases"
)

// conformanceCommand is "ocs conformance".
type conformanceCommand struct {
	List    conformanceList    `cmd:"" help:"List the cases."`
	Run     conformanceRun     `cmd:"" help:"Run cases: against our own engine, another client, or with a real server."`
	Explain conformanceExplain `cmd:"" help:"Say what a case is about and what it expects."`
	Serve   conformanceServe   `cmd:"" help:"Offer every case under a domain of its own, for clients that a person operates."`
	Diff    conformanceDiff    `cmd:"" help:"Say what is different between two JSON reports."`
	Report  conformanceReport  `cmd:"" help:"Write JSON reports as a page, as JUnit or as text."`
	Shim    conformanceShim    `cmd:"" hidden:"" help:"Be the program under test: our engine by the shim protocol."`
}

// conformanceSelectors are what a command takes to choose cases.
type conformanceSelectors struct {
	Selector []string `arg:"" optional:"" help:"Ids (reg/basic), areas (reg), or either with wildcards (tls/*name*). Default: all."`
}

// cases are those selected; a selector that selects nothing is a usage error.
func (s conformanceSelectors) cases() ([]conformance.Case, error) {
	selected, err := conformance.Select(cases.All(), s.Selector...)
	if err != nil {
		return nil, usagef("%w; \"ocs conformance list\" shows all ids", err)
	}
	return selected, nil
}

// conformanceList is "ocs conformance list".
type conformanceList struct{ conformanceSelectors }

// Run prints a line for each case.
func (c *conformanceList) Run(std *streams) error {
	selected, err := c.cases()
	if err != nil {
		return err
	}
	for _, s := range selected {
		fmt.Fprintf(std.out, "%-34s %-6s %-5s %s\n", s.ID, s.Level, groundsOf(s), s.Title)
	}
	return nil
}

func groundsOf(c conformance.Case) string {
	var letters []string
	for _, g := range c.Grounds {
		letters = append(letters, string(g))
	}
	return strings.Join(letters, " ")
}

// conformanceExplain is "ocs conformance explain".
type conformanceExplain struct {
	ID string `arg:"" name:"id" help:"The id of a case, such as time/15s-tcp-silent."`
}

// Run prints what there is to know of a case.
func (c *conformanceExplain) Run(std *streams) error {
	selected, err := conformanceSelectors{[]string{c.ID}}.cases()
	if err != nil {
		return err
	}
	for i, s := range selected {
		if i > 0 {
			fmt.Fprintln(std.out)
		}
		fmt.Fprintf(std.out, "%s: %s\n%s\n\n", s.ID, s.Title, s.Purpose)
		fmt.Fprintf(std.out, "  level    %s\n  grounds  %s\n  refs     %s\n", s.Level, groundsOf(s), strings.Join(s.Refs, "; "))
		for _, need := range s.Needs {
			fmt.Fprintf(std.out, "  needs    %s\n", need)
		}
		if s.Risk != conformance.RiskNone {
			fmt.Fprintf(std.out, "  risk     %s\n", s.Risk)
		}
		for _, line := range s.Expected() {
			fmt.Fprintf(std.out, "  expects  %s\n", line)
		}
	}
	return nil
}

// conformanceShim is "ocs conformance shim": our engine as any program under test is run.
type conformanceShim struct{}

// Run signs in as standard input says.
func (conformanceShim) Run(ctx context.Context, std *streams) error {
	if status := conformance.Shim(ctx, conformance.Engine, std.in, std.out, std.err); status != 0 {
		return exitStatus(status)
	}
	return nil
}
