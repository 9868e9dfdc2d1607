package main

import (
	"context"
	"fmt"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
)

// discoverCommand is "ocs discover".
type discoverCommand struct {
	Domain string `arg:"" help:"The SIP domain, or a sign-in address in it."`

	Transport string `group:"Where:" enum:"auto,tls,tcp" default:"auto" placeholder:"auto|tls|tcp" help:"Look for servers that speak TLS, or TCP without encryption. auto: TLS."`
	discoveryFlags

	outputFlag
}

// Help is what "ocs discover --help" says beyond the flags.
func (discoverCommand) Help() string {
	return `Asks DNS for every name by which a domain can publish its servers, and shows each answer and what a sign-in would
try, in which order and why. It connects to no server. Exit status 10: no server found.

Examples:

    ocs discover contoso.com
    ocs discover alice@contoso.com --dns 192.0.2.53
    ocs discover contoso.com --policy communicator --output json`
}

// jsonDiscovery is the line of "ocs discover --output json".
type jsonDiscovery struct {
	Schema string        `json:"schema"`
	Event  string        `json:"event"`
	Plan   *resolve.Plan `json:"plan"`
	Error  *ocserr.Error `json:"error,omitempty"`
}

// Run asks DNS and shows the plan.
func (c *discoverCommand) Run(ctx context.Context, std *streams) error {
	domain := c.Domain
	if at := strings.LastIndexByte(domain, '@'); at >= 0 {
		domain = domain[at+1:]
	}
	cfg := signin.Config{DNS: c.dnsServer(), Policy: resolve.Policy(c.Policy), Naming: c.naming(), Autodiscover: c.Autodiscover}
	if domain != c.Domain {
		cfg.SignInName = c.Domain
	}
	if c.Transport == "tcp" {
		cfg.Transport = signin.TransportTCP
	}
	plan, err := signin.Discover(ctx, cfg, domain)
	if c.Output == "json" {
		writeJSON(std.out, jsonDiscovery{Schema: schema, Event: "Discovery", Plan: plan, Error: asCoded(err)})
		return err // in words, too, on the standard error
	}
	if len(plan.Questions) > 0 {
		fmt.Fprintf(std.out, "Asked for the servers of %s:\n\n", plan.Domain)
		for _, q := range plan.Questions {
			fmt.Fprintf(std.out, "  %-5s %-40s %s  (%.1f ms, %s)\n", q.Type, q.Name, printable(q.Answer), milliseconds(q.Duration), q.Server)
		}
		fmt.Fprintln(std.out)
	}
	if len(plan.Candidates) > 0 {
		fmt.Fprintf(std.out, "A sign-in (policy %s) would try:\n\n", plan.Policy)
		for i, candidate := range plan.Candidates {
			fmt.Fprintf(std.out, "  %d. %s\n", i+1, printable(candidateText(candidate)))
		}
	}
	for _, line := range explainOthers(plan) {
		fmt.Fprintf(std.out, "\n%s\n", printable(line))
	}
	coded := asCoded(err)
	if coded == nil || coded.Stage == ocserr.StageConfig {
		return err
	}
	fmt.Fprintf(std.err, "No server for %s: %s", plan.Domain, failure(coded, "", true))
	return exitStatus(coded.ExitStatus())
}
