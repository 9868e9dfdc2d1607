package ocauthws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Client obtains certificates and web tickets for one user at one endpoint. Its fields are set before the first call
// and not changed afterwards; then it is safe for concurrent use.
type Client struct {
	Address string // the SIP address, without "sip:": alice@contoso.com
	Device  string // the endpoint's instance UUID, without braces; a ticket alone needs none

	// The Windows login, which is proved by NTLM. A user principal name has an empty Domain. Without a User
	// there is only Negotiate.
	User, Domain string
	Password     string `json:"-"`
	// Negotiate returns the GSS-API token that proves the user to a service principal such as
	// "HTTP/sip.contoso.com" (RFC 4559); nil: no Kerberos. Where it fails, or the service refuses its token,
	// NTLM follows if there is a User, but not where its error is an ErrRejected.
	Negotiate func(ctx context.Context, service string) ([]byte, error) `json:"-"`
	// Basic allows Basic authentication, which gives the password to the service, where it offers nothing
	// else.
	Basic bool

	// Transport makes what reaches the services: proxy, dialing, TLS roots. Each call makes one, changes it
	// to its needs, and closes its connections at the end; nil: directly, with the system's roots.
	Transport func() *http.Transport `json:"-"`
	UserAgent string                 // empty: none is sent
	Cache     *Cache                 `json:"-"` // nil: every certificate is new
	Log       *slog.Logger           `json:"-"` // nil: none
}

// Certificate returns the certificate for the server target (a challenge's targetname) whose provisioning
// service is at the URL service (its sts-uri): from the cache if there is one that is good for another hour,
// else from the service. A new certificate goes into the cache. An error is an *Error, or says that service is
// not a URL.
func (c *Client) Certificate(ctx context.Context, target, service string) (cert *tls.Certificate, reused bool, err error) {
	if c.Cache != nil {
		cert, err := c.Cache.Get(target, c.Address)
		if err != nil {
			c.log().WarnContext(ctx, "certificate cache", "err", err)
		}
		if cert != nil {
			return cert, true, nil
		}
	}
	if cert, err = c.obtain(ctx, service); err != nil {
		return nil, false, err
	}
	if c.Cache != nil {
		if err := c.Cache.Put(target, c.Address, cert); err != nil {
			c.log().WarnContext(ctx, "certificate cache", "err", err)
		}
	}
	return cert, false, nil
}

// Drop forgets the certificate for the server target, which has refused it.
func (c *Client) Drop(target string) error {
	if c.Cache == nil {
		return nil
	}
	return c.Cache.Drop(target, c.Address)
}

// Ticket returns a web ticket for a resource from a ticket service, both URLs: the SAML assertion as it came. Whoever
// has it is the user to that resource until it expires, so it is a secret. byPassword says that the service took
// the password for it. An error is an *Error, or says that service is not a URL.
func (c *Client) Ticket(ctx context.Context, service, resource string) (assertion string, byPassword bool, err error) {
	if c.Address == "" {
		return "", false, errors.New("ocauthws: a ticket is for a user, and the address is not known")
	}
	if err := checkURL(service); err != nil {
		return "", false, fmt.Errorf("ocauthws: ticket service: %w", err)
	}
	x := newExchange(c)
	defer x.close()
	t, err := x.ticket(ctx, service, resource)
	if err != nil {
		return "", false, err
	}
	return string(t.assertion), x.byPassword, nil
}

// obtain goes through the requests.
func (c *Client) obtain(ctx context.Context, service string) (*tls.Certificate, error) {
	if c.Address == "" || c.Device == "" {
		return nil, errors.New("ocauthws: address and device must be known")
	}
	if err := checkURL(service); err != nil {
		return nil, fmt.Errorf("ocauthws: certificate service: %w", err)
	}
	x := newExchange(c)
	defer x.close()

	x.step = StepMetadata
	body, err := x.get(ctx, service+"/mex")
	if err != nil {
		return nil, err
	}
	provisioning, err := parseServiceMetadata(body)
	if err != nil {
		return nil, x.fail(err)
	}

	ticket, err := x.ticket(ctx, provisioning.issuer, provisioning.address)
	if err != nil {
		return nil, err
	}

	x.step = StepCertificate
	publish, err := newPublishRequest(c, provisioning, ticket)
	if err != nil {
		return nil, x.fail(err)
	}
	if body, err = x.post(ctx, provisioning.address, actionPublish, publish.envelope, false); err != nil {
		return nil, err
	}
	cert, err := publish.parse(body)
	if err != nil {
		return nil, x.fail(err)
	}
	return cert, nil
}

func (c *Client) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Format keeps the password out of every print.
func (c Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "ocauthws.Client{%s}", c.Address) }

// LogValue keeps it out of every log.
func (c Client) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }
