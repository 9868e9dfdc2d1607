package tlsdsk

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func requireSignaturesBothWays(t *testing.T, c *Client, s *Server) {
	t.Helper()
	buffer := []byte("<TLS-DSK><00000000><1>")
	for _, way := range []struct {
		sign   func([]byte) ([]byte, error)
		verify func(buffer, signature []byte) error
	}{{c.Sign, s.Verify}, {s.Sign, c.Verify}} {
		signature, err := way.sign(buffer)
		require.NoError(t, err)
		require.NoError(t, way.verify(buffer, signature))
		require.ErrorIs(t, way.verify([]byte("<TLS-DSK><00000000><2>"), signature), ErrSignature)
		require.ErrorIs(t, way.verify(buffer, signature[:len(signature)-1]), ErrSignature)
		require.ErrorIs(t, way.verify(buffer, nil), ErrSignature)
	}
	mine, err := c.Sign(buffer)
	require.NoError(t, err)
	require.ErrorIs(t, c.Verify(buffer, mine), ErrSignature) // no reflection
}

func TestHandshakeForEachVersionAndSuite(t *testing.T) {
	type suite struct {
		id, lowest uint16
		signature  int // bytes
	}
	for _, suite := range []suite{
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_RSA_WITH_RC4_128_SHA, tls.VersionTLS10, 20},
		{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.VersionTLS10, 20},
		{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.VersionTLS10, 20},
		{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.VersionTLS12, 32},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tls.VersionTLS12, 32},
	} {
		for version := suite.lowest; version <= tls.VersionTLS12; version++ {
			t.Run(tls.VersionName(version)+" "+tls.CipherSuiteName(suite.id), func(t *testing.T) {
				c, s := newPair(t)
				c.MaxVersion, c.CipherSuites, s.CipherSuites = version, []uint16{suite.id}, []uint16{suite.id}
				tokens(t, c, s)
				requireSignaturesBothWays(t, c, s)
				for _, state := range []tls.ConnectionState{c.ConnectionState(), s.ConnectionState()} {
					require.Equal(t, version, state.Version)
					require.Equal(t, suite.id, state.CipherSuite)
					require.NotEmpty(t, state.VerifiedChains)
				}
				signature, err := c.Sign(nil)
				require.NoError(t, err)
				require.Len(t, signature, suite.signature)
				require.Equal(t, c.Certificate.Leaf.Raw, s.ClientCertificate().Raw)
				require.Equal(t, c.Certificate.Leaf.NotAfter, c.Expiry())
				require.Equal(t, c.Certificate.Leaf.NotAfter, s.Expiry())
			})
		}
	}
}

func TestBothSidesAgreeOnTLS12ByDefault(t *testing.T) {
	c, s := newPair(t)
	tokens(t, c, s)
	require.Equal(t, uint16(tls.VersionTLS12), c.ConnectionState().Version)
	require.Equal(t, 20, func() int { b, _ := c.Sign(nil); return len(b) }()) // a suite with SHA-1
}

// What a client in the field needs of a server's flights: one handshake record, ServerHelloDone not alone.
func TestPlaintextMessagesOfAFlightShareOneRecord(t *testing.T) {
	c, s := newPair(t)
	c.MaxVersion, c.CipherSuites = tls.VersionTLS10, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	flights := tokens(t, c, s)
	for i, want := range [][]byte{
		{typeHandshake},
		{typeHandshake},
		{typeHandshake, typeChangeCipherSpec, typeHandshake},
		{typeChangeCipherSpec, typeHandshake},
	} {
		records, err := split(flights[i])
		require.NoError(t, err)
		var kinds []byte
		for _, r := range records {
			kinds = append(kinds, r.kind())
		}
		require.Equal(t, want, kinds, "flight %d", i)
	}
	require.Equal(t, byte(messageServerHelloDone), flights[1][len(flights[1])-4])
}

// The ClientHello of a client in the field, recorded: TLS 1.0, five suites, no extensions.
func TestServerAnswersRecordedClientHello(t *testing.T) {
	_, s := newPair(t)
	hello, err := base64.StdEncoding.DecodeString("FgMBADUBAAAxAwFrArYs1ZYp4vfzQywjAhxEa8IbrvIDTVeoLmzbqtLvVwAACgAEAAUALwA1AAMBAA==")
	require.NoError(t, err)
	out, done, err := s.Step(ctx, hello)
	require.NoError(t, err)
	require.False(t, done)
	records, err := split(out)
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, []byte{typeHandshake, 3, 1}, records[0].header[:3])
}

func TestClientShowsItsCertificateToAServerThatNamesOtherAuthorities(t *testing.T) {
	c, s := newPair(t)
	other := newAuthority(t)
	other.cert.RawSubject = []byte{0x30, 0} // another name in the CertificateRequest
	s.ClientCAs.AddCert(other.cert)
	tokens(t, c, s)
	require.NotNil(t, s.ClientCertificate())
}

func TestServerCertificateIsJudgedWithRootsOnly(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Client)
		fails  bool
	}{
		{"no roots", func(c *Client) { c.Roots, c.ServerName = nil, "" }, false},
		{"no roots, other name", func(c *Client) { c.Roots, c.ServerName = nil, "other.ocs.test" }, false},
		{"other root", func(c *Client) { c.Roots = x509.NewCertPool() }, true},
		{"other name", func(c *Client) { c.ServerName = "other.ocs.test" }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := newPair(t)
			tc.change(c)
			hello, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			flight, _, err := s.Step(ctx, hello)
			require.NoError(t, err)
			alert, done, err := c.Step(ctx, flight)
			require.False(t, done)
			if !tc.fails {
				require.NoError(t, err)
				flight, _, err = s.Step(ctx, alert)
				require.NoError(t, err)
				_, _, err = c.Step(ctx, flight)
				require.NoError(t, err)
				require.Empty(t, c.ConnectionState().VerifiedChains)
				return
			}
			require.ErrorIs(t, err, ErrHandshake)
			var refused *tls.CertificateVerificationError
			require.ErrorAs(t, err, &refused)
			_, err = c.Sign(nil)
			require.Error(t, err)

			_, _, err = s.Step(ctx, alert)
			var told *AlertError
			require.ErrorAs(t, err, &told)
			require.True(t, told.Certificate())
		})
	}
}

func TestServerRefusesCertificate(t *testing.T) {
	for _, tc := range []struct {
		name  string
		make  func(t *testing.T, c *Client)
		alert string
	}{
		{"of another authority", func(t *testing.T, c *Client) {
			a := newAuthority(t)
			a.key, a.cert = testKeys()[2], &x509.Certificate{Raw: a.cert.Raw, RawSubject: a.cert.RawSubject, PublicKey: testKeys()[2].Public(), NotBefore: a.cert.NotBefore}
			c.Certificate = a.issue(t, "alice", x509.ExtKeyUsageClientAuth, testKeys()[1], time.Now().Add(time.Hour))
		}, "unknown_ca"},
		{"expired", func(t *testing.T, c *Client) {
			c.Certificate = newAuthority(t).issue(t, "alice", x509.ExtKeyUsageClientAuth, testKeys()[1], time.Now().Add(-time.Minute))
		}, "certificate_expired"},
		{"for servers", func(t *testing.T, c *Client) {
			c.Certificate = newAuthority(t).issue(t, "alice", x509.ExtKeyUsageServerAuth, testKeys()[1], time.Now().Add(time.Hour))
		}, "bad_certificate"},
		{"key of another certificate", func(_ *testing.T, c *Client) { c.Certificate.PrivateKey = testKeys()[2] }, "decrypt_error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := newPair(t)
			tc.make(t, c)
			hello, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			flight, _, err := s.Step(ctx, hello)
			require.NoError(t, err)
			finished, _, err := c.Step(ctx, flight)
			require.NoError(t, err)
			alert, done, err := s.Step(ctx, finished)
			require.ErrorIs(t, err, ErrHandshake)
			require.False(t, done)
			require.Nil(t, s.ClientCertificate())

			_, done, err = c.Step(ctx, alert)
			require.False(t, done)
			var told *AlertError
			require.ErrorAs(t, err, &told)
			require.Equal(t, tc.alert, told.Name())
			require.ErrorIs(t, err, ErrHandshake)
		})
	}
}

func TestServerThatAsksForNoCertificate(t *testing.T) {
	c, s := newPair(t)
	config, err := s.config()
	require.NoError(t, err)
	config.ClientAuth = tls.NoClientCert
	s.handshake = newHandshake(tls.Server, config)
	hello, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	flight, _, err := s.Step(ctx, hello)
	require.NoError(t, err)
	flight, _, err = c.Step(ctx, flight)
	require.NoError(t, err)
	flight, _, err = s.Step(ctx, flight)
	require.NoError(t, err)
	_, done, err := c.Step(ctx, flight)
	require.ErrorIs(t, err, ErrNoCertificateRequest)
	require.False(t, done)
	_, err = c.Sign(nil)
	require.Error(t, err)
}

func TestCertificateMustBeRSA(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pair := newAuthority(t).issue(t, "alice", x509.ExtKeyUsageClientAuth, key, time.Now().Add(time.Hour))
	_, _, err = (&Client{Certificate: pair}).Step(ctx, nil)
	require.ErrorContains(t, err, "it must be RSA")
	_, _, err = (&Server{Certificate: pair}).Step(ctx, []byte{22})
	require.ErrorContains(t, err, "it must be RSA")
	_, _, err = (&Client{}).Step(ctx, nil)
	require.ErrorContains(t, err, "no certificate")
	require.Zero(t, (&Client{}).Expiry())
}

func TestContextEndsTheHandshake(t *testing.T) {
	cause := errors.New("sign-in limit")
	canceled, cancel := context.WithCancelCause(ctx)
	c, s := newPair(t)
	hello, _, err := c.Step(canceled, nil)
	require.NoError(t, err)
	flight, _, err := s.Step(canceled, hello)
	require.NoError(t, err)
	cancel(cause)
	_, _, err = c.Step(canceled, flight)
	require.ErrorIs(t, err, cause)
	_, _, err = c.Step(ctx, flight)
	require.ErrorIs(t, err, cause, "an ended handshake tells why")
}

func TestHandshakeThatNobodyClosesEnds(t *testing.T) {
	a := newAuthority(t)
	pair := a.issue(t, "alice", x509.ExtKeyUsageClientAuth, testKeys()[1], a.cert.NotAfter)
	synctest.Test(t, func(t *testing.T) {
		// The bubble ends only if the coroutine does.
		c := &Client{Certificate: pair}
		_, _, err := c.Step(ctx, nil)
		require.NoError(t, err)
		time.Sleep(patience + time.Nanosecond)
		synctest.Wait()
		_, _, err = c.Step(ctx, newRecord(typeAlert, 2, 80))
		require.ErrorContains(t, err, "did not come in time")
	})
}

func TestHandshakeWaitsForASlowPeer(t *testing.T) {
	c, s := newPair(t)
	synctest.Test(t, func(t *testing.T) {
		c.Roots, s.ClientCAs = nil, nil // a bubble's clock is in 2000: no certificate is valid yet
		hello, _, err := c.Step(ctx, nil)
		require.NoError(t, err)
		time.Sleep(patience - time.Nanosecond)
		flight, _, err := s.Step(ctx, hello)
		require.NoError(t, err)
		_, _, err = c.Step(ctx, flight)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.NoError(t, s.Close())
	})
}

func TestCloseEndsTheHandshake(t *testing.T) {
	c, _ := newPair(t)
	_, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, _, err = c.Step(ctx, newRecord(typeAlert, 2, 80))
	require.ErrorIs(t, err, errEnded)
}

func TestNoSecretInPrints(t *testing.T) {
	c, s := newPair(t)
	tokens(t, c, s)
	var logged bytes.Buffer
	text := slog.New(slog.NewTextHandler(&logged, nil))
	object := slog.New(slog.NewJSONHandler(&logged, nil))
	for _, v := range []any{c, *c, s, *s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			fmt.Fprintf(&logged, verb+"\n", v)
		}
		text.Info("made", "mechanism", v)
		object.Info("made", "mechanism", v)
		b, err := json.Marshal(v)
		require.NoError(t, err)
		logged.Write(b)
	}
	require.NotContains(t, logged.String(), c.Certificate.PrivateKey.(*rsa.PrivateKey).D.String())
	require.NotContains(t, logged.String(), s.Certificate.PrivateKey.(*rsa.PrivateKey).D.String())
	require.NotContains(t, logged.String(), fmt.Sprint(c.handshake.keys.client))
	require.Less(t, logged.Len(), 4000)
}
