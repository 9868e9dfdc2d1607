package digest

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Algorithm is the name of an algorithm as headers spell it; case is ignored and "" means MD5.
type Algorithm string

// The algorithms of RFC 7616 section 6.1.
const (
	MD5           Algorithm = "MD5"
	MD5Sess       Algorithm = "MD5-sess"
	SHA256        Algorithm = "SHA-256"
	SHA256Sess    Algorithm = "SHA-256-sess"
	SHA512256     Algorithm = "SHA-512-256"
	SHA512256Sess Algorithm = "SHA-512-256-sess"
)

// split takes an algorithm apart: its hash, nil if it is not known, and whether it is the session form.
func (a Algorithm) split() (newHash func() hash.Hash, session bool) {
	name := strings.ToUpper(string(a))
	name, session = strings.CutSuffix(name, "-SESS")
	switch name {
	case "", "MD5":
		return md5.New, session
	case "SHA-256":
		return sha256.New, session
	case "SHA-512-256":
		return sha512.New512_256, session
	}
	return nil, false
}

// compute is the request digest of RFC 7616 section 3.4.1 over these credentials; with method "" it is the
// response digest of section 3.5. The algorithm must be known.
func (c Credentials) compute(method, password string) string {
	newHash, session := c.Algorithm.split()
	h := func(parts ...string) string {
		w := newHash()
		w.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(w.Sum(nil))
	}
	a1 := h(c.Username, c.Realm, password)
	if session {
		a1 = h(a1, c.Nonce, c.CNonce)
	}
	a2 := h(method, c.URI)
	if c.QOP == "" {
		return h(a1, c.Nonce, a2)
	}
	return h(a1, c.Nonce, c.NC, c.CNonce, c.QOP, a2)
}

// token returns n random bytes in hexadecimal; a nil reader is crypto/rand.
func token(r io.Reader, n int) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("digest: random bytes: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// quote writes a quoted-string.
func quote(s string) string {
	if strings.ContainsAny(s, `\"`) { // rare, and a Replacer is dear
		s = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
	}
	return `"` + s + `"`
}
