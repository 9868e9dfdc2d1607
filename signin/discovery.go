package signin

import (
	"context"
	"net"
	"net/netip"

	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
)

// Discover is the first stage of a sign-in alone: where cfg would look for the servers of a SIP domain, and what it would
// try. It connects to no SIP server. The plan is never nil; errors are those of package resolve. Of cfg it needs no
// sign-in name and no Credentials, but for the web ticket that autodiscover may want. There Credentials need their User.
func Discover(ctx context.Context, cfg Config, domain string) (*resolve.Plan, error) {
	cfg.logins = new(dial.Logins)
	return cfg.discover(ctx, domain, func() {})
}

// discover finds the candidates, in the order in which they are to be tried. tested is called when somebody has judged
// the password.
func (c *Config) discover(ctx context.Context, domain string, tested func()) (plan *resolve.Plan, err error) {
	asks := c.resolver()
	if c.Server != "" {
		plan, err = resolve.Manual(ctx, asks, c.Server, c.Transport)
	} else {
		asks.Autodiscover = c.autodiscover(domain, tested)
		plan, err = resolve.Discover(ctx, asks, domain)
	}
	return plan, err
}

// resolver says how to ask for names.
func (c *Config) resolver() resolve.Config {
	return resolve.Config{
		Server: c.DNS, OnlyTCP: c.Transport == TransportTCP, Policy: c.Policy, Naming: c.Naming, Exchange: c.Exchange,
		ByName: func(host string, port int) bool {
			proxy, err := c.proxyFor(resolve.Candidate{Host: host, Port: port})
			return err == nil && proxy != nil && proxy.Scheme != dial.SOCKS4 // which carries no names
		},
	}
}

// autodiscover says how to ask Lync's autodiscover service of a domain; nil: not at all.
func (c *Config) autodiscover(domain string, tested func()) *resolve.Autodiscover {
	if !c.Autodiscover {
		return nil
	}
	return &resolve.Autodiscover{
		SignInName: c.identity(),
		Dial: func(ctx context.Context, host string, port int, addrs []netip.Addr) (net.Conn, error) {
			return c.openTLS(ctx, resolve.Candidate{Host: host, Port: port, Addrs: addrs})
		},
		WebTicket: c.webTicket(domain, tested),
	}
}

// open connects to a candidate, through its proxy if there is one.
func (c *Config) open(ctx context.Context, to resolve.Candidate) (net.Conn, error) {
	proxy, err := c.proxyFor(to)
	if err != nil {
		return nil, err
	}
	conn, _, err := dial.Dial(ctx, c.dialing(proxy), to.Host, to.Port, to.Addrs)
	return conn, err
}

// dialing says how to connect, through a proxy or, with nil, straight.
func (c *Config) dialing(proxy *dial.Proxy) dial.Config {
	return dial.Config{Dial: c.Dial, Proxy: proxy, Resolve: c.addresses, Roots: c.Roots, Logins: c.logins}
}

// addresses finds the addresses of a proxy's name as those of a server's are found.
func (c *Config) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	asks := c.resolver()
	asks.ByName = nil // there is no proxy before the proxy
	plan, err := resolve.Manual(ctx, asks, host, resolve.TLS)
	if err != nil {
		return nil, err
	}
	return plan.Candidates[0].Addrs, nil
}

// openTLS connects to a candidate and makes the TLS handshake.
func (c *Config) openTLS(ctx context.Context, to resolve.Candidate) (net.Conn, error) {
	conn, err := c.open(ctx, to)
	if err != nil {
		return nil, err
	}
	secured, _, err := secure.Handshake(ctx, conn, c.policy(to.Host))
	if err != nil {
		return nil, err // and not a nil *tls.Conn in an interface
	}
	return secured, nil
}

// policy is the TLS policy for a host.
func (c *Config) policy(host string) secure.Config {
	return secure.Config{
		ServerName: host, Roots: c.Roots, Authorities: c.Authorities, Certificate: c.ClientCertificate,
		Legacy: c.LegacyTLS, InsecureSkipVerify: c.InsecureSkipVerify, KeyLog: c.KeyLog,
	}
}
