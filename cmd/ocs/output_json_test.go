package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// The lines that every sign-in begins and a sign-out ends with; T stands for a time.
const (
	lineFinding       = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_LOCAL_FINDING_SERVER","value":256}`
	lineConnecting    = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_LOCAL_CONNECTING_TO_SERVER","value":512}`
	lineAccepted      = `{"schema":"ocs/1","event":"OnSignin","t_ms":T,"hr":0,"code":"S_OK"}`
	lineSynchronizing = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER","value":768}`
	lineOnline        = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_ONLINE","value":2}`
	lineBusy          = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_BUSY","value":10}`
	lineDisconnecting = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER","value":1024}`
	lineSignedOut     = `{"schema":"ocs/1","event":"OnSignout","t_ms":T}`
	lineOffline       = `{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":0,"code":"S_OK","status":"MISTATUS_OFFLINE","value":1}`
)

var times = regexp.MustCompile(`"t_ms":\d+(\.\d)?,|"t_ms":\d+(\.\d)?}`)

// reported is the part of a report that these tests look at.
type reported struct {
	SignInName     string `json:"sign_in_name"`
	Code           string `json:"code"`
	Status         string `json:"status"`
	Authentication struct {
		Challenged     bool   `json:"challenged"`
		Scheme         string `json:"scheme"`
		Version        int    `json:"version"`
		PasswordTested bool   `json:"password_tested"`
		ServerVerified bool   `json:"server_verified"`
	} `json:"authentication"`
	Error *struct {
		Code  string `json:"code"`
		Stage string `json:"stage"`
		Cause string `json:"cause"`
	} `json:"error"`
}

// jsonOutput takes the lines of an output apart: all but the last with their times masked, and the report.
func jsonOutput(t *testing.T, stdout string) ([]string, reported) {
	t.Helper()
	require.True(t, strings.HasSuffix(stdout, "\n"))
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	for i, line := range lines {
		require.Truef(t, json.Valid([]byte(line)), "%q", line)
		lines[i] = times.ReplaceAllStringFunc(line, func(s string) string { return `"t_ms":T` + s[len(s)-1:] })
	}
	last := lines[len(lines)-1]
	require.True(t, strings.HasPrefix(last, `{"schema":"ocs/1","event":"Report","report":{`), last)
	var report struct{ Report reported }
	require.NoError(t, json.Unmarshal([]byte(last), &report))
	return lines[:len(lines)-1], report.Report
}

func TestJSONOfASignIn(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("wonderland")}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--output", "json")

	require.Zero(t, r.status, r.stderr)
	require.Empty(t, r.stderr)
	lines, report := jsonOutput(t, r.stdout)
	require.Equal(t, []string{
		lineFinding, lineConnecting, lineAccepted, lineSynchronizing, lineOnline,
		lineDisconnecting, lineSignedOut, lineOffline,
	}, lines)
	require.Equal(t, "S_OK", report.Code)
	require.Equal(t, "alice@ocs.test", report.SignInName)
	require.Nil(t, report.Error)
	require.True(t, report.Authentication.Challenged)
	require.Equal(t, "NTLM", report.Authentication.Scheme)
	require.Equal(t, 4, report.Authentication.Version)
	require.True(t, report.Authentication.PasswordTested)
	require.True(t, report.Authentication.ServerVerified)
}

func TestJSONOfAFailure(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("x")}.run(t,
		"signin", "alice@ocs.test", "--server", "nowhere.ocs.test", "--dns", srv.DNSAddr(), "--output", "json")

	require.Equal(t, 10, r.status)
	require.Contains(t, r.stderr, "ocs: MSGR_E_INVALID_SERVER_NAME at resolve: ")
	lines, report := jsonOutput(t, r.stdout)
	why := `"stage":"resolve","detail":"MSGR_E_DNS_A_RES_FAIL",` +
		`"cause":"the server's name has no address: DNS knows no \"nowhere.ocs.test\"",` +
		`"remedy":"Check the spelling of the server's name, and that this machine's DNS server knows it."}`
	require.Equal(t, []string{
		lineFinding,
		`{"schema":"ocs/1","event":"OnSignin","t_ms":T,"hr":-2130705662,"hex":"0x81000302","code":"MSGR_E_INVALID_SERVER_NAME",` + why,
		`{"schema":"ocs/1","event":"OnMyStatusChange","t_ms":T,"hr":-2130705652,"hex":"0x8100030C","code":"MSGR_E_DISCONNECTED","status":"MISTATUS_OFFLINE","value":1,` + why,
	}, lines)
	require.Equal(t, "MSGR_E_INVALID_SERVER_NAME", report.Code)
	require.Equal(t, "host-not-found", report.Error.Cause)
}

func TestJSONOfARejectedPassword(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("x")}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--output", "json")

	require.Equal(t, 14, r.status)
	lines, report := jsonOutput(t, r.stdout)
	require.Len(t, lines, 4)
	require.Contains(t, lines[2], `"event":"OnSignin","t_ms":T,"hr":-2130705661,"hex":"0x81000303","code":"MSGR_E_INVALID_PASSWORD","stage":"register",`)
	require.True(t, report.Authentication.PasswordTested)
	require.Equal(t, "password-rejected", report.Error.Cause)
}

func TestJSONOfAConfigurationErrorIsTheReportAlone(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"signin", "alice", "--output", "json"},
		{"signin", "alice@ocs.test", "--ca", "no-such.pem", "--output", "json"},
		{"signin", "alice@ocs.test", "--output", "json"}, // no password
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := invocation{}.run(t, args...)

			require.Equal(t, 2, r.status)
			require.NotEmpty(t, r.stderr)
			lines, report := jsonOutput(t, r.stdout)
			require.Empty(t, lines)
			require.Equal(t, args[1], report.SignInName)
			require.Equal(t, "config", report.Error.Stage)
		})
	}
}

func TestJSONOfALostSession(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("wonderland"), watch: once(`"MISTATUS_ONLINE"`, srv.Reset)}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--stay", "--output", "json")

	require.Equal(t, 1, r.status)
	lines, report := jsonOutput(t, r.stdout)
	require.Len(t, lines, 6)
	require.Contains(t, lines[5], `"hr":-2130705652,"hex":"0x8100030C","code":"MSGR_E_DISCONNECTED","status":"MISTATUS_OFFLINE","value":1,"stage":"live",`)
	require.Equal(t, "S_OK", report.Code) // OnSignin's
	require.Equal(t, "live", report.Error.Stage)
}

func TestJSONOfAnInterruptWhileSynchronizingHasTheSignOut(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(cfg *server.Config) {
		cfg.Faults = []server.Fault{{Stage: server.StagePublish, Action: server.ActionSilent}}
	})
	ctx, interrupt := context.WithCancel(t.Context())
	r := invocation{ctx: ctx, env: password("wonderland"), watch: once("SYNCHRONIZING", interrupt)}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--output", "json")

	require.Equal(t, 130, r.status)
	lines, _ := jsonOutput(t, r.stdout)
	require.Equal(t, []string{
		lineFinding, lineConnecting, lineAccepted, lineSynchronizing, lineDisconnecting, lineSignedOut, lineOffline,
	}, lines)
}
