package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
)

// Certificate says how a server's certificate is, and what is wrong with it. It is made when the attempt begins, since on
// ground V the time is not the present. Its zero value is right in every way.
type Certificate struct {
	Begins, Ends time.Duration // validity, from the start of the attempt; zero: an hour before, a year after
	Names        []string      // subject alternative names; nil: those of the server
	CommonName   bool          // no alternative names: the server's is the common name only
	SHA1         bool          // signed with SHA-1
	Untrusted    bool          // by an authority that the client is not told of
	Mutual       bool          // the server demands a certificate of the client, which has one
}

// apply makes the certificates, by an authority of their own, and gives them to server and client.
func (c Certificate) apply(cfg *server.Config, s *Settings) error {
	trusted, err := newAuthority("trusted", time.Now())
	if err != nil {
		return err
	}
	s.CA = trusted.pem()
	return c.applyBy(trusted, Domain, cfg, s)
}

// applyBy makes the certificates for a domain's server, by an authority that the client trusts.
func (c Certificate) applyBy(trusted *authority, domain string, cfg *server.Config, s *Settings) (err error) {
	now, issuer := time.Now(), trusted
	if c.Untrusted {
		if issuer, err = newAuthority("of nobody", now); err != nil {
			return err
		}
	}
	leaf := c.leaf(domain, now)
	if c.SHA1 {
		leaf.SignatureAlgorithm = issuer.withSHA1()
	}
	if cfg.TLS, err = issuer.issue(leaf); err != nil || !c.Mutual {
		return err
	}
	own, err := trusted.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "client"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		return err
	}
	cfg.TLSProfile.ClientCAs = x509.NewCertPool()
	cfg.TLSProfile.ClientCAs.AddCert(trusted.certificate)
	s.ClientCertificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return nil
}

// leaf is the server's certificate, to be issued.
func (c Certificate) leaf(domain string, now time.Time) *x509.Certificate {
	names := []string{"server." + domain, "sip." + domain, "sipinternal." + domain, "sipexternal." + domain, domain, "lyncdiscoverinternal." + domain, "lyncdiscover." + domain}
	leaf := &x509.Certificate{
		Subject:   pkix.Name{CommonName: names[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names,
	}
	if c.Begins != 0 {
		leaf.NotBefore = now.Add(c.Begins)
	}
	if c.Ends != 0 {
		leaf.NotAfter = now.Add(c.Ends)
	}
	switch {
	case c.CommonName:
		leaf.DNSNames = nil
	case c.Names != nil:
		leaf.DNSNames, leaf.Subject.CommonName = c.Names, c.Names[0]
	}
	return leaf
}

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	leafKey     crypto.Signer // of everything that it issues; nil: a new one each time
}

// newAuthority makes an authority whose keys are quickly made.
func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return selfSigned(name, now, key, nil)
}

// newRSAAuthority makes an authority that clients of 2007 know to verify, with one key for all that it issues.
func newRSAAuthority(name string, now time.Time) (*authority, error) {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	return selfSigned(name, now, keys[0], keys[1])
}

func selfSigned(name string, now time.Time, key, leafKey crypto.Signer) (*authority, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "conformance authority " + name},
		NotBefore: now.Add(-30 * 24 * time.Hour), NotAfter: now.Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key, leafKey}, err
}

// withSHA1 is how the authority signs with SHA-1.
func (a *authority) withSHA1() x509.SignatureAlgorithm {
	if _, ok := a.key.(*rsa.PrivateKey); ok {
		return x509.SHA1WithRSA
	}
	return x509.ECDSAWithSHA1
}

// pem is the authority's certificate as a PEM file.
func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// issue makes a certificate, and its chain.
func (a *authority) issue(template *x509.Certificate) (*tls.Certificate, error) {
	key := a.leafKey
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	} else {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment // RSA key exchange
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, nil
}
