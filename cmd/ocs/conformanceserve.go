package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ocsgo/ocs/conformance"
)

// conformanceServe is "ocs conformance serve".
type conformanceServe struct {
	conformanceSelectors
	Host  string `placeholder:"ADDRESS" default:"127.0.0.1" help:"The IPv4 address that clients reach. Default: ${default}."`
	DNS   string `name:"dns" placeholder:"HOST:PORT" default:"127.0.0.1:0" help:"Where DNS listens; port 0 takes a free one. Default: ${default}."`
	CAOut string `name:"ca-out" placeholder:"FILE" help:"Write the authority that clients have to trust to FILE, and what certificates clients have beside it. Default: a temporary file."`
}

// Help is what "ocs conformance serve --help" says beyond the flags.
func (conformanceServe) Help() string {
	return `For clients that a person operates: each case waits under a domain of its own, and the sign-in name chooses it. Let the
client's machine ask the DNS server that is printed, trust the authority, and sign in with the names and passwords of the list.
What each case expects is said beside it, and what else the client has to be told. Each waits for one sign-in: some servers are as they
should be after it. It ends on SIGTERM or SIGINT, and then tells what came.

With --host a loopback address, each server has one of its own and the ports that clients know. At another address all share it, and
those are not offered that clients find by their ports alone.`
}

// Run offers the cases until ctx ends.
func (c *conformanceServe) Run(ctx context.Context, std *streams) error {
	selected, err := c.cases()
	if err != nil {
		return err
	}
	offer, err := conformance.NewOffer(conformance.OfferConfig{Host: c.Host, DNS: c.DNS}, selected)
	if err != nil {
		return notServing(err)
	}
	defer offer.Close()
	if len(offer.Offered) == 0 {
		return usagef("none of the selected cases can be offered: %s: %s", offer.Refused[0].Case.ID, offer.Refused[0].Reason)
	}
	file := c.CAOut
	if file == "" {
		dir, err := os.MkdirTemp("", "ocs-conformance-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "ca.pem")
	}
	if err := os.WriteFile(file, []byte(offer.CA()), 0o644); err != nil {
		return fmt.Errorf("--ca-out: %w", err)
	}
	for _, o := range offer.Offered {
		if name := o.CertificateFile(); name != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(o.Settings.ClientCertificate), 0o600); err != nil {
				return fmt.Errorf("client certificate of %s: %w", o.Case.ID, err)
			}
		}
		fmt.Fprintf(std.out, "%s  %s\n    %s\n", o.Settings.SignInName, strings.Join(o.Instructions(), ", "), titled(o.Case, o.Attempt))
		for _, outcome := range o.Attempt.Expect {
			fmt.Fprintf(std.out, "    expected: %s\n", outcome)
		}
	}
	for _, r := range offer.Refused {
		fmt.Fprintf(std.out, "not offered: %s  %s\n    %s\n", r.Case.ID, titled(r.Case, r.Attempt), r.Reason)
	}
	fmt.Fprintf(std.out, "\n%d sign-ins wait. DNS %s, authority %s\n", len(offer.Offered), offer.DNSAddr(), file)
	<-ctx.Done()
	for _, o := range offer.Offered {
		if seen := o.Seen(); seen != "" {
			fmt.Fprintf(std.out, "%-50s %s\n", o.Domain, seen)
		}
	}
	return nil
}

// titled is what an attempt is about.
func titled(c conformance.Case, a conformance.Attempt) string {
	if a.Name == "" {
		return c.Title
	}
	return c.Title + ": " + a.Name
}
