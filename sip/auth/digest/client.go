package digest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// ErrInfo says that the server's Authentication-Info does not fit the request: whoever sent it does not know
// the password.
var ErrInfo = errors.New("digest: rspauth is wrong")

// Client answers challenges for one user. It is not for concurrent use.
type Client struct {
	User     string // exactly as the server is to see it
	Password string
	Rand     io.Reader // source of client nonces; nil: crypto/rand

	nonce  string // the nonce to which the two below belong
	cnonce string
	count  uint32
}

// Authorize returns the credentials of one request. Every call for the same nonce counts nc up by one.
func (c *Client) Authorize(method, uri string, ch Challenge) (Credentials, error) {
	if err := ch.Usable(); err != nil {
		return Credentials{}, err
	}
	if ch.Nonce != c.nonce || c.cnonce == "" {
		cnonce, err := token(c.Rand, 8)
		if err != nil {
			return Credentials{}, err
		}
		c.nonce, c.cnonce, c.count = ch.Nonce, cnonce, 0
	}
	c.count++
	answer := Credentials{
		Username: c.User, Realm: ch.Realm, Nonce: ch.Nonce, URI: uri, Algorithm: ch.Algorithm, Opaque: ch.Opaque,
	}
	if len(ch.QOP) > 0 {
		answer.QOP, answer.NC = "auth", fmt.Sprintf("%08x", c.count)
	}
	if _, session := ch.Algorithm.split(); session || answer.QOP != "" {
		answer.CNonce = c.cnonce
	}
	answer.Response = answer.compute(method, c.Password)
	return answer, nil
}

// CheckInfo checks the parameters of the Authentication-Info (RFC 7616 section 3.5) in the response to a request
// that was sent with these credentials. proved says whether the server proved that it knows the password; a
// server that does not try to is no error.
func (c *Client) CheckInfo(sent Credentials, info Params) (proved bool, err error) {
	rspauth, ok := info("rspauth")
	if !ok {
		return false, nil
	}
	want := sent.compute("", c.Password)
	if subtle.ConstantTimeCompare([]byte(want), []byte(rspauth)) != 1 {
		return false, ErrInfo
	}
	return true, nil
}

// Format keeps the password out of every print and log.
func (c Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "digest.Client{%s}", c.User) }
