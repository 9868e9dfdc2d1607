package signin_test

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/status"
)

func TestTheRegistrationIsRefreshedBeforeItExpires(t *testing.T) {
	inWorld(t, server.Config{Expires: 10 * time.Minute}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.NoError(t, s.Err(), "144 refreshes later the session lives")
		require.Equal(t, status.Online, s.Status())
		require.NoError(t, s.SignOut(t.Context()))
		require.Equal(t, signout, r.stop(), "a refresh makes no event")
	})
}

func TestARefreshThatFailsEndsTheSession(t *testing.T) {
	registered := true
	inWorld(t, server.Config{Expires: 10 * time.Minute, Faults: []server.Fault{{
		Stage: server.StageRegister, Match: server.Match{Registered: &registered}, Action: server.ActionStatus, Status: 503,
	}}}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		<-s.Done()
		require.Equal(t, 10*time.Minute-30*time.Second, w.since())
		var lost *ocserr.Error
		require.ErrorAs(t, s.Err(), &lost)
		require.Equal(t, ocserr.CauseRefreshFailed, lost.Cause)
		require.Equal(t, []string{"OnMyStatusChange(" + lost.Code.StatusChange().Name() + ", MISTATUS_OFFLINE)"}, r.stop())
		require.Equal(t, lost, c.Report().Error)
	})
}

func TestTheKeepAliveFollowsTheServersInterval(t *testing.T) {
	inWorld(t, server.Config{KeepAlive: time.Minute}, func(t *testing.T, w *world) {
		var transcript safeBuffer
		w.config.Transcript = &transcript
		_, s := w.signIn()
		before := transcript.count("\r\n\r\n\n") // an empty message, masked or not
		time.Sleep(time.Hour)
		synctest.Wait()
		require.GreaterOrEqual(t, transcript.count(">>> ")-before, 60-3)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestRemovalByTheServerEndsTheSession(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		removed, err := w.server.RemoveEndpoint(w.server.Endpoints()[0].Epid, server.RemovedUnregistered)
		require.NoError(t, err)
		require.Equal(t, 1, removed)
		<-s.Done()
		var lost *ocserr.Error
		require.ErrorAs(t, s.Err(), &lost)
		require.Equal(t, ocserr.CauseRemovedUnregistered, lost.Cause)
		require.Equal(t, []string{"OnMyStatusChange(" + lost.Code.StatusChange().Name() + ", MISTATUS_OFFLINE)"}, r.stop())
	})
}

func TestSignOutEndsThoughTheServerIsSilent(t *testing.T) {
	registered := true
	inWorld(t, server.Config{Faults: []server.Fault{{
		Stage: server.StageRegister, Match: server.Match{Registered: &registered}, Action: server.ActionSilent,
	}}}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		r := record(t, c)
		start := time.Now()
		require.Error(t, s.SignOut(t.Context()))
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Equal(t, signout, r.stop())
	})
}

func TestSignOutRemovesTheEndpointAtTheServer(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		_, s := w.signIn()
		require.Len(t, w.server.Endpoints(), 1)
		require.NoError(t, s.SignOut(t.Context()))
		require.Empty(t, w.server.Endpoints())
	})
}

func TestDoSendsOnTheSignedChannel(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		synctest.Wait()
		verified := c.Report().Authentication.MessagesVerified
		req, err := s.NewRequest("OPTIONS", "sip:ocs.test")
		require.NoError(t, err)
		sip.SetBody(req, "", nil)
		res, err := s.Do(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, verified+1, c.Report().Authentication.MessagesVerified)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestSecretsAreNotInTheTranscript(t *testing.T) {
	for _, scheme := range []string{"NTLM", "Digest"} {
		inWorld(t, server.Config{Schemes: []string{scheme}}, func(t *testing.T, w *world) {
			var transcript safeBuffer
			w.config.Transcript = &transcript
			w.config.Credentials.Secret = "Pa$$w0rd-of-alice"
			_, err := w.client().SignIn(t.Context())
			require.ErrorIs(t, err, ocserr.InvalidPassword)
			require.NotZero(t, transcript.count("REGISTER sip:ocs.test SIP/2.0"))
			require.Zero(t, transcript.count("Pa$$w0rd"))
			require.Zero(t, transcript.count("TlRMTVNTUAAD"), "a Type 3 message proves the password")
		})
	}
}

// safeBuffer is a buffer that may be read while a session writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Count(s.b.Bytes(), []byte(text))
}
