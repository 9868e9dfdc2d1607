package ntlm

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// streamHandshake runs a handshake and returns the three messages and the server's verdict.
func streamHandshake(t *testing.T, c *StreamClient, s *StreamServer, change func(authenticate []byte) []byte) ([3][]byte, error) {
	t.Helper()
	negotiate, done, err := c.Step(ctx, nil)
	require.NoError(t, err)
	require.False(t, done)
	challenge, done, err := s.Step(ctx, negotiate)
	require.NoError(t, err)
	require.False(t, done)
	authenticate, done, err := c.Step(ctx, challenge)
	require.NoError(t, err)
	require.True(t, done)
	if change != nil {
		authenticate = change(bytes.Clone(authenticate))
	}
	_, done, err = s.Step(ctx, authenticate)
	require.Equal(t, err == nil, done)
	return [3][]byte{negotiate, challenge, authenticate}, err
}

func newStreamServer() *StreamServer {
	return &StreamServer{Server: newServer("alice", "OCS", "secret")}
}

func newStreamClient() *StreamClient {
	return &StreamClient{User: "alice", Domain: "OCS", Password: "secret", Workstation: "VM", Target: "HTTP/sip.ocs.test"}
}

// The NEGOTIATE_MESSAGE of a client in the field, recorded.
func TestStreamNegotiateMessage(t *testing.T) {
	out, _, err := newStreamClient().Step(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, "TlRMTVNTUAABAAAABYKIogAAAAAoAAAAAAAAACgAAAAFASgKAAAADw==", base64.StdEncoding.EncodeToString(out))
	require.Equal(t, streamRequired, Flags(0x00888201))
	require.Equal(t, streamOffered, Flags(0xA2888205))
}

func TestStreamHandshake(t *testing.T) {
	for _, tc := range []struct{ name, user, domain, password string }{
		{"domain and user", "alice", "OCS", "secret"},
		{"user principal name", "alice@ocs.test", "", "secret"},
		{"empty password", "alice", "OCS", ""},
		{"not ASCII", "Jürgen Ωmega", "МОСКВА", "pässwörd ключ"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &StreamClient{User: tc.user, Domain: tc.domain, Password: tc.password, Workstation: "VM"}
			s := &StreamServer{Server: newServer(tc.user, tc.domain, tc.password)}
			messages, err := streamHandshake(t, c, s, nil)
			require.NoError(t, err)
			user, domain, workstation := s.Names()
			require.Equal(t, []string{tc.user, tc.domain, "VM"}, []string{user, domain, workstation})
			a, err := ParseAuthenticate(messages[2])
			require.NoError(t, err)
			require.Equal(t, Flags(0x22888205), a.Flags)
			require.Empty(t, a.SessionKey)
			require.Equal(t, make([]byte, 24), a.LMResponse, "no LM response where there is a MIC")
		})
	}
}

func TestStreamMICCoversAllThreeMessages(t *testing.T) {
	c, s := newStreamClient(), newStreamServer()
	messages, err := streamHandshake(t, c, s, nil)
	require.NoError(t, err)

	// By hand: without key exchange the MIC's key is the SessionBaseKey.
	a, err := ParseAuthenticate(messages[2])
	require.NoError(t, err)
	key := hmacMD5(ntowfv2(ntowfv1("secret"), "alice", "OCS"), a.NTResponse[:16])
	mac := hmac.New(md5.New, key)
	mac.Write(messages[0])
	mac.Write(messages[1])
	mac.Write(messages[2][:72])
	mac.Write(make([]byte, 16))
	mac.Write(messages[2][88:])
	require.Equal(t, mac.Sum(nil), messages[2][72:88])
	flags, err := findAV(a.NTResponse[16+blobFixed:], avFlags)
	require.NoError(t, err)
	require.Equal(t, []byte{avFlagMIC, 0, 0, 0}, flags)
}

func TestStreamServerRefusesWrongMIC(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"changed MIC":   func(b []byte) []byte { b[72] ^= 1; return b },
		"no MIC":        func(b []byte) []byte { clear(b[72:88]); return b },
		"changed flags": func(b []byte) []byte { b[63] ^= 0x20; return b },
		"key exchange without a key": func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[60:], binary.LittleEndian.Uint32(b[60:])|uint32(NegotiateKeyExchange))
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := streamHandshake(t, newStreamClient(), newStreamServer(), change)
			require.ErrorIs(t, err, ErrLogon)
		})
	}
}

func TestStreamServerRefusesWhatWasNegotiatedOtherwise(t *testing.T) {
	// Somebody in between asks for less than the client did: only the MIC tells.
	c, s := newStreamClient(), newStreamServer()
	negotiate, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	negotiate = bytes.Clone(negotiate)
	negotiate[15] &^= 0x20 // 128
	challenge, _, err := s.Step(ctx, negotiate)
	require.NoError(t, err)
	authenticate, _, err := c.Step(ctx, challenge)
	require.NoError(t, err)
	_, _, err = s.Step(ctx, authenticate)
	require.ErrorIs(t, err, ErrLogon)
}

func TestStreamWrongPasswordAndUnknownUser(t *testing.T) {
	wrong, unknown := newStreamClient(), newStreamClient()
	wrong.Password, unknown.User = "wrong", "nobody"
	for _, c := range []*StreamClient{wrong, unknown} {
		s := newStreamServer()
		_, err := streamHandshake(t, c, s, nil)
		require.Equal(t, ErrLogon, err)
		user, _, _ := s.Names()
		require.Empty(t, user)
	}
}

// The example of Microsoft's "NTLM and Channel Binding Hash (aka Extended Protection for Authentication)".
func TestChannelBindingHash(t *testing.T) {
	data := append([]byte("tls-server-end-point:"), unhex("ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95")...)
	requireHex(t, "6586e99d81c2fc984e47172fd4dd0310", channelBindingHash(data))
}

func TestStreamChannelBinding(t *testing.T) {
	here, there := []byte("tls-server-end-point:here"), []byte("tls-server-end-point:there")
	for _, tc := range []struct {
		name           string
		client, server []byte
		want           error
	}{
		{"both the same", here, here, nil},
		{"passed on by another server", there, here, ErrChannelBinding},
		{"client has none", nil, here, nil},
		{"server looks at none", there, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := newStreamClient(), newStreamServer()
			c.ChannelBinding, s.ChannelBinding = tc.client, tc.server
			messages, err := streamHandshake(t, c, s, nil)
			require.Equal(t, tc.want, err)
			a, err := ParseAuthenticate(messages[2])
			require.NoError(t, err)
			info := a.NTResponse[16+blobFixed:]
			bound, err := findAV(info, avChannelBindings)
			require.NoError(t, err)
			require.Equal(t, tc.client != nil, len(bound) == 16)
			target, err := findAV(info, avTargetName)
			require.NoError(t, err)
			require.Equal(t, utf16le("HTTP/sip.ocs.test"), target)
		})
	}
}

func TestStreamClientOfServerWithoutTimestamp(t *testing.T) {
	// An old server: no MIC, an LMv2 response, its target information unchanged.
	info := appendAV(appendAV(nil, avNetBIOSDomain, utf16le("OCS")), avEOL, nil)
	challenge := &Challenge{Flags: 0x22898205, ServerChallenge: exampleServerChallenge, TargetInfo: info}
	c := &StreamClient{User: "alice", Domain: "OCS", Password: "secret"}
	_, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	out, done, err := c.Step(ctx, challenge.Marshal())
	require.NoError(t, err)
	require.True(t, done)
	a, err := ParseAuthenticate(out)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 16), out[72:88])
	key := ntowfv2(ntowfv1("secret"), "alice", "OCS")
	require.Equal(t, lmResponseV2(key, exampleServerChallenge, [8]byte(a.LMResponse[16:])), a.LMResponse)
	require.Equal(t, append(bytes.Clone(info), 0, 0, 0, 0), a.NTResponse[16+blobFixed:])
	require.Equal(t, ntProof(key, exampleServerChallenge, a.NTResponse[16:]), a.NTResponse[:16])
}

func TestStreamClientRefuses(t *testing.T) {
	whole := appendAV(nil, avEOL, nil)
	for _, tc := range []struct {
		name      string
		challenge []byte
		want      string
	}{
		{"nothing", nil, "too short"},
		{"no NTLMv2", (&Challenge{Flags: streamOffered &^ NegotiateTargetInfo}).Marshal(), "does not offer TARGET_INFO"},
		{"OEM only", (&Challenge{Flags: streamOffered&^NegotiateUnicode | NegotiateOEM, TargetInfo: whole}).Marshal(), "does not offer UNICODE"},
		{"long target information", (&Challenge{Flags: streamOffered, TargetInfo: append(appendAV(nil, avDNSForest, make([]byte, maxTargetInfo)), whole...)}).Marshal(), "too long"},
		{"target information without an end", (&Challenge{Flags: streamOffered, TargetInfo: []byte{2, 0}}).Marshal(), "cut off"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newStreamClient()
			_, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			out, done, err := c.Step(ctx, tc.challenge)
			require.ErrorContains(t, err, tc.want)
			require.False(t, done)
			require.Empty(t, out)
			_, _, err = c.Step(ctx, tc.challenge)
			require.ErrorContains(t, err, "handshake has ended")
		})
	}
	_, _, err := newStreamClient().Step(ctx, []byte{1})
	require.ErrorContains(t, err, "before the handshake")
}

func TestStreamServerRefuses(t *testing.T) {
	_, _, err := newStreamServer().Step(ctx, nil)
	require.ErrorContains(t, err, "too short")
	s := newStreamServer()
	negotiate, _, err := newStreamClient().Step(ctx, nil)
	require.NoError(t, err)
	_, _, err = s.Step(ctx, negotiate)
	require.NoError(t, err)
	_, _, err = s.Step(ctx, append(bytes.Clone(negotiate), make([]byte, 40)...))
	require.ErrorContains(t, err, "message type 1")
	_, _, err = s.Step(ctx, negotiate)
	require.ErrorContains(t, err, "handshake has ended")
}

func TestStreamServerAnswersInTheClientsCharacterSet(t *testing.T) {
	s := newStreamServer()
	negotiate := make([]byte, 32)
	putHeader(negotiate, typeNegotiate)
	binary.LittleEndian.PutUint32(negotiate[12:], uint32(NegotiateOEM|RequestTarget|NegotiateNTLM))
	out, _, err := s.Step(ctx, negotiate)
	require.NoError(t, err)
	c, err := ParseChallenge(out)
	require.NoError(t, err)
	require.False(t, c.Flags.has(NegotiateUnicode))
	require.True(t, c.Flags.has(NegotiateOEM|TargetTypeDomain))
	require.Equal(t, "OCS", c.TargetName)
}

func TestNoSecretInPrintsOfStream(t *testing.T) {
	c, s := newStreamClient(), newStreamServer()
	_, err := streamHandshake(t, c, s, nil)
	require.NoError(t, err)
	for _, v := range []any{c, *c, s, *s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, v), "secret")
		}
	}
}

func FuzzStream(f *testing.F) {
	negotiate, _, err := newStreamClient().Step(ctx, nil)
	require.NoError(f, err)
	challenge, _, err := newStreamServer().Step(ctx, negotiate)
	require.NoError(f, err)
	c := newStreamClient()
	_, _, err = c.Step(ctx, nil)
	require.NoError(f, err)
	authenticate, _, err := c.Step(ctx, challenge)
	require.NoError(f, err)
	f.Add(negotiate, challenge, authenticate)
	f.Add([]byte("NTLMSSP\x00"), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, negotiate, challenge, authenticate []byte) {
		s := newStreamServer()
		if _, _, err := s.Step(ctx, negotiate); err == nil {
			_, done, err := s.Step(ctx, authenticate)
			require.Error(t, err) // nobody guesses the response
			require.False(t, done)
		}
		c := newStreamClient()
		_, _, err := c.Step(ctx, nil)
		require.NoError(t, err)
		if out, done, err := c.Step(ctx, challenge); err == nil {
			require.True(t, done)
			_, err := ParseAuthenticate(out)
			require.NoError(t, err)
		}
	})
}
