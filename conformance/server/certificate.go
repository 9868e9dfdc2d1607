package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certificateLife is how long a certificate made here is valid, from an hour ago.
const certificateLife = 365 * 24 * time.Hour

// identity is what the server shows over TLS, and the authority that a client has to trust for it.
type identity struct {
	leaf      tls.Certificate
	authority *x509.Certificate
}

// newIdentity makes an authority and a leaf for the server, valid from an hour
// before now, in the names by which a client may have found the server.
func newIdentity(config Config) (identity, error) {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("server: key of the authority: %w", err)
	}
	key, err := config.TLSProfile.newKey()
	if err != nil {
		return identity{}, fmt.Errorf("server: key of the certificate: %w", err)
	}
	caTemplate := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: "ocs test authority for " + config.Domain},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, caTemplate, caTemplate, caKey.Public(), caKey)
	if err != nil {
		return identity{}, fmt.Errorf("server: certificate of the authority: %w", err)
	}
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		return identity{}, fmt.Errorf("server: certificate of the authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: config.fqdn()},
		NotBefore:    caTemplate.NotBefore, NotAfter: caTemplate.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append(config.hostNames(), config.Domain, "localhost"),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
	}
	if _, ok := key.(*rsa.PrivateKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return identity{}, fmt.Errorf("server: certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return identity{}, fmt.Errorf("server: certificate: %w", err)
	}
	return identity{
		leaf:      tls.Certificate{Certificate: [][]byte{der, caDER}, PrivateKey: key, Leaf: leaf},
		authority: ca,
	}, nil
}

// identityOf takes a certificate that somebody else has made. A client has to trust the last certificate
// of its chain.
func identityOf(pair tls.Certificate) (identity, error) {
	if len(pair.Certificate) == 0 {
		return identity{}, errors.New("server: the given certificate is empty")
	}
	last, err := x509.ParseCertificate(pair.Certificate[len(pair.Certificate)-1])
	if err != nil {
		return identity{}, fmt.Errorf("server: the given certificate: %w", err)
	}
	return identity{leaf: pair, authority: last}, nil
}

// serialNumber is 127 random bits, as RFC 5280 4.1.2.2 allows. crypto/rand.Read never fails.
func serialNumber() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// CA returns a pool with the one certificate that a client has to trust.
func (s *Server) CA() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.identity.authority)
	return pool
}

// CAPEM returns that certificate as a PEM file.
func (s *Server) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.identity.authority.Raw})
}
