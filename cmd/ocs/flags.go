package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth"
)

// credentialFlags say who the user is.
type credentialFlags struct {
	User         string `group:"Who:" placeholder:"DOMAIN\\NAME" help:"Log in as this user: DOMAIN\\name or name@domain. Default: the sign-in name."`
	PasswordFile string `group:"Who:" placeholder:"FILE" help:"Read the password from FILE, or from standard input if it is '-'. Else from $OCS_PASSWORD; else you are asked."`
}

// passwordGiven tells whether there is a password that nobody has to be asked for.
func (f credentialFlags) passwordGiven(std *streams) bool {
	value, _ := std.env("OCS_PASSWORD")
	return f.PasswordFile != "" || value != ""
}

// password finds the password of the user with a sign-in name.
func (f credentialFlags) password(ctx context.Context, std *streams, signInName string) (auth.Secret, error) {
	return readPassword(ctx, std, f.PasswordFile, cmp.Or(f.User, signInName))
}

// proxyFlags say how servers are reached.
type proxyFlags struct {
	Proxy string `group:"Where:" placeholder:"URL" help:"Go through this proxy: http, https, socks4, socks4a or socks5, as in socks5://user:password@host:1080. 'off' for none. Default: $HTTPS_PROXY or $ALL_PROXY, but for this machine and what is in $NO_PROXY."`
}

// proxy says through which proxy each server is reached: that of --proxy, or the environment's.
func (f proxyFlags) proxy(std *streams) (func(string) (*dial.Proxy, error), error) {
	switch f.Proxy {
	case off:
		return nil, nil
	case "":
		getenv := func(name string) string {
			value, _ := std.env(name)
			return value
		}
		if _, err := dial.FromEnvironment(getenv, "sip.invalid:5061"); err != nil {
			return nil, err
		}
		return func(target string) (*dial.Proxy, error) { return dial.FromEnvironment(getenv, target) }, nil
	}
	p, err := dial.ParseProxy(f.Proxy)
	if err != nil {
		return nil, ocserr.New(ocserr.CauseInvalidProxy, fmt.Errorf("--%s", inWords(err)))
	}
	return func(string) (*dial.Proxy, error) { return p, nil }, nil
}

// trustFlags say who is believed.
type trustFlags struct {
	CA string `group:"Trust:" name:"ca" placeholder:"FILE" help:"Trust the certificate authorities in this PEM file instead of the system's."`
}

// roots are the authorities to trust, as a pool and one by one; nil: the system's.
func (f trustFlags) roots() (*x509.CertPool, []*x509.Certificate, error) {
	if f.CA == "" {
		return nil, nil, nil
	}
	return readRoots("--ca", f.CA)
}

// discoveryFlags say how servers are looked for.
type discoveryFlags struct {
	DNS          string `group:"Where:" name:"dns" placeholder:"HOST[:PORT]" help:"Ask this DNS server. Default: the system's."`
	Autodiscover bool   `group:"Where:" help:"Ask Lync's autodiscover service, too. OCS 2007 has none."`
	Naming       string `group:"Where:" enum:"any,domain,strict" default:"any" placeholder:"any|domain|strict" help:"Which names servers may have that DNS or a redirect leads to: any, those in the SIP domain, or only the domain itself and sip. before it."`
	Policy       string `group:"Where:" enum:"resilient,communicator" default:"resilient" placeholder:"resilient|communicator" help:"Which of the servers found to try: all, until one answers, or only those that Communicator 2007 would."`
}

// naming is the policy on names.
func (f discoveryFlags) naming() resolve.Naming {
	if f.Naming == "any" {
		return resolve.NamingAny
	}
	return resolve.Naming(f.Naming)
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
