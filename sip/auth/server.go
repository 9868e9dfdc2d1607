package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/digest"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

// Account is one who may sign in.
type Account struct {
	User     string
	Domain   string
	Password Secret
	URI      string // the SIP URI it may act for: sip:alice@ocs.test
}

// ServerConfig says how a server authenticates.
type ServerConfig struct {
	Realm      string   // "SIP Communications Service" on Microsoft's servers
	TargetName string   // the server's FQDN
	Version    int      // of the authentication protocol: 2, 3 or 4; 0: 4
	Schemes    []string // offered in this order, as far as they are configured; nil: NTLM, Kerberos, TLS-DSK, Digest
	// NTLM says with Offer and AllowV1 which forms of it are spoken. nil: NTLMv2 as Office Communications Server 2007
	// R2 does.
	NTLM *ntlm.Server
	// Kerberos is the pattern of its servers: Keytab and Replays; Target is filled in. nil: it is not offered.
	Kerberos *kerberos.Server
	// TLSDSK is the pattern of its servers; users are known by the SIP address that is their certificate's common
	// name. nil: it is not offered.
	TLSDSK *tlsdsk.Server
	STSURI string // URL of the certificate provisioning service, for the challenges of TLS-DSK
	// Accounts finds the account of a user by the names that the client gave: domain is empty if it gave none,
	// and user may then be name@domain.
	Accounts func(user, domain string) (Account, bool)
	Rand     io.Reader // source of challenges, handles and nonces; nil: crypto/rand
}

// Server is the server's side of authentication on one connection. It is strict: it takes what the
// specification allows and nothing else. Its methods may be called concurrently; all must see the messages in
// the order of the wire.
type Server struct {
	cfg ServerConfig

	mu        sync.Mutex
	endpoints []*endpoint // by epid; one is the normal case
	digest    digest.Server
	judged    sentDigests // credentials accepted lately, for Authentication-Info
}

// maxEndpoints bounds the endpoints of one connection; the oldest makes room.
const maxEndpoints = 16

// NewServer returns the authentication of a new connection.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Version == 0 {
		cfg.Version = 4
	}
	wanted := cfg.Schemes
	if wanted == nil {
		wanted = []string{NTLM, Kerberos, TLSDSK, Digest}
	}
	cfg.Schemes = nil
	for _, name := range wanted {
		scheme := canonical(name)
		if scheme == Kerberos && cfg.Kerberos == nil || scheme == TLSDSK && cfg.TLSDSK == nil {
			continue
		}
		cfg.Schemes = append(cfg.Schemes, scheme)
	}
	s := &Server{cfg: cfg}
	s.digest = digest.Server{Realm: cfg.Realm, Rand: cfg.Rand, Password: func(login string) (string, bool) {
		account, ok := cfg.Accounts(SplitUser(login))
		return string(account.Password), ok
	}}
	return s
}

// Verdict is what a server thinks of a request.
type Verdict struct {
	OK      bool
	Account Account // who sent the request; also with status 403

	// Status of the response if the request is not OK: 401 with the Challenges, 403 if the user is not the owner
	// of the From URI, 400 if the epid is missing. 0 for a request that must be dropped without an answer.
	Status     int
	Challenges []string // values for WWW-Authenticate
	Diagnostic string   // value for ms-diagnostics, or ""
	Err        error    // why, for the server's log; nil if OK or if the handshake takes its course
}

// Drop reports whether the request must be dropped without an answer: a client cannot answer a challenge to ACK
// or CANCEL.
func (v Verdict) Drop() bool { return !v.OK && v.Status == 0 }

// Authenticate judges a request.
func (s *Server) Authenticate(ctx context.Context, req *sip.Request) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.judge(ctx, req)
	if !v.OK && (req.Method == "ACK" || req.Method == "CANCEL") {
		return Verdict{Err: v.Err}
	}
	return v
}

// errNoCredentials is the reason of a first challenge.
var errNoCredentials = errors.New("auth: no credentials for this realm")

func (s *Server) judge(ctx context.Context, req *sip.Request) Verdict {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, value := range sip.Values(req, name) {
			c, err := sip.ParseCredentials(value)
			if err != nil {
				return s.refuse(false, "", err)
			}
			scheme := canonical(c.Scheme)
			if realm, _ := c.Params.Get("realm"); realm != s.cfg.Realm || !slices.Contains(s.cfg.Schemes, scheme) {
				continue
			}
			switch scheme {
			case NTLM, Kerberos, TLSDSK:
				return s.judgeToken(ctx, req, scheme, c)
			case Digest:
				return s.judgeDigest(req, c)
			}
		}
	}
	if e := s.find(epid(req, "From")); e != nil && req.Method == "REGISTER" {
		e.drop() // the client begins anew
	}
	return s.refuse(false, "", errNoCredentials)
}

// handshakeFailed is what Office Communications Server says of a wrong password and of an unknown user.
const handshakeFailed = `1000;reason="Final handshake failed";source=%q;HRESULT="0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"`

// refuse challenges anew, with all schemes.
func (s *Server) refuse(stale bool, diagnostic string, err error) Verdict {
	v := Verdict{Status: 401, Err: err}
	if diagnostic != "" {
		v.Diagnostic = fmt.Sprintf(diagnostic, s.cfg.TargetName)
	}
	for _, scheme := range s.cfg.Schemes {
		switch scheme {
		case NTLM, Kerberos, TLSDSK:
			c := sip.Credentials{Scheme: scheme, Params: s.identity(scheme)}
			if scheme == TLSDSK && s.cfg.STSURI != "" {
				c.Params = append(c.Params, quoted("sts-uri", s.cfg.STSURI))
			}
			v.Challenges = append(v.Challenges, c.String())
		case Digest:
			challenges, err := s.digest.Challenges(stale)
			if err != nil {
				return Verdict{Status: 500, Err: err}
			}
			for _, c := range challenges {
				v.Challenges = append(v.Challenges, c.String())
			}
		}
	}
	return v
}

// own passes the request of an authenticated user if the user may act for its From URI.
func (s *Server) own(req *sip.Request, account Account) Verdict {
	if from, _ := address(req, "From"); !strings.EqualFold(from, account.URI) {
		return Verdict{
			Status: 403, Account: account,
			Diagnostic: fmt.Sprintf(`4004;reason="Credentials provided are not authorized to act as specified from URI.";source=%q`,
				s.cfg.TargetName),
			Err: fmt.Errorf("auth: the From URI does not belong to %s", account.User),
		}
	}
	return Verdict{OK: true, Account: account}
}

func (s *Server) judgeDigest(req *sip.Request, c sip.Credentials) Verdict {
	cred, err := digest.ParseCredentials(c.Params.Get)
	if err == nil {
		err = s.digest.Check(string(req.Method), req.Recipient.String(), cred)
	}
	switch {
	case errors.Is(err, digest.ErrStale):
		return s.refuse(true, "", err)
	case errors.Is(err, digest.ErrDenied):
		return s.refuse(false, handshakeFailed, err)
	case err != nil:
		return s.refuse(false, "", err)
	}
	s.judged.add(req, cred)
	account, _ := s.cfg.Accounts(SplitUser(cred.Username))
	return s.own(req, account)
}

// Sign adds Authentication-Info to a response or to a request of the server's own, once there is a security
// association with the endpoint concerned. It does not sign challenges and provisional responses. With Digest
// it proves in a 2xx that the server knows the password.
func (s *Server) Sign(m sip.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	side := "To"
	if res, ok := m.(*sip.Response); ok {
		if res.StatusCode < 200 || res.StatusCode == 401 || res.StatusCode == 407 {
			return nil
		}
		if c, ok := s.judged.find(res); ok && res.StatusCode < 300 {
			sip.Del(m, "Authentication-Info")
			sip.Add(m, "Authentication-Info", s.digest.Info(c))
			return nil
		}
		side = "From"
	}
	e := s.find(epid(m, side))
	if e == nil && len(s.endpoints) == 1 {
		e = s.endpoints[0] // not every peer puts the epid in To
	}
	if e == nil || e.sa == nil {
		return nil
	}
	random, err := randomHex(s.cfg.Rand)
	if err != nil {
		return err
	}
	random = strings.ToUpper(random)
	num, mac, err := e.sa.sign(m, random)
	if err != nil {
		return err
	}
	sip.Del(m, "Authentication-Info")
	sip.Add(m, "Authentication-Info", sip.Credentials{Scheme: e.sa.scheme, Params: sip.Params{
		quoted("rspauth", mac), quoted("srand", random), quoted("snum", num), quoted("opaque", e.sa.opaque),
		quoted("qop", "auth"), quoted("targetname", e.sa.targetName), quoted("realm", e.sa.realm),
	}}.String())
	return nil
}

// Verify checks the signature of a client's response to a request of the server's. Clients sign responses as
// they sign requests.
func (s *Server) Verify(res *sip.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verifyResponse(res)
}

// Close releases handshakes that have not been completed.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		e.drop()
	}
}

// Format keeps passwords and keys out of every print and log.
func (s *Server) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "auth.Server{%s}", s.cfg.TargetName) }
