package signin

import (
	"context"
	"net"
	"net/http"

	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

// webTicket gets the tickets that autodiscover wants for the documents of a domain's users. tested is called when the
// user's password was judged on the way.
func (c *Config) webTicket(domain string, tested func()) func(ctx context.Context, service, resource string) (string, error) {
	proof := c.proof("", &ocauthws.Client{
		Address: c.identity(), UserAgent: c.UserAgent, Log: c.Log,
		Transport: func() *http.Transport { return c.ticketTransport(domain) },
	})
	return func(ctx context.Context, service, resource string) (string, error) {
		ticket, judged, err := proof.WebTicket(ctx, service, resource)
		if judged {
			tested()
		}
		return ticket, err
	}
}

// ticketTransport reaches ticket services, and no host that must not have the user's credentials. Here it is a web server that
// says who gets them, before any SIP server is known: so the certificate is verified in any case, and where the names
// of servers are limited the service must be in the SIP domain.
func (c *Config) ticketTransport(domain string) *http.Transport {
	verifying := *c
	verifying.InsecureSkipVerify = false
	return &http.Transport{DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err == nil && c.Naming != resolve.NamingAny {
			err = resolve.NamingDomain.Check(domain, host)
		}
		if err != nil {
			return nil, err
		}
		return verifying.dialWeb(ctx, network, address)
	}}
}
