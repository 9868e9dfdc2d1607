//go:build peers

package peers

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// ntlmUsers are those whom gss-ntlmssp knows as acceptor, and is as initiator.
var ntlmUsers = []struct{ name, domain, user, password string }{
	{"domain and user", "OCS", "alice", "Passw0rd!"},
	{"lower-case domain", "ocs.test", "Bob", "x"},
	{"password of 28 characters", "OCS", "dave", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	{"not ASCII", "MÜNCHEN", "jürgen", "pässwörd ключ"},
}

// newNTLMJudge starts gss-ntlmssp with the users above, spoken to through ntlm_judge.py.
func newNTLMJudge(t *testing.T) *judge {
	t.Helper()
	var users []byte
	for _, u := range ntlmUsers {
		users = append(users, u.domain+":"+u.user+":"+u.password+"\n"...)
	}
	file := filepath.Join(scratch(t), "users")
	require.NoError(t, os.WriteFile(file, users, 0o600))
	t.Setenv("NTLM_USER_FILE", file)
	t.Setenv("NETBIOS_COMPUTER_NAME", "SERVER")
	t.Setenv("NETBIOS_DOMAIN_NAME", "OCS")
	return newJudge(t, "ntlm_judge.py")
}

// askBytes is ask with byte strings; the empty one is written as "-".
func (j *judge) askBytes(command string, operands ...[]byte) (string, error) {
	words := make([]string, len(operands))
	for i, o := range operands {
		if words[i] = hex.EncodeToString(o); len(o) == 0 {
			words[i] = "-"
		}
	}
	return j.ask(command, words...)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// ntlmChallenge returns the judge's CHALLENGE_MESSAGE with IDENTIFY added, which gss-ntlmssp does not offer, and a
// client of SIP insists on. The message is not protected, so the judge does not mind.
func ntlmChallenge(t *testing.T, j *judge) []byte {
	t.Helper()
	answer, err := j.askBytes("challenge")
	require.NoError(t, err)
	challenge := unhex(t, answer)
	flags := binary.LittleEndian.Uint32(challenge[20:]) | uint32(ntlm.NegotiateIdentify)
	binary.LittleEndian.PutUint32(challenge[20:], flags)
	return challenge
}

// requireNTLMSignatures lets the judge verify our signature and us the judge's, and refuse each under another text.
func requireNTLMSignatures(t *testing.T, j *judge, m mechanism) {
	t.Helper()
	text, other := []byte("<NTLM><1><server.ocs.test>"), []byte("<NTLM><2><server.ocs.test>")
	for range 2 { // the sequence number stays, and no cipher's state is carried over
		ours, err := m.Sign(text)
		require.NoError(t, err)
		require.Equal(t, "64000000", hex.EncodeToString(ours[12:]))
		_, err = j.askBytes("verify", other, ours)
		require.ErrorContains(t, err, "gss_verify_mic: major 0x60000") // GSS_S_BAD_SIG
		_, err = j.askBytes("verify", text, ours)
		require.NoError(t, err)

		answer, err := j.askBytes("sign", text)
		require.NoError(t, err)
		theirs := unhex(t, answer)
		require.NoError(t, m.Verify(text, theirs))
		require.ErrorIs(t, m.Verify(other, theirs), ntlm.ErrSignature)
	}
}

func TestNTLMWithGSSNTLMSSP(t *testing.T) {
	j := newNTLMJudge(t)
	for _, u := range ntlmUsers {
		t.Run("client role "+u.name, func(t *testing.T) {
			c := &ntlm.Client{User: u.user, Domain: u.domain, Password: u.password, Workstation: "VM"}
			_, _, err := c.Step(t.Context(), nil)
			require.NoError(t, err)
			authenticate, done, err := c.Step(t.Context(), ntlmChallenge(t, j))
			require.NoError(t, err)
			require.True(t, done)
			name, err := j.askBytes("accept", authenticate)
			require.NoError(t, err)
			require.Equal(t, u.domain+`\`+u.user, name)
			requireNTLMSignatures(t, j, c)
		})
		t.Run("server role "+u.name, func(t *testing.T) {
			s := ntlmServer(u.user, u.domain, u.password)
			challenge, _, err := s.Step(t.Context(), nil)
			require.NoError(t, err)
			_, err = j.askBytes("initiate", []byte(u.domain+`\`+u.user), []byte(u.password))
			require.NoError(t, err)
			answer, err := j.askBytes("authenticate", challenge)
			require.NoError(t, err)
			_, done, err := s.Step(t.Context(), unhex(t, answer))
			require.NoError(t, err)
			require.True(t, done)
			user, domain, _ := s.Names()
			require.Equal(t, u.domain+`\`+u.user, domain+`\`+user)
			requireNTLMSignatures(t, j, s)
		})
	}
	// gss-ntlmssp cannot do without key exchange, and without extended session security not as Microsoft's server does.
	const offer ntlm.Flags = 0xE2988273 // of Office Communications Server 2007 R2
	for name, less := range map[string]ntlm.Flags{
		"56 bits": ntlm.Negotiate128, "40 bits": ntlm.Negotiate128 | ntlm.Negotiate56, "OEM text": ntlm.NegotiateUnicode,
	} {
		t.Run("server role "+name, func(t *testing.T) {
			s := ntlmServer("alice", "OCS", "Passw0rd!")
			s.Offer = offer &^ less
			challenge, _, err := s.Step(t.Context(), nil)
			require.NoError(t, err)
			_, err = j.askBytes("initiate", []byte(`OCS\alice`), []byte("Passw0rd!"))
			require.NoError(t, err)
			answer, err := j.askBytes("authenticate", challenge)
			require.NoError(t, err)
			_, _, err = s.Step(t.Context(), unhex(t, answer))
			require.NoError(t, err)
			requireNTLMSignatures(t, j, s)
		})
	}
	t.Run("client role wrong password", func(t *testing.T) {
		c := &ntlm.Client{User: "alice", Domain: "OCS", Password: "Passw0rd?"}
		_, _, err := c.Step(t.Context(), nil)
		require.NoError(t, err)
		authenticate, _, err := c.Step(t.Context(), ntlmChallenge(t, j))
		require.NoError(t, err)
		_, err = j.askBytes("accept", authenticate)
		require.ErrorContains(t, err, "gss_accept_sec_context")
	})
	t.Run("server role wrong password", func(t *testing.T) {
		s := ntlmServer("alice", "OCS", "Passw0rd!")
		challenge, _, err := s.Step(t.Context(), nil)
		require.NoError(t, err)
		_, err = j.askBytes("initiate", []byte(`OCS\alice`), []byte("Passw0rd?"))
		require.NoError(t, err)
		answer, err := j.askBytes("authenticate", challenge)
		require.NoError(t, err)
		_, _, err = s.Step(t.Context(), unhex(t, answer))
		require.ErrorIs(t, err, ntlm.ErrLogon)
	})
}

// ntlmServer is a server that knows one user.
func ntlmServer(user, domain, password string) *ntlm.Server {
	return &ntlm.Server{
		NetBIOSDomain: "OCS", NetBIOSComputer: "SERVER", DNSDomain: "ocs.test", DNSComputer: "server.ocs.test",
		Password: func(u, d string) (string, bool) { return password, u == user && d == domain },
	}
}
