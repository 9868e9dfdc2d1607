package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDemoShowsEveryEvent(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "demo", "--output", "json")

	require.Zero(t, r.status, r.stderr)
	require.Empty(t, r.stderr)
	lines, report := jsonOutput(t, r.stdout)
	require.Equal(t, []string{
		lineFinding, lineConnecting, lineAccepted, lineSynchronizing, lineOnline,
		lineBusy, lineDisconnecting, lineSignedOut, lineOffline,
	}, lines)
	require.Equal(t, "alice@ocs.test", report.SignInName)
	require.True(t, report.Authentication.ServerVerified)
}

func TestDemoAsTextSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "demo")

	require.Zero(t, r.status, r.stderr)
	for _, text := range []string{
		"A test server for ocs.test listens on 127.0.0.1:",
		"Signing in as alice@ocs.test\n",
		" ms  OnMyStatusChange S_OK MISTATUS_LOCAL_FINDING_SERVER\n",
		" ms  OnSignin S_OK\n",
		" ms  OnMyStatusChange S_OK MISTATUS_BUSY\n",
		" ms  OnSignout\n",
		"Signed in as alice@ocs.test: MISTATUS_ONLINE in ",
	} {
		require.Contains(t, r.stdout, text)
	}
}
