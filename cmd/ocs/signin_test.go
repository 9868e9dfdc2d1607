package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// password is alice's on the test server, in the environment.
func password(text string) map[string]string { return map[string]string{"OCS_PASSWORD": text} }

// freePort is a port of loopback at which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// silentListener accepts connections and says nothing.
func silentListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, conn) // until the client closes it
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().String()
}

func TestSigninExitStatus(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	there := []string{"--server", srv.TLSAddr(), "--ca", authorityOf(t, srv)}
	for _, test := range []struct {
		name, user, password string
		flags                []string
		want                 int
		says                 string // on stderr
	}{
		{"right password", "alice@ocs.test", "wonderland", there, 0, ""},
		{"user in the NetBIOS form", "alice@ocs.test", "wonderland", append([]string{"--user", `OCS\alice`}, there...), 0, ""},
		{"found by DNS", "sip:alice@ocs.test", "wonderland", []string{"--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv)}, 0, ""},
		{"with a status", "alice@ocs.test", "wonderland", append([]string{"--status", "busy"}, there...), 0, ""},
		{"certificate not looked at", "alice@ocs.test", "wonderland", []string{"--server", srv.TLSAddr(), "--insecure-skip-verify"}, 0, "not verified"},
		{"unknown host", "alice@ocs.test", "x", []string{"--server", "nowhere.ocs.test", "--dns", srv.DNSAddr()}, 10, "MSGR_E_INVALID_SERVER_NAME"},
		{"nothing listens", "alice@ocs.test", "x", []string{"--server", freePort(t)}, 11, "nothing listens"},
		{"certificate not trusted", "alice@ocs.test", "x", []string{"--server", srv.TLSAddr()}, 11, "MSGR_E_INVALID_CERTIFICATE"},
		{"wrong password", "alice@ocs.test", "x", there, 14, "MSGR_E_INVALID_PASSWORD"},
		{"unknown user", "bob@ocs.test", "x", there, 14, "MSGR_E_INVALID_PASSWORD"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := invocation{env: password(test.password)}.run(t, append([]string{"signin", test.user}, test.flags...)...)

			require.Equal(t, test.want, r.status, r.stderr)
			if test.says == "" {
				require.Empty(t, r.stderr)
			}
			require.Contains(t, r.stderr, test.says)
		})
	}
	require.Equal(t, 1, srv.Rejected("alice"))
	require.Equal(t, 1, srv.Rejected("bob"))
}

func TestSigninExitStatusOfTheServersAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault server.Fault
		want  int
	}{
		{"version filter", server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 403, Headers: map[string]string{"ms-diagnostics": `17002;reason="old"`}}, 13},
		{"overloaded", server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 503, Headers: map[string]string{"Retry-After": "30"}}, 15},
		{"unavailable", server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 503}, 16},
		{"internal error", server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 500}, 1},
		{"accepted but not online", server.Fault{Stage: server.StagePublish, Action: server.ActionStatus, Status: 500}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, func(cfg *server.Config) { cfg.Faults = []server.Fault{test.fault} })
			r := invocation{env: password("wonderland")}.run(t,
				"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv))

			require.Equal(t, test.want, r.status, r.stdout+r.stderr)
			require.Contains(t, r.stderr, "is not signed in: MSGR_E_")
			require.Contains(t, r.stderr, "remedy")
		})
	}
}

func TestInterruptWhileConnectingIsCancel(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	r := invocation{ctx: ctx, env: password("x"), watch: once("CONNECTING", interrupt)}.run(t,
		"signin", "alice@ocs.test", "--server", silentListener(t))

	require.Equal(t, 130, r.status)
	require.Contains(t, r.stdout, "OnSignin MSGR_E_CANCEL")
	require.Contains(t, r.stderr, "MSGR_E_CANCEL")
}

func TestStaySignsOutWhenInterrupted(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	ctx, interrupt := context.WithCancel(t.Context())
	r := invocation{ctx: ctx, env: password("wonderland"), watch: once("Staying signed in", interrupt)}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--stay")

	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, "MISTATUS_ONLINE\n")
	require.True(t, strings.HasSuffix(r.stdout, "OnMyStatusChange S_OK MISTATUS_OFFLINE\n"), r.stdout)
}

func TestStayEndsByTheCodeOfTheLoss(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("wonderland"), watch: once("Staying signed in", srv.Reset)}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--stay")

	require.Equal(t, 1, r.status)
	require.True(t, strings.HasSuffix(r.stdout, "OnMyStatusChange MSGR_E_DISCONNECTED MISTATUS_OFFLINE\n"), r.stdout)
	require.Contains(t, r.stderr, "alice@ocs.test was signed out: MSGR_E_DISCONNECTED")
}

func TestServerThatDoesNotConfirmTheSignOutIsAWarning(t *testing.T) {
	t.Parallel()
	registered := true
	srv := startServer(t, func(cfg *server.Config) {
		cfg.Faults = []server.Fault{{Stage: server.StageRegister, Match: server.Match{Registered: &registered}, Action: server.ActionClose}}
	})
	r := invocation{env: password("wonderland")}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv))

	require.Zero(t, r.status)
	require.Contains(t, r.stderr, "ocs: warning: MSGR_E_DISCONNECTED at signout")
}

func TestTranscriptAndKeyLogAreForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	transcript, keylog := writeFile(t, "transcript", []byte("old")), filepath.Join(t.TempDir(), "keylog")
	require.NoError(t, os.Chmod(transcript, 0o644))
	r := invocation{env: password("wonderland")}.run(t,
		"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), "--transcript", transcript, "--keylog", keylog)

	require.Zero(t, r.status)
	require.Contains(t, r.stderr, "ocs: warning: the TLS session keys go to "+keylog)
	for file, holds := range map[string]string{transcript: "REGISTER sip:ocs.test SIP/2.0", keylog: "CLIENT_TRAFFIC_SECRET_0"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), holds)
		require.NotContains(t, string(text), "wonderland")
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestRecordThatCannotBeWrittenIsAWarning(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no device that is always full: ", err)
	}
	srv := startServer(t, nil)
	for _, flag := range []string{"--transcript", "--keylog"} {
		r := invocation{env: password("wonderland")}.run(t,
			"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), flag, "/dev/full")

		require.Zero(t, r.status, r.stderr)
		require.Contains(t, r.stderr, "ocs: warning: "+flag+": it is not complete: write /dev/full: no space left on device\n")
	}
}

func TestFailureNamesTheFlagThatHelps(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	for flag, args := range map[string][]string{
		"--ca FILE trusts":        {},
		"without --transport tcp": {"--transport", "tcp"},
		"--server-check off":      {"--ca", authorityOf(t, srv), "--server-check", "strict"},
	} {
		if flag == "--server-check off" {
			old := startServer(t, func(cfg *server.Config) { cfg.Server = "RTC/2.0" })
			args = []string{"--ca", authorityOf(t, old), "--server", old.TLSAddr()}
		} else {
			args = append(args, "--server", srv.TLSAddr())
		}
		r := invocation{env: password("wonderland")}.run(t, append([]string{"signin", "alice@ocs.test"}, args...)...)

		require.NotZero(t, r.status)
		require.Contains(t, r.stderr, flag)
	}
}

func TestPasswordIsNowhereInTheOutput(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	for _, secret := range []string{"wonderland", "wrong-but-secret"} {
		for _, flag := range []string{"--explain", "--output=json"} {
			r := invocation{env: password(secret)}.run(t,
				"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv), flag)

			require.NotContains(t, r.stdout+r.stderr, secret)
		}
	}
}

func TestExplainShowsWhatWasLearned(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{env: password("wonderland")}.run(t,
		"signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv), "--explain")

	require.Zero(t, r.status, r.stderr)
	for _, text := range []string{
		"SRV   _sipinternaltls._tcp.ocs.test: 0 0 ",
		"over TLS, at 127.0.0.1: SRV _sipinternaltls._tcp.ocs.test, priority 0",
		"TLS 1.3, ", "server name server.ocs.test, certificate verified", "certificate 1: CN=server.ocs.test",
		"schemes offered: NTLM", "scheme used: NTLM, SIPAE version 4", "password tested: yes", "server signature verified: yes",
		"registered for 7200 s, keep-alive 300 s", "server: RTC/3.5", "GRUU: sip:alice@ocs.test;opaque=",
		"SUBSCRIBE vnd-microsoft-roaming-self: 200", "published: yes",
	} {
		require.Contains(t, r.stdout, text)
	}
	last := r.stdout[strings.LastIndex(strings.TrimSpace(r.stdout), "\n")+1:]
	require.Regexp(t, `^Signed in as alice@ocs\.test: MISTATUS_ONLINE in \d+ ms; NTLM, SIPAE version 4, password tested, server signature verified\n$`, last)
}
