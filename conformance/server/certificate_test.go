package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCertificateIsGoodForTheNamesAClientUses(t *testing.T) {
	s := startTest(t, Config{Domain: "contoso.com"})
	for _, name := range []string{
		"server.contoso.com", "contoso.com", "sip.contoso.com", "sipinternal.contoso.com", "sipexternal.contoso.com",
		"localhost", "127.0.0.1", "::1",
	} {
		_, err := s.identity.leaf.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: s.CA()})
		require.NoError(t, err, name)
	}
	_, err := s.identity.leaf.Leaf.Verify(x509.VerifyOptions{DNSName: "sip.ocs.test", Roots: s.CA()})
	require.ErrorAs(t, err, new(x509.HostnameError))
}

func TestCAPEMIsTheAuthority(t *testing.T) {
	s := startTest(t, Config{})
	block, rest := pem.Decode(s.CAPEM())
	require.Empty(t, rest)
	ca, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.True(t, ca.IsCA)
	require.NoError(t, s.identity.leaf.Leaf.CheckSignatureFrom(ca))
}

func TestCertificateIsValidByTheClockOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTest(t, Config{})
		nc, err := s.Dial(t.Context(), "tcp", "sip.ocs.test:5061")
		require.NoError(t, err)
		client := tls.Client(nc, &tls.Config{RootCAs: s.CA(), ServerName: "sip.ocs.test", Time: time.Now})
		require.NoError(t, client.HandshakeContext(t.Context()))
		require.Equal(t, 2000, client.ConnectionState().PeerCertificates[0].NotAfter.Year())
		require.NoError(t, client.Close())
		synctest.Wait()
		shakes := s.History(KindTLS)
		require.Len(t, shakes, 1)
		require.Equal(t, "sip.ocs.test", shakes[0].Name)
	})
}

func TestGivenCertificateIsUsed(t *testing.T) {
	made, err := newIdentity(Config{Domain: "contoso.com", Host: "server"})
	require.NoError(t, err)
	s := startTest(t, Config{Domain: "contoso.com", TLS: &made.leaf})
	require.Equal(t, made.leaf.Certificate, s.identity.leaf.Certificate)
	require.Equal(t, made.authority.Raw, s.identity.authority.Raw)

	_, err = Start(Config{TLS: &tls.Certificate{}})
	require.Error(t, err)
}
