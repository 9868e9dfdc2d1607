package secure

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority issues certificates: a root or an intermediate.
type authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	chain [][]byte // what a server sends above its own certificate
}

// newRoot makes a root authority.
func newRoot(t testing.TB, change ...func(*x509.Certificate)) *authority {
	t.Helper()
	root := &authority{}
	return root.sub(t, "Contoso Root", change...)
}

// template is a certificate that is good from yesterday to tomorrow.
func template(commonName string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true,
	}
}

// sub makes an authority below a; below none, a root.
func (a *authority) sub(t testing.TB, name string, change ...func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := template(name)
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	for _, f := range change {
		f(c)
	}
	der := a.sign(t, c, key)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	sub := &authority{cert: cert, key: key}
	if a.cert != nil {
		sub.chain = append([][]byte{der}, a.chain...)
	}
	return sub
}

func (a *authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(t, err)
	return der
}

// leaf makes a server certificate for fe.contoso.com.
func (a *authority) leaf(t testing.TB, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := template("fe.contoso.com")
	c.DNSNames = []string{"fe.contoso.com", "sip.contoso.com"}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, f := range change {
		f(c)
	}
	der := a.sign(t, c, key)
	return tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: key}
}

// pool trusts a.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// until and from set the life of a certificate, relative to now.
func until(d time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(d-24*time.Hour), time.Now().Add(d)
	}
}

func from(d time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(d), time.Now().Add(d+24*time.Hour)
	}
}
