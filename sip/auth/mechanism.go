package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

// Mechanism is one side of a token handshake that ends in message keys.
type Mechanism interface {
	// Step takes the peer's token and returns the next one. done says that the keys are ready once that token
	// is delivered; a nil token then means that there is nothing more to send.
	Step(ctx context.Context, in []byte) (out []byte, done bool, err error)
	// Sign returns the signature of a signature buffer. It needs done.
	Sign(buffer []byte) ([]byte, error)
	// Verify checks the peer's signature of a signature buffer. It needs done.
	Verify(buffer, signature []byte) error
	// Expiry is when the keys end; the zero time: by themselves they do not. It needs done.
	Expiry() time.Time
}

// scheme is how a client comes to take part in an authentication scheme.
type scheme struct {
	name string
	// possible reports whether the configuration has what the scheme needs.
	possible func(*ClientConfig) bool
	// mechanism makes the client's side of a handshake for a challenge. fresh says that the user proved
	// something to somebody on the way. It is nil for Digest, which has no handshake.
	mechanism func(context.Context, *ClientConfig, offer) (m Mechanism, fresh bool, err error)
}

// schemes is everything that a client speaks, best first.
func schemes() []scheme {
	return []scheme{
		{TLSDSK, func(cfg *ClientConfig) bool { return cfg.Certificates != nil }, tlsdskClient},
		{Kerberos, func(cfg *ClientConfig) bool { return cfg.Kerberos != nil }, kerberosMechanism},
		{NTLM, hasPassword, ntlmClient},
		{Digest, hasPassword, nil},
	}
}

// hasPassword tells a missing password from an empty one by what else could prove the user: an empty one is no
// reason to try, and to be counted as a wrong one.
func hasPassword(cfg *ClientConfig) bool {
	return cfg.Password.User != "" && (cfg.Password.Secret != "" || cfg.Kerberos == nil)
}

func ntlmClient(_ context.Context, cfg *ClientConfig, _ offer) (Mechanism, bool, error) {
	user, domain := SplitUser(cfg.Password.User)
	return &ntlm.Client{
		User: user, Domain: domain, Password: string(cfg.Password.Secret),
		Workstation: strings.ToUpper(cfg.Hostname), AllowV1: cfg.AllowNTLMv1, Rand: cfg.Rand,
	}, false, nil
}

func kerberosMechanism(_ context.Context, cfg *ClientConfig, o offer) (Mechanism, bool, error) {
	return kerberosClient(cfg, o.get("targetname")), false, nil
}

// kerberosClient is the configured client for a server's principal. Keytab and credential cache come before the
// password.
func kerberosClient(cfg *ClientConfig, target string) *kerberos.Client {
	c := *cfg.Kerberos
	c.Target = target
	if c.User == "" {
		c.User = strings.ReplaceAll(cfg.Password.User, `\@`, "@")
	}
	if c.Password == "" && c.Keytab == nil && c.CCache == "" {
		c.Password = string(cfg.Password.Secret)
	}
	return &c
}

// tlsdskClient has a certificate, from the cache or the challenge's provisioning service.
func tlsdskClient(ctx context.Context, cfg *ClientConfig, o offer) (Mechanism, bool, error) {
	p := provisioning(cfg, func() {})
	cert, reused, err := p.Certificate(ctx, o.get("targetname"), o.get("sts-uri"))
	if err != nil {
		return nil, false, err
	}
	return &tlsdsk.Client{Certificate: *cert}, !reused, nil
}

// provisioning is the configured client of web services, with the user's credentials. tested is called when a KDC has
// judged the password.
func provisioning(cfg *ClientConfig, tested func()) *ocauthws.Client {
	p := *cfg.Certificates
	if hasPassword(cfg) {
		p.User, p.Domain = SplitUser(cfg.Password.User)
		p.Password = string(cfg.Password.Secret)
	}
	if p.Negotiate == nil && cfg.Kerberos != nil {
		p.Negotiate = func(ctx context.Context, service string) ([]byte, error) {
			if hasPassword(cfg) { // NTLM is left
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(ctx, firstTry/2)
				defer stop()
			}
			k := kerberosClient(cfg, service)
			token, _, err := k.Step(ctx, nil)
			if k.PasswordTested() {
				tested()
			}
			if _, final := causeOf(err); final {
				err = fmt.Errorf("%w: %w", ocauthws.ErrRejected, err)
			}
			return token, err
		}
	}
	return &p
}

// provesPassword reports whether a scheme gives the server something derived from the password, so that its verdict on
// the handshake is one on the password. Such a scheme asks no third party.
func provesPassword(scheme string) bool { return scheme == NTLM || scheme == Digest }

// isNTLMv1 reports whether a handshake gave the server NTLMv1.
func isNTLMv1(m Mechanism) bool {
	n, ok := m.(*ntlm.Client)
	return ok && n.V1()
}

// passwordTested reports whether somebody else has judged the password already.
func (h *handshake) passwordTested(cfg *ClientConfig) bool {
	if h == nil {
		return false
	}
	if k, ok := h.keys.(*kerberos.Client); ok {
		return k.PasswordTested()
	}
	return h.scheme == TLSDSK && h.fresh && hasPassword(cfg)
}

// refusedError says that the server has turned down a complete handshake of a scheme that does not give it anything
// derived from the password.
type refusedError struct{ scheme string }

func (e *refusedError) Error() string {
	return "auth: the server refused the complete " + e.scheme + " handshake"
}

// causeOf tells why a scheme's handshake failed. final says that somebody has judged the user's credentials:
// whatever else could be tried with them must not be.
func causeOf(err error) (cause ocserr.Cause, final bool) {
	var k *kerberos.Error
	var service *ocauthws.Error
	var alert *tlsdsk.AlertError
	var refused *refusedError
	switch {
	case errors.As(err, &refused) && refused.scheme == TLSDSK:
		return ocserr.CauseSigningCertificateDenied, false
	case errors.As(err, &refused):
		return ocserr.CauseKerberosFailed, false
	case errors.Is(err, errMalformed):
		return ocserr.CauseBadChallenge, false
	case errors.Is(err, ocauthws.ErrRejected):
		return ocserr.CausePasswordRejected, true
	case errors.As(err, &service):
		return ocserr.CauseCertificateProvisioning, false
	case errors.As(err, &k):
		return kerberosCause(k.Kind)
	case errors.As(err, &alert) && alert.Certificate():
		return ocserr.CauseSigningCertificateDenied, false
	}
	return ocserr.CauseSchemeFailed, false
}

func kerberosCause(kind kerberos.Kind) (cause ocserr.Cause, final bool) {
	switch kind {
	case kerberos.KindPasswordRejected, kerberos.KindPasswordExpired:
		return ocserr.CausePasswordRejected, true
	case kerberos.KindAccountDisabled:
		return ocserr.CauseKerberosFailed, true
	case kerberos.KindKDCUnreachable:
		return ocserr.CauseKDCUnreachable, false
	case kerberos.KindKDCSilent:
		return ocserr.CauseKDCSilent, false
	case kerberos.KindNoTicket:
		return ocserr.CauseKerberosNoTicket, false
	case kerberos.KindTicketExpired:
		return ocserr.CauseKerberosTicketExpired, false
	case kerberos.KindUserUnknown:
		return ocserr.CauseKerberosUserUnknown, false
	case kerberos.KindServerUnknown:
		return ocserr.CauseKerberosServerUnknown, false
	case kerberos.KindClockSkew:
		return ocserr.CauseClockSkew, false
	case kerberos.KindConfig, kerberos.KindNoCommonEnctype, kerberos.KindReplay, kerberos.KindFailed:
	}
	return ocserr.CauseKerberosFailed, false
}

// serverMechanism makes the server's side of a handshake.
func (s *Server) serverMechanism(scheme string) (Mechanism, error) {
	switch scheme {
	case NTLM:
		return s.ntlmServer(), nil
	case Kerberos:
		k := *s.cfg.Kerberos
		k.Target = s.targetName(Kerberos)
		return &k, nil
	case TLSDSK:
		t := *s.cfg.TLSDSK
		return &t, nil
	}
	return nil, fmt.Errorf("auth: no handshake with %s", scheme)
}

// ntlmServer knows the accounts, and has the names that follow from its FQDN.
func (s *Server) ntlmServer() *ntlm.Server {
	computer, domain, _ := strings.Cut(s.cfg.TargetName, ".")
	first, _, _ := strings.Cut(domain, ".")
	n := ntlm.Server{
		NetBIOSDomain: netBIOS(first), NetBIOSComputer: netBIOS(computer),
		DNSDomain: domain, DNSComputer: s.cfg.TargetName, DNSForest: domain,
		Rand: s.cfg.Rand,
		Password: func(user, domain string) (string, bool) {
			account, ok := s.cfg.Accounts(user, domain)
			return string(account.Password), ok
		},
	}
	if s.cfg.NTLM != nil {
		n.Offer, n.AllowV1 = s.cfg.NTLM.Offer, s.cfg.NTLM.AllowV1
	}
	return &n
}

// netBIOS makes a NetBIOS name of a DNS label: upper case, fifteen characters at most.
func netBIOS(label string) string { return strings.ToUpper(label[:min(len(label), 15)]) }

// account finds the account that a complete handshake has proved.
func (s *Server) account(m Mechanism) (Account, bool) {
	switch m := m.(type) {
	case *ntlm.Server:
		user, domain, _ := m.Names()
		return s.cfg.Accounts(user, domain)
	case *kerberos.Server:
		return s.cfg.Accounts(m.Names())
	case *tlsdsk.Server:
		return s.cfg.Accounts(strings.TrimPrefix(m.ClientCertificate().Subject.CommonName, "sip:"), "")
	}
	return Account{}, false
}

// discard releases what a mechanism holds whose handshake will not be completed.
func discard(m Mechanism) {
	if c, ok := m.(io.Closer); ok {
		_ = c.Close() // it only ends what is under way
	}
}
