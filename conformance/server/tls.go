package server

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
)

// TLSProfile is what a server's TLS is like, beside its certificate. The zero value is a server of today; each
// field makes it like one of 2007.
type TLSProfile struct {
	// MaxVersion is the newest version that the server speaks, as tls.VersionTLS10 says it; 0: the newest there
	// is. Where it is older than TLS 1.2, the server speaks everything from TLS 1.0 to it.
	MaxVersion uint16
	// Suites are all the cipher suites that the server has, of crypto/tls, the insecure ones too. They are of
	// TLS 1.2 at most, so the server is. Nil: those that Go prefers. Where one needs an RSA key, the
	// certificate that is made for the server has one (Config.TLS nil); a given one must have it.
	Suites []uint16
	// ClientCAs demands a client certificate that one of these authorities has issued. Nil: none is asked for.
	// With TLS 1.3 a client learns only after its handshake that it was refused.
	ClientCAs *x509.CertPool
}

// configure makes c like the profile.
func (p TLSProfile) configure(c *tls.Config) {
	c.MaxVersion = p.MaxVersion
	if p.MaxVersion != 0 && p.MaxVersion < tls.VersionTLS12 {
		c.MinVersion = tls.VersionTLS10
	}
	if p.Suites != nil {
		c.CipherSuites = p.Suites
		if c.MaxVersion == 0 || c.MaxVersion > tls.VersionTLS12 {
			c.MaxVersion = tls.VersionTLS12
		}
	}
	if p.ClientCAs != nil {
		c.ClientCAs, c.ClientAuth = p.ClientCAs, tls.RequireAndVerifyClientCert
	}
}

// newKey makes the key of a certificate: ECDSA P-256, or RSA where a suite needs it.
func (p TLSProfile) newKey() (crypto.Signer, error) {
	needsRSA := func(suite uint16) bool { return strings.Contains(tls.CipherSuiteName(suite), "_RSA_") }
	if slices.ContainsFunc(p.Suites, needsRSA) {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}
