package auth

import (
	"context"
	"errors"
	"fmt"

	ocserr "github.com/ocsgo/ocs/errors"
)

// WebTicket gets a web ticket for a resource from a ticket service, both URLs, as ocauthws.Client.Ticket does. It proves
// the user as TLS-DSK does to its certificate service, with Kerberos and NTLM; Schemes without TLS-DSK leave those of
// the two that are among them. It says whether the password was tested on the way, by whomever.
//
// Credentials that were turned down are an *ocserr.Error, CausePasswordRejected: they must not be sent again, to
// nobody. Any other error is a failure of the service, or says that there are no credentials.
func (cfg *ClientConfig) WebTicket(ctx context.Context, service, resource string) (assertion string, tested bool, err error) {
	if cfg.Certificates == nil {
		return "", false, errors.New("auth: no client of web services is configured")
	}
	p := provisioning(cfg, func() { tested = true })
	if !cfg.allows(TLSDSK) {
		if !cfg.allows(NTLM) {
			p.User, p.Domain, p.Password = "", "", ""
		}
		if !cfg.allows(Kerberos) {
			p.Negotiate = nil
		}
	}
	switch {
	case p.User == "" && p.Negotiate == nil && hasPassword(cfg):
		return "", false, fmt.Errorf("auth: a web service takes NTLM and Kerberos; the client may use %s", list(cfg.Schemes))
	case p.User == "" && p.Negotiate == nil:
		return "", false, errors.New("auth: neither name and password nor a Kerberos ticket is given")
	}
	assertion, byPassword, err := p.Ticket(ctx, service, resource)
	if cause, final := causeOf(err); final {
		return "", true, ocserr.New(cause, err)
	}
	return assertion, tested || byPassword, err
}
