package digest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Challenge is the challenge of WWW-Authenticate or Proxy-Authenticate (RFC 7616 section 3.3), without the
// members that SIP does not use.
type Challenge struct {
	Realm     string
	Nonce     string
	Opaque    string
	Algorithm Algorithm // as spelled; "" if not given
	QOP       []string  // the values offered, in lower case; none if the server is of RFC 2069
	Stale     bool      // the nonce was too old; the password was not found wrong
}

// Params looks up a parameter of a header by its name in lower case. Values come without quotes, quoted pairs
// resolved.
type Params func(name string) (value string, ok bool)

// ParseChallenge reads the parameters of one challenge. Parameters it does not know are no error.
func ParseChallenge(params Params) (Challenge, error) {
	var c Challenge
	var ok bool
	if c.Realm, ok = params("realm"); !ok {
		return c, errors.New("digest: challenge without realm")
	}
	if c.Nonce, _ = params("nonce"); c.Nonce == "" {
		return c, errors.New("digest: challenge without nonce")
	}
	c.Opaque, _ = params("opaque")
	algorithm, _ := params("algorithm")
	c.Algorithm = Algorithm(algorithm)
	stale, _ := params("stale")
	c.Stale = strings.EqualFold(stale, "true")
	qop, _ := params("qop")
	for option := range strings.SplitSeq(qop, ",") {
		if option = strings.ToLower(strings.TrimSpace(option)); option != "" {
			c.QOP = append(c.QOP, option)
		}
	}
	return c, nil
}

// Usable says why a challenge cannot be answered, nil if it can: its algorithm must be known, and it must offer
// quality of protection "auth" or none at all.
func (c Challenge) Usable() error {
	if newHash, _ := c.Algorithm.split(); newHash == nil {
		return fmt.Errorf("digest: unknown algorithm %q", string(c.Algorithm))
	}
	if len(c.QOP) > 0 && !slices.Contains(c.QOP, "auth") {
		return fmt.Errorf("digest: quality of protection %q is not supported", strings.Join(c.QOP, ","))
	}
	return nil
}

// String is the header value.
func (c Challenge) String() string {
	s := "Digest realm=" + quote(c.Realm) + ", nonce=" + quote(c.Nonce)
	if c.Opaque != "" {
		s += ", opaque=" + quote(c.Opaque)
	}
	if c.Stale {
		s += ", stale=true"
	}
	if c.Algorithm != "" {
		s += ", algorithm=" + string(c.Algorithm)
	}
	if len(c.QOP) > 0 {
		s += ", qop=" + quote(strings.Join(c.QOP, ","))
	}
	return s
}
