package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

func TestVerdictSaysWhatWasProven(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		authentication signin.Authentication
		want           string
	}{
		{
			signin.Authentication{Challenged: true, Scheme: "NTLM", Version: 4, PasswordTested: true, ServerVerified: true},
			"Signed in as alice@ocs.test: MISTATUS_ONLINE in 42 ms; NTLM, SIPAE version 4, password tested, server signature verified",
		},
		{
			signin.Authentication{Challenged: true, Scheme: "Digest", PasswordTested: true},
			"Signed in as alice@ocs.test: MISTATUS_ONLINE in 42 ms; Digest, password tested, server NOT verified by signature",
		},
		{
			signin.Authentication{},
			"Signed in as alice@ocs.test: MISTATUS_ONLINE in 42 ms; the server asked for no password, so none was tested",
		},
		{
			signin.Authentication{PasswordTested: true},
			"Signed in as alice@ocs.test: MISTATUS_ONLINE in 42 ms; the server asked for no password; autodiscover did, and tested it",
		},
	} {
		report := signin.Report{SignInName: "alice@ocs.test", Status: "MISTATUS_ONLINE", Duration: 41.7, Authentication: test.authentication}
		require.Equal(t, test.want, verdict(&report))
	}
}

func TestFailureTellsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	err := ocserr.FromResponse(ocserr.Response{
		Status: 503, Reason: "Service Unavailable", RetryAfter: 30 * time.Second, HasRetryAfter: true,
		Diagnostics: []ocserr.Diagnostic{{ID: 17000, Reason: "busy", Source: "server.ocs.test"}},
		Warnings:    []ocserr.Warning{{Code: 399, Text: "come back \x1b[2Jlater"}},
	})
	text := failure(err, failureContext{password: "was tested", hint: "--flag"})

	for _, want := range []string{
		"MSGR_E_SERVER_TOO_BUSY (0x8100030E)\n", "  what       ", "  where      stage register, said by the server\n",
		"ms-diagnostics 17000 busy (from server.ocs.test)\n", "Warning 399 come back ?[2Jlater\n",
		"  remedy     ", "\n             --flag\n", "  retry      the server asks to wait 30s\n", "ocs codes MSGR_E_SERVER_TOO_BUSY", "--explain",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, failure(err, failureContext{explained: true}), "--explain")
}

func TestFailureKeepsEveryCauseInOrder(t *testing.T) {
	t.Parallel()
	err := ocserr.New(ocserr.CauseConnectionRefused, errors.Join(errors.New("first"), errors.New("second")))

	require.Contains(t, failure(err, failureContext{password: "was tested"}), "  cause      first\n             second\n  password   was tested\n")
}
