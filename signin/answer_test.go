package signin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

func TestEachAnswerToRegisterHasItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		headers map[string]string
		code    ocserr.Code
		cause   ocserr.Cause
	}{
		"400":                          {400, nil, ocserr.Unexpected, ocserr.CauseBadRequest},
		"403":                          {403, nil, ocserr.Unexpected, ocserr.CauseForbidden},
		"403 client version":           {403, map[string]string{"ms-diagnostics": `17002;reason="x"`}, ocserr.ServerVersion, ocserr.CauseClientVersionRefused},
		"403 client version with URL":  {403, map[string]string{"ms-diagnostics": `17003;reason="x"`}, ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded},
		"403 Warning 312":              {403, map[string]string{"Warning": `312 lcs.microsoft.com "x"`}, ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded},
		"403 Warning 314":              {403, map[string]string{"Warning": `314 lcs.microsoft.com "x"`}, ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded},
		"403 of another's credentials": {403, map[string]string{"ms-diagnostics": `4004;reason="x"`}, ocserr.InvalidPassword, ocserr.CauseIdentityRefused},
		"403 remote access":            {403, map[string]string{"ms-diagnostics": `4003;reason="x"`}, ocserr.Unexpected, ocserr.CauseRemoteAccessRefused},
		"403 external":                 {403, map[string]string{"ms-diagnostics": `1012;reason="x"`}, ocserr.Unexpected, ocserr.CauseExternalRefused},
		"404":                          {404, nil, ocserr.InvalidPassword, ocserr.CauseUserUnknown},
		"408":                          {408, nil, ocserr.ServerUnavailable, ocserr.CauseRequestTimeout},
		"415":                          {415, nil, ocserr.Unexpected, ocserr.CauseUnsupportedMedia},
		"420":                          {420, nil, ocserr.Unexpected, ocserr.CauseBadExtension},
		"421":                          {421, nil, ocserr.Unexpected, ocserr.CauseExtensionRequired},
		"480":                          {480, nil, ocserr.ServerUnavailable, ocserr.CauseTemporarilyUnavailable},
		"486":                          {486, nil, ocserr.ServerUnavailable, ocserr.CauseServerBusy},
		"488":                          {488, nil, ocserr.Unexpected, ocserr.CauseNotAcceptable},
		"489":                          {489, nil, ocserr.Unexpected, ocserr.CauseBadEvent},
		"500":                          {500, nil, ocserr.Unexpected, ocserr.CauseServerError},
		"503":                          {503, nil, ocserr.ServerUnavailable, ocserr.CauseServiceUnavailable},
		"503 with Retry-After":         {503, map[string]string{"Retry-After": "30"}, ocserr.ServerTooBusy, ocserr.CauseServerTooBusy},
		"503 with 17000":               {503, map[string]string{"ms-diagnostics": `17000;reason="x"`}, ocserr.ServerTooBusy, ocserr.CauseServerTooBusy},
		"504":                          {504, nil, ocserr.ServerUnavailable, ocserr.CauseServerTimeout},
		"505":                          {505, nil, ocserr.ServerVersion, ocserr.CauseSIPVersion},
		"600":                          {600, nil, ocserr.ServerUnavailable, ocserr.CauseServerBusy},
		"603":                          {603, nil, ocserr.Unexpected, ocserr.CauseDeclined},
		"606":                          {606, nil, ocserr.Unexpected, ocserr.CauseNotAcceptable},
		"699":                          {699, nil, ocserr.Unexpected, ocserr.CauseUnexpectedStatus},
		"300":                          {300, nil, ocserr.Unexpected, ocserr.CauseRedirectInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{{
				Stage: server.StageRegister, Action: server.ActionStatus, Status: c.status, Headers: c.headers,
			}}}, func(t *testing.T, w *world) {
				client := w.client()
				r := record(t, client)
				_, err := client.SignIn(t.Context())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, c.code.Name(), failed.Code.Name(), failed.Error())
				require.Equal(t, c.cause, failed.Cause)
				require.Equal(t, c.status, failed.Status)
				require.NotEmpty(t, failed.Remedy)
				require.False(t, client.Report().Authentication.PasswordSent, "nor was it asked for")
				require.False(t, client.Report().Authentication.PasswordTested, "it answered without a challenge")
				require.Equal(t, then(connecting, "OnSignin("+c.code.Name()+")",
					"OnMyStatusChange("+c.code.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop())
			})
		})
	}
}

func TestAnAdviceToUpgradeIsASuccess(t *testing.T) {
	authenticated := true
	inWorld(t, server.Config{Faults: []server.Fault{{
		Stage: server.StageRegister, Match: server.Match{Authenticated: &authenticated, Status: 200}, Action: server.ActionRewrite,
		Headers: map[string]string{"Warning": `314 lcs.microsoft.com "Get the newest version"`},
	}}}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		require.Equal(t, []ocserr.Warning{{Code: 314, Agent: "lcs.microsoft.com", Text: "Get the newest version"}}, c.Report().Registration.Warnings)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestAnAnswerThatNobodyAskedForChangesNothing(t *testing.T) {
	for name, f := range map[string]server.Fault{
		"a copy":    {Stage: server.StageRegister, Action: server.ActionDuplicate},
		"unrelated": {Stage: server.StageRegister, Action: server.ActionUnsolicited, Headers: map[string]string{"Call-ID": "nobodys"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{f}}, func(t *testing.T, w *world) {
				client := w.client()
				r := record(t, client)
				s, err := client.SignIn(t.Context())
				require.NoError(t, err)
				require.NoError(t, s.SignOut(t.Context()))
				require.Equal(t, then(online, signout...), r.stop())
			})
		})
	}
}

func TestWhatTheServerAcceptsTooLateIsWithdrawn(t *testing.T) {
	authenticated := true
	for name, c := range map[string]struct {
		cancel time.Duration
		code   ocserr.Code
	}{
		"after the limit": {code: ocserr.LogonTimeout},
		"after a cancel":  {cancel: time.Second, code: ocserr.Cancel},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{{
				Stage: server.StageRegister, Match: server.Match{Authenticated: &authenticated}, Action: server.ActionDelay, Delay: 15500 * time.Millisecond, Count: 1,
			}}}, func(t *testing.T, w *world) {
				client := w.client()
				r := record(t, client)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				_, err := client.SignIn(ctx)
				require.ErrorIs(t, err, c.code)
				time.Sleep(20 * time.Second)
				require.Empty(t, w.server.Endpoints())
				require.Equal(t, then(connecting, "OnSignin("+c.code.Name()+")",
					"OnMyStatusChange("+c.code.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop(), "the late 200 changes nothing")
				require.Len(t, w.server.Messages(func(r server.Record) bool { return !r.Sent && strings.Contains(r.Text, "\r\nExpires: 0\r\n") }), 1)
			})
		})
	}
}
