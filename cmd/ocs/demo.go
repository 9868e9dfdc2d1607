package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/status"
)

// The user of the embedded server, unless others are given.
const (
	defaultDomain   = "ocs.test"
	defaultUser     = "alice"
	defaultPassword = "looking-glass"
)

// demoCommand is "ocs demo".
type demoCommand struct {
	outputFlag
	Explain bool `group:"Show:" help:"Show everything that was learned on the way."`
}

// Help is what "ocs demo --help" says beyond the flags.
func (demoCommand) Help() string {
	return `Starts a test server for ` + defaultDomain + ` on free ports of 127.0.0.1 and signs ` + defaultUser + ` in to it: found by DNS, over TLS, with NTLM.
Then sets a status and signs out. Nothing leaves this machine.

Examples:

    ocs demo
    ocs demo --explain
    ocs demo --output json

` + exitHelp
}

// Run runs the embedded server and signs in to it.
func (c *demoCommand) Run(ctx context.Context, std *streams) error {
	srv, err := server.Start(server.Config{
		Domain: defaultDomain, Users: []server.User{{Name: defaultUser, Password: defaultPassword}},
		ListenTLS: "127.0.0.1:0", ListenDNS: "127.0.0.1:0",
	})
	if err != nil {
		return fmt.Errorf("the embedded server did not start: %w", err)
	}
	var show presenter = &jsonLines{out: std.out, errors: std.err}
	if c.Output == "text" {
		show = newText(std, textOptions{explain: c.Explain})
		fmt.Fprintf(std.out, "A test server for %s listens on %s (SIP over TLS) and %s (DNS).\n", defaultDomain, srv.TLSAddr(), srv.DNSAddr())
	}
	outcome := attempt(ctx, signin.Config{
		SignInName:  defaultUser + "@" + defaultDomain,
		Credentials: signin.Password{Secret: auth.Secret(defaultPassword)},
		DNS:         srv.DNSAddr(), Roots: srv.CA(),
	}, show, busyThenOut)
	if err := srv.Close(); err != nil {
		std.warn("the embedded server did not end well: %v", err)
	}
	return outcome
}

// busyThenOut is the life of the demo's session.
func busyThenOut(ctx context.Context, s *signin.Session) error {
	err := s.SetStatus(ctx, status.Busy)
	return errors.Join(err, s.SignOut(context.WithoutCancel(ctx)))
}
