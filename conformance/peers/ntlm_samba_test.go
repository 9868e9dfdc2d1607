//go:build peers

package peers

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

const sambaPassword = "Passw0rd! ü"

// samba is an ntlm_auth, which knows OCS\alice and asks no daemon.
type samba struct {
	in  io.Writer
	out *bufio.Scanner
}

// newSamba starts ntlm_auth with one of its protocols: "squid-2.5-ntlmssp" is a server, "ntlmssp-client-1" a
// client. They are described in ntlm_auth(1).
func newSamba(t *testing.T, protocol string) *samba {
	t.Helper()
	dir := scratch(t)
	config := filepath.Join(dir, "smb.conf")
	text := "[global]\nnetbios name = SERVER\nworkgroup = OCS\nntlm auth = ntlmv1-permitted\n"
	for _, folder := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory"} {
		text += folder + " = " + dir + "\n"
	}
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	cmd := exec.Command(program(t, "ntlm_auth"), "--configfile="+config, "--helper-protocol="+protocol,
		"--username=alice", "--domain=OCS", "--password="+sambaPassword)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	in, out := converse(t, cmd)
	return &samba{in, out}
}

// ask sends a line and returns the kind of the answer and what follows it.
func (s *samba) ask(t *testing.T, command string, token []byte) (kind, answer string) {
	t.Helper()
	_, err := fmt.Fprintln(s.in, strings.TrimSpace(command+" "+base64.StdEncoding.EncodeToString(token)))
	require.NoError(t, err)
	require.Truef(t, s.out.Scan(), "ntlm_auth is gone: %v", s.out.Err())
	kind, answer, _ = strings.Cut(s.out.Text(), " ")
	return kind, answer
}

// token is ask for a token: the answer must be of this kind.
func (s *samba) token(t *testing.T, kind, command string, token []byte) []byte {
	t.Helper()
	got, answer := s.ask(t, command, token)
	require.Equal(t, kind, got, answer)
	b, err := base64.StdEncoding.DecodeString(answer)
	require.NoError(t, err)
	return b
}

// The stream form: three messages, and the MIC over them.
func TestNTLMStreamWithSamba(t *testing.T) {
	const micOffset = 72
	for _, tc := range []struct {
		name, password string
		change         func(authenticate []byte)
		verdict        string
	}{
		{"client role", sambaPassword, nil, `AF OCS\alice`},
		{"client role wrong password", "Passw0rd?", nil, "NA NT_STATUS_LOGON_FAILURE"},
		{"client role changed MIC", sambaPassword, func(b []byte) { b[micOffset] ^= 1 }, "NA NT_STATUS_INVALID_PARAMETER"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := newSamba(t, "squid-2.5-ntlmssp")
			c := &ntlm.StreamClient{User: "alice", Domain: "OCS", Password: tc.password, Target: "HTTP/server.ocs.test"}
			negotiate, _, err := c.Step(t.Context(), nil)
			require.NoError(t, err)
			authenticate, done, err := c.Step(t.Context(), server.token(t, "TT", "YR", negotiate))
			require.NoError(t, err)
			require.True(t, done)
			require.NotEqual(t, make([]byte, 16), authenticate[micOffset:micOffset+16])
			if tc.change != nil {
				tc.change(authenticate)
			}
			verdict, answer := server.ask(t, "KK", authenticate)
			require.Equal(t, tc.verdict, verdict+" "+answer)
		})
	}
	for _, tc := range []struct {
		name, password string
		change         func(authenticate []byte)
		err            error
	}{
		{"server role", sambaPassword, nil, nil},
		{"server role wrong password", "Passw0rd?", nil, ntlm.ErrLogon},
		{"server role changed MIC", sambaPassword, func(b []byte) { b[micOffset] ^= 1 }, ntlm.ErrLogon},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := newSamba(t, "ntlmssp-client-1")
			kind, answer := client.ask(t, "SF NTLMSSP_FEATURE_SIGN", nil) // without it there is no MIC
			require.Equal(t, "OK", kind, answer)
			s := &ntlm.StreamServer{Server: ntlmServer("alice", "OCS", tc.password)}
			challenge, _, err := s.Step(t.Context(), client.token(t, "YR", "YR", nil))
			require.NoError(t, err)
			authenticate := client.token(t, "AF", "TT", challenge)
			if tc.change != nil {
				tc.change(authenticate)
			}
			_, _, err = s.Step(t.Context(), authenticate)
			require.ErrorIs(t, err, tc.err)
		})
	}
}

// The connectionless form: Samba does not know it, but accepts its AUTHENTICATE_MESSAGE if DATAGRAM and IDENTIFY are
// added to the challenge, and finds the session key in it. Signatures of that form are judged by gss-ntlmssp.
func TestNTLMConnectionlessKeyWithSamba(t *testing.T) {
	for _, tc := range []struct {
		name string
		less ntlm.Flags // of the challenge, so that the client has to do with NTLMv1
		v1   bool
	}{
		{"NTLMv2", 0, false},
		{"NTLMv1 with extended session security", ntlm.NegotiateTargetInfo, true},
		{"NTLMv1", ntlm.NegotiateTargetInfo | ntlm.NegotiateExtendedSessionSecurity, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := newSamba(t, "squid-2.5-ntlmssp")
			kind, answer := server.ask(t, "SF NTLMSSP_FEATURE_SESSION_KEY NTLMSSP_FEATURE_SIGN", nil)
			require.Equal(t, "OK", kind, answer)
			negotiate, _, err := new(ntlm.StreamClient).Step(t.Context(), nil)
			require.NoError(t, err)
			changeFlags(negotiate[12:], ntlm.NegotiateSign|ntlm.NegotiateKeyExchange, 0)
			challenge := server.token(t, "TT", "YR", negotiate)
			changeFlags(challenge[20:], ntlm.NegotiateDatagram|ntlm.NegotiateIdentify, tc.less)

			challengeAndKey := []byte("8 bytes;the session key:")
			c := &ntlm.Client{
				User: "alice", Domain: "OCS", Password: sambaPassword, AllowV1: tc.v1, Rand: bytes.NewReader(challengeAndKey),
			}
			_, _, err = c.Step(t.Context(), nil)
			require.NoError(t, err)
			authenticate, _, err := c.Step(t.Context(), challenge)
			require.NoError(t, err)
			require.Equal(t, tc.v1, c.V1())
			kind, answer = server.ask(t, "KK", authenticate)
			require.Equal(t, "AF", kind, answer)
			require.Equal(t, challengeAndKey[8:], server.token(t, "GK", "GK", nil))
		})
	}
}

func changeFlags(b []byte, more, less ntlm.Flags) {
	binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)&^uint32(less)|uint32(more))
}
