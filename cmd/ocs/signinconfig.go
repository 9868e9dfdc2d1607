package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/status"
)

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
		Policy: resolve.Policy(c.Policy), Naming: c.naming(), Autodiscover: c.Autodiscover, UserAgent: c.UserAgent, InsecureSkipVerify: c.InsecureSkipVerify, LegacyTLS: c.LegacyTLS,
	}
	cfg.Credentials.User = c.User
	if c.Transport != "auto" {
		cfg.Transport = signin.Transport(c.Transport)
	}
	cfg.AcceptedServers, cfg.AllowNTLMv1, cfg.CertificateFolder = c.AcceptServer, c.AllowNTLMv1, c.CertCache
	if c.ServerCheck != "old" {
		cfg.ServerCheck = signin.ServerCheck(c.ServerCheck)
	}
	if c.Auth != "auto" {
		cfg.Schemes = []string{c.Auth}
	}
	var err error
	if cfg.Kerberos, err = c.kerberos(); err != nil {
		return fail(err)
	}
	if cfg.Proxy, err = c.proxy(std); err != nil {
		return fail(err)
	}
	if cfg.InitialStatus, err = settableStatus(c.Status); err != nil {
		return fail(err)
	}
	if cfg.Roots, cfg.Authorities, err = c.roots(); err != nil {
		return fail(err)
	}
	if cfg.ClientCertificate, err = c.clientCertificate(); err != nil {
		return fail(err)
	}
	if _, err := signin.New(cfg); err != nil { // before a person is asked for a password in vain
		return fail(err)
	}
	if cfg.Kerberos == nil || c.passwordGiven(std) {
		if cfg.Credentials.Secret, err = c.password(ctx, std, c.SignInName); err != nil {
			return fail(err)
		}
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
	if c.LegacyTLS {
		std.warn("--legacy-tls: what servers of 2007 have is easier to break; the report says what of it was used")
	}
	if c.InsecureSkipVerify {
		std.warn("the server's certificate is not verified: anybody can pose as the server")
	}
	return cfg, files, nil
}

// kerberos says how to get Kerberos tickets; nil: not at all.
func (c *signinCommand) kerberos() (*kerberos.Client, error) {
	switch {
	case c.CCache != "" && c.Keytab != "":
		return nil, errors.New("--ccache and --keytab do not go together: the tickets come from the one or the other")
	case c.Keytab != "":
		keytab, err := kerberos.LoadKeytab(c.Keytab)
		if err != nil {
			return nil, fmt.Errorf("--keytab: %w", err)
		}
		return &kerberos.Client{Keytab: keytab, User: c.User}, nil
	case c.CCache != "":
		if _, err := os.Stat(strings.TrimPrefix(c.CCache, "FILE:")); err != nil {
			return nil, fmt.Errorf("--ccache: %w", err)
		}
		return &kerberos.Client{CCache: c.CCache}, nil
	case c.Auth == "kerberos":
		return &kerberos.Client{}, nil
	}
	return nil, nil
}

// clientCertificate reads the certificate to show to servers; nil: none.
func (c *signinCommand) clientCertificate() (*tls.Certificate, error) {
	if c.ClientCert == "" {
		if c.ClientKey != "" {
			return nil, errors.New("--client-key needs --client-cert")
		}
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.ClientCert, cmp.Or(c.ClientKey, c.ClientCert))
	if err != nil {
		return nil, fmt.Errorf("--client-cert: %w", err)
	}
	return &pair, nil
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
