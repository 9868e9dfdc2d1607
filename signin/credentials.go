package signin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

// newAuth begins an authentication, which belongs to one connection of the endpoint.
func (a *attempt) newAuth(epid string) *auth.Client {
	return auth.NewClient(*a.cfg.proof(a.hostname, &ocauthws.Client{
		Address: a.cfg.identity(), Device: register.InstanceID(epid), Transport: a.cfg.webTransport,
		UserAgent: a.cfg.UserAgent, Cache: a.client.certificates, Log: a.cfg.Log,
	}))
}

// proof is how the user's identity is proved from a machine of this name, by SIP and, with services, to those on the web.
func (c *Config) proof(hostname string, services *ocauthws.Client) *auth.ClientConfig {
	cfg := &auth.ClientConfig{
		Password: c.Credentials, Schemes: c.Schemes, Hostname: hostname, AllowNTLMv1: c.AllowNTLMv1, Certificates: services,
	}
	if c.Kerberos != nil {
		k := *c.Kerberos
		if k.Domain == "" {
			k.Domain = resolve.ALabels(c.domain())
		}
		resolver := c.systemResolver()
		if k.LookupSRV == nil {
			k.LookupSRV = func(ctx context.Context, name string) ([]*net.SRV, error) {
				_, records, err := resolver.LookupSRV(ctx, "", "", name)
				if e, ok := errors.AsType[*net.DNSError](err); ok && c.DNS != "" {
					e.Server = c.DNS // package net believes to have asked the system's
				}
				return records, err
			}
		}
		if k.Dial == nil {
			k.Dial = c.Dial
		}
		if k.Dial == nil {
			k.Dial = (&net.Dialer{Resolver: resolver}).DialContext
		}
		cfg.Kerberos = &k
	}
	return cfg
}

// systemResolver is package net's resolver, which asks the DNS server of the configuration if there is one. KDCs are
// found with it: their names are not of the kind that package resolve knows.
func (c *Config) systemResolver() *net.Resolver {
	if c.DNS == "" {
		return net.DefaultResolver
	}
	server := c.DNS
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

// webTransport reaches web services as servers are reached: names by the same DNS, connections by the same proxy,
// certificates by the same policy.
func (c *Config) webTransport() *http.Transport { return &http.Transport{DialTLSContext: c.dialWeb} }

// dialWeb opens a connection to a web service, TLS included.
func (c *Config) dialWeb(ctx context.Context, _, address string) (net.Conn, error) {
	plan, err := resolve.Manual(ctx, c.resolver(), address, resolve.TLS)
	if err != nil {
		return nil, err
	}
	return c.openTLS(ctx, plan.Candidates[0])
}
