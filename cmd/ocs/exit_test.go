package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestExitStatusOfErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("internal"), 1},
		{usagef("no %s", "flag"), 2},
		{exitStatus(3), 3},
		{fmt.Errorf("wrapped: %w", exitStatus(3)), 3},
		{ocserr.New(ocserr.CauseUnexpected, nil), 1},
		{ocserr.New(ocserr.CauseInvalidConfig, nil), 2},
		{ocserr.New(ocserr.CauseNoServerFound, nil), 10},
		{ocserr.New(ocserr.CauseConnectionRefused, nil), 11},
		{ocserr.New(ocserr.CauseLogonTimeout, nil), 12},
		{ocserr.New(ocserr.CauseClientVersionRefused, nil), 13},
		{ocserr.New(ocserr.CausePasswordRejected, nil), 14},
		{ocserr.New(ocserr.CauseServerTooBusy, nil), 15},
		{ocserr.New(ocserr.CauseServiceUnavailable, nil), 16},
		{ocserr.New(ocserr.CauseCancelled, nil), 130},
	} {
		require.Equal(t, test.want, exitStatusOf(test.err), "%v", test.err)
	}
}

func TestExitHelpAgreesWithTheCodes(t *testing.T) {
	t.Parallel()
	for _, info := range ocserr.Codes() {
		if info.Code.Signin() && info.Code != ocserr.OK {
			require.Contains(t, exitHelp, fmt.Sprintf("%-4d %s", info.Code.ExitStatus(), info.Name))
		}
	}
	require.Equal(t, 12, strings.Count(exitHelp, "\n    "))
}

func TestOnSigninCodesAreExplainedOnTheWay(t *testing.T) {
	t.Parallel()
	require.Equal(t, "give a name", inWords(ocserr.New(ocserr.CauseInvalidConfig, errors.New("give a name"))))
	require.Contains(t, inWords(ocserr.New(ocserr.CauseConnectionRefused, errors.New("refused"))), "MSGR_E_CONNECT at dial")
}
