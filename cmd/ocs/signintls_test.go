package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

func TestLegacyTLSIsForThoseWhoAskForIt(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(cfg *server.Config) {
		cfg.TLSProfile = server.TLSProfile{MaxVersion: tls.VersionTLS10, Suites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}
	})
	there := []string{"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--explain"}
	r := invocation{env: password("wonderland")}.run(t, there...)
	require.Equal(t, 11, r.status)
	require.Contains(t, r.stderr, "MSGR_E_INCOMPATIBLE_ENCRYPTION")

	r = invocation{env: password("wonderland")}.run(t, append(there, "--legacy-tls")...)
	require.Zero(t, r.status, r.stdout+r.stderr)
	require.Contains(t, r.stdout, "TLS 1.0, TLS_RSA_WITH_3DES_EDE_CBC_SHA")
	require.Contains(t, r.stdout, "old and weak: ")
	require.Contains(t, r.stderr, "ocs: warning: --legacy-tls")
}

func TestClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	certificate, pool := clientCertificate(t)
	srv := startServer(t, func(cfg *server.Config) { cfg.TLSProfile.ClientCAs = pool })
	there := []string{"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv)}
	for _, test := range []struct {
		flags []string
		want  int
	}{
		{nil, 11},
		{[]string{"--client-cert", certificate}, 0},
		{[]string{"--client-cert", certificate, "--client-key", certificate}, 0},
		{[]string{"--client-cert", "no-such.pem"}, 2},
		{[]string{"--client-key", certificate}, 2},
	} {
		r := invocation{env: password("wonderland")}.run(t, append(there, test.flags...)...)
		require.Equal(t, test.want, r.status, r.stdout+r.stderr)
	}
}

// clientCertificate writes a certificate with its key to a file, and returns whom to trust for it.
func clientCertificate(t *testing.T) (file string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	pool = x509.NewCertPool()
	pool.AddCert(leaf)
	return writeFile(t, "client.pem", append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...,
	)), pool
}
