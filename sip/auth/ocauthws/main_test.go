package ocauthws

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ocsgo/ocs/conformance/webservices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testAddress = "alice@contoso.com"
	testDevice  = "4b1682a8-f968-5701-83fc-7c6741dc6697"
	testTarget  = "sip.contoso.com"
)

// newAuthority is what signs users' certificates.
func newAuthority(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// front is a web server with the services, which counts.
type front struct {
	*httptest.Server

	mu       sync.Mutex
	services *webservices.Services
	before   func(w http.ResponseWriter, r *http.Request) bool
	requests []*http.Request
}

// newFront serves the services until the test ends. Alice's password is "secret".
func newFront(t testing.TB, change func(*webservices.Config)) *front {
	t.Helper()
	f := &front{}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.services.ConnContext(ctx, nc)
	}
	f.StartTLS()
	t.Cleanup(f.Close)

	cfg := webservices.Config{
		Authority: newAuthority(t), Domain: "contoso.com", NetBIOSDomain: "CONTOSO", Host: testTarget,
		Certificate: f.Certificate(),
		Accounts: func(user, domain string) (webservices.Account, bool) {
			if user == "alice" && domain == "CONTOSO" || user == testAddress && domain == "" {
				return webservices.Account{Address: testAddress, Password: "secret"}, true
			}
			return webservices.Account{}, false
		},
	}
	if change != nil {
		change(&cfg)
	}
	services, err := webservices.New(cfg)
	require.NoError(t, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.services = services
	return f
}

// intercept sets what sees each request before the services do; if it returns true, it has answered.
func (f *front) intercept(before func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	before, services := f.before, f.services
	f.mu.Unlock()
	if before == nil || !before(w, r) {
		services.ServeHTTP(w, r)
	}
}

// client is alice's.
func (f *front) client() *Client {
	pool := x509.NewCertPool()
	pool.AddCert(f.Certificate())
	return &Client{
		Address: testAddress, Device: testDevice, User: "alice", Domain: "CONTOSO", Password: "secret",
		Transport: func() *http.Transport { return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}} },
		UserAgent: "UCCAPI/3.5.6907.0 OC/3.5.6907.0",
	}
}

// service is the URL of the certificate service.
func (f *front) service() string { return f.URL + webservices.CertificateService }

// seen returns the requests until now, as "POST /path NTLM".
func (f *front) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, r := range f.requests {
		text := r.Method + " " + r.URL.Path
		if a := r.Header.Get("Authorization"); a != "" {
			text += " " + a[:min(len(a), 4)]
		}
		all = append(all, text)
	}
	return all
}
