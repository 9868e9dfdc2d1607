package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// everything is a client that takes whatever crypto/tls has.
func everything(s *Server) *tls.Config {
	config := &tls.Config{RootCAs: s.CA(), ServerName: "sip.ocs.test", MinVersion: tls.VersionTLS10}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	return config
}

// reach makes a TLS connection to a server, in memory or at its port.
func reach(t *testing.T, s *Server, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	dial, address := s.Dial, "sip.ocs.test:5061"
	if s.TLSAddr() != "" {
		dial, address = new(net.Dialer).DialContext, s.TLSAddr()
	}
	nc, err := dial(t.Context(), "tcp", address)
	require.NoError(t, err)
	client := tls.Client(nc, config)
	defer client.Close()
	err = client.HandshakeContext(t.Context())
	return client.ConnectionState(), err
}

func TestTLSProfile(t *testing.T) {
	for name, test := range map[string]struct {
		profile        TLSProfile
		version, suite uint16 // 0: whichever
		today          bool   // a client of today is served
	}{
		"today":   {TLSProfile{}, tls.VersionTLS13, 0, true},
		"TLS 1.2": {TLSProfile{MaxVersion: tls.VersionTLS12}, tls.VersionTLS12, 0, true},
		"TLS 1.0": {TLSProfile{MaxVersion: tls.VersionTLS10}, tls.VersionTLS10, 0, false},
		"RSA key exchange": {
			TLSProfile{Suites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_CBC_SHA, false,
		},
		"3DES": {
			TLSProfile{Suites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}, tls.VersionTLS12, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, false,
		},
		"3DES of TLS 1.0": {
			TLSProfile{MaxVersion: tls.VersionTLS10, Suites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}},
			tls.VersionTLS10, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, false,
		},
	} {
		for ground, address := range map[string]string{"in memory": "", "at a port": "127.0.0.1:0"} {
			t.Run(name+" "+ground, func(t *testing.T) {
				s := startTest(t, Config{TLSProfile: test.profile, ListenTLS: address})
				state, err := reach(t, s, everything(s))
				require.NoError(t, err)
				require.Equal(t, test.version, state.Version)
				if test.suite != 0 {
					require.Equal(t, test.suite, state.CipherSuite)
				}
				_, err = reach(t, s, &tls.Config{RootCAs: s.CA(), ServerName: "sip.ocs.test"})
				require.Equal(t, test.today, err == nil, err)
			})
		}
	}
}

func TestTLSProfileDemandsAClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "alice"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	alice, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(alice)

	s := startTest(t, Config{TLSProfile: TLSProfile{MaxVersion: tls.VersionTLS12, ClientCAs: trusted}})
	config := everything(s)
	_, err = reach(t, s, config)
	require.Error(t, err)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	_, err = reach(t, s, config)
	require.NoError(t, err)
}
