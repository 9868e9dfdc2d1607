package secure

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// sha1 has a certificate signed with SHA-1, and commonNameOnly one without subject alternative name.
func sha1(c *x509.Certificate)           { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }
func commonNameOnly(c *x509.Certificate) { c.DNSNames = nil }

// rsaLeaf is a leaf whose key can do RSA key exchange.
func (a *authority) rsaLeaf(t testing.TB, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	c := template("fe.contoso.com")
	c.DNSNames = []string{"fe.contoso.com"}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: key}
}

// sends adds the certificate of a root to what a server sends.
func (a *authority) sends(cert tls.Certificate) tls.Certificate {
	cert.Certificate = append(cert.Certificate, a.cert.Raw)
	return cert
}

func TestLegacyAllowsWhatIsRefusedOtherwiseAndTells(t *testing.T) {
	root := newRoot(t)
	plain, rsaKey := root.leaf(t), root.rsaLeaf(t)
	suite := func(id uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{rsaKey}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{id}}
	}
	version := func(v uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{plain}, MinVersion: tls.VersionTLS10, MaxVersion: v}
	}
	shows := func(cert tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{cert}} }
	for name, test := range map[string]struct {
		server  *tls.Config
		used    []string
		refused ocserr.Cause // without Legacy
	}{
		"TLS 1.0":                 {version(tls.VersionTLS10), []string{"TLS 1.0"}, ocserr.CauseTLSIncompatible},
		"TLS 1.1":                 {version(tls.VersionTLS11), []string{"TLS 1.1"}, ocserr.CauseTLSIncompatible},
		"RSA key exchange":        {suite(tls.TLS_RSA_WITH_AES_128_CBC_SHA), []string{"RSA key exchange"}, ocserr.CauseTLSIncompatible},
		"3DES, RSA":               {suite(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA), []string{"RSA key exchange", "3DES"}, ocserr.CauseTLSIncompatible},
		"3DES":                    {suite(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA), []string{"3DES"}, ocserr.CauseTLSIncompatible},
		"RC4":                     {suite(tls.TLS_RSA_WITH_RC4_128_SHA), []string{"RSA key exchange", "RC4"}, ocserr.CauseTLSIncompatible},
		"SHA-1, root sent":        {shows(root.sends(root.leaf(t, sha1))), []string{"SHA-1 signature"}, ocserr.CauseTLSSHA1},
		"SHA-1 above, root sent":  {shows(root.sends(root.sub(t, "Issuing", sha1).leaf(t))), []string{"SHA-1 signature"}, ocserr.CauseTLSSHA1},
		"SHA-1 under SHA-256":     {shows(root.sub(t, "Issuing").leaf(t, sha1)), []string{"SHA-1 signature"}, ocserr.CauseTLSSHA1},
		"common name":             {shows(root.leaf(t, commonNameOnly)), []string{"common name"}, ocserr.CauseTLSNoSAN},
		"common name, wildcard":   {shows(root.leaf(t, commonNameOnly, named("*.contoso.com"))), []string{"common name"}, ocserr.CauseTLSNoSAN},
		"SHA-1 and a common name": {shows(root.sends(root.leaf(t, sha1, commonNameOnly))), []string{"SHA-1 signature", "common name"}, ocserr.CauseTLSNoSAN},
		"a server of 2007": {
			&tls.Config{
				Certificates: []tls.Certificate{root.sends(root.rsaLeaf(t, sha1, commonNameOnly))},
				MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
			},
			[]string{"TLS 1.0", "RSA key exchange", "3DES", "SHA-1 signature", "common name"},
			ocserr.CauseTLSIncompatible,
		},
		"a server of today": {shows(plain), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{ServerName: "fe.contoso.com", Roots: root.pool()}
			conn, report, err := Handshake(t.Context(), serveTLS(t, test.server), cfg)
			require.Empty(t, report.Legacy)
			if test.refused == "" {
				require.NoError(t, err)
				require.NoError(t, conn.Close())
			} else {
				requireCause(t, test.refused, err)
			}

			cfg.Legacy = true
			for _, cfg.InsecureSkipVerify = range []bool{false, true} {
				conn, report, err = Handshake(t.Context(), serveTLS(t, test.server), cfg)
				require.NoError(t, err)
				require.NoError(t, conn.Close())
				require.Equal(t, test.used, report.Legacy)
				require.True(t, report.Verified)
				require.Empty(t, report.Cause)
				require.NotZero(t, report.Expiry)
			}
		})
	}
}

func named(commonName string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.Subject.CommonName = commonName }
}

// TestLegacyVerifiesEverythingElse has chains that are signed with SHA-1, so that no standard verification
// reaches their fault.
func TestLegacyVerifiesEverythingElse(t *testing.T) {
	root := newRoot(t)
	only := func(domain string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{domain}
		}
	}
	noPath := func(c *x509.Certificate) { c.MaxPathLenZero = true }
	impostor := newRoot(t) // has the root's name, and another key
	for name, test := range map[string]struct {
		cert  tls.Certificate
		roots *x509.CertPool // nil: root
		cause ocserr.Cause
		fault string
	}{
		"good":          {cert: root.sends(root.sub(t, "Issuing", sha1).leaf(t, sha1))},
		"expired":       {root.sends(root.leaf(t, sha1, until(-time.Hour))), nil, ocserr.CauseTLSExpired, `"CN=fe.contoso.com" expired at`},
		"not yet valid": {root.sends(root.leaf(t, sha1, from(time.Hour))), nil, ocserr.CauseTLSNotYetValid, `"CN=fe.contoso.com" is not valid before`},
		"expired above": {root.sends(root.sub(t, "Issuing", sha1, until(-time.Hour)).leaf(t, sha1)), nil, ocserr.CauseTLSExpired, `"CN=Issuing" expired at`},
		"other name": {
			root.sends(root.leaf(t, sha1, func(c *x509.Certificate) { c.DNSNames = []string{"fe.fabrikam.test"} })), nil,
			ocserr.CauseTLSWrongName, "for fe.fabrikam.test, not for fe.contoso.com",
		},
		"other common name": {
			root.sends(root.leaf(t, sha1, commonNameOnly, named("fe.fabrikam.test"))), nil,
			ocserr.CauseTLSWrongName, "for fe.fabrikam.test, not for fe.contoso.com",
		},
		"common name beside other names": {
			root.sends(root.leaf(t, sha1, commonNameOnly, func(c *x509.Certificate) { c.EmailAddresses = []string{"alice@contoso.com"} })), nil,
			ocserr.CauseTLSWrongName, "no host among its subject alternative names",
		},
		"no authority": {
			root.sends(root.sub(t, "Issuing", sha1, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }).leaf(t, sha1)), nil,
			ocserr.CauseTLSUntrusted, "Contoso Root",
		},
		"no key usage for certificates": {
			root.sends(root.sub(t, "Issuing", sha1, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }).leaf(t, sha1)), nil,
			ocserr.CauseTLSUntrusted, "Contoso Root",
		},
		"path too long": {
			root.sends(root.sub(t, "Policy", sha1, noPath).sub(t, "Issuing", sha1).leaf(t, sha1)), nil,
			ocserr.CauseTLSBadCertificate, "too many intermediates",
		},
		"not for servers": {
			root.sends(root.leaf(t, sha1, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), nil,
			ocserr.CauseTLSBadCertificate, "not meant for servers",
		},
		"authority not for servers": {
			root.sends(root.sub(t, "Issuing", sha1, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			}).leaf(t, sha1)), nil,
			ocserr.CauseTLSBadCertificate, "not meant for servers",
		},
		"name that the authority may not give": {
			root.sends(root.sub(t, "Issuing", sha1, only("fabrikam.test")).leaf(t, sha1)), nil,
			ocserr.CauseTLSBadCertificate, "not permitted",
		},
		"common name that the authority may not give": {
			root.sends(root.sub(t, "Issuing", sha1, only("fabrikam.test")).leaf(t, sha1, commonNameOnly)), nil,
			ocserr.CauseTLSBadCertificate, "not permitted",
		},
		"common name that the authority may give": {
			cert: root.sends(root.sub(t, "Issuing", sha1, only("contoso.com")).leaf(t, sha1, commonNameOnly)),
		},
		"unknown critical extension": {
			root.sends(root.sub(t, "Issuing", sha1, func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			}).leaf(t, sha1)), nil,
			ocserr.CauseTLSBadCertificate, "unhandled critical extension",
		},
		"root not trusted": {
			root.sends(root.leaf(t, sha1)), newRoot(t, named("Other Root")).pool(),
			ocserr.CauseTLSUntrusted, `the root "CN=Contoso Root" is not trusted here`,
		},
		"root neither trusted nor at hand": {
			root.leaf(t, sha1), newRoot(t, named("Other Root")).pool(),
			ocserr.CauseTLSUntrusted, `the issuer "CN=Contoso Root" of "CN=fe.contoso.com" is not trusted here`,
		},
		"signed by an impostor": {
			root.sends(impostor.leaf(t, sha1)), nil,
			ocserr.CauseTLSSHA1, "nothing at hand proves",
		},
		"authority by an impostor": {
			root.sends(impostor.sub(t, "Issuing", sha1).leaf(t, sha1)), nil,
			ocserr.CauseTLSSHA1, `the certificate of "CN=Issuing" is signed with ECDSA-SHA1, which nothing at hand proves`,
		},
		"root not at hand": {
			root.leaf(t, sha1), nil,
			ocserr.CauseTLSSHA1, `the server did not send the certificate of its issuer "CN=Contoso Root"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{ServerName: "fe.contoso.com", Roots: root.pool(), Legacy: true}
			if test.roots != nil {
				cfg.Roots = test.roots
			}
			server := &tls.Config{Certificates: []tls.Certificate{test.cert}}
			conn, report, err := Handshake(t.Context(), serveTLS(t, server), cfg)
			if test.cause == "" {
				require.NoError(t, err)
				require.NoError(t, conn.Close())
				return
			}
			requireCause(t, test.cause, err)
			require.Contains(t, report.Fault, test.fault)
			require.Empty(t, report.Legacy)
			require.Len(t, report.Chain(), min(len(test.cert.Certificate), maxChain))

			cfg.InsecureSkipVerify = true
			conn, skipped, err := Handshake(t.Context(), serveTLS(t, server), cfg)
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.False(t, skipped.Verified)
			require.Contains(t, skipped.Fault, test.fault)
		})
	}
}

// TestLegacyJudgesAsTheStandardVerifier puts chains that need nothing of Legacy before both verifiers.
func TestLegacyJudgesAsTheStandardVerifier(t *testing.T) {
	root, old := newRoot(t), newRoot(t, until(-time.Hour))
	changed := func(change ...func(*x509.Certificate)) tls.Certificate {
		return root.sends(root.sub(t, "Issuing", change...).leaf(t))
	}
	for name, cert := range map[string]tls.Certificate{
		"good":                  changed(),
		"root not sent":         root.leaf(t),
		"root expired":          old.sends(old.leaf(t)),
		"root expired, unsent":  old.leaf(t),
		"issuer expired":        changed(until(-time.Hour)),
		"issuer not yet valid":  changed(from(time.Hour)),
		"issuer no authority":   changed(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }),
		"issuer not for it":     changed(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }),
		"issuer not of servers": changed(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }),
		"excluded name":         changed(func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"contoso.com"} }),
		"permitted name":        changed(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"contoso.com"} }),
		"expired":               root.sends(root.leaf(t, until(-time.Hour))),
		"self-signed":           (&authority{}).leaf(t),
		"trusted itself":        {Certificate: [][]byte{root.cert.Raw}},
		"wrong order":           reversed(root.sub(t, "Policy").sub(t, "Issuing").leaf(t)),
	} {
		t.Run(name, func(t *testing.T) {
			h := handshake{name: "fe.contoso.com", roots: root.pool()}
			h.roots.AddCert(old.cert)
			for _, der := range cert.Certificate {
				c, err := x509.ParseCertificate(der)
				require.NoError(t, err)
				h.chain = append(h.chain, c)
			}
			want, _, wantErr := h.verify()
			got, used, err := h.verifyLegacy()
			require.Empty(t, used)
			require.Equal(t, want, got)
			if wantErr == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, h.fault(wantErr).cause, h.fault(err).cause, "%v, %v", wantErr, err)
		})
	}
}

// reversed sends what is above a certificate upside down.
func reversed(cert tls.Certificate) tls.Certificate {
	slices.Reverse(cert.Certificate[1:])
	return cert
}

func TestLegacyAuthoritiesProveButAreNotTrusted(t *testing.T) {
	root := newRoot(t)
	cert := root.leaf(t, sha1) // without its root
	handshake := func(roots *x509.CertPool) error {
		conn, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}), Config{
			ServerName: "fe.contoso.com", Roots: roots, Legacy: true, Authorities: []*x509.Certificate{root.cert},
		})
		if err == nil {
			require.Equal(t, []string{"SHA-1 signature"}, report.Legacy)
			require.NoError(t, conn.Close())
		}
		return err
	}
	require.NoError(t, handshake(root.pool()))
	requireCause(t, ocserr.CauseTLSUntrusted, handshake(newRoot(t, named("Other Root")).pool()))
}

func TestLegacySuites(t *testing.T) {
	suites := legacySuites()
	require.Contains(t, suites, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA)
	require.Contains(t, suites, tls.TLS_RSA_WITH_RC4_128_SHA)
	require.Contains(t, suites, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
	for _, s := range tls.InsecureCipherSuites() {
		require.Equal(t, len(legacyOf(tls.VersionTLS12, s.ID)) > 0, slices.Contains(suites, s.ID), "offered, then told: "+s.Name)
	}
}
