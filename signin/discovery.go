package signin

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
)

// Discover is the first stage of a sign-in alone: where cfg would look for the servers of a SIP domain, and what it would
// try. It connects to no SIP server. The plan is never nil; errors are those of package resolve. Of cfg it needs no
// sign-in name.
func Discover(ctx context.Context, cfg Config, domain string) (*resolve.Plan, error) {
	return cfg.discover(ctx, domain)
}

// discover finds the candidates, in the order in which they are to be tried.
func (c *Config) discover(ctx context.Context, domain string) (plan *resolve.Plan, err error) {
	asks := c.resolver()
	if c.Server != "" {
		plan, err = resolve.Manual(ctx, asks, c.Server, c.Transport)
	} else {
		asks.Autodiscover = c.autodiscover(domain)
		plan, err = resolve.Discover(ctx, asks, domain)
	}
	if err != nil && ctx.Err() == nil {
		err = c.byName(plan, c.Server, c.Transport, err)
	}
	return plan, err
}

// resolver says how to ask for names.
func (c *Config) resolver() resolve.Config {
	return resolve.Config{
		Server: c.DNS, OnlyTCP: c.Transport == TransportTCP, Policy: c.Policy, Naming: c.Naming, Exchange: c.Exchange,
	}
}

// autodiscover says how to ask Lync's autodiscover service; nil: not at all.
func (c *Config) autodiscover(domain string) *resolve.Autodiscover {
	if !c.Autodiscover {
		return nil
	}
	proxy, err := c.proxyFor(resolve.Candidate{Host: "lyncdiscover." + domain, Port: 443})
	return &resolve.Autodiscover{
		SignInName: c.address(), Proxied: err == nil && proxy != nil,
		Dial: func(ctx context.Context, host string, port int, addrs []netip.Addr) (net.Conn, error) {
			conn, err := c.open(ctx, resolve.Candidate{Host: host, Port: port, Addrs: addrs})
			if err != nil {
				return nil, err
			}
			secured, _, err := secure.Handshake(ctx, conn, c.policy(host))
			if err != nil {
				return nil, err
			}
			return secured, nil
		},
	}
}

// open connects to a candidate, through its proxy if there is one.
func (c *Config) open(ctx context.Context, to resolve.Candidate) (net.Conn, error) {
	proxy, err := c.proxyFor(to)
	if err != nil {
		return nil, err
	}
	conn, _, err := dial.Dial(ctx, dial.Config{Dial: c.Dial, Proxy: proxy, Roots: c.Roots}, to.Host, to.Port, to.Addrs)
	return conn, err
}

// policy is the TLS policy for a host.
func (c *Config) policy(host string) secure.Config {
	return secure.Config{
		ServerName: host, Roots: c.Roots, Authorities: c.Authorities, Certificate: c.ClientCertificate,
		Legacy: c.LegacyTLS, InsecureSkipVerify: c.InsecureSkipVerify, KeyLog: c.KeyLog,
	}
}

// byName is what becomes of the failure to find a server in DNS: behind a proxy DNS often knows only the names inside,
// and the proxy those outside. The plan then gets candidates without addresses, which the proxy is asked for by
// name: the given server ("host" or "host:port"), or with none those that a domain's servers have by custom. Without a
// proxy for them the failure stands.
func (c *Config) byName(plan *resolve.Plan, server string, transport Transport, failure error) error {
	if e, ok := errors.AsType[*ocserr.Error](failure); !ok || e.Code != ocserr.InvalidServerName {
		return failure
	}
	ports := []int{5061, 443}
	if transport == "" {
		transport = TransportTLS
	}
	if transport == TransportTCP {
		ports = []int{5060}
	}
	hosts := []string{server}
	if server == "" {
		domain := plan.Domain
		hosts = []string{"sipinternal." + domain, "sip." + domain, "sipexternal." + domain}
	} else {
		ports = ports[:1]
		if host, port, err := net.SplitHostPort(server); err == nil {
			number, _ := strconv.Atoi(port) // resolve has read it
			hosts, ports = []string{host}, []int{number}
		}
	}
	for _, host := range hosts {
		for _, port := range ports {
			candidate := resolve.Candidate{
				Host: strings.TrimSuffix(host, "."), Port: port, Transport: transport, Why: "by name, through the proxy: DNS here does not know it",
			}
			if proxy, err := c.proxyFor(candidate); err == nil && proxy != nil {
				plan.Candidates = append(plan.Candidates, candidate)
			}
		}
	}
	if len(plan.Candidates) == 0 {
		return failure
	}
	return nil
}
