package webservices

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// connState is what a connection remembers between the legs of NTLM.
type connState struct {
	handshake *ntlm.StreamServer
	account   Account // of the user that the handshake asked the password of

	user, domain string // as that user logs in
}

type connKey struct{}

// authenticate finds out who sends a request. Without an account it has answered.
func (s *Services) authenticate(w http.ResponseWriter, r *http.Request) (Account, bool) {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	i := slices.IndexFunc(s.cfg.Schemes, func(offered string) bool { return strings.EqualFold(offered, scheme) })
	if i < 0 {
		s.challenge(w)
		return Account{}, false
	}
	scheme = s.cfg.Schemes[i]
	token, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	switch {
	case err != nil:
		s.challenge(w)
	case scheme == "Basic":
		if account, ok := s.basic(token); ok {
			return account, true
		}
		s.challenge(w)
	case scheme == "NTLM" || bytes.HasPrefix(token, []byte("NTLMSSP\x00")):
		return s.ntlm(w, r, scheme, token)
	case s.cfg.Negotiate == nil:
		s.challenge(w)
	default:
		account, err := s.cfg.Negotiate(r.Context(), token)
		if err == nil {
			return account, true
		}
		s.cfg.Log.InfoContext(r.Context(), "Negotiate refused", "err", err)
		s.challenge(w)
	}
	return Account{}, false
}

// challenge answers 401 with every scheme.
func (s *Services) challenge(w http.ResponseWriter) {
	for _, scheme := range s.cfg.Schemes {
		if scheme == "Basic" {
			scheme = `Basic realm="` + s.cfg.Host + `"`
		}
		w.Header().Add("Www-Authenticate", scheme)
	}
	http.Error(w, "401 - Unauthorized: Access is denied due to invalid credentials.", http.StatusUnauthorized)
}

func (s *Services) basic(login []byte) (Account, bool) {
	name, password, _ := strings.Cut(string(login), ":")
	domain, user, found := strings.Cut(name, `\`)
	if !found {
		domain, user = "", name
	}
	account, ok := s.cfg.Accounts(user, domain)
	if !ok || !hmac.Equal([]byte(account.Password), []byte(password)) {
		s.cfg.Rejected(user, domain)
		return Account{}, false
	}
	return account, true
}

// ntlm takes one leg of NTLM over HTTP (MS-NTHT). A NEGOTIATE_MESSAGE starts anew, on any connection.
func (s *Services) ntlm(w http.ResponseWriter, r *http.Request, scheme string, token []byte) (Account, bool) {
	state, _ := r.Context().Value(connKey{}).(*connState)
	if state == nil || r.ProtoMajor != 1 {
		s.fail(w, r, faultInternalNTLM) // there is no connection to prove
		return Account{}, false
	}
	if len(token) > 8 && token[8] == 1 {
		state.handshake = s.newHandshake(state)
	}
	if state.handshake == nil {
		s.challenge(w)
		return Account{}, false
	}
	out, done, err := state.handshake.Step(r.Context(), token)
	switch {
	case err != nil:
		s.cfg.Log.InfoContext(r.Context(), "NTLM refused", "err", err)
		if errors.Is(err, ntlm.ErrLogon) {
			s.cfg.Rejected(state.user, state.domain)
		}
		state.handshake = nil
		s.challenge(w)
		return Account{}, false
	case done:
		state.handshake = nil
		return state.account, true
	}
	w.Header().Set("Www-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(out))
	w.WriteHeader(http.StatusUnauthorized)
	return Account{}, false
}

func (s *Services) newHandshake(state *connState) *ntlm.StreamServer {
	return &ntlm.StreamServer{
		Server: &ntlm.Server{
			NetBIOSDomain: s.cfg.NetBIOSDomain, DNSDomain: s.cfg.Domain, DNSComputer: s.cfg.Host,
			Password: func(user, domain string) (string, bool) {
				account, ok := s.cfg.Accounts(user, domain)
				state.account, state.user, state.domain = account, user, domain
				return account.Password, ok
			},
		},
		ChannelBinding: channelBinding(s.cfg.Certificate),
	}
}

// channelBinding is tls-server-end-point of RFC 5929 section 4 for the certificate that clients see.
func channelBinding(cert *x509.Certificate) []byte {
	if cert == nil {
		return nil
	}
	const prefix = "tls-server-end-point:"
	switch cert.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		sum := sha512.Sum384(cert.Raw)
		return append([]byte(prefix), sum[:]...)
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		sum := sha512.Sum512(cert.Raw)
		return append([]byte(prefix), sum[:]...)
	case x509.PureEd25519:
		return nil // it has no digest
	}
	sum := sha256.Sum256(cert.Raw)
	return append([]byte(prefix), sum[:]...)
}
