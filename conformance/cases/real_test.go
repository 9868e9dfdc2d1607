package cases

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
)

// lab is a runner for a real server, as far as the suite can tell: one of our own that it knows by a profile alone.
func lab(t *testing.T, cfg server.Config, more string) *conformance.Runner {
	t.Helper()
	cfg.ListenTLS, cfg.ListenDNS, cfg.ListenKDC, cfg.ListenWeb = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Users = []server.User{{Name: "alice", Password: "hunter2"}}
	srv, err := server.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	t.Setenv("OCS_TEST_PROFILE_PASSWORD", "hunter2")
	_, port, err := net.SplitHostPort(srv.TLSAddr())
	require.NoError(t, err)
	more = strings.ReplaceAll(more, "$port", port)
	ca, file := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "lab.json")
	require.NoError(t, os.WriteFile(ca, srv.CAPEM(), 0o600))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `{"name":"lab","sign_in_name":"alice@ocs.test","password_env":"OCS_TEST_PROFILE_PASSWORD",
		"dns":%q,"kdc":%q,"ca_file":%q,%s}`, srv.DNSAddr(), srv.KDCAddr(), ca, more), 0o600))
	profile, err := conformance.ReadProfile(file)
	require.NoError(t, err)
	return &conformance.Runner{Ground: conformance.Real, Profile: profile, Strict: true, Pause: -1}
}

// onReal are the cases that a real server can be asked for.
func onReal() (out []conformance.Case) {
	for _, c := range All() {
		if c.On(conformance.Real) {
			out = append(out, c)
		}
	}
	return out
}

func TestCasesForARealServerPassAtOne(t *testing.T) {
	runner := lab(t, server.Config{Schemes: []string{"NTLM", "Kerberos", "TLS-DSK", "Digest"}},
		`"server":"server.ocs.test:$port","disabled_sign_in_name":"disabled@ocs.test","claims":["ntlm","digest","kerberos","tls-dsk","srv"]`)
	runner.Profile.AllowLockout, runner.Profile.AllowWrite = true, true
	for _, result := range runner.Run(t.Context(), onReal(), nil) {
		require.NotContains(t, []conformance.Verdict{conformance.Fail, conformance.Error, conformance.Skip}, result.Verdict, explain(result))
		require.True(t, result.AsExpected(), explain(result))
		require.NotEmpty(t, result.Records, result.Case.ID)
	}
}

func TestARealServerIsNotAskedForWhatItsProfileLacks(t *testing.T) {
	runner := lab(t, server.Config{}, `"claims":["ntlm"]`)
	skipped := map[string]string{}
	plan, logOns := runner.Plan(onReal())
	for _, p := range plan {
		if p.Skipped != "" {
			skipped[p.Case.ID] = p.Skipped
		}
	}
	for id, why := range map[string]string{
		"disc/manual-host": "needs server", "disc/port-from-srv": "needs srv", "auth/krb-ok": "needs kerberos", "auth/tlsdsk-ok": "needs tls-dsk",
		"auth/digest-ok": "needs digest", "auth/disabled-user": "needs disabled-user", "auth/bad-password": "--allow-lockout", "pres/server-roundtrip": "--allow-write",
	} {
		require.Contains(t, skipped[id], why, id)
	}
	require.NotContains(t, skipped, "auth/unknown-user-404")
	require.Less(t, logOns, 30)
}
