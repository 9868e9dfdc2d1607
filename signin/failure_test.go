package signin_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

func TestEachFailureHasItsCode(t *testing.T) {
	status := func(code int, headers map[string]string) []server.Fault {
		return []server.Fault{{Stage: server.StageRegister, Action: server.ActionStatus, Status: code, Headers: headers}}
	}
	fault := func(stage server.FaultStage, action server.Action) []server.Fault {
		return []server.Fault{{Stage: stage, Action: action}}
	}
	for name, c := range map[string]struct {
		faults []server.Fault
		change func(*signin.Config)
		code   ocserr.Code
		cause  ocserr.Cause
		stage  ocserr.Stage
	}{
		"no such domain": {
			change: func(c *signin.Config) { c.SignInName = "alice@nowhere.ocs.test" },
			code:   ocserr.InvalidServerName, cause: ocserr.CauseNoServerFound, stage: ocserr.StageResolve,
		},
		"no such configured host": {
			change: func(c *signin.Config) { c.Server = "nowhere.ocs.test." },
			code:   ocserr.InvalidServerName, cause: ocserr.CauseHostNotFound, stage: ocserr.StageResolve,
		},
		"DNS fails": {
			faults: fault(server.StageDNS, server.ActionServFail),
			code:   ocserr.InvalidServerName, cause: ocserr.CauseDNSFailure, stage: ocserr.StageResolve,
		},
		"nothing listens": {
			change: func(c *signin.Config) { c.Server = "server.ocs.test:9" },
			code:   ocserr.Connect, cause: ocserr.CauseConnectionRefused, stage: ocserr.StageDial,
		},
		"closed in the handshake": {
			faults: fault(server.StageTLS, server.ActionClose),
			code:   ocserr.Connect, stage: ocserr.StageSecure,
		},
		"authority not trusted": {
			change: func(c *signin.Config) { c.Roots = nil },
			code:   ocserr.Connect, cause: ocserr.CauseTLSUntrusted, stage: ocserr.StageSecure,
		},
		"certificate of another name": {
			change: func(c *signin.Config) {
				dial := c.Dial
				c.Server = "192.0.2.1:5061"
				c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
					return dial(ctx, network, "127.0.0.1:5061")
				}
			},
			code: ocserr.Connect, cause: ocserr.CauseTLSWrongName, stage: ocserr.StageSecure,
		},
		"closed at REGISTER": {
			faults: fault(server.StageRegister, server.ActionClose),
			code:   ocserr.Connect, cause: ocserr.CauseConnectionClosed, stage: ocserr.StageRegister,
		},
		"wrong password": {
			change: func(c *signin.Config) { c.Credentials.Secret = "wrong" },
			code:   ocserr.InvalidPassword, cause: ocserr.CausePasswordRejected, stage: ocserr.StageRegister,
		},
		"unknown user": {
			change: func(c *signin.Config) { c.SignInName = "nobody@ocs.test" },
			code:   ocserr.InvalidPassword, cause: ocserr.CausePasswordRejected, stage: ocserr.StageRegister,
		},
		"another's address": {
			change: func(c *signin.Config) { c.SignInName = "bob@ocs.test"; c.Credentials.User = `OCS\alice` },
			code:   ocserr.InvalidPassword, cause: ocserr.CauseIdentityRefused, stage: ocserr.StageRegister,
		},
		"user unknown by 404": {
			faults: status(404, map[string]string{"ms-diagnostics-public": `1003;reason="User does not exist"`}),
			code:   ocserr.InvalidPassword, cause: ocserr.CauseUserUnknown, stage: ocserr.StageRegister,
		},
		"client version refused": {
			faults: status(403, map[string]string{"Warning": `310 lcs.microsoft.com "You are currently not using the recommended version of the client"`}),
			code:   ocserr.ServerVersion, stage: ocserr.StageRegister,
		},
		"server too busy": {
			faults: status(503, map[string]string{"Retry-After": "30"}),
			code:   ocserr.ServerTooBusy, cause: ocserr.CauseServerTooBusy, stage: ocserr.StageRegister,
		},
		"server unavailable": {
			faults: status(503, nil),
			code:   ocserr.ServerUnavailable, cause: ocserr.CauseServiceUnavailable, stage: ocserr.StageRegister,
		},
		"server in error": {
			faults: status(500, nil),
			code:   ocserr.Unexpected, cause: ocserr.CauseServerError, stage: ocserr.StageRegister,
		},
		"signature missing": {
			faults: fault(server.StageRegister, server.ActionDropSignature),
			code:   ocserr.Unexpected, cause: ocserr.CauseServerSignatureMissing, stage: ocserr.StageRegister,
		},
		"signature wrong": {
			faults: fault(server.StageRegister, server.ActionCorruptSignature),
			code:   ocserr.Unexpected, cause: ocserr.CauseServerSignatureWrong, stage: ocserr.StageRegister,
		},
		"an answer that is no SIP": {
			faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionCorrupt, How: string(server.DamageGarbage)}},
			code:   ocserr.Unexpected, cause: ocserr.CauseAnswerUnreadable, stage: ocserr.StageRegister,
		},
		"an answer with a large header": {
			faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionCorrupt, How: string(server.DamageHeader)}},
			code:   ocserr.Unexpected, cause: ocserr.CauseAnswerTooLarge, stage: ocserr.StageRegister,
		},
		"an answer with a large body": {
			faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionCorrupt, How: string(server.DamageBody)}},
			code:   ocserr.Unexpected, cause: ocserr.CauseAnswerTooLarge, stage: ocserr.StageRegister,
		},
		"reset at REGISTER": {
			faults: fault(server.StageRegister, server.ActionReset),
			code:   ocserr.Connect, cause: ocserr.CauseConnectionReset, stage: ocserr.StageRegister,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: c.faults}, func(t *testing.T, w *world) {
				if c.change != nil {
					c.change(&w.config)
				}
				client := w.client()
				r := record(t, client)
				_, err := client.SignIn(t.Context())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, c.code.Name(), failed.Code.Name(), failed.Error())
				require.Equal(t, c.stage, failed.Stage, failed.Error())
				if c.cause != "" {
					require.Equal(t, c.cause, failed.Cause, failed.Error())
				}
				before := connecting
				if c.stage == ocserr.StageResolve {
					before = connecting[:1]
				}
				require.Equal(t, then(before, "OnSignin("+c.code.Name()+")",
					"OnMyStatusChange("+c.code.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop())
				require.Equal(t, failed, client.Report().Error)
				require.NotEmpty(t, failed.Remedy)
			})
		})
	}
}

func TestARejectedPasswordIsSentOnce(t *testing.T) {
	for _, name := range []string{"alice", "nobody"} {
		for _, scheme := range []string{"NTLM", "Digest"} {
			inWorld(t, server.Config{Schemes: []string{scheme}}, func(t *testing.T, w *world) {
				w.config.SignInName = name + "@ocs.test"
				w.config.Credentials.Secret = "wrong"
				c := w.client()
				_, err := c.SignIn(t.Context())
				require.ErrorIs(t, err, ocserr.InvalidPassword)
				require.True(t, c.Report().Authentication.PasswordTested)
				require.Equal(t, 1, w.server.Rejected(name+"@ocs.test"))
			})
		}
	}
}

func TestAPasswordWithoutAVerdictThatCountsWasSent(t *testing.T) {
	verdict := server.Match{Authenticated: new(true)}
	for name, fault := range map[string]server.Fault{
		"no verdict":      {Stage: server.StageRegister, Action: server.ActionSilent, Match: verdict},
		"one not signed":  {Stage: server.StageRegister, Action: server.ActionDropSignature, Match: server.Match{Status: 200}},
		"the end instead": {Stage: server.StageRegister, Action: server.ActionClose, Match: verdict},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Schemes: []string{"NTLM"}, Faults: []server.Fault{fault}}, func(t *testing.T, w *world) {
				c := w.client()
				_, err := c.SignIn(t.Context())
				require.Error(t, err)
				require.True(t, c.Report().Authentication.PasswordSent)
				require.False(t, c.Report().Authentication.PasswordTested)
			})
		})
	}
}

func TestPresenceThatIsRefusedIsNotASecondOnSignin(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StagePublish, Action: server.ActionStatus, Status: 503}}}, func(t *testing.T, w *world) {
		c := w.client()
		r := record(t, c)
		_, err := c.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CausePublicationRefused, failed.Cause)
		require.Equal(t, ocserr.StagePresence, failed.Stage)
		require.Equal(t, ocserr.OK, c.Report().HR)
		require.Equal(t, then(accepted, "OnMyStatusChange("+failed.Code.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop())
	})
}

// silences are the points of connecting at which a server may fall silent.
var silences = map[string]struct {
	fault server.Fault
	stage ocserr.Stage
}{
	"the TLS handshake": {server.Fault{Stage: server.StageTLS, Action: server.ActionSilent}, ocserr.StageSecure},
	"an accepted connection": {
		server.Fault{Stage: server.StageAccept, Action: server.ActionSilent}, ocserr.StageSecure,
	},
	"REGISTER": {server.Fault{Stage: server.StageRegister, Action: server.ActionSilent}, ocserr.StageRegister},
}

func TestFifteenSecondsOfConnectingEndTheAttempt(t *testing.T) {
	for name, c := range silences {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{c.fault}}, func(t *testing.T, w *world) {
				client := w.client()
				r := record(t, client)
				_, err := client.SignIn(t.Context())
				require.Equal(t, 15*time.Second, w.since())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.ErrorIs(t, err, ocserr.LogonTimeout)
				require.Equal(t, c.stage, failed.Stage)
				require.Equal(t, then(connecting, "OnSignin(MSGR_E_LOGON_TIMEOUT)",
					"OnMyStatusChange(MSGR_E_LOGON_TIMEOUT, MISTATUS_OFFLINE)"), r.stop())
			})
		})
	}
}

func TestAnAnswerAMillisecondBeforeTheLimitCounts(t *testing.T) {
	// Three REGISTERs are answered 5 s later each, the last a millisecond less.
	late := func(d time.Duration) server.Fault {
		return server.Fault{Stage: server.StageRegister, Action: server.ActionDelay, Delay: d, Count: 1}
	}
	inWorld(t, server.Config{Faults: []server.Fault{late(5 * time.Second), late(5 * time.Second), late(5*time.Second - time.Millisecond)}}, func(t *testing.T, w *world) {
		_, s := w.signIn()
		require.Equal(t, 15*time.Second-time.Millisecond, w.since())
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestProgressDoesNotRenewTheLimit(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionDelay, Delay: 6 * time.Second}}}, func(t *testing.T, w *world) {
		_, err := w.client().SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		require.Equal(t, 15*time.Second, w.since())
	})
}

func TestDiscoveryDoesNotCountAsConnecting(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{
		{Stage: server.StageDNS, Action: server.ActionDelay, Delay: time.Second},
		{Stage: server.StageRegister, Action: server.ActionSilent},
	}}, func(t *testing.T, w *world) {
		c := w.client()
		r := record(t, c)
		_, err := c.SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		r.stop()
		require.Equal(t, 15*time.Second, r.times[2].Sub(r.times[1]), "from CONNECTING to OnSignin")
		require.Greater(t, w.since(), 15*time.Second)
	})
}

func TestCancelEndsTheAttemptAtOnce(t *testing.T) {
	stages := map[string]server.Fault{"discovery": {Stage: server.StageDNS, Action: server.ActionSilent}}
	for name, c := range silences {
		stages[name] = c.fault
	}
	for name, fault := range stages {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{fault}}, func(t *testing.T, w *world) {
				client := w.client()
				r := record(t, client)
				ctx, cancel := context.WithCancelCause(t.Context())
				reason := errors.New("the user changed his mind")
				time.AfterFunc(time.Second, func() { cancel(reason) })
				_, err := client.SignIn(ctx)
				require.Equal(t, time.Second, w.since())
				require.ErrorIs(t, err, ocserr.Cancel)
				require.ErrorIs(t, err, reason, "the cause of the context is kept")
				events := r.stop()
				require.Equal(t, []string{"OnSignin(MSGR_E_CANCEL)", "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"}, events[len(events)-2:])
			})
		})
	}
}

func TestCancelAfterTheServerAcceptedSignsOut(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StagePublish, Action: server.ActionSilent}}}, func(t *testing.T, w *world) {
		c := w.client()
		r := record(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := c.SignIn(ctx)
		require.ErrorIs(t, err, ocserr.Cancel)
		require.Equal(t, then(accepted, signout...), r.stop())
	})
}

func TestSynchronizingHasALimitOfItsOwn(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StagePublish, Action: server.ActionSilent}}}, func(t *testing.T, w *world) {
		c := w.client()
		_, err := c.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CausePresenceUnanswered, failed.Cause)
		require.Equal(t, signin.SynchronizingLimit, w.since())
	})
}

func TestNothingIsLeftBehindByAFailedAttempt(t *testing.T) {
	// A bubble fails where a goroutine is still blocked at its end, so this holds for every test here; this one
	// also closes the server first, as a server that dies does.
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		require.NoError(t, w.server.Close())
		synctest.Wait()
		require.ErrorIs(t, s.Err(), ocserr.Disconnected)
		require.Equal(t, []string{"OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"}, r.stop())
		<-s.Done()
	})
}
