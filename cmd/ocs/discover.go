package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
)

// discoverCommand is "ocs discover".
type discoverCommand struct {
	Domain string `arg:"" help:"The SIP domain, or a sign-in address in it."`

	credentialFlags

	Transport string `group:"Where:" enum:"auto,tls,tcp" default:"auto" placeholder:"auto|tls|tcp" help:"Look for servers that speak TLS, or TCP without encryption. auto: TLS."`
	proxyFlags
	discoveryFlags

	trustFlags

	outputFlag
}

// Help is what "ocs discover --help" says beyond the flags.
func (discoverCommand) Help() string {
	return `Asks DNS for every name by which a domain can publish its servers, and shows each answer and what a sign-in would
try, in which order and why. It connects to no SIP server. Exit status 10: no server found; 11: none of those found may be used.

With --autodiscover it asks Lync's web service as well, which tells a user's servers only to the user: give the sign-in
address, and a password by --password-file or $OCS_PASSWORD. With --user alone you are asked for it. A rejected password
is tried once, never again. Exit status 14: it was rejected.

Examples:

    ocs discover contoso.com
    ocs discover alice@contoso.com --dns 192.0.2.53
    ocs discover contoso.com --policy communicator --output json
    ocs discover alice@contoso.com --autodiscover --user 'CONTOSO\alice' --ca contoso.pem`
}

// jsonDiscovery is the line of "ocs discover --output json".
type jsonDiscovery struct {
	Schema string        `json:"schema"`
	Event  string        `json:"event"`
	Plan   *resolve.Plan `json:"plan"`
	Error  *ocserr.Error `json:"error,omitempty"`
}

// config makes the engine's configuration. Its errors are *ocserr.Error, of stage config unless ctx ended while the
// password was asked for.
func (c *discoverCommand) config(ctx context.Context, std *streams, address string) (cfg signin.Config, err error) {
	cfg = signin.Config{
		SignInName: address, DNS: c.dnsServer(), Policy: resolve.Policy(c.Policy), Naming: c.naming(), Autodiscover: c.Autodiscover,
	}
	if c.Transport == "tcp" {
		cfg.Transport = signin.TransportTCP
	}
	cfg.Proxy, err = c.proxy(std)
	if err == nil {
		cfg.Roots, cfg.Authorities, err = c.roots()
	}
	// Nobody is asked for a password that is most probably not needed.
	name := cmp.Or(c.User, address)
	if err == nil && c.Autodiscover && name != "" && (c.User != "" || c.passwordGiven(std)) {
		cfg.Credentials.User = name
		cfg.Credentials.Secret, err = c.password(ctx, std, address)
	}
	switch _, coded := errors.AsType[*ocserr.Error](err); {
	case err == nil || coded:
		return cfg, err
	case ctx.Err() != nil:
		return cfg, ocserr.New(ocserr.CauseCancelled, err)
	}
	return cfg, ocserr.New(ocserr.CauseInvalidConfig, err)
}

// Run asks DNS and shows the plan.
func (c *discoverCommand) Run(ctx context.Context, std *streams) error {
	domain, address := c.Domain, ""
	if at := strings.LastIndexByte(domain, '@'); at >= 0 {
		domain, address = domain[at+1:], domain
		if len(address) > 4 && strings.EqualFold(address[:4], "sip:") {
			address = address[4:]
		}
	}
	cfg, err := c.config(ctx, std, address)
	if err != nil {
		if c.Output == "json" {
			writeJSON(std.out, jsonDiscovery{Schema: schema, Event: "Discovery", Error: asCoded(err)})
		}
		return err
	}
	plan, err := signin.Discover(ctx, cfg, domain)
	if c.Output == "json" {
		writeJSON(std.out, jsonDiscovery{Schema: schema, Event: "Discovery", Plan: plan, Error: asCoded(err)})
		return err // in words, too, on the standard error
	}
	if len(plan.Questions) > 0 {
		fmt.Fprintf(std.out, "Asked for the servers of %s:\n\n", plan.Domain)
		for _, q := range plan.Questions {
			fmt.Fprintf(std.out, "  %-5s %-40s %s  (%.1f ms, %s)\n", q.Type, q.Name, printable(answerText(q)), milliseconds(q.Duration), q.Server)
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
	password := choose(coded.Cause == ocserr.CausePasswordRejected, "was tested", "")
	fmt.Fprintf(std.err, "No server for %s: %s", plan.Domain, failure(coded, failureContext{password: password, hint: hint(&signin.Report{}, coded), explained: true}))
	return exitStatus(coded.ExitStatus())
}
