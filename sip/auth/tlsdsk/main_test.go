package tlsdsk

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// authority makes certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// The keys are made once: RSA is slow to generate.
var testKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
	var keys [3]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func newAuthority(t testing.TB) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := testKeys()[0]
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func (a *authority) issue(t testing.TB, name string, use x509.ExtKeyUsage, key crypto.Signer, notAfter time.Time) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: a.cert.NotBefore, NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}
}

// newPair is a client and a server that trust each other.
func newPair(t testing.TB) (*Client, *Server) {
	t.Helper()
	a := newAuthority(t)
	until := a.cert.NotAfter
	c := &Client{
		Certificate: a.issue(t, "alice.ocs.test", x509.ExtKeyUsageClientAuth, testKeys()[1], until),
		Roots:       a.pool(), ServerName: "sip.ocs.test",
	}
	s := &Server{
		Certificate: a.issue(t, "sip.ocs.test", x509.ExtKeyUsageServerAuth, testKeys()[2], until),
		ClientCAs:   a.pool(),
	}
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, s.Close())
	})
	return c, s
}

// tokens runs a handshake to its end and returns the four tokens.
func tokens(t testing.TB, c *Client, s *Server) [4][]byte {
	t.Helper()
	hello, done, err := c.Step(ctx, nil)
	require.NoError(t, err)
	require.False(t, done)
	serverHello, done, err := s.Step(ctx, hello)
	require.NoError(t, err)
	require.False(t, done)
	finished, done, err := c.Step(ctx, serverHello)
	require.NoError(t, err)
	require.False(t, done)
	serverFinished, done, err := s.Step(ctx, finished)
	require.NoError(t, err)
	require.True(t, done)
	last, done, err := c.Step(ctx, serverFinished)
	require.NoError(t, err)
	require.True(t, done)
	require.Empty(t, last)
	return [4][]byte{hello, serverHello, finished, serverFinished}
}
