package main

import (
	"fmt"
	"os"

	"github.com/ocsgo/ocs/conformance/report"
)

// conformanceDiff is "ocs conformance diff".
type conformanceDiff struct {
	Before string `arg:"" help:"A report that --output json wrote."`
	After  string `arg:"" help:"A later one, or that of another subject."`
}

// Help is what "ocs conformance diff --help" says beyond the flags.
func (conformanceDiff) Help() string {
	return `Prints a line for each case whose verdict changed, which appeared, or which vanished.

Exit status: 0 nothing changed; 1 something did; 2 a report cannot be read.`
}

// Run prints the changes.
func (c *conformanceDiff) Run(std *streams) error {
	reports, err := readReports(c.Before, c.After)
	if err != nil {
		return err
	}
	changes := report.Diff(reports[0], reports[1])
	for _, change := range changes {
		fmt.Fprintln(std.out, change)
	}
	if len(changes) > 0 {
		return exitStatus(exitCasesFailed)
	}
	return nil
}

// conformanceReport is "ocs conformance report".
type conformanceReport struct {
	File   []string `arg:"" help:"Reports that --output json wrote."`
	Output string   `enum:"html,junit,text" default:"html" help:"html, one page with a column for each report; junit or text, of one report. Default: ${default}."`
}

// Run writes reports in another form.
func (c *conformanceReport) Run(std *streams) error {
	if c.Output != "html" && len(c.File) > 1 {
		return usagef("--output %s is of one report, not of %d: html takes several", c.Output, len(c.File))
	}
	reports, err := readReports(c.File...)
	if err != nil {
		return err
	}
	switch c.Output {
	case "junit":
		return reports[0].JUnit(std.out)
	case "text":
		return reports[0].Text(std.out)
	}
	return report.HTML(std.out, reports...)
}

// readReports reads reports; what cannot be read is a usage error.
func readReports(files ...string) ([]*report.Report, error) {
	var out []*report.Report
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("%w", err)
		}
		defer f.Close()
		r, err := report.Read(f)
		if err != nil {
			return nil, usagef("%s: %w", file, err)
		}
		out = append(out, r)
	}
	return out, nil
}
