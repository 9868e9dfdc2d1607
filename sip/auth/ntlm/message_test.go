package ntlm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRefusesDamagedMessages(t *testing.T) {
	good := exchanges()[0]
	change := func(b []byte, at int, v ...byte) []byte {
		c := append([]byte(nil), b...)
		copy(c[at:], v)
		return c
	}
	for _, tc := range []struct {
		name  string
		input []byte
		want  string
	}{
		{"nothing", nil, "too short"},
		{"no signature", change(good.type2, 0, 'X'), "no NTLMSSP signature"},
		{"type 1", change(good.type2, 8, 1), "message type 1"},
		{"target name outside", change(good.type2, 12, 2, 0, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF), "target name"},
		{"odd target name", change(good.type2, 12, 3, 0, 3, 0, 56, 0), "odd number of bytes"},
		{"target information outside", change(good.type2, 44, 0xFF, 0xFF, 0xFF, 0xFF), "target information"},
		{"too long", make([]byte, maxMessage+1), "too long"},
	} {
		t.Run("challenge/"+tc.name, func(t *testing.T) {
			_, err := ParseChallenge(tc.input)
			require.ErrorContains(t, err, tc.want)
		})
	}
	for _, at := range []int{12, 20, 28, 36, 44, 52} {
		_, err := ParseAuthenticate(change(good.type3, at+4, 0xFF, 0xFF, 0xFF, 0xFF))
		require.ErrorContains(t, err, "points outside")
	}
}

func TestOEMTextIsReadByteByByte(t *testing.T) {
	a := &Authenticate{User: "alice", Domain: "OCS", Flags: NegotiateOEM}
	got, err := ParseAuthenticate(a.Marshal())
	require.NoError(t, err)
	require.Equal(t, "alice", got.User)
	require.Equal(t, "OCS", got.Domain)
	require.Equal(t, []byte("a?"), encodeText("aΩ", NegotiateOEM))
}

func FuzzParseChallenge(f *testing.F) {
	for _, r := range exchanges() {
		f.Add(r.type2)
		f.Add(r.type2[:50])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseChallenge(b)
		if err != nil {
			return
		}
		again, err := ParseChallenge(c.Marshal())
		require.NoError(t, err)
		if len(b) < challengeHeader { // too short for a Version: Marshal adds one
			return
		}
		require.Equal(t, c, again)

		client := &Client{User: "alice", Password: "secret"}
		_, _, err = client.Step(ctx, nil)
		require.NoError(t, err)
		if out, done, err := client.Step(ctx, b); err == nil {
			require.True(t, done)
			_, err := ParseAuthenticate(out)
			require.NoError(t, err)
		}
	})
}

func FuzzParseAuthenticate(f *testing.F) {
	for _, r := range exchanges() {
		f.Add(r.type3)
		f.Add(r.type3[:70])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAuthenticate(b)
		if err != nil {
			return
		}
		if out := a.Marshal(); len(out) <= maxMessage {
			_, err := ParseAuthenticate(out)
			require.NoError(t, err)
		}
		s := newServer("alice", "OCS", "secret")
		_, _, err = s.Step(ctx, nil)
		require.NoError(t, err)
		_, done, err := s.Step(ctx, b)
		require.Error(t, err) // nobody guesses the response
		require.False(t, done)
	})
}
