package auth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

const (
	sipPrincipal    = "sip/sip.ocs.test"
	certificateLife = 365 * 24 * time.Hour
)

// domain is all that the schemes with a third party need: a KDC that alice and the server know, and an authority
// whose certificates the server accepts.
type domain struct {
	kdc    *kerberos.KDC
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // to the KDC
	cache  *ocauthws.Cache                                                      // alice's certificates
	server ServerConfig
	client ClientConfig
}

func newDomain(t testing.TB, change func(*ServerConfig)) *domain {
	t.Helper()
	d := &domain{cache: &ocauthws.Cache{}}
	var err error
	d.kdc, err = kerberos.NewKDC("OCS.TEST", kerberos.Account{Name: "alice", Password: "secret"}, kerberos.Account{Name: sipPrincipal})
	require.NoError(t, err)
	d.dial = func(_ context.Context, network, _ string) (net.Conn, error) {
		if network != "tcp" {
			return nil, errors.New("only TCP")
		}
		near, far := net.Pipe()
		go d.kdc.ServeConn(far)
		return near, nil
	}
	conf, err := kerberos.ParseConfig("[libdefaults]\ndefault_realm = OCS.TEST\n[realms]\nOCS.TEST = {\nkdc = kdc.ocs.test\n}\n")
	require.NoError(t, err)

	d.server = config(change)
	d.server.STSURI = "https://sip.ocs.test/CertProv/CertProvisioningService.svc"
	d.server.Kerberos = &kerberos.Server{Keytab: d.kdc.Keytab(sipPrincipal), Replays: new(kerberos.ReplayCache)}
	d.server.TLSDSK = &tlsdsk.Server{Certificate: *certificate("sip.ocs.test", certificateLife), ClientCAs: authority().pool()}
	d.server.Accounts = func(user, _ string) (Account, bool) {
		user, _, _ = strings.Cut(user, "@")
		return Account{User: user, Password: "secret", URI: alice}, user == "alice"
	}
	d.client = ClientConfig{
		Password: Password{User: "alice", Secret: "secret"},
		Kerberos: &kerberos.Client{
			Config: conf,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				return d.dial(ctx, network, address)
			},
		},
		Certificates: &ocauthws.Client{
			Address: "alice@ocs.test", Device: "34d859db-6585-5f91-a3b4-de853c15347d", Cache: d.cache,
			Transport: func() *http.Transport {
				return &http.Transport{DialContext: refuseToDial, DialTLSContext: refuseToDial}
			},
		},
	}
	require.NoError(t, d.cache.Put("sip.ocs.test", "alice@ocs.test", certificate("alice@ocs.test", certificateLife)))
	return d
}

func refuseToDial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("connection refused")
}

// wire returns a connection between the domain's client and server.
func (d *domain) wire(t testing.TB) *wire {
	w := newWire(t, d.server)
	w.client = NewClient(d.client)
	t.Cleanup(w.client.Close)
	t.Cleanup(w.server.Close)
	return w
}

// issuer is an authority of certificates. All of this file have one key.
type issuer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

var authority = sync.OnceValue(func() *issuer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &issuer{key, cert}
})

func (i *issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.cert)
	return pool
}

// certificate issues one with this common name, good from yesterday for as long as said.
func certificate(name string, life time.Duration) *tls.Certificate {
	a := authority()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key, Leaf: leaf}
}

func TestSignInWithEachScheme(t *testing.T) {
	for _, tc := range []struct {
		scheme    string
		registers int
		tested    bool // the password
		verified  bool // the server, by then
	}{
		{TLSDSK, 4, false, true},
		{Kerberos, 2, true, true},
		{NTLM, 3, true, true},
		{Digest, 2, true, true},
	} {
		t.Run(tc.scheme, func(t *testing.T) {
			w := newDomain(t, only(tc.scheme)).wire(t)
			_, registers, err := w.register()
			require.NoError(t, err)
			require.NoError(t, w.verdict.Err)
			require.Equal(t, tc.registers, registers)
			require.Equal(t, alice, w.verdict.Account.URI)
			s := w.client.State()
			require.Equal(t, tc.scheme, s.Scheme)
			require.Equal(t, tc.tested, s.PasswordTested)
			require.Equal(t, tc.verified, s.ServerVerified)
			require.Empty(t, s.Failed)

			res := w.send(w.request("SUBSCRIBE"))
			require.NoError(t, w.client.Verify(res))
			require.True(t, w.verdict.OK, w.verdict.Err)
			require.Empty(t, w.param("gssapi-data"))
			require.NoError(t, w.client.Verify(w.notify("NOTIFY")))
			ok := sip.NewResponse(w.request("NOTIFY"), 200, "")
			require.NoError(t, w.client.Sign(ok))
			require.NoError(t, w.server.Verify(over(t, ok)))
		})
	}
}

func TestSchemesInEveryVersion(t *testing.T) {
	for _, scheme := range []string{TLSDSK, Kerberos} {
		for n := 2; n <= 4; n++ {
			d := newDomain(t, func(c *ServerConfig) { c.Schemes, c.Version = []string{scheme}, n })
			w := d.wire(t).signIn()
			require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
			require.True(t, w.verdict.OK, w.verdict.Err)
			require.Equal(t, n, w.client.State().Version)
		}
	}
}

// The handle of a Kerberos association comes with the answer that accepts it.
func TestKerberosHandleIsLearnt(t *testing.T) {
	w := newDomain(t, only(Kerberos)).wire(t).signIn()
	require.Empty(t, w.param("opaque"))
	require.Equal(t, sipPrincipal, w.param("targetname"))
	w.send(w.request("SUBSCRIBE"))
	require.Len(t, w.param("opaque"), 8)
}

func TestChallengesOfEveryScheme(t *testing.T) {
	v := newDomain(t, nil).wire(t).server.Authenticate(ctx, newWire(t, config(nil)).request("REGISTER"))
	require.Equal(t, []string{
		`NTLM realm="SIP Communications Service", targetname="sip.ocs.test", version=4`,
		`Kerberos realm="SIP Communications Service", targetname="sip/sip.ocs.test", version=4`,
		`TLS-DSK realm="SIP Communications Service", targetname="sip.ocs.test", version=4, sts-uri="https://sip.ocs.test/CertProv/CertProvisioningService.svc"`,
	}, v.Challenges[:3])
}

func TestPreferenceAmongWhatThereIs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*domain)
		want   string
		failed []string
		causes []ocserr.Cause
	}{
		{"everything", func(*domain) {}, TLSDSK, nil, nil},
		{"no certificates", func(d *domain) { d.client.Certificates = nil }, Kerberos, nil, nil},
		{"no Kerberos either", func(d *domain) { d.client.Certificates, d.client.Kerberos = nil, nil }, NTLM, nil, nil},
		{"NTLM forced", func(d *domain) { d.client.Schemes = []string{"ntlm"} }, NTLM, nil, nil},
		{
			"no web service", func(d *domain) { _ = d.cache.Drop("sip.ocs.test", "alice@ocs.test") }, Kerberos,
			[]string{TLSDSK},
			[]ocserr.Cause{ocserr.CauseCertificateProvisioning},
		},
		{"no web service and no KDC", func(d *domain) {
			_ = d.cache.Drop("sip.ocs.test", "alice@ocs.test")
			d.dial = refuseToDial
		}, NTLM, []string{TLSDSK, Kerberos}, []ocserr.Cause{ocserr.CauseCertificateProvisioning, ocserr.CauseKDCUnreachable}},
		{"no user of this name at the KDC", func(d *domain) {
			d.client.Certificates, d.client.Kerberos.User = nil, "nobody"
		}, NTLM, []string{Kerberos}, []ocserr.Cause{ocserr.CauseKerberosUserUnknown}},
		{"server without its key", func(d *domain) {
			d.client.Certificates, d.server.Kerberos.Keytab = nil, d.kdc.Keytab("alice")
		}, NTLM, []string{Kerberos}, []ocserr.Cause{ocserr.CauseKerberosFailed}},
		{"server that does not trust the authority", func(d *domain) {
			d.server.TLSDSK.ClientCAs = x509.NewCertPool()
		}, Kerberos, []string{TLSDSK}, []ocserr.Cause{ocserr.CauseCertificateProvisioning}},
		{"certificate of somebody else", func(d *domain) {
			_ = d.cache.Put("sip.ocs.test", "alice@ocs.test", certificate("bob@ocs.test", time.Hour*24))
		}, Kerberos, []string{TLSDSK}, []ocserr.Cause{ocserr.CauseCertificateProvisioning}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDomain(t, nil)
			tc.change(d)
			w := d.wire(t).signIn()
			s := w.client.State()
			require.Equal(t, tc.want, s.Scheme)
			var failed []string
			var causes []ocserr.Cause
			for _, f := range s.Failed {
				failed, causes = append(failed, f.Scheme), append(causes, f.Err.Cause)
			}
			require.Equal(t, tc.failed, failed)
			require.Equal(t, tc.causes, causes)
			require.True(t, s.ServerVerified)
			require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
			require.True(t, w.verdict.OK, w.verdict.Err)
		})
	}
}

// A password that a KDC has turned down is not given to the server: that would be the second wrong one of the day.
func TestPasswordRejectedByTheKDCIsFinal(t *testing.T) {
	d := newDomain(t, nil)
	d.client.Certificates = nil
	d.client.Password.Secret = "wrong"
	w := d.wire(t)
	_, n, err := w.register()
	e := requireCause(t, ocserr.CausePasswordRejected, err)
	require.ErrorContains(t, e, "kdc.ocs.test")
	require.Equal(t, 1, n)
	require.True(t, w.client.State().PasswordTested)
	_, _, err = w.register()
	requireCause(t, ocserr.CausePasswordRejected, err)
	require.Empty(t, sip.Value(w.sent, "Authorization"))
}

func TestFailureOfTheBestSchemeIsToldIfAllFail(t *testing.T) {
	d := newDomain(t, func(c *ServerConfig) { c.Schemes = []string{TLSDSK, Kerberos} })
	d.dial = refuseToDial
	require.NoError(t, d.cache.Drop("sip.ocs.test", "alice@ocs.test"))
	w := d.wire(t)
	_, _, err := w.register()
	requireCause(t, ocserr.CauseCertificateProvisioning, err)
	require.Len(t, w.client.State().Failed, 2)
	require.False(t, w.client.State().PasswordTested)

	w.client.cfg.Schemes = []string{Kerberos}
	w.client.Reset()
	_, _, err = w.register()
	e := requireCause(t, ocserr.CauseKDCUnreachable, err)
	require.ErrorContains(t, e, "kdc.ocs.test:88", "the KDC is named")
}

// A KDC that says nothing may take five seconds if NTLM is left, else all the time there is.
func TestSilentKDC(t *testing.T) {
	for _, tc := range []struct {
		name    string
		schemes []string
		took    time.Duration
		cause   ocserr.Cause
	}{
		{"NTLM is left", []string{Kerberos, NTLM}, 5 * time.Second, ""},
		{"nothing is left", []string{Kerberos}, 15 * time.Second, ocserr.CauseKDCSilent},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDomain(t, func(c *ServerConfig) { c.Schemes = tc.schemes })
				d.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				w := d.wire(t)
				limited, stop := context.WithTimeout(t.Context(), 15*time.Second)
				defer stop()
				began := time.Now()
				err := w.client.Challenge(limited, w.send(w.request("REGISTER")))
				require.Equal(t, tc.took, time.Since(began))
				if tc.cause == "" {
					require.NoError(t, err)
					w.signIn()
					require.Equal(t, NTLM, w.client.State().Scheme)
					require.Equal(t, ocserr.CauseKDCSilent, w.client.State().Failed[0].Err.Cause)
				} else {
					require.ErrorContains(t, requireCause(t, tc.cause, err), "kdc.ocs.test:88")
				}
			})
		})
	}
}

// Signing and verifying go on while a KDC is waited for.
func TestConnectionGoesOnWhileTheKDCIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDomain(t, only(Kerberos))
		w := d.wire(t).signIn()
		dial, release := d.dial, make(chan struct{})
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			<-release
			return dial(ctx, network, address)
		}
		w.client.Reset()
		res := w.send(w.request("REGISTER"))
		answered := make(chan error, 1)
		go func() { answered <- w.client.Challenge(t.Context(), res) }()
		synctest.Wait()
		require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
		require.True(t, w.verdict.OK)
		close(release)
		require.NoError(t, <-answered)
		w.signIn()
	})
}

func TestCertificateThatIsRefusedIsForgotten(t *testing.T) {
	d := newDomain(t, func(c *ServerConfig) { c.Schemes = []string{TLSDSK} })
	d.server.TLSDSK.ClientCAs = x509.NewCertPool()
	w := d.wire(t)
	_, _, err := w.register()
	requireCause(t, ocserr.CauseCertificateProvisioning, err) // a new one was asked for, in vain
	cert, err := d.cache.Get("sip.ocs.test", "alice@ocs.test")
	require.NoError(t, err)
	require.Nil(t, cert)
}

func TestTicketWithoutPasswordIsNoReasonForNTLM(t *testing.T) {
	d := newDomain(t, only(NTLM))
	d.client.Password = Password{}
	_, _, err := d.wire(t).register()
	requireCause(t, ocserr.CauseNoCredentials, err)
}

func TestNTLMv1IsUsedOnlyIfAllowedAndIsReported(t *testing.T) {
	d := newDomain(t, only(NTLM))
	d.server.NTLM = &ntlm.Server{Offer: 0x62108255, AllowV1: true} // no extended session security
	_, _, err := d.wire(t).register()
	requireCause(t, ocserr.CauseSchemeFailed, err)

	d.client.AllowNTLMv1 = true
	w := d.wire(t).signIn()
	require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
	require.True(t, w.client.State().NTLMv1)
	require.False(t, newDomain(t, only(NTLM)).wire(t).signIn().client.State().NTLMv1)
}

func TestRenewalIsDue(t *testing.T) {
	for _, tc := range []struct {
		name   string
		scheme string
		life   time.Duration // of ticket and certificate
		want   time.Duration
	}{
		{"NTLM", NTLM, 24 * time.Hour, 8*time.Hour - 5*time.Minute},
		{"long ticket", Kerberos, 24 * time.Hour, 8*time.Hour - 5*time.Minute},
		{"short ticket", Kerberos, time.Hour, 55 * time.Minute},
		{"very short ticket", Kerberos, 6 * time.Minute, 3 * time.Minute},
		{"long certificate", TLSDSK, 24 * time.Hour, 8*time.Hour - 5*time.Minute},
		{"short certificate", TLSDSK, 2 * time.Hour, 2*time.Hour - 5*time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDomain(t, only(tc.scheme))
				d.kdc.Lifetime = tc.life
				require.NoError(t, d.cache.Put("sip.ocs.test", "alice@ocs.test", certificate("alice@ocs.test", tc.life)))
				w := d.wire(t)
				require.True(t, w.client.RenewAt().IsZero())
				w.signIn()
				require.Equal(t, tc.want, time.Until(w.client.RenewAt()).Round(time.Second))

				time.Sleep(time.Until(w.client.RenewAt()))
				require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode)
				if tc.scheme == TLSDSK { // the web service would give a new one
					require.NoError(t, d.cache.Put("sip.ocs.test", "alice@ocs.test", certificate("alice@ocs.test", tc.life)))
				}
				w.client.Reset()
				w.signIn()
				require.Equal(t, tc.want, time.Until(w.client.RenewAt()).Round(time.Second))
				require.Equal(t, tc.scheme, w.client.State().Scheme)
			})
		})
	}
}

func TestServerEndsAnAssociationThatIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDomain(t, only(NTLM)).wire(t).signIn()
		time.Sleep(8*time.Hour - time.Second)
		require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode)
		time.Sleep(time.Second)
		require.Equal(t, 401, w.send(w.request("SUBSCRIBE")).StatusCode)
		require.ErrorContains(t, w.verdict.Err, "expired")
		w.client.Reset()
		w.signIn()
	})
}
