package server

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// A challenge of NTLM's handshake, made by a client and a server of ours.
func challengeLine(t *testing.T) string {
	t.Helper()
	s := &ntlm.Server{NetBIOSDomain: "OCS", NetBIOSComputer: "SERVER", DNSDomain: "ocs.test", DNSComputer: "server.ocs.test"}
	token, _, err := s.Step(t.Context(), nil)
	require.NoError(t, err)
	return sip.Credentials{Scheme: "NTLM", Params: sip.Params{
		{Name: "realm", Value: "SIP Communications Service", Quoted: true},
		{Name: "targetname", Value: "server.ocs.test", Quoted: true},
		{Name: "opaque", Value: "0A1B2C3D", Quoted: true},
		{Name: "version", Value: "4"},
		{Name: "gssapi-data", Value: base64.StdEncoding.EncodeToString(token), Quoted: true},
	}}.String()
}

// mutated is the challenge of a 401 as a fault makes it.
func mutated(line string, f Fault) []string {
	res := sip.NewResponse(new(sip.Request), 401, "Unauthorized")
	sip.Add(res, "WWW-Authenticate", line)
	edit(res, f)
	return sip.Values(res, "WWW-Authenticate")
}

func TestEveryMutationChangesAChallenge(t *testing.T) {
	line := challengeLine(t)
	for _, name := range Mutations() {
		f := Fault{Stage: StageRegister, Action: ActionMutate, How: string(name), Bytes: 31, Seed: 7}
		require.NoError(t, f.check())
		got := mutated(line, f)
		require.NotEqual(t, []string{line}, got, name)
		require.Equal(t, got, mutated(line, f), "the same fault does the same: %s", name)
		require.NotContains(t, strings.Join(got, ""), "\n", name)
	}
}

func TestTokenMutationsLeaveTheRestOfTheLine(t *testing.T) {
	line := challengeLine(t)
	before, _, _ := strings.Cut(line, "gssapi-data")
	for _, name := range Mutations() {
		if strings.HasPrefix(string(name), "token-") {
			got := mutated(line, Fault{Action: ActionMutate, How: string(name), Bytes: 31, Seed: 7})
			require.Len(t, got, 1, name)
			require.True(t, strings.HasPrefix(got[0], before), name)
		}
	}
}

func TestTokenMutationsSpareWhatIsNoNTLM(t *testing.T) {
	const line = `Kerberos realm="r", targetname="t", gssapi-data="AAECAw=="`
	require.Equal(t, []string{line}, mutated(line, Fault{Action: ActionMutate, How: "token-no-sign"}))
	require.Equal(t, []string{`NTLM realm="r"`}, mutated(`NTLM realm="r"`, Fault{Action: ActionMutate, How: "token-no-sign"}))
}

func TestSeedsDiffer(t *testing.T) {
	line := challengeLine(t)
	for _, name := range []Mutation{MutateLineBytes, MutateTokenBytes} {
		seen := map[string]bool{}
		for seed := range 32 {
			seen[strings.Join(mutated(line, Fault{Action: ActionMutate, How: string(name), Seed: seed + 1}), "")] = true
		}
		require.Greater(t, len(seen), 28, name)
	}
}
