package tlsdsk

import (
	"bytes"
	"crypto/tls"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoCommonSuite(t *testing.T) {
	c, s := newPair(t)
	c.CipherSuites, s.CipherSuites = []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	hello, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	alert, _, err := s.Step(ctx, hello)
	require.ErrorIs(t, err, ErrHandshake)
	_, _, err = c.Step(ctx, alert)
	require.EqualError(t, err, "tlsdsk: the peer refused the handshake: handshake_failure (40)")
}

func TestNoCommonVersion(t *testing.T) {
	c, s := newPair(t)
	c.MaxVersion, s.MinVersion = tls.VersionTLS11, tls.VersionTLS12
	hello, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	alert, _, err := s.Step(ctx, hello)
	require.ErrorIs(t, err, ErrHandshake)
	_, _, err = c.Step(ctx, alert)
	require.EqualError(t, err, "tlsdsk: the peer refused the handshake: protocol_version (70)")
}

func TestClientRefusesToken(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(flight []byte) []byte
		want error
	}{
		{"empty", func([]byte) []byte { return nil }, ErrToken},
		{"text", func([]byte) []byte { return []byte("not TLS") }, ErrToken},
		{"cut record", func(f []byte) []byte { return f[:len(f)-1] }, ErrToken},
		{"without ServerHelloDone", func(f []byte) []byte {
			f = bytes.Clone(f[:len(f)-4])
			size := len(f) - headerSize
			f[3], f[4] = byte(size>>8), byte(size)
			return f
		}, ErrToken},
		{"application data", func([]byte) []byte { return newRecord(typeApplicationData, 1, 2, 3) }, ErrHandshake},
		{"ServerHello of random bytes", func([]byte) []byte {
			return newRecord(typeHandshake, newMessage(messageServerHello, 70)...)
		}, ErrHandshake},
		{"ChangeCipherSpec too early", func([]byte) []byte { return newRecord(typeChangeCipherSpec, 1) }, ErrHandshake},
		{"the client's own hello", func([]byte) []byte { return newRecord(typeHandshake, newMessage(1, 40)...) }, ErrHandshake},
		{"alert", func([]byte) []byte { return newRecord(typeAlert, 2, 80) }, ErrHandshake},
		{"close_notify", func([]byte) []byte { return newRecord(typeAlert, 1, 0) }, ErrHandshake},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := newPair(t)
			hello, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			flight, _, err := s.Step(ctx, hello)
			require.NoError(t, err)
			_, done, err := c.Step(ctx, tc.make(flight))
			require.ErrorIs(t, err, tc.want)
			require.False(t, done)
			_, _, err = c.Step(ctx, flight)
			require.ErrorIs(t, err, ErrToken, "no step follows a failure")
			_, err = c.Sign(nil)
			require.ErrorIs(t, err, errNotEstablished)
			require.ErrorIs(t, c.Verify(nil, nil), errNotEstablished)
			require.Empty(t, c.ConnectionState())
		})
	}
}

func TestServerRefusesToken(t *testing.T) {
	for _, tc := range []struct {
		name  string
		token []byte
		want  error
	}{
		{"empty", nil, ErrToken},
		{"text", []byte("not TLS"), ErrToken},
		{"alert", newRecord(typeAlert, 2, 90), ErrHandshake},
		{"ClientHello of random bytes", newRecord(typeHandshake, newMessage(1, 40)...), ErrHandshake},
		{"part of a ClientHello", newRecord(typeHandshake, newMessage(1, 40)[:20]...), ErrToken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, s := newPair(t)
			_, done, err := s.Step(ctx, tc.token)
			require.ErrorIs(t, err, tc.want)
			require.False(t, done)
			require.Nil(t, s.ClientCertificate())
			require.Zero(t, s.Expiry())
			_, err = s.Sign(nil)
			require.ErrorIs(t, err, errNotEstablished)
		})
	}
}

func TestNoStepFollowsACompleteHandshake(t *testing.T) {
	c, s := newPair(t)
	flights := tokens(t, c, s)
	_, done, err := c.Step(ctx, flights[3])
	require.ErrorIs(t, err, ErrToken)
	require.False(t, done)
	_, done, err = s.Step(ctx, flights[2])
	require.ErrorIs(t, err, ErrToken)
	require.False(t, done)
	requireSignaturesBothWays(t, c, s) // the association stands
	require.NoError(t, c.Close())
	requireSignaturesBothWays(t, c, s)
}

func TestTokenBeforeTheHandshake(t *testing.T) {
	c, _ := newPair(t)
	_, _, err := c.Step(ctx, []byte{22})
	require.ErrorIs(t, err, ErrToken)
}

func TestChangedFlightIsFoundOut(t *testing.T) {
	// The last byte of the client's flight is in the encrypted Finished.
	c, s := newPair(t)
	hello, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	flight, _, err := s.Step(ctx, hello)
	require.NoError(t, err)
	finished, _, err := c.Step(ctx, flight)
	require.NoError(t, err)
	finished[len(finished)-1] ^= 1
	_, _, err = s.Step(ctx, finished)
	require.ErrorIs(t, err, ErrHandshake)
}

func TestAlertNames(t *testing.T) {
	require.Equal(t, "alert", (&AlertError{Description: 255}).Name())
	require.False(t, (&AlertError{Description: 40}).Certificate())
	require.True(t, (&AlertError{Description: 48}).Certificate())
}

func FuzzClientStep(f *testing.F) {
	c, s := newPair(f)
	flights := tokens(f, c, s)
	f.Add(flights[1], flights[3])
	f.Add(newRecord(typeAlert, 2, 40), []byte{})
	f.Add([]byte("not TLS"), []byte{22})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		c := &Client{Certificate: c.Certificate}
		defer c.Close()
		_, _, err := c.Step(ctx, nil)
		require.NoError(t, err)
		for _, token := range [][]byte{first, second} {
			out, done, err := c.Step(ctx, token)
			require.False(t, done) // nobody guesses a Finished
			if err != nil {
				require.True(t, errors.Is(err, ErrToken) || errors.Is(err, ErrHandshake), "%v", err)
				return
			}
			require.NotEmpty(t, out)
		}
	})
}

func FuzzServerStep(f *testing.F) {
	c, s := newPair(f)
	flights := tokens(f, c, s)
	f.Add(flights[0], flights[2])
	f.Add(newRecord(typeHandshake, newMessage(1, 40)...), []byte{})
	f.Add([]byte("not TLS"), []byte{22})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := &Server{Certificate: s.Certificate, ClientCAs: s.ClientCAs}
		defer s.Close()
		for _, token := range [][]byte{first, second} {
			out, done, err := s.Step(ctx, token)
			require.False(t, done)
			if err != nil {
				require.True(t, errors.Is(err, ErrToken) || errors.Is(err, ErrHandshake), "%v", err)
				return
			}
			require.NotEmpty(t, out)
		}
	})
}
