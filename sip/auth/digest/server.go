package digest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	nonceLife = 5 * time.Minute
	maxNonces = 32 // a Server remembers this many; the oldest makes room
)

// The verdicts of Check on credentials that are not accepted.
var (
	// ErrDenied stands for a wrong password and for an unknown user alike.
	ErrDenied = errors.New("digest: unknown user or wrong password")
	// ErrStale means that the password is right and the nonce is not: too old, or its count used before.
	ErrStale = errors.New("digest: nonce is stale")
)

// Server makes challenges and judges their answers, for the connections or users that share its table of
// nonces. Its exported fields are set before the first call. It is not for concurrent use.
type Server struct {
	Realm      string
	Algorithms []Algorithm // offered in this order; nil: SHA-256, MD5
	// Password returns the password of a user as the client spelled the name.
	Password func(user string) (password string, ok bool)
	Rand     io.Reader // source of nonces; nil: crypto/rand

	nonces []nonce // oldest first
}

type nonce struct {
	value string
	made  time.Time
	count uint64 // the highest nc seen
}

// Challenges returns one challenge per algorithm, all with one fresh nonce.
func (s *Server) Challenges(stale bool) ([]Challenge, error) {
	value, err := token(s.Rand, 16)
	if err != nil {
		return nil, err
	}
	if len(s.nonces) == maxNonces {
		s.nonces = append(s.nonces[:0], s.nonces[1:]...)
	}
	s.nonces = append(s.nonces, nonce{value: value, made: time.Now()})
	var all []Challenge
	for _, a := range s.offered() {
		all = append(all, Challenge{
			Realm: s.Realm, Nonce: value, Opaque: opaque(value), Algorithm: a, QOP: []string{"auth"}, Stale: stale,
		})
	}
	return all, nil
}

// Check judges the credentials of a request. The uri is the Request-URI; the one in the credentials must be
// the same (RFC 7616 section 3.4.6). The error is ErrDenied, ErrStale, or tells what is malformed.
func (s *Server) Check(method, uri string, c Credentials) error {
	switch {
	case c.Realm != s.Realm:
		return fmt.Errorf("digest: realm %q is not ours", c.Realm)
	case !s.offers(c.Algorithm):
		return fmt.Errorf("digest: algorithm %q was not offered", string(c.Algorithm))
	case c.QOP != "auth":
		return fmt.Errorf("digest: quality of protection %q was not offered", c.QOP)
	case c.CNonce == "":
		return errors.New("digest: no cnonce")
	case c.URI != uri:
		return fmt.Errorf("digest: uri %q is not the Request-URI", c.URI)
	case c.Opaque != opaque(c.Nonce):
		return errors.New("digest: opaque does not belong to the nonce")
	}
	count, err := strconv.ParseUint(c.NC, 16, 32)
	if err != nil || len(c.NC) != 8 || count == 0 {
		return fmt.Errorf("digest: nonce count %q is malformed", c.NC)
	}
	password, known := s.Password(c.Username)
	want := c.compute(method, password)
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.Response)) != 1 || !known {
		return ErrDenied
	}
	for i := range s.nonces {
		n := &s.nonces[i]
		if n.value == c.Nonce && count > n.count && time.Since(n.made) < nonceLife {
			n.count = count
			return nil
		}
	}
	return ErrStale
}

// Info returns the value of Authentication-Info for the response to a request whose credentials Check has
// accepted: the proof that the server knows the password too.
func (s *Server) Info(c Credentials) string {
	password, _ := s.Password(c.Username)
	return "qop=auth, rspauth=" + quote(c.compute("", password)) + ", cnonce=" + quote(c.CNonce) + ", nc=" + c.NC
}

func (s *Server) offered() []Algorithm {
	if s.Algorithms != nil {
		return s.Algorithms
	}
	return []Algorithm{SHA256, MD5}
}

func (s *Server) offers(a Algorithm) bool {
	if a == "" {
		a = MD5
	}
	return slices.ContainsFunc(s.offered(), func(o Algorithm) bool { return strings.EqualFold(string(o), string(a)) })
}

// opaque is what the client must send back with a nonce. It tells nothing; a client that drops it is found out.
func opaque(nonce string) string {
	return nonce[:min(len(nonce), 8)]
}
