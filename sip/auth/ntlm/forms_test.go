package ntlm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a server offers less than all, the two sides come to the same keys.
func TestForms(t *testing.T) {
	for _, tc := range []struct {
		name string
		less Flags // of what is offered
		v1   bool
		want Flags
	}{
		{"NTLMv2", 0, false, 0x62988255},
		{"NTLMv2 of 56 bits", Negotiate128, false, 0xC2988255},
		{"NTLMv2 of 40 bits", Negotiate128 | Negotiate56, false, 0x42988255},
		{"NTLMv2 without key exchange", NegotiateKeyExchange, false, 0x22988255},
		{"NTLMv2 in OEM text", NegotiateUnicode, false, 0x62988256},
		{"NTLMv2 without IDENTIFY", NegotiateIdentify, false, 0x62888255},
		{"NTLMv1 with extended session security", NegotiateTargetInfo, true, 0x62188255},
		{"likewise, of 56 bits and without key exchange", NegotiateTargetInfo | Negotiate128 | NegotiateKeyExchange, true, 0x82188255},
		{"NTLMv1", NegotiateExtendedSessionSecurity | NegotiateTargetInfo, true, 0x62108255},
		{"NTLMv1 without key exchange", requiredV2 | NegotiateKeyExchange, true, 0x22108255},
		{"NTLMv1 of 40 bits in OEM text", requiredV2 | Negotiate128 | Negotiate56 | NegotiateUnicode, true, 0x42108256},
	} {
		for _, password := range []string{"secret", "", "pässwörd ключ"} {
			t.Run(tc.name+" "+password, func(t *testing.T) {
				c := &Client{User: "jürgen", Domain: "OCS", Password: password, AllowV1: tc.v1}
				s := newServer("jürgen", "OCS", password)
				s.Offer, s.AllowV1 = offered&^tc.less, tc.v1
				require.False(t, c.V1())
				require.NoError(t, handshake(t, c, s))
				requireSignaturesBothWays(t, c, s)
				require.Equal(t, tc.want, s.client.Flags, s.client.Flags.String())
				require.Equal(t, tc.v1, c.V1())
				if tc.v1 {
					require.Len(t, s.client.NTResponse, responseSizeV1)
				}

				wrong := newServer("jürgen", "OCS", password+"x")
				wrong.Offer, wrong.AllowV1 = s.Offer, s.AllowV1
				require.ErrorIs(t, handshake(t, &Client{User: "jürgen", Domain: "OCS", Password: password, AllowV1: tc.v1}, wrong), ErrLogon)
			})
		}
	}
}

func TestNTLMv1NeedsToBeAllowed(t *testing.T) {
	for _, less := range []Flags{NegotiateTargetInfo, NegotiateExtendedSessionSecurity, requiredV2} {
		s := newServer("alice", "OCS", "secret")
		s.Offer, s.AllowV1 = offered&^less, true
		challenge, _, err := s.Step(ctx, nil)
		require.NoError(t, err)

		c := &Client{User: "alice", Domain: "OCS", Password: "secret"}
		_, _, err = c.Step(ctx, nil)
		require.NoError(t, err)
		out, _, err := c.Step(ctx, challenge)
		require.ErrorContains(t, err, "does not offer "+less.String())
		require.Empty(t, out)

		c = &Client{User: "alice", Domain: "OCS", Password: "secret", AllowV1: true}
		s = newServer("alice", "OCS", "secret")
		s.Offer = offered &^ less
		require.ErrorContains(t, handshake(t, c, s), "not NTLMv2")
	}
}

// A server that can do better gets better, whatever is allowed.
func TestNTLMv1IsTheLastResort(t *testing.T) {
	c, s := &Client{User: "alice", Domain: "OCS", Password: "secret", AllowV1: true}, newServer("alice", "OCS", "secret")
	s.AllowV1 = true
	require.NoError(t, handshake(t, c, s))
	require.False(t, c.V1())
	require.Greater(t, len(s.client.NTResponse), responseSizeV1)
}
