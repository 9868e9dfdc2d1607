package status_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// shown writes an event as the tests below read it.
func shown(e status.Event) string {
	switch e.Kind {
	case status.OnSignin:
		return fmt.Sprintf("OnSignin(%s)", e.HR.Name())
	case status.OnMyStatusChange:
		return fmt.Sprintf("OnMyStatusChange(%s, %s)", e.HR.Name(), e.Status)
	}
	return string(e.Kind) + "()"
}

func failure(cause ocserr.Cause) *ocserr.Error { return ocserr.New(cause, io.EOF) }

func TestALifeOfAClient(t *testing.T) {
	now := status.Offline
	for i, step := range []struct {
		story string
		fact  status.Fact
		want  []string
	}{
		{"nothing but an attempt can begin", status.Resolved(), nil},
		{"a first attempt begins", status.Started(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"}},
		{"a second call changes nothing", status.Started(), nil},
		{"DNS knows no server", status.Failed(failure(ocserr.CauseNoServerFound)), []string{
			"OnSignin(MSGR_E_INVALID_SERVER_NAME)", "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)",
		}},
		{"an attempt fails once only", status.Failed(failure(ocserr.CauseNoServerFound)), nil},

		{"the next attempt", status.Started(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"}},
		{"candidates are known", status.Resolved(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"}},
		{"the first refuses, the second is tried", status.Resolved(), nil},
		{"a redirect leads to discovery again", status.Started(), nil},
		{"presence cannot be ready before the server accepted", status.Ready(status.Online), nil},
		{"15 seconds are over", status.Failed(failure(ocserr.CauseLogonTimeout)), []string{
			"OnSignin(MSGR_E_LOGON_TIMEOUT)", "OnMyStatusChange(MSGR_E_LOGON_TIMEOUT, MISTATUS_OFFLINE)",
		}},
		{"a late 200 is no sign-in", status.Accepted(), nil},

		{"the next attempt", status.Started(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"}},
		{"candidates are known", status.Resolved(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"}},
		{"the server accepts", status.Accepted(), []string{
			"OnSignin(S_OK)", "OnMyStatusChange(S_OK, MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER)",
		}},
		{"it accepts once", status.Accepted(), nil},
		{"presence cannot be made: no second OnSignin", status.Failed(failure(ocserr.CauseSubscriptionRefused)), []string{
			"OnMyStatusChange(MSGR_E_UNEXPECTED, MISTATUS_OFFLINE)",
		}},

		{"the next attempt", status.Started(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"}},
		{"candidates are known", status.Resolved(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"}},
		{"the server accepts", status.Accepted(), []string{
			"OnSignin(S_OK)", "OnMyStatusChange(S_OK, MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER)",
		}},
		{"a status is no sign of readiness", status.StatusSet(status.Busy), nil},
		{"ready, in the saved state", status.Ready(status.Busy), []string{"OnMyStatusChange(S_OK, MISTATUS_BUSY)"}},
		{"ready is announced once", status.Ready(status.Busy), nil},
		{"the user sets a status", status.StatusSet(status.Away), []string{"OnMyStatusChange(S_OK, MISTATUS_AWAY)"}},
		{"the same again is announced again", status.StatusSet(status.Away), []string{"OnMyStatusChange(S_OK, MISTATUS_AWAY)"}},
		{"offline is not set, it is signed out", status.StatusSet(status.Offline), nil},
		{"no sign-out is over that has not begun", status.SignedOut(), nil},
		{"a signed-in client cannot fail to sign in", status.Failed(failure(ocserr.CauseLogonTimeout)), nil},
		{"the user signs out", status.SigningOut(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER)"}},
		{"twice", status.SigningOut(), nil},
		{"the connection goes meanwhile", status.Lost(failure(ocserr.CauseConnectionLost)), nil},
		{"signed out", status.SignedOut(), []string{"OnSignout()", "OnMyStatusChange(S_OK, MISTATUS_OFFLINE)"}},
		{"signed out once", status.SignedOut(), nil},

		{"a last attempt", status.Started(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)"}},
		{"candidates are known", status.Resolved(), []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"}},
		{"the server accepts", status.Accepted(), []string{
			"OnSignin(S_OK)", "OnMyStatusChange(S_OK, MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER)",
		}},
		{"ready", status.Ready(status.Online), []string{"OnMyStatusChange(S_OK, MISTATUS_ONLINE)"}},
		{"the connection is lost", status.Lost(ocserr.New(ocserr.CauseConnectionLost, nil).At(ocserr.StageLive)), []string{
			"OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)",
		}},
		{"nothing more can be lost", status.Lost(nil), nil},
	} {
		next, events := status.Next(now, step.fact)
		var got []string
		for _, e := range events {
			got = append(got, shown(e))
		}
		require.Equal(t, step.want, got, "%d: %s", i, step.story)
		if len(events) == 0 {
			require.Equal(t, now, next, "%d: %s", i, step.story)
		} else {
			require.Equal(t, events[len(events)-1].Status, next, "%d: %s", i, step.story)
		}
		now = next
	}
	require.Equal(t, status.Offline, now)
}

func TestFailingEventsCarryTheirReason(t *testing.T) {
	err := failure(ocserr.CauseConnectionRefused)
	_, events := status.Next(status.Connecting, status.Failed(err))
	require.Len(t, events, 2)
	for _, e := range events {
		require.Same(t, err, e.Err)
	}
}

func TestOnSigninCarriesOneOfItsDocumentedFailuresWhateverTheErrorSays(t *testing.T) {
	for _, i := range ocserr.Codes() {
		for _, now := range []status.Status{status.FindingServer, status.Connecting} {
			_, events := status.Next(now, status.Failed(&ocserr.Error{Code: i.Code}))
			require.Len(t, events, 2)
			require.True(t, events[0].HR.Signin() && !events[0].HR.Success(), i.Name)
			require.False(t, events[1].HR.Success(), i.Name)
			require.Equal(t, events[1].HR, events[1].HR.StatusChange(), i.Name)
		}
	}
	_, events := status.Next(status.Connecting, status.Failed(&ocserr.Error{Code: ocserr.UserNotFound}))
	require.Equal(t, ocserr.InvalidPassword, events[0].HR)
}

func TestAFactWithoutAReasonIsUnexpected(t *testing.T) {
	_, events := status.Next(status.Connecting, status.Failed(nil))
	require.Equal(t, ocserr.Unexpected, events[0].HR)
	require.NotNil(t, events[0].Err)
}

func TestEveryRowOfTheTableEndsAnAttemptWithOneOnSignin(t *testing.T) {
	for _, r := range ocserr.Table() {
		if r.Code.Success() {
			continue
		}
		_, events := status.Next(status.Connecting, status.Failed(ocserr.New(r.Cause, nil)))
		require.Equal(t, []status.Kind{status.OnSignin, status.OnMyStatusChange}, []status.Kind{events[0].Kind, events[1].Kind})
		_, events = status.Next(status.Synchronizing, status.Failed(ocserr.New(r.Cause, nil).At(r.Stage)))
		require.Len(t, events, 1)
		require.Equal(t, status.OnMyStatusChange, events[0].Kind)
	}
}

func TestNoFactAndAnUnknownStateChangeNothing(t *testing.T) {
	next, events := status.Next(status.Online, status.Fact{})
	require.Equal(t, status.Online, next)
	require.Empty(t, events)
	next, events = status.Next(status.Status(0x123), status.Started())
	require.Equal(t, status.Status(0x123), next)
	require.Empty(t, events)
}
