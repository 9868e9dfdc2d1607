package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Via is the dialogue with a proxy, as the report shows it. It holds no secret.
type Via struct {
	Proxy string `json:"proxy"` // its URL, without the password
	Steps []Step `json:"steps"` // in order; empty: the proxy was not reached
}

// Step is one question to the proxy, and its answer.
type Step struct {
	Sent   string   `json:"sent"`             // "CONNECT fe.contoso.com:5061", "TLS", "greeting", ...
	Scheme string   `json:"scheme,omitempty"` // of the credentials that went along: "Basic", "Digest", "NTLM"
	Answer string   `json:"answer,omitempty"` // in the proxy's words; SOCKS: in those of its documents; empty: none came
	Status int      `json:"status,omitempty"` // HTTP status, or SOCKS reply code
	Offers []string `json:"offers,omitempty"` // the schemes of which the proxy demands one
}

// dialogue is a conversation with a proxy.
type dialogue struct {
	cfg   Config
	proxy *Proxy
	via   *Via

	conn    net.Conn    // nil: none
	release func() bool // ends the watch of the context over conn
	opened  bool        // there was one
}

// through connects through a proxy.
func through(ctx context.Context, cfg Config, host string, port int, addrs []netip.Addr) (net.Conn, *Via, error) {
	d := &dialogue{cfg: cfg, proxy: cfg.Proxy, via: &Via{Proxy: cfg.Proxy.String(), Steps: []Step{}}}
	if err := d.proxy.check(); err != nil {
		return nil, d.via, ocserr.New(ocserr.CauseInvalidProxy, err)
	}
	hosts, err := d.hosts(host, addrs)
	if err != nil {
		return nil, d.via, err
	}
	var failures []error
	for _, host := range hosts {
		conn, err := d.reach(ctx, host, port)
		if err == nil {
			return conn, d.via, nil
		}
		d.close()
		if ctx.Err() != nil {
			late := ocserr.CauseLogonTimeout
			if d.opened {
				late = ocserr.CauseProxySilent
				err = fmt.Errorf("proxy %s: no answer to %s", d.proxy.Address(), d.asked()) // that it was closed was our doing
			}
			return nil, d.via, ended(ctx, late, append(failures, err))
		}
		failures = append(failures, err)
		if !another(err) {
			break
		}
	}
	last, ok := errors.AsType[*ocserr.Error](failures[len(failures)-1])
	if !ok {
		return nil, d.via, errors.Join(failures...)
	}
	if len(failures) > 1 {
		last.Err = errors.Join(append(failures[:len(failures)-1], last.Err)...)
	}
	return nil, d.via, last
}

// hosts lists what to ask the proxy for, as the package comment says.
func (d *dialogue) hosts(host string, addrs []netip.Addr) ([]string, error) {
	var hosts []string
	literal, notAddress := netip.ParseAddr(host)
	switch {
	case notAddress == nil && len(addrs) == 0:
		addrs = []netip.Addr{literal}
	case notAddress != nil && host != "" && d.proxy.Scheme != SOCKS4:
		if !writable(host) {
			return nil, ocserr.New(ocserr.CauseInvalidServerAddress, fmt.Errorf("%q cannot be asked of a proxy", host))
		}
		hosts = append(hosts, host)
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		socks4 := d.proxy.Scheme == SOCKS4 || d.proxy.Scheme == SOCKS4A
		if addr.IsValid() && (addr.Is4() || !socks4) {
			hosts = append(hosts, addr.String())
		}
	}
	if len(hosts) == 0 {
		e := d.fail(ocserr.CauseProxyCannotResolve, errors.New("SOCKS 4 carries IPv4 addresses only, and none of the server is known"))
		e.Side = ocserr.SideClient
		e.Remedy = "Use socks4a, socks5 or http with this proxy if it knows one of them: they carry names."
		return nil, e
	}
	return hosts, nil
}

// another tells whether asking for the next address of the same server can help: many proxies have one
// answer for a name that they do not know, a port that does not answer and an address out of reach.
func another(err error) bool {
	e, ok := errors.AsType[*ocserr.Error](err)
	return ok && slices.Contains([]ocserr.Cause{
		ocserr.CauseProxyCannotResolve, ocserr.CauseProxyCannotConnect, ocserr.CauseProxyFailed,
	}, e.Cause)
}

// reach opens a connection to the proxy and asks it for one to the host. The error is an *ocserr.Error.
func (d *dialogue) reach(ctx context.Context, host string, port int) (net.Conn, error) {
	var conn net.Conn
	err := d.open(ctx)
	if err == nil {
		switch d.proxy.Scheme {
		case HTTP, HTTPS:
			conn, err = d.connect(ctx, host, port)
		case SOCKS4, SOCKS4A:
			conn, err = d.socks4(host, port)
		case SOCKS5:
			conn, err = d.socks5(ctx, host, port)
		}
	}
	if err != nil {
		return nil, err
	}
	if !d.release() {
		return nil, d.fail(ocserr.CauseProxyClosed, context.Cause(ctx))
	}
	return conn, nil
}

// open connects to the proxy. The connection is closed as soon as ctx is done, until release.
func (d *dialogue) open(ctx context.Context) error {
	d.close()
	nc, err := d.toProxy(ctx)
	if err != nil {
		return err
	}
	d.opened = true
	d.conn, d.release = nc, context.AfterFunc(ctx, func() { _ = nc.Close() })
	if d.proxy.Scheme != HTTPS {
		return nil
	}
	secured := tls.Client(nc, &tls.Config{ServerName: d.proxy.Host, RootCAs: d.cfg.Roots, MinVersion: tls.VersionTLS12})
	step := d.ask("TLS", "")
	if err := secured.HandshakeContext(ctx); err != nil {
		return d.tlsFailure(err)
	}
	step.Answer = tls.VersionName(secured.ConnectionState().Version)
	d.conn = secured
	return nil
}

// tlsFailure explains why there is no TLS with an https proxy.
func (d *dialogue) tlsFailure(err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e := d.fail(ocserr.CauseProxyUnreachable, err)
		e.Remedy = "Give the proxy a certificate for its name, from an authority that is trusted here."
		e.Retry = false
		return e
	}
	op, _ := errors.AsType[*net.OpError](err)
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || op != nil && op.Op != "remote error" { // which is an alert
		return d.fail(ocserr.CauseProxyClosed, err)
	}
	return d.fail(ocserr.CauseProxyBadAnswer, err)
}

// close ends the connection to the proxy, if there is one.
func (d *dialogue) close() {
	if d.conn != nil {
		d.release()
		_ = d.conn.Close()
		d.conn = nil
	}
}

// ask notes a question. The step is good until the next one.
func (d *dialogue) ask(sent, scheme string) *Step {
	d.via.Steps = append(d.via.Steps, Step{Sent: sent, Scheme: scheme})
	return &d.via.Steps[len(d.via.Steps)-1]
}

// asked is the last question.
func (d *dialogue) asked() string {
	if len(d.via.Steps) == 0 {
		return "the connection"
	}
	return d.via.Steps[len(d.via.Steps)-1].Sent
}

// fail makes the error of a dialogue.
func (d *dialogue) fail(cause ocserr.Cause, err error) *ocserr.Error {
	return ocserr.New(cause, fmt.Errorf("proxy %s: %w", d.proxy.Address(), err)).At(ocserr.StageDial)
}

// failStatus makes the error of an HTTP status.
func (d *dialogue) failStatus(status int, cause ocserr.Cause, err error) *ocserr.Error {
	e := d.fail(cause, err)
	e.Status = status
	return e
}

// shown makes text of the proxy's fit to be shown: short, one line, and free of what it was told.
func (d *dialogue) shown(text string) string {
	const most = 128 // bytes
	for _, secret := range []string{d.proxy.Password, strings.TrimPrefix(basic(d.proxy.User, d.proxy.Password), "Basic ")} {
		if d.proxy.Password != "" && strings.Contains(text, secret) {
			return "(not shown: it holds the password)"
		}
	}
	text = strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), most)], "?"))
	return strings.TrimSpace(text)
}
