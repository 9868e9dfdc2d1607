package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/webservices"
	ocserr "github.com/ocsgo/ocs/errors"
)

// provision gives the domain web services, which issue certificates, and takes alice's from her. It returns how many
// requests they have seen, and how often they looked a user up.
func (d *domain) provision(t *testing.T) (requests, asked *atomic.Int32) {
	t.Helper()
	requests, asked = new(atomic.Int32), new(atomic.Int32)
	var services atomic.Pointer[webservices.Services]
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		services.Load().ServeHTTP(w, r)
	}))
	server.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return services.Load().ConnContext(ctx, nc)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	s, err := webservices.New(webservices.Config{
		Authority: tls.Certificate{Certificate: [][]byte{authority().cert.Raw}, PrivateKey: authority().key},
		Domain:    "ocs.test", NetBIOSDomain: "OCS", Host: "sip.ocs.test", Certificate: server.Certificate(),
		Resources: []string{"/user"},
		Accounts: func(user, _ string) (webservices.Account, bool) {
			asked.Add(1)
			return webservices.Account{Address: "alice@ocs.test", Password: "secret"}, user == "alice"
		},
	})
	require.NoError(t, err)
	services.Store(s)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	d.server.STSURI = server.URL + webservices.CertificateService
	d.client.Certificates.Transport = func() *http.Transport { return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}} }
	require.NoError(t, d.cache.Drop("sip.ocs.test", "alice@ocs.test"))
	return requests, asked
}

func TestTLSDSKFromNameAndPasswordAlone(t *testing.T) {
	d := newDomain(t, nil)
	requests, asked := d.provision(t)
	d.client.Kerberos = nil
	s := d.wire(t).signIn().client.State()
	require.Equal(t, TLSDSK, s.Scheme)
	require.True(t, s.PasswordTested, "by the web service")
	require.True(t, s.ServerVerified)
	require.EqualValues(t, 1, asked.Load())
	before := requests.Load()

	s = d.wire(t).signIn().client.State()
	require.Equal(t, TLSDSK, s.Scheme)
	require.False(t, s.PasswordTested, "the certificate was used again")
	require.Equal(t, before, requests.Load())
}

// A certificate that the server has never heard of, or no longer accepts, is replaced by a new one.
func TestRefusedCertificateIsReplaced(t *testing.T) {
	d := newDomain(t, only(TLSDSK))
	_, asked := d.provision(t)
	require.NoError(t, d.cache.Put("sip.ocs.test", "alice@ocs.test", certificate("mallory@ocs.test", certificateLife)))
	s := d.wire(t).signIn().client.State()
	require.Equal(t, TLSDSK, s.Scheme)
	require.Empty(t, s.Failed)
	require.EqualValues(t, 1, asked.Load())
}

// The lock-out guard holds across the parties: whoever rejects the password, nobody else gets it.
func TestRejectedPasswordGoesToNobodyElse(t *testing.T) {
	for _, tc := range []struct {
		name     string
		kerberos bool
		asked    int32 // the web service
	}{
		{"rejected by the web service", false, 1},
		{"rejected by the KDC that the web service wants a ticket of", true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDomain(t, nil)
			_, asked := d.provision(t)
			if !tc.kerberos {
				d.client.Kerberos = nil
			}
			d.client.Password.Secret = "wrong"
			w := d.wire(t)
			_, n, err := w.register()
			requireCause(t, ocserr.CausePasswordRejected, err)
			require.Equal(t, 1, n)
			require.Equal(t, tc.asked, asked.Load())
			require.True(t, w.client.State().PasswordTested)
			require.Equal(t, TLSDSK, w.client.State().Failed[0].Scheme)
		})
	}
}
