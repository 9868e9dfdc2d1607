package ntlm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

// newServer is a server that knows one user.
func newServer(user, domain, password string) *Server {
	return &Server{
		NetBIOSDomain: "OCS", NetBIOSComputer: "SIP", DNSDomain: "ocs.test", DNSComputer: "sip.ocs.test", DNSForest: "ocs.test",
		Password: func(u, d string) (string, bool) {
			if u != user || d != domain {
				return "", false
			}
			return password, true
		},
	}
}

// handshake runs a handshake to its end and returns the server's verdict.
func handshake(t *testing.T, c *Client, s *Server) error {
	t.Helper()
	out, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	out, _, err = s.Step(ctx, out)
	require.NoError(t, err)
	out, done, err := c.Step(ctx, out)
	require.NoError(t, err)
	require.True(t, done)
	_, done, err = s.Step(ctx, out)
	require.Equal(t, err == nil, done)
	return err
}

func requireSignaturesBothWays(t *testing.T, c *Client, s *Server) {
	t.Helper()
	buffer := []byte("<NTLM><00000000><1>")
	for _, way := range []struct {
		sign   func([]byte) ([]byte, error)
		verify func(buffer, signature []byte) error
	}{{c.Sign, s.Verify}, {s.Sign, c.Verify}} {
		signature, err := way.sign(buffer)
		require.NoError(t, err)
		require.NoError(t, way.verify(buffer, signature))
		require.ErrorIs(t, way.verify([]byte("<NTLM><00000000><2>"), signature), ErrSignature)
		require.ErrorIs(t, way.verify(buffer, signature[:15]), ErrSignature)
		require.ErrorIs(t, way.verify(buffer, nil), ErrSignature)
	}
}

func TestPasswordLengths(t *testing.T) {
	for n := range 71 {
		password := strings.Repeat("p", n)
		c, s := &Client{User: "alice", Domain: "OCS", Password: password}, newServer("alice", "OCS", password)
		require.NoError(t, handshake(t, c, s), "password of %d characters", n)
		requireSignaturesBothWays(t, c, s)
		require.ErrorIs(t, handshake(t, &Client{User: "alice", Domain: "OCS", Password: password + "x"},
			newServer("alice", "OCS", password)), ErrLogon)
	}
}

// The hashes are from OpenSSL: an MD4 that fails around its block size fails for passwords of 28 to 31 characters.
func TestNTHashOfPasswordsAroundTheMD4Block(t *testing.T) {
	for _, tc := range []struct {
		length int
		want   string
	}{
		{0, "31d6cfe0d16ae931b73c59d7e0c089c0"},
		{27, "bb74ada93c5c6e0f39ac5740399a7e24"},
		{28, "f8375072f81d47d441cf52a3e3214156"},
		{31, "40f28f71f45a27de3a98846231e2b01a"},
		{32, "15a58976e8efa206277c7cba8cac56a9"},
		{60, "2049585fee1b8026d287c0172ca44146"},
		{63, "df7623d6cec5d257f36b451ac146b3db"},
		{70, "5c44c21653a47bd9dbb6619adf501ef9"},
	} {
		requireHex(t, tc.want, ntowfv1(strings.Repeat("p", tc.length)))
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct{ name, user, domain, password string }{
		{"domain and user", "alice", "OCS", "secret"},
		{"empty domain", "alice", "", "secret"},
		{"user principal name", "alice@ocs.test", "", "secret"},
		{"empty password", "alice", "OCS", ""},
		{"not ASCII", "Jürgen Ωmega", "МОСКВА", "pässwörd ключ"},
		{"outside the first plane", "𝒜lice", "OCS", "🔑🔑"},
		{"no case pair in Windows", "strauß-ı-ſ-µ", "OCS", "secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &Client{User: tc.user, Domain: tc.domain, Password: tc.password, Workstation: "VM"}
			s := newServer(tc.user, tc.domain, tc.password)
			require.NoError(t, handshake(t, c, s))
			requireSignaturesBothWays(t, c, s)
			user, domain, workstation := s.Names()
			require.Equal(t, []string{tc.user, tc.domain, "VM"}, []string{user, domain, workstation})
		})
	}
}

func TestUserIsUpperCasedForTheKeyAndDomainIsNot(t *testing.T) {
	hash := ntowfv1("secret")
	require.Equal(t, ntowfv2(hash, "JÜRGEN", "d"), ntowfv2(hash, "jürgen", "d"))
	require.NotEqual(t, ntowfv2(hash, "jürgen", "D"), ntowfv2(hash, "jürgen", "d"))
}

func TestUpper(t *testing.T) {
	for in, want := range map[string]string{
		"alice":  "ALICE",
		"jürgen": "JÜRGEN",
		"ÿ":      "Ÿ",
		"ωλ":     "ΩΛ",
		"ключ":   "КЛЮЧ",
		"ßıſµ":   "ßıſµ",
		"𐐨":      "𐐨", // Deseret: no case beyond the first plane
	} {
		require.Equal(t, want, upper(in))
	}
}

func TestUnknownUserAndWrongPasswordAreOneError(t *testing.T) {
	wrong := handshake(t, &Client{User: "alice", Password: "wrong"}, newServer("alice", "", "secret"))
	unknown := handshake(t, &Client{User: "nobody", Password: "secret"}, newServer("alice", "", "secret"))
	empty := handshake(t, &Client{User: "nobody", Password: ""}, newServer("alice", "", "secret"))
	require.Equal(t, ErrLogon, wrong)
	require.Equal(t, ErrLogon, unknown)
	require.Equal(t, ErrLogon, empty)
}

func TestClientRefusesServerThatLacksAFlag(t *testing.T) {
	for rest := required | requiredV2; rest != 0; rest &= rest - 1 {
		flag := Flags(1) << bits.TrailingZeros32(uint32(rest))
		t.Run(flag.String(), func(t *testing.T) {
			challenge := (&Challenge{Flags: offered &^ flag, TargetInfo: appendAV(nil, avEOL, nil)}).Marshal()
			c := &Client{User: "alice", Password: "secret"}
			_, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			out, done, err := c.Step(ctx, challenge)
			require.ErrorContains(t, err, "does not offer "+flag.String())
			require.False(t, done)
			require.Empty(t, out)
			_, err = c.Sign(nil)
			require.Error(t, err)
		})
	}
}

func TestClientRefuses(t *testing.T) {
	good := (&Challenge{Flags: offered, TargetInfo: appendAV(nil, avEOL, nil)}).Marshal()
	for _, tc := range []struct {
		name   string
		tokens [][]byte
	}{
		{"token before the handshake", [][]byte{good}},
		{"empty challenge", [][]byte{nil, {}}},
		{"cut challenge", [][]byte{nil, good[:40]}},
		{"AUTHENTICATE_MESSAGE for a challenge", [][]byte{nil, (&Authenticate{}).Marshal()}},
		{"target information without an end", [][]byte{nil, (&Challenge{Flags: offered, TargetInfo: []byte{2, 0}}).Marshal()}},
		{"second challenge", [][]byte{nil, good, good}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &Client{User: "alice", Password: "secret"}
			for i, token := range tc.tokens {
				_, _, err := c.Step(ctx, token)
				if i < len(tc.tokens)-1 {
					require.NoError(t, err)
				} else {
					require.Error(t, err)
				}
			}
		})
	}
}

func TestServerRefuses(t *testing.T) {
	answer := func(change func(*Authenticate)) func(t *testing.T, challenge []byte) []byte {
		return func(t *testing.T, challenge []byte) []byte {
			c := &Client{User: "alice", Domain: "OCS", Password: "secret"}
			_, _, err := c.Step(ctx, nil)
			require.NoError(t, err)
			out, _, err := c.Step(ctx, challenge)
			require.NoError(t, err)
			a, err := ParseAuthenticate(out)
			require.NoError(t, err)
			change(a)
			return a.Marshal()
		}
	}
	for _, tc := range []struct {
		name string
		make func(t *testing.T, challenge []byte) []byte
		want string
	}{
		{"NTLMv1 response", answer(func(a *Authenticate) { a.NTResponse = make([]byte, 24) }), "not NTLMv2"},
		{"no response (anonymous)", answer(func(a *Authenticate) { a.NTResponse, a.User = nil, "" }), "not NTLMv2"},
		{"other blob version", answer(func(a *Authenticate) { a.NTResponse[16] = 2 }), "unknown version"},
		{"changed blob", answer(func(a *Authenticate) { a.NTResponse[24] ^= 1 }), ErrLogon.Error()},
		{"changed domain", answer(func(a *Authenticate) { a.Domain = "ocs" }), ErrLogon.Error()},
		{"no key exchange", answer(func(a *Authenticate) { a.Flags &^= NegotiateKeyExchange }), "KEY_EXCH"},
		{"not a datagram client", answer(func(a *Authenticate) { a.Flags &^= NegotiateDatagram }), "DATAGRAM"},
		{"no session key", answer(func(a *Authenticate) { a.SessionKey = nil }), "session key of 0 bytes"},
		{"the challenge sent back", func(_ *testing.T, challenge []byte) []byte { return challenge }, "message"},
		{"empty token again", func(*testing.T, []byte) []byte { return nil }, "too short"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer("alice", "OCS", "secret")
			challenge, _, err := s.Step(ctx, nil)
			require.NoError(t, err)
			_, done, err := s.Step(ctx, tc.make(t, challenge))
			require.ErrorContains(t, err, tc.want)
			require.False(t, done)
			_, err = s.Sign(nil)
			require.Error(t, err)
			require.Error(t, s.Verify(nil, make([]byte, 16)))
		})
	}
}

func TestAnswerIsGoodForItsOwnChallengeOnly(t *testing.T) {
	c, first, second := &Client{User: "alice", Password: "secret"}, newServer("alice", "", "secret"), newServer("alice", "", "secret")
	challenge, _, err := first.Step(ctx, nil)
	require.NoError(t, err)
	_, _, err = second.Step(ctx, nil)
	require.NoError(t, err)
	_, _, err = c.Step(ctx, nil)
	require.NoError(t, err)
	answer, _, err := c.Step(ctx, challenge)
	require.NoError(t, err)

	_, _, err = second.Step(ctx, answer)
	require.ErrorIs(t, err, ErrLogon)
	_, _, err = first.Step(ctx, answer)
	require.NoError(t, err)
	_, _, err = first.Step(ctx, answer)
	require.ErrorContains(t, err, "handshake has ended")
}

func TestRandomSourceThatFails(t *testing.T) {
	empty := strings.NewReader("")
	_, _, err := (&Server{Rand: empty}).Step(ctx, nil)
	require.ErrorIs(t, err, io.EOF)

	c := &Client{User: "alice", Password: "secret", Rand: empty}
	_, _, err = c.Step(ctx, nil)
	require.NoError(t, err)
	_, _, err = c.Step(ctx, (&Challenge{Flags: offered, TargetInfo: appendAV(nil, avEOL, nil)}).Marshal())
	require.ErrorIs(t, err, io.EOF)
}

func TestNoSecretInPrints(t *testing.T) {
	c, s := &Client{User: "alice", Password: "hunter2", Domain: "OCS"}, newServer("alice", "OCS", "hunter2")
	require.NoError(t, handshake(t, c, s))
	for _, v := range []any{c, *c, s, *s, errors.Join(ErrLogon, ErrSignature)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, "hunter2")
			require.NotContains(t, text, fmt.Sprintf("%d", c.session.send.sign))
			require.Less(t, len(text), 200)
		}
	}
}

func TestFlagsString(t *testing.T) {
	require.Equal(t, "UNICODE SIGN DATAGRAM", (NegotiateUnicode | NegotiateSign | NegotiateDatagram).String())
	require.Equal(t, "OEM 0x00000100", (NegotiateOEM | 0x100).String())
	require.Equal(t, answered, Flags(0x40988251))
	require.Equal(t, offered, Flags(0xE2988273))
}
