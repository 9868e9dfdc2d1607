package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/status"
)

// signinCommand is "ocs signin".
type signinCommand struct {
	SignInName string `arg:"" name:"sign-in-name" help:"The sign-in address, like alice@contoso.com."`

	User         string `group:"Who:" placeholder:"DOMAIN\\NAME" help:"Log in as this user: DOMAIN\\name or name@domain. Default: the sign-in name."`
	PasswordFile string `group:"Who:" placeholder:"FILE" help:"Read the password from FILE, or from standard input if it is '-'. Else from $OCS_PASSWORD; else you are asked."`
	Auth         string `group:"Who:" enum:"auto,ntlm,digest" default:"auto" placeholder:"auto|ntlm|digest" help:"Use this authentication scheme only. auto: the best that the server offers."`

	Server    string `group:"Where:" placeholder:"HOST[:PORT]" help:"Sign in to this server. Default: look it up in DNS."`
	Transport string `group:"Where:" enum:"auto,tls,tcp" default:"auto" placeholder:"auto|tls|tcp" help:"Connect by TLS, or by TCP without encryption. auto: TLS."`
	discoveryFlags

	CA                 string `group:"Trust:" name:"ca" placeholder:"FILE" help:"Trust the certificate authorities in this PEM file instead of the system's."`
	InsecureSkipVerify bool   `group:"Trust:" help:"Go on after a certificate fault. Anybody can then pose as the server."`

	Status    string `group:"What to do:" placeholder:"NAME" help:"Sign in with this status: online, busy, do-not-disturb, be-right-back, away or invisible. Default: leave the user's own."`
	Stay      bool   `group:"What to do:" help:"Stay signed in until interrupted. Default: sign out at once."`
	UserAgent string `group:"What to do:" placeholder:"TEXT" help:"Call the client by this name; servers may filter on it."`

	outputFlag
	Explain    bool   `group:"Show:" help:"Show everything that was learned on the way: every name asked, every certificate, every answer."`
	Transcript string `group:"Show:" placeholder:"FILE" help:"Write every SIP message to FILE, secrets masked."`
	Keylog     string `group:"Show:" placeholder:"FILE" help:"Append the TLS session keys to FILE, for Wireshark. Whoever has it can decrypt the session."`
}

// discoveryFlags say how servers are looked for.
type discoveryFlags struct {
	DNS    string `group:"Where:" name:"dns" placeholder:"HOST[:PORT]" help:"Ask this DNS server. Default: the system's."`
	Policy string `group:"Where:" enum:"resilient,communicator" default:"resilient" placeholder:"resilient|communicator" help:"Which of the servers found to try: all, until one answers, or only those that Communicator 2007 would."`
}

// dnsServer is the DNS server with its port.
func (f discoveryFlags) dnsServer() string {
	if f.DNS == "" {
		return ""
	}
	if _, _, err := net.SplitHostPort(f.DNS); err == nil {
		return f.DNS
	}
	return net.JoinHostPort(strings.Trim(f.DNS, "[]"), "53")
}

// Help is what "ocs signin --help" says beyond the flags.
func (signinCommand) Help() string {
	return `Signs in, shows the events and the verdict, and signs out. A rejected password is tried once, never again.

Examples:

    ocs signin alice@contoso.com
    ocs signin alice@contoso.com --user 'CONTOSO\alice' --server pool.contoso.com --explain
    OCS_PASSWORD=secret ocs signin alice@contoso.com --output json | tail -1 | jq .report.authentication

` + exitHelp
}

// Run signs in.
func (c *signinCommand) Run(ctx context.Context, std *streams) error {
	show := c.presenter(std)
	cfg, closer, err := c.config(ctx, std)
	if err != nil {
		return refuse(show, c.SignInName, err)
	}
	outcome := attempt(ctx, cfg, show, untilSignOut(c.Stay))
	if err := closer.Close(); err != nil {
		std.warn("%v", err)
	}
	return outcome
}

func (c *signinCommand) presenter(std *streams) presenter {
	if c.Output == "json" {
		return &jsonLines{out: std.out, errors: std.err}
	}
	return newText(std, textOptions{explain: c.Explain, stay: c.Stay})
}

// config makes the engine's configuration. Its errors are *ocserr.Error, of stage config unless ctx ended
// while the password was asked for. The closer is of the files in the configuration.
func (c *signinCommand) config(ctx context.Context, std *streams) (signin.Config, io.Closer, error) {
	var files closers
	fail := func(err error) (signin.Config, io.Closer, error) {
		cause := ocserr.CauseInvalidConfig
		if ctx.Err() != nil {
			cause = ocserr.CauseCancelled
		}
		if _, ok := errors.AsType[*ocserr.Error](err); !ok {
			err = ocserr.New(cause, err)
		}
		return signin.Config{}, nil, errors.Join(err, files.Close())
	}
	cfg := signin.Config{
		SignInName: c.SignInName, Server: c.Server, DNS: c.dnsServer(),
		Policy: resolve.Policy(c.Policy), UserAgent: c.UserAgent, InsecureSkipVerify: c.InsecureSkipVerify,
	}
	cfg.Credentials.User = c.User
	if c.Transport != "auto" {
		cfg.Transport = signin.Transport(c.Transport)
	}
	if scheme, ok := map[string]string{"ntlm": "NTLM", "digest": "Digest"}[c.Auth]; ok {
		cfg.Schemes = []string{scheme}
	}
	var err error
	if cfg.InitialStatus, err = settableStatus(c.Status); err != nil {
		return fail(err)
	}
	if c.CA != "" {
		if cfg.Roots, err = readRoots("--ca", c.CA); err != nil {
			return fail(err)
		}
	}
	if _, err := signin.New(cfg); err != nil { // before a person is asked for a password in vain
		return fail(err)
	}
	if cfg.Credentials.Secret, err = readPassword(ctx, std, c.PasswordFile, cmp.Or(c.User, c.SignInName)); err != nil {
		return fail(err)
	}
	if c.Transcript != "" {
		f, err := createPrivate("--transcript", c.Transcript, os.O_TRUNC)
		if err != nil {
			return fail(err)
		}
		cfg.Transcript, files = f, append(files, f)
	}
	if c.Keylog != "" {
		f, err := createPrivate("--keylog", c.Keylog, os.O_APPEND)
		if err != nil {
			return fail(err)
		}
		cfg.KeyLog, files = f, append(files, f)
		std.warn("the TLS session keys go to %s: whoever reads it can decrypt this session", c.Keylog)
	}
	if c.InsecureSkipVerify {
		std.warn("the server's certificate is not verified: anybody can pose as the server")
	}
	return cfg, files, nil
}

// settableStatus reads the status to sign in with; "" is none.
func settableStatus(name string) (status.Status, error) {
	if name == "" {
		return 0, nil
	}
	st, err := status.Parse(name)
	if err == nil && st.Settable() {
		return st, nil
	}
	var settable []string
	for _, s := range status.All() {
		if s.Settable() {
			settable = append(settable, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), "MISTATUS_")), "_", "-"))
		}
	}
	why := "cannot be set by a user"
	if err != nil {
		why = "is no status"
	}
	return 0, errors.New("--status " + name + " " + why + ": use one of " + strings.Join(settable, ", "))
}

// closers are files to close.
type closers []io.Closer

// Close closes them all.
func (c closers) Close() error {
	var errs []error
	for _, f := range c {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
