package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

// serveCommand is "ocs serve".
type serveCommand struct {
	ListenTLS        string `name:"listen-tls" group:"Where:" placeholder:"HOST:PORT" default:"127.0.0.1:5061" help:"SIP over TLS; 'off' for none. Default: ${default}. Port 0, here and below, takes a free port."`
	ListenTCP        string `name:"listen-tcp" group:"Where:" placeholder:"HOST:PORT" help:"SIP over TCP without encryption. Default: off."`
	ListenDNS        string `name:"listen-dns" group:"Where:" placeholder:"HOST:PORT" help:"DNS for the domain, over UDP and TCP. Default: off, but 127.0.0.1:0 with --autodiscover, and where --auth is kerberos alone."`
	ListenManagement string `name:"listen-management" group:"Where:" placeholder:"HOST:PORT" default:"127.0.0.1:0" help:"HTTP: the history, faults; 'off' for none. Default: ${default}."`

	ListenProxy string `group:"Where:" placeholder:"HOST:PORT" help:"A proxy: HTTP, HTTPS and SOCKS at one port. Default: off."`
	ListenKDC   string `name:"listen-kdc" group:"Where:" placeholder:"HOST:PORT" help:"The Kerberos KDC. Default: 127.0.0.1:0 with --auth kerberos and no --keytab."`
	ListenWeb   string `group:"Where:" placeholder:"HOST:PORT" help:"The certificate service of TLS-DSK and autodiscover, by HTTPS. Default: 127.0.0.1:0 with --auth tls-dsk or --autodiscover."`

	Autodiscover bool `group:"Where:" help:"Answer as Lync's autodiscover service, which wants a web ticket. Clients ask it at port 443: let --listen-web have that, or let them go through the proxy, which leads there; without either a proxy and DNS listen at 127.0.0.1:0."`

	Domain    string   `group:"Who:" placeholder:"DOMAIN" default:"ocs.test" help:"The SIP domain. Default: ${default}."`
	User      []string `group:"Who:" sep:"none" placeholder:"NAME:PASSWORD" help:"One who may sign in; give it again for more. Everybody on this machine can read it, so take no real password. Default: ${default_user}."`
	Auth      []string `group:"Who:" placeholder:"SCHEME" default:"ntlm" help:"The schemes offered, in order: tls-dsk, kerberos, ntlm, digest. Default: ${default}."`
	Keytab    string   `group:"Who:" placeholder:"FILE" help:"The keys of the server's Kerberos principals sip/HOST. Default: a KDC of its own."`
	ProxyUser string   `group:"Who:" placeholder:"NAME:PASSWORD" help:"Who may use the proxy. Default: everybody."`

	Cert  string `group:"Trust:" placeholder:"FILE" help:"PEM file of the server's certificate and those that issued it. Default: one is made, with an authority of its own."`
	Key   string `group:"Trust:" placeholder:"FILE" help:"PEM file of the certificate's private key."`
	CAOut string `group:"Trust:" name:"ca-out" placeholder:"FILE" help:"Write the certificate of the authority to FILE. Default: a temporary file, where one is made."`

	Fault     []string `group:"Tests:" sep:"none" placeholder:"JSON" help:"A fault to play, as JSON; give it again for more."`
	ReadyFile string   `group:"Tests:" placeholder:"FILE" help:"Write FILE, as JSON, once everything listens: addresses, the authority's file, the process id. One that is there is removed first: every server needs its own."`
}

// Help is what "ocs serve --help" says beyond the flags.
func (serveCommand) Help() string {
	return `Runs a server that speaks as OCS 2007 R2 does, for tests of clients. It ends on SIGTERM or SIGINT, with exit status 0.

Examples:

    ocs serve
    ocs serve --listen-tls 127.0.0.1:0 --listen-dns 127.0.0.1:0 --user bob:builder --ready-file ready.json
    ocs serve --autodiscover
    ocs serve --fault '{"stage":"register","action":"status","status":503}'

A fault has a stage (dns, accept, proxy, tls, kdc, web, register, subscribe, publish, live), an action, and what narrows it down (match,
count, skip); what is not known is refused with what is. The management port answers GET /history, /users, /endpoints and /faults, POST
/faults and /reset, DELETE /faults and /endpoints/EPID. docs/server.md has them all.`
}

// off, as a flag's value, says that something is not to listen.
const off = "off"

// anyPort is where something listens that is needed and was not given an address.
const anyPort = "127.0.0.1:0"

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, std *streams) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if err := removeReady(c.ReadyFile); err != nil { // one of a server before
		return err
	}
	srv, err := server.Start(cfg)
	if err != nil {
		return notServing(err)
	}
	ca, remove, err := c.writeAuthority(srv)
	if err == nil && c.ReadyFile != "" {
		err = writeReady(c.ReadyFile, srv, ca)
	}
	if err == nil {
		c.announce(std, srv, ca)
		<-ctx.Done()
	}
	remove()
	return errors.Join(err, srv.Close())
}

// config makes the server's configuration.
func (c *serveCommand) config() (server.Config, error) {
	cfg := server.Config{Domain: c.Domain}
	for _, listener := range []struct {
		flag, value string
		address     *string
	}{
		{"--listen-tls", c.ListenTLS, &cfg.ListenTLS},
		{"--listen-tcp", c.ListenTCP, &cfg.ListenTCP},
		{"--listen-dns", c.ListenDNS, &cfg.ListenDNS},
		{"--listen-management", c.ListenManagement, &cfg.ListenManagement},
		{"--listen-proxy", c.ListenProxy, &cfg.ListenProxy},
		{"--listen-kdc", c.ListenKDC, &cfg.ListenKDC},
		{"--listen-web", c.ListenWeb, &cfg.ListenWeb},
	} {
		if listener.value == "" || listener.value == off {
			continue
		}
		_, port, err := net.SplitHostPort(listener.value)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return cfg, usagef("%s %q is not host:port: give one like 127.0.0.1:0, or %s", listener.flag, listener.value, off)
		}
		*listener.address = listener.value
	}
	if cfg.ListenTLS == "" && cfg.ListenTCP == "" {
		return cfg, usagef("--listen-tls is off and --listen-tcp is not given: nobody could sign in")
	}
	if c.Autodiscover {
		if err := c.autodiscover(&cfg); err != nil {
			return cfg, err
		}
	}
	for _, user := range c.users() {
		name, password, ok := strings.Cut(user, ":")
		if !ok || name == "" {
			return cfg, usagef("--user %q is not name:password", name)
		}
		cfg.Users = append(cfg.Users, server.User{Name: name, Password: password})
	}
	if err := c.schemes(&cfg); err != nil {
		return cfg, err
	}
	if name, password, ok := strings.Cut(c.ProxyUser, ":"); ok && name != "" {
		cfg.Proxy.User, cfg.Proxy.Password = name, auth.Secret(password)
	} else if c.ProxyUser != "" {
		return cfg, usagef("--proxy-user %q is not name:password", name)
	}
	if err := c.faults(&cfg); err != nil {
		return cfg, err
	}
	if (c.Cert == "") != (c.Key == "") {
		return cfg, usagef("--cert and --key belong together: %s is missing", choose(c.Cert == "", "--cert", "--key"))
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return cfg, usagef("--cert %q, --key %q: %w", c.Cert, c.Key, err)
		}
		cfg.TLS = &pair
	}
	return cfg, nil
}

// faults reads the script. It comes after what decides who listens.
func (c *serveCommand) faults(cfg *server.Config) error {
	for _, text := range c.Fault {
		faults, err := server.ParseFaults([]byte(text))
		if err != nil {
			return usagef("--fault %q: %w", text, err)
		}
		if len(faults) == 0 {
			return usagef("--fault %q: the array has none: put a fault into it, or leave the flag out", text)
		}
		for _, f := range faults {
			if remedy := c.unreached(*cfg, f); remedy != "" {
				return usagef("--fault %q: nothing passes the stage %q so, and it would never strike: add %s",
					text, f.Stage, remedy)
			}
		}
		cfg.Faults = append(cfg.Faults, faults...)
	}
	return nil
}

// unreached says which flags are missing for a fault ever to strike; "": none. In process every stage can be reached;
// here only what listens, and what the proxy leads to.
func (c *serveCommand) unreached(cfg server.Config, f server.Fault) string {
	way := func(address string) bool { return address != "" || cfg.ListenProxy != "" }
	offers := func(scheme string) bool { return slices.Contains(cfg.Schemes, scheme) }
	accepts := func(transport string) bool {
		return f.Stage == server.StageAccept && strings.EqualFold(f.Match.Transport, transport)
	}
	switch {
	case f.Stage == server.StageDNS && cfg.ListenDNS == "":
		return "--listen-dns " + anyPort
	case f.Stage == server.StageProxy && cfg.ListenProxy == "":
		return "--listen-proxy " + anyPort
	case (f.Stage == server.StageTLS || accepts("tls")) && cfg.ListenTLS == "":
		return "--listen-tls " + anyPort
	case accepts("tcp") && cfg.ListenTCP == "":
		return "--listen-tcp " + anyPort
	case f.Stage == server.StageKDC && (!offers(auth.Kerberos) || cfg.Keytab != nil || !way(cfg.ListenKDC)):
		return "--auth kerberos --listen-kdc " + anyPort + ", without --keytab"
	case f.Stage == server.StageWeb && (!offers(auth.TLSDSK) && !c.Autodiscover || !way(cfg.ListenWeb)):
		return "--auth tls-dsk or --autodiscover, and --listen-web " + anyPort
	}
	return ""
}

// autodiscover adds the service, and a way to it.
func (c *serveCommand) autodiscover(cfg *server.Config) error {
	if cfg.ListenTLS == "" || c.ListenWeb == off {
		return usagef("--autodiscover needs --listen-tls and --listen-web: it speaks HTTPS, and leads to SIP over TLS")
	}
	cfg.Autodiscover = &server.Autodiscover{WebTicket: true}
	cfg.ListenWeb = cmp.Or(cfg.ListenWeb, anyPort)
	if _, port, _ := net.SplitHostPort(cfg.ListenWeb); port != "443" && c.ListenProxy == "" {
		cfg.ListenProxy = anyPort
	}
	if c.ListenDNS == "" {
		cfg.ListenDNS = anyPort
	}
	return nil
}

// schemes reads what is offered, and sees that what it needs listens.
func (c *serveCommand) schemes(cfg *server.Config) error {
	for _, scheme := range c.Auth {
		i := slices.IndexFunc(auth.Schemes(), func(known string) bool { return strings.EqualFold(known, scheme) })
		if i < 0 {
			return usagef("--auth %q is unknown: use some of %s, with commas between", scheme, strings.ToLower(strings.Join(auth.Schemes(), ", ")))
		}
		cfg.Schemes = append(cfg.Schemes, auth.Schemes()[i])
	}
	if c.Keytab != "" {
		var err error
		if cfg.Keytab, err = kerberos.LoadKeytab(c.Keytab); err != nil {
			return usagef("--keytab: %w", err)
		}
	}
	if slices.Contains(cfg.Schemes, auth.Kerberos) && c.ListenKDC == "" && c.Keytab == "" {
		cfg.ListenKDC = anyPort
	}
	if c.kerberosOnly() && c.Keytab == "" && c.ListenDNS == "" { // which tells clients where the KDC is
		cfg.ListenDNS = anyPort
	}
	if slices.Contains(cfg.Schemes, auth.TLSDSK) && c.ListenWeb == "" {
		cfg.ListenWeb = anyPort
	}
	return nil
}

// kerberosOnly tells whether clients have to be told to use Kerberos: they do so only on demand.
func (c *serveCommand) kerberosOnly() bool {
	return !slices.ContainsFunc(c.Auth, func(s string) bool { return !strings.EqualFold(s, auth.Kerberos) })
}

func (c *serveCommand) users() []string {
	if len(c.User) == 0 {
		return []string{defaultUser + ":" + defaultPassword}
	}
	return c.User
}

// notServing says why the server did not start, and what to do: what the machine refuses is a failure, what
// the configuration says is a usage error.
func notServing(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return fmt.Errorf("%w; is another server running there? Choose another address with the flag that gave it, or port 0 for a free one", err)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return usagef("%w: give a listener an address of this machine instead of %q", err, name.Name)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return err
	}
	return usagef("%w", err)
}

// writeAuthority writes the certificate that clients have to trust, and returns the file's absolute path:
// --ca-out, or a temporary file that remove removes. "" where the certificate was given and no file is asked
// for.
func (c *serveCommand) writeAuthority(srv *server.Server) (path string, remove func(), err error) {
	remove = func() {}
	switch {
	case c.CAOut != "":
		path = c.CAOut
	case c.Cert != "":
		return "", remove, nil
	default:
		dir, err := os.MkdirTemp("", "ocs-serve-")
		if err != nil {
			return "", remove, err
		}
		remove = func() { _ = os.RemoveAll(dir) }
		path = filepath.Join(dir, "ca.pem")
	}
	if path, err = filepath.Abs(path); err == nil {
		err = os.WriteFile(path, srv.CAPEM(), 0o644)
	}
	if err != nil {
		return "", remove, usagef("--ca-out: %w", err)
	}
	return path, remove, nil
}

// announce says what listens, and how to sign in to it.
func (c *serveCommand) announce(std *streams, srv *server.Server, ca string) {
	fmt.Fprintf(std.out, "Test server for %s\n", c.Domain)
	for _, listener := range [][2]string{
		{"SIP over TLS", srv.TLSAddr()},
		{"SIP over TCP", srv.TCPAddr()},
		{"DNS", srv.DNSAddr()},
		{"proxy", srv.ProxyAddr()},
		{"KDC", srv.KDCAddr()},
		{"web services", srv.WebAddr()},
		{"management", srv.ManagementURL()},
		{"authority", ca},
	} {
		if listener[1] != "" {
			fmt.Fprintf(std.out, "  %-13s %s\n", listener[0], listener[1])
		}
	}
	name, _, _ := strings.Cut(c.users()[0], ":")
	way, environment := "--server "+cmp.Or(srv.TLSAddr(), srv.TCPAddr()), ""
	if c.kerberosOnly() && srv.KDCAddr() != "" && srv.DNSAddr() != "" {
		way = "--dns " + srv.DNSAddr()
	}
	if c.Autodiscover && srv.DNSAddr() != "" {
		way = "--autodiscover --dns " + srv.DNSAddr()
		if user, _, _ := strings.Cut(c.ProxyUser, ":"); srv.ProxyAddr() != "" && user == "" {
			way += " --proxy http://" + srv.ProxyAddr()
		} else if srv.ProxyAddr() != "" { // arguments can be read by everybody
			proxy := url.URL{Scheme: "http", User: url.UserPassword(user, "PASSWORD"), Host: srv.ProxyAddr()}
			environment = "HTTPS_PROXY=" + proxy.String() + " "
		}
	}
	if len(c.User) == 0 {
		environment += "OCS_PASSWORD=" + defaultPassword + " "
	}
	if c.kerberosOnly() {
		way = "--auth kerberos " + way
	}
	line := fmt.Sprintf("%socs signin %s@%s %s", environment, name, c.Domain, way)
	switch {
	case srv.TLSAddr() == "":
		line += " --transport tcp"
	case ca != "":
		line += " --ca " + ca
	}
	fmt.Fprintf(std.out, "\nTo sign in:\n\n  %s\n\nCtrl-C ends the server.\n", line)
}
