package signin

import (
	"context"
	"crypto/tls"
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
	cfg := auth.ClientConfig{
		Password: a.cfg.Credentials, Schemes: a.cfg.Schemes, Hostname: a.hostname, AllowNTLMv1: a.cfg.AllowNTLMv1,
		Certificates: &ocauthws.Client{
			Address: a.cfg.address(), Device: register.InstanceID(epid), Transport: a.cfg.webTransport,
			UserAgent: a.cfg.UserAgent, Cache: a.client.certificates, Log: a.cfg.Log,
		},
	}
	if a.cfg.Kerberos != nil {
		k := *a.cfg.Kerberos
		if k.Domain == "" {
			k.Domain = a.cfg.domain()
		}
		resolver := a.systemResolver()
		if k.LookupSRV == nil {
			k.LookupSRV = func(ctx context.Context, name string) ([]*net.SRV, error) {
				_, records, err := resolver.LookupSRV(ctx, "", "", name)
				if e, ok := errors.AsType[*net.DNSError](err); ok && a.cfg.DNS != "" {
					e.Server = a.cfg.DNS // package net believes to have asked the system's
				}
				return records, err
			}
		}
		if k.Dial == nil {
			k.Dial = a.cfg.Dial
		}
		if k.Dial == nil {
			k.Dial = (&net.Dialer{Resolver: resolver}).DialContext
		}
		cfg.Kerberos = &k
	}
	return auth.NewClient(cfg)
}

// systemResolver is package net's resolver, which asks the DNS server of the configuration if there is one. KDCs are
// found with it: their names are not of the kind that package resolve knows.
func (a *attempt) systemResolver() *net.Resolver {
	if a.cfg.DNS == "" {
		return net.DefaultResolver
	}
	server := a.cfg.DNS
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

// webTransport reaches web services as servers are reached: names by the same DNS, connections by the same proxy,
// trust in the same authorities.
func (c *Config) webTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			plan, err := resolve.Manual(ctx, c.resolver(), address, resolve.TLS)
			if err != nil {
				return nil, err
			}
			return c.open(ctx, plan.Candidates[0])
		},
		TLSClientConfig: &tls.Config{
			RootCAs: c.Roots, InsecureSkipVerify: c.InsecureSkipVerify, KeyLogWriter: c.KeyLog, MinVersion: tls.VersionTLS12,
		},
	}
}
