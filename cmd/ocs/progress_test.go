package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// progressOf shows events, each a millisecond after the one before, on a terminal of a width.
func progressOf(width int, colour bool, events ...status.Event) string {
	var screen bytes.Buffer
	p := &progress{out: &output{Writer: &screen}, colour: colour, width: func() int { return width }}
	for i, e := range events {
		e.At = time.Unix(0, 0).Add(time.Duration(i) * time.Millisecond)
		p.event(e)
	}
	return screen.String()
}

var (
	finding  = status.Event{Kind: status.OnMyStatusChange, Status: status.FindingServer}
	accepted = status.Event{Kind: status.OnSignin}
	refused  = status.Event{Kind: status.OnSignin, HR: ocserr.InvalidServerName}
	online   = status.Event{Kind: status.OnMyStatusChange, Status: status.Online}
)

func TestProgressRewritesTheLineOfAStep(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		"… Finding the server                 MISTATUS_LOCAL_FINDING_SERVER"+
			"\r\x1b[K✓ Finding the server         1.0 ms  MISTATUS_LOCAL_FINDING_SERVER\n"+
			"✓ Accepted by the server             OnSignin S_OK\n"+
			"✓ Online                             MISTATUS_ONLINE\n",
		progressOf(80, false, finding, accepted, online))
}

func TestProgressMarksTheStepThatFailed(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		"… Finding the server                 MISTATUS_LOCAL_FINDING_SERVER"+
			"\r\x1b[K✗ Finding the server         1.0 ms  MISTATUS_LOCAL_FINDING_SERVER\n"+
			"✗ Sign-in failed                     OnSignin MSGR_E_INVALID_SERVER_NAME\n",
		progressOf(80, false, finding, refused))
}

func TestProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "… Finding the se\r\x1b[K✓ Finding the se\n✓ Accepted by th\n", progressOf(17, false, finding, accepted))
}

func TestProgressHasColourWhereItMay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "\x1b[32m✓\x1b[0m Accepted by the server             OnSignin S_OK\n", progressOf(80, true, accepted))
	require.Equal(t, "\x1b[31m✗\x1b[0m Sign-in failed                     OnSignin MSGR_E_INVALID_SERVER_NAME\n", progressOf(80, true, refused))
}

func TestEveryStateFitsAnOrdinaryTerminal(t *testing.T) {
	t.Parallel()
	for _, s := range status.All() {
		e := status.Event{Kind: status.OnMyStatusChange, Status: s}
		require.Contains(t, progressOf(80, false, e), s.String())
	}
}
