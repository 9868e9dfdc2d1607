package digest

import "errors"

// Credentials are the value of Authorization or Proxy-Authorization (RFC 7616 section 3.4). They hold no
// secret but the response, from which a weak password can be guessed.
type Credentials struct {
	Username  string
	Realm     string
	Nonce     string
	URI       string
	Response  string
	Algorithm Algorithm
	CNonce    string
	Opaque    string
	QOP       string // "auth", or "" for the form of RFC 2069
	NC        string // eight hexadecimal digits
}

// ParseCredentials reads the parameters of one credentials value.
func ParseCredentials(params Params) (Credentials, error) {
	get := func(name string) string {
		value, _ := params(name)
		return value
	}
	c := Credentials{
		Username: get("username"), Realm: get("realm"), Nonce: get("nonce"), URI: get("uri"), Response: get("response"),
		Algorithm: Algorithm(get("algorithm")), CNonce: get("cnonce"), Opaque: get("opaque"), QOP: get("qop"), NC: get("nc"),
	}
	if c.Username == "" || c.Nonce == "" || c.URI == "" || c.Response == "" {
		return c, errors.New("digest: credentials lack username, nonce, uri or response")
	}
	return c, nil
}

// String is the header value.
func (c Credentials) String() string {
	s := "Digest username=" + quote(c.Username) + ", realm=" + quote(c.Realm) + ", nonce=" + quote(c.Nonce) +
		", uri=" + quote(c.URI) + ", response=" + quote(c.Response)
	if c.Algorithm != "" {
		s += ", algorithm=" + string(c.Algorithm)
	}
	if c.CNonce != "" {
		s += ", cnonce=" + quote(c.CNonce)
	}
	if c.Opaque != "" {
		s += ", opaque=" + quote(c.Opaque)
	}
	if c.QOP != "" {
		s += ", qop=" + c.QOP + ", nc=" + c.NC
	}
	return s
}
