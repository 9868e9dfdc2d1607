package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestHandshakeGivesTheRemediesOfBothFaults(t *testing.T) {
	root := newRoot(t)
	server := &tls.Config{Certificates: []tls.Certificate{root.sends(root.leaf(t, sha1))}}
	_, _, err := Handshake(t.Context(), serveTLS(t, server), Config{ServerName: "fe.contoso.com", Roots: x509.NewCertPool()})
	e, _ := errors.AsType[*ocserr.Error](err)
	require.Contains(t, e.Remedy, "give it as CA file; and issue the chain with SHA-256, or allow legacy TLS")
}

func TestHandshakeNamesTheFaultOfTheCertificate(t *testing.T) {
	root := newRoot(t)
	noSAN := func(c *x509.Certificate) { c.DNSNames = nil }
	for name, test := range map[string]struct {
		cert  func() tls.Certificate
		roots func() *x509.CertPool
		want  string // the name wanted, if not fe.contoso.com
		cause ocserr.Cause
		fault string
	}{
		"expired": {
			cert: func() tls.Certificate { return root.leaf(t, until(-time.Hour)) }, cause: ocserr.CauseTLSExpired,
			fault: `the certificate of "CN=fe.contoso.com" expired at `,
		},
		"not yet valid": {
			cert: func() tls.Certificate { return root.leaf(t, from(time.Hour)) }, cause: ocserr.CauseTLSNotYetValid,
			fault: `the certificate of "CN=fe.contoso.com" is not valid before `,
		},
		"wrong name": {
			cert: func() tls.Certificate { return root.leaf(t) }, want: "fe.fabrikam.test", cause: ocserr.CauseTLSWrongName,
			fault: "the certificate is for fe.contoso.com, sip.contoso.com, not for fe.fabrikam.test",
		},
		"wrong address": {
			cert: func() tls.Certificate {
				return root.leaf(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} })
			},
			want: "192.0.2.2", cause: ocserr.CauseTLSWrongName,
			fault: "the certificate is for fe.contoso.com, sip.contoso.com, 192.0.2.1, not for 192.0.2.2",
		},
		"common name only": {
			cert: func() tls.Certificate { return root.leaf(t, noSAN) }, cause: ocserr.CauseTLSNoSAN,
			fault: "no subject alternative name; fe.contoso.com is its common name only",
		},
		"wildcard common name only": {
			cert: func() tls.Certificate {
				return root.leaf(t, noSAN, func(c *x509.Certificate) { c.Subject.CommonName = "*.contoso.com" })
			},
			cause: ocserr.CauseTLSNoSAN, fault: "fe.contoso.com is its common name only",
		},
		"another common name only": {
			cert: func() tls.Certificate { return root.leaf(t, noSAN) }, want: "fe.fabrikam.test", cause: ocserr.CauseTLSWrongName,
			fault: `the certificate of "CN=fe.contoso.com" has no host among its subject alternative names`,
		},
		"names of no host": {
			cert: func() tls.Certificate {
				return root.leaf(t, noSAN, func(c *x509.Certificate) { c.EmailAddresses = []string{"alice@contoso.com"} })
			},
			cause: ocserr.CauseTLSWrongName, fault: "so it is not for fe.contoso.com",
		},
		"untrusted root": {
			cert:  func() tls.Certificate { return root.leaf(t) },
			roots: func() *x509.CertPool { return newRoot(t).pool() }, cause: ocserr.CauseTLSUntrusted,
			fault: `the issuer "CN=Contoso Root" of "CN=fe.contoso.com" is not trusted here, and the server did not send its certificate`,
		},
		"untrusted root, sent": {
			cert: func() tls.Certificate {
				cert := root.leaf(t)
				cert.Certificate = append(cert.Certificate, root.cert.Raw)
				return cert
			},
			roots: x509.NewCertPool, cause: ocserr.CauseTLSUntrusted,
			fault: `the root "CN=Contoso Root" is not trusted here`,
		},
		"intermediate not sent": {
			cert: func() tls.Certificate {
				cert := root.sub(t, "Contoso Issuing").leaf(t)
				cert.Certificate = cert.Certificate[:1]
				return cert
			},
			cause: ocserr.CauseTLSUntrusted, fault: `the issuer "CN=Contoso Issuing" of "CN=fe.contoso.com" is not trusted here`,
		},
		"self-signed": {
			cert: func() tls.Certificate { return (&authority{}).leaf(t) }, cause: ocserr.CauseTLSUntrusted,
			fault: `the certificate of "CN=fe.contoso.com" is self-signed and not trusted here`,
		},
		"intermediate expired": {
			cert:  func() tls.Certificate { return root.sub(t, "Contoso Issuing", until(-time.Hour)).leaf(t) },
			cause: ocserr.CauseTLSExpired, fault: `the certificate of "CN=Contoso Issuing" expired at `,
		},
		"root expired": {
			cert: func() tls.Certificate { return root.leaf(t) }, cause: ocserr.CauseTLSExpired,
			roots: func() *x509.CertPool {
				again := &authority{key: root.key}
				old := template("Contoso Root")
				old.IsCA, old.SubjectKeyId = true, root.cert.SubjectKeyId
				until(-time.Hour)(old)
				again.cert, _ = x509.ParseCertificate(again.sign(t, old, root.key))
				return again.pool()
			},
			fault: `the certificate of "CN=Contoso Root" expired at `,
		},
		"SHA-1 leaf": {
			cert: func() tls.Certificate {
				return root.leaf(t, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })
			},
			cause: ocserr.CauseTLSSHA1, fault: `the certificate of "CN=fe.contoso.com" is signed with ECDSA-SHA1`,
		},
		"SHA-1 intermediate": {
			cert: func() tls.Certificate {
				return root.sub(t, "Contoso Issuing", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }).leaf(t)
			},
			cause: ocserr.CauseTLSSHA1, fault: `the certificate of "CN=Contoso Issuing" is signed with ECDSA-SHA1`,
		},
		"SHA-1 leaf below an untrusted root": {
			cert:  func() tls.Certificate { return root.leaf(t, sha1) },
			roots: func() *x509.CertPool { return newRoot(t, named("Other Root")).pool() }, cause: ocserr.CauseTLSUntrusted,
			fault: `the issuer "CN=Contoso Root" of "CN=fe.contoso.com" is not trusted here, and the server did not send its certificate; besides, the certificate of`,
		},
		"SHA-1 leaf below an untrusted root, sent": {
			cert:  func() tls.Certificate { return root.sends(root.leaf(t, sha1)) },
			roots: func() *x509.CertPool { return newRoot(t).pool() }, cause: ocserr.CauseTLSUntrusted, // of the same name
			fault: `the root "CN=Contoso Root" is not trusted here; besides, the certificate of "CN=fe.contoso.com" is signed with ECDSA-SHA1`,
		},
		"client certificate": {
			cert: func() tls.Certificate {
				return root.leaf(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
			},
			cause: ocserr.CauseTLSBadCertificate, fault: "not meant for servers",
		},
		"issued by no authority": {
			cert: func() tls.Certificate {
				return root.sub(t, "Contoso Issuing", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }).leaf(t)
			},
			cause: ocserr.CauseTLSUntrusted, fault: "Contoso",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{ServerName: "fe.contoso.com", Roots: root.pool()}
			if test.want != "" {
				cfg.ServerName = test.want
			}
			if test.roots != nil {
				cfg.Roots = test.roots()
			}
			server := &tls.Config{Certificates: []tls.Certificate{test.cert()}}

			conn, report, err := Handshake(t.Context(), serveTLS(t, server), cfg)
			require.Nil(t, conn)
			requireCause(t, test.cause, err)
			require.ErrorIs(t, err, ocserr.Connect)
			require.Contains(t, err.Error(), test.fault)
			require.Contains(t, report.Fault, test.fault)
			require.Equal(t, test.cause, report.Cause)
			require.False(t, report.Verified)
			require.Len(t, report.Chain(), len(server.Certificates[0].Certificate), "what the server showed is kept")
			require.Equal(t, "TLS 1.3", report.Version)
			var refused *tls.CertificateVerificationError
			require.ErrorAs(t, err, &refused)

			cfg.InsecureSkipVerify = true
			conn, skipped, err := Handshake(t.Context(), serveTLS(t, server), cfg)
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.Equal(t, test.cause, skipped.Cause)
			require.Contains(t, skipped.Fault, test.fault)
			require.False(t, skipped.Verified)
			require.Equal(t, report.Chain(), skipped.Chain())
			require.Equal(t, report.Expiry, skipped.Expiry)
		})
	}
}

func TestHandshakeNamesTheFaultOfTheHandshake(t *testing.T) {
	root := newRoot(t)
	cert := []tls.Certificate{root.leaf(t)}
	says := func(text string) func(net.Conn) {
		return func(nc net.Conn) {
			_, _ = nc.Read(make([]byte, 4096))
			_, _ = io.WriteString(nc, text)
		}
	}
	runs := func(cfg *tls.Config) func(net.Conn) { return func(nc net.Conn) { _ = tls.Server(nc, cfg).Handshake() } }
	for name, test := range map[string]struct {
		side  func(net.Conn)
		cause ocserr.Cause
		fault string
	}{
		"SIP in clear text":  {says("SIP/2.0 400 Bad Request\r\n\r\n"), ocserr.CauseTLSNotTLS, `"SIP/2"`},
		"HTTP in clear text": {says("HTTP/1.1 400 Bad Request\r\n\r\n"), ocserr.CauseTLSNotTLS, `"HTTP/"`},
		"closed":             {says(""), ocserr.CauseConnectionClosed, "closed the connection"},
		"closed in a record": {says("\x16\x03\x03\x00\x7a\x02"), ocserr.CauseConnectionClosed, "closed the connection"},
		"TLS 1.1 alone": {
			runs(&tls.Config{Certificates: cert, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}),
			ocserr.CauseTLSIncompatible, `alert "protocol version not supported"`,
		},
		"TLS 1.0 of a server that does not read extensions": {
			says("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + strings.Repeat("r", 32) + "\x00\x00\x0a\x00"),
			ocserr.CauseTLSIncompatible, "older than TLS 1.2",
		},
		"no common suite": {
			runs(&tls.Config{Certificates: cert, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}),
			ocserr.CauseTLSIncompatible, `alert "handshake failure"`,
		},
		"suite that was not offered": {
			says("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x0a\x00"),
			ocserr.CauseTLSIncompatible, "not offered",
		},
		"client certificate demanded": {
			runs(&tls.Config{Certificates: cert, MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}),
			ocserr.CauseTLSClientRefused, "it demands a client certificate, and there is none for it",
		},
		"another alert": {
			says("\x15\x03\x03\x00\x02\x02\x50"), ocserr.CauseTLSHandshakeFailed, `alert "internal error"`,
		},
		"unknown alert": {
			says("\x15\x03\x03\x00\x02\x02\xfe"), ocserr.CauseTLSHandshakeFailed, "alert",
		},
		"nonsense in a record": {
			says("\x16\x03\x03\x00\x04\x02\x00\x00\x00"), ocserr.CauseTLSHandshakeFailed, "error decoding message",
		},
		"no X.509 certificate": {
			says("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + strings.Repeat("r", 32) + "\x00\xc0\x2f\x00" +
				"\x16\x03\x03\x00\x0b\x0b\x00\x00\x07\x00\x00\x04\x00\x00\x01\x30\x16\x03\x03\x00\x04\x0e\x00\x00\x00"),
			ocserr.CauseTLSBadCertificate, "failed to parse certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			nc := serve(t, test.side)
			conn, report, err := Handshake(t.Context(), nc, Config{ServerName: "fe.contoso.com", Roots: root.pool()})
			require.Nil(t, conn)
			requireCause(t, test.cause, err)
			require.ErrorIs(t, err, ocserr.Connect)
			require.Contains(t, report.Fault, test.fault)
			require.Equal(t, test.cause, report.Cause)
			_, err = nc.Write([]byte{0})
			require.ErrorIs(t, err, net.ErrClosed, "the connection is closed")
		})
	}
}
