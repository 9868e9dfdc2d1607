package signin_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

func TestSignInEndsOnlineAndSignOutOffline(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c := w.client()
		r := record(t, c)
		s, err := c.SignIn(t.Context())
		require.NoError(t, err)
		require.Equal(t, status.Online, s.Status(), "a Session in hand is a client that is ready")
		require.NoError(t, s.SetStatus(t.Context(), status.Busy))
		require.NoError(t, s.SignOut(t.Context()))
		require.Equal(t, then(online, then([]string{"OnMyStatusChange(S_OK, MISTATUS_BUSY)"}, signout...)...), r.stop())
		<-s.Done()
		require.NoError(t, s.Err())
	})
}

func TestReportSaysWhatTheSignInProves(t *testing.T) {
	for version := 2; version <= 4; version++ {
		inWorld(t, server.Config{Version: version}, func(t *testing.T, w *world) {
			c, s := w.signIn()
			r := c.Report()
			require.True(t, r.Ready())
			require.True(t, r.Authentication.Challenged)
			require.Equal(t, []string{"NTLM"}, r.Authentication.Offered)
			require.Equal(t, "NTLM", r.Authentication.Scheme)
			require.Equal(t, version, r.Authentication.Version)
			require.True(t, r.Authentication.PasswordTested)
			require.True(t, r.Authentication.ServerVerified)
			require.Zero(t, r.Authentication.MessagesRefused)
			require.Equal(t, "RTC/3.5", r.Registration.Server)
			require.Len(t, r.Presence.Subscriptions, 3)
			require.True(t, r.Presence.Published)
			require.NoError(t, s.SignOut(t.Context()))
		})
	}
}

func TestSignInOverTCPWhereItIsAskedFor(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		w.config.Transport = signin.TransportTCP
		c, s := w.signIn()
		require.Equal(t, signin.TransportTCP, c.Report().Connection.Transport)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestSignInWithAConfiguredServerAsksForNoService(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		w.config.Server = "server.ocs.test"
		c, s := w.signIn()
		for _, q := range c.Report().Discovery.Questions {
			require.NotEqual(t, "SRV", q.Type)
		}
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestAPlainRegistrarIsOnlineOnceRegistered(t *testing.T) {
	inWorld(t, server.Config{PlainRegistrar: true, Schemes: []string{"Digest"}}, func(t *testing.T, w *world) {
		c := w.client()
		r := record(t, c)
		s, err := c.SignIn(t.Context())
		require.NoError(t, err)
		require.Nil(t, c.Report().Presence)
		require.Equal(t, "Digest", c.Report().Authentication.Scheme)
		require.ErrorIs(t, s.SetStatus(t.Context(), status.Busy), ocserr.NotImpl)
		require.NoError(t, s.SignOut(t.Context()))
		require.Equal(t, then(online, signout...), r.stop())
	})
}

func TestInitialStatusIsPublished(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		w.config.InitialStatus = status.DoNotDisturb
		_, s := w.signIn()
		require.Equal(t, status.DoNotDisturb, s.Status())
		require.NoError(t, s.SignOut(t.Context()))

		w.config.InitialStatus = 0
		_, s = w.signIn()
		require.Equal(t, status.DoNotDisturb, s.Status(), "the user's choice is kept by the server")
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestAStatusSetAtOneEndpointIsToldAtTheOther(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		_, first := w.signIn()
		w.config.Hostname = "another"
		c, second := w.signIn()
		r := record(t, c)
		require.NoError(t, first.SetStatus(t.Context(), status.Away))
		require.Equal(t, []string{"OnMyStatusChange(S_OK, MISTATUS_AWAY)"}, r.stop())
		require.NoError(t, first.SignOut(t.Context()))
		require.NoError(t, second.SignOut(t.Context()))
	})
}

func TestSettingTheStatusInForceFiresAgain(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		require.NoError(t, s.SetStatus(t.Context(), status.Busy))
		require.NoError(t, s.SetStatus(t.Context(), status.Busy))
		require.Equal(t, []string{"OnMyStatusChange(S_OK, MISTATUS_BUSY)", "OnMyStatusChange(S_OK, MISTATUS_BUSY)"}, r.stop())
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestASecondSignInIsRefusedWhileOneLives(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		_, err := c.SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.AlreadyLoggedOn)
		require.NoError(t, s.SignOut(t.Context()))
		again, err := c.SignIn(t.Context())
		require.NoError(t, err, "after a sign-out the client can sign in again")
		require.NoError(t, again.SignOut(t.Context()))
		require.NoError(t, s.SignOut(t.Context()), "a second sign-out does nothing")
	})
}

func TestAnEventMayBeAnsweredWithACall(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c := w.client()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.SignIn(ctx)
		require.NoError(t, err)
		signouts := 0
		for e := range c.Events(ctx) {
			switch {
			case e.Kind == status.OnMyStatusChange && e.Status == status.Online && signouts < 2:
				require.NoError(t, c.Session().SignOut(ctx))
			case e.Kind == status.OnSignout:
				signouts++
			case e.Kind == status.OnMyStatusChange && e.Status == status.Offline && signouts < 2:
				_, err := c.SignIn(ctx)
				require.NoError(t, err)
			}
			if signouts == 2 {
				break
			}
		}
		require.Equal(t, 2, signouts)
	})
}

func TestAnInternationalDomainGoesOverTheWireInALabels(t *testing.T) {
	inWorld(t, server.Config{Domain: "xn--bcher-kva.test"}, func(t *testing.T, w *world) {
		var transcript bytes.Buffer
		w.config.SignInName, w.config.Transcript = "alice@bücher.test", &transcript
		w.config.Credentials.User = "alice" // a user name is no host name, and would go as it is
		c, s := w.signIn()
		require.Equal(t, "alice@bücher.test", c.Report().SignInName)
		require.NoError(t, s.SignOut(t.Context()))
		require.Contains(t, transcript.String(), "REGISTER sip:xn--bcher-kva.test SIP/2.0")
		require.NotContains(t, transcript.String(), "bücher")
	})
}
