package main

import (
	"context"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/cases"
	"github.com/ocsgo/ocs/conformance/report"
	"github.com/ocsgo/ocs/conformance/server"
)

func TestConformanceListNamesEveryCase(t *testing.T) {
	r := invocation{}.run(t, "conformance", "list")
	require.Zero(t, r.status, r.stderr)
	for _, c := range cases.All() {
		require.Contains(t, r.stdout, c.ID+" ")
	}
	r = invocation{}.run(t, "conformance", "list", "tear")
	require.NotContains(t, r.stdout, "reg/")
}

func TestConformanceExplainSaysWhatACaseIsAbout(t *testing.T) {
	r := invocation{}.run(t, "conformance", "explain", "time/15s-register-silent")
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, "OnSignin(MSGR_E_LOGON_TIMEOUT)")
	require.Contains(t, r.stdout, "15s after CONNECTING")
}

func TestConformanceRunsAndReports(t *testing.T) {
	args := []string{"conformance", "run", "reg/basic", "err/503-plain"}
	text := invocation{}.run(t, args...)
	require.Zero(t, text.status, text.stdout+text.stderr)
	require.Contains(t, text.stdout, "2 cases on ground S against inproc")

	asJSON := invocation{}.run(t, append(args, "--output", "json")...)
	r, err := report.Read(strings.NewReader(asJSON.stdout))
	require.NoError(t, err)
	require.Len(t, r.Cases, 2)
	require.False(t, r.Failed)

	junit := invocation{}.run(t, append(args, "--output", "junit")...)
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	require.NoError(t, xml.Unmarshal([]byte(junit.stdout), &suites))
	require.Equal(t, 2, suites.Tests)
	require.Zero(t, suites.Failures)

	html := invocation{}.run(t, append(args, "--output", "html")...)
	require.True(t, strings.HasPrefix(html.stdout, "<!DOCTYPE html>"))
}

// savedReport is a JSON report of a run of some cases.
func savedReport(t *testing.T, selectors ...string) string {
	t.Helper()
	r := invocation{}.run(t, append([]string{"conformance", "run", "--output", "json"}, selectors...)...)
	file := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(file, []byte(r.stdout), 0o644))
	return file
}

func TestConformanceDiffTellsReportsApart(t *testing.T) {
	one, two := savedReport(t, "reg/basic"), savedReport(t, "reg/basic", "err/503-plain")
	same := invocation{}.run(t, "conformance", "diff", one, one)
	require.Zero(t, same.status, same.stderr)
	require.Empty(t, same.stdout)
	more := invocation{}.run(t, "conformance", "diff", one, two)
	require.Equal(t, 1, more.status)
	require.Regexp(t, `^\(none\) +-> PASS +err/503-plain\n$`, more.stdout)
	unreadable := invocation{}.run(t, "conformance", "diff", one, filepath.Join(t.TempDir(), "none"))
	require.Equal(t, exitUsage, unreadable.status)
}

func TestConformanceReportWritesOtherForms(t *testing.T) {
	one, two := savedReport(t, "reg/basic"), savedReport(t, "err/503-plain")
	html := invocation{}.run(t, "conformance", "report", one, two)
	require.Zero(t, html.status, html.stderr)
	require.Contains(t, html.stdout, `href="#reg-basic"`)
	require.Contains(t, html.stdout, `href="#err-503-plain"`)
	require.Contains(t, invocation{}.run(t, "conformance", "report", one, "--output", "junit").stdout, "<testsuites")
	require.Contains(t, invocation{}.run(t, "conformance", "report", one, "--output", "text").stdout, "1 cases on ground S")
	require.Equal(t, exitUsage, invocation{}.run(t, "conformance", "report", one, two, "--output", "text").status)
}

func TestConformanceUsageErrorsAreExitStatus2(t *testing.T) {
	for _, args := range []string{
		"run disc/nonsense", "run re", "explain nonsense", "list no/such", "run reg/basic --sut python", "run reg/basic --sut exec:", "run reg/basic --output pdf",
		"run reg/basic --target real", "run reg/basic --dry-run", "run reg/basic --pause 1s", "run reg/basic --deviations /no/such/file", "run err/values-golden", "serve err/values-golden",
	} {
		r := invocation{}.run(t, append([]string{"conformance"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, r.status, args)
		require.Empty(t, r.stdout, args)
	}
}

func TestConformanceEverySelectorMustRunHere(t *testing.T) {
	r := invocation{}.run(t, "conformance", "run", "err/values-golden", "reg/basic")
	require.Equal(t, exitUsage, r.status, r.stdout)
	require.Contains(t, r.stderr, `"err/values-golden"`)
	require.Empty(t, r.stdout)
}

func TestConformanceUnexpectedPassFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"reg/basic":"it does not register"}`), 0o644))
	r := invocation{}.run(t, "conformance", "run", "reg/basic", "--deviations", file)
	require.Equal(t, exitCasesFailed, r.status)
	require.Contains(t, r.stdout, "it does not register")
}

func TestConformanceBrokenProgramIsAnErrorOfTheHarness(t *testing.T) {
	r := invocation{}.run(t, "conformance", "run", "reg/basic", "--sut", "exec:/no/such/program")
	require.Equal(t, exitHarness, r.status)
	require.Contains(t, r.stdout, "ERROR")
}

// incapable is a program under test that has nothing that a case asks for.
func incapable(t *testing.T) string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	file := filepath.Join(t.TempDir(), "incapable.sh")
	require.NoError(t, os.WriteFile(file, []byte("exit 89\n"), 0o644))
	return "exec:" + shell + " " + file
}

func TestConformanceSelectedCasesThatMustRunAreMissed(t *testing.T) {
	sut := incapable(t)
	must := invocation{}.run(t, "conformance", "run", "reg/basic", "err/401-final", "--sut", sut)
	require.Equal(t, exitCasesFailed, must.status)
	require.Contains(t, must.stdout, "2 UNIMPLEMENTED")
	require.Contains(t, must.stdout, "not run, and must be: reg/basic")
	require.NotContains(t, must.stdout, "must be: tear/clean", "it was not selected")
	other := invocation{}.run(t, "conformance", "run", "err/401-final", "--sut", sut)
	require.Zero(t, other.status, other.stdout+other.stderr)
}

func TestConformanceTellsThePlanBeforeItTouchesARealServer(t *testing.T) {
	srv := startServer(t, func(c *server.Config) {})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, srv.CAPEM(), 0o644))
	profile := filepath.Join(t.TempDir(), "lab.json")
	require.NoError(t, os.WriteFile(profile, []byte(`{"name":"lab","sign_in_name":"alice@ocs.test","password_env":"OCS_TEST_LAB_PASSWORD",
		"server":"`+srv.TLSAddr()+`","ca_file":"`+ca+`","claims":["ntlm"]}`), 0o644))
	t.Setenv("OCS_TEST_LAB_PASSWORD", "wonderland")
	args := []string{"conformance", "run", "--target", "real", "--profile", profile, "--pause", "0s", "auth", "tear/clean"}

	dry := invocation{}.run(t, append(args, "--dry-run")...)
	require.Zero(t, dry.status, dry.stderr)
	require.Contains(t, dry.stderr, "tear/clean")
	require.Contains(t, dry.stderr, "log-ons in all")
	require.NotRegexp(t, `auth/bad-password +\d+ log-ons`, dry.stderr)
	require.Regexp(t, `(?s)not allowed:.*auth/bad-password +it sends a wrong password: allow it with --allow-lockout\n`, dry.stderr)
	require.Regexp(t, `auth/krb-ok +needs kerberos, which is not claimed\n`, dry.stderr)
	require.Empty(t, srv.History(server.KindConnect))

	real := invocation{}.run(t, args...)
	require.Zero(t, real.status, real.stdout+real.stderr)
	require.NotEmpty(t, srv.History(server.KindConnect))
	require.Zero(t, srv.Rejected("alice"))
	require.NotContains(t, real.stdout+real.stderr, "wonderland")
}

func TestConformanceShimSpeaksTheProtocol(t *testing.T) {
	r := invocation{stdin: `{"sign_in_name":"alice@ocs.test","server":"127.0.0.1:1","password":"x"}` + "\n"}.run(t, "conformance", "shim")
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, `"event":"onSignin"`)
}

func TestConformanceServeOffersEachCaseUnderItsDomain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	var dns string
	signedIn := make(chan result, 1)
	i := invocation{ctx: ctx}
	i.watch = once("sign-ins wait", func() {
		go func() {
			defer cancel()
			signedIn <- invocation{env: map[string]string{"OCS_PASSWORD": conformance.Password}}.run(t,
				"signin", "alice@c-err-503-plain.test", "--dns", dns, "--ca", ca)
		}()
	})
	dns = freePort(t)
	r := i.run(t, "conformance", "serve", "err/503-plain", "--dns", dns, "--ca-out", ca)
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, "alice@c-err-503-plain.test")
	require.Equal(t, 16, (<-signedIn).status)
	require.Contains(t, r.stdout, "answered 503")
}
