package signin_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// sink keeps what a Messenger fires.
type sink struct {
	mu     sync.Mutex
	events []string
}

func (s *sink) attach(m *signin.Messenger) {
	m.OnSignin = func(hr ocserr.Code) { s.add("OnSignin(" + hr.Name() + ")") }
	m.OnMyStatusChange = func(hr ocserr.Code, st status.Status) {
		s.add("OnMyStatusChange(" + hr.Name() + ", " + st.String() + ")")
	}
	m.OnSignout = func() { s.add("OnSignout") }
}

func (s *sink) add(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

// take waits until everything is quiet and returns what was fired since the last take.
func (s *sink) take() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

func inMessengerWorld(t *testing.T, cfg server.Config, f func(t *testing.T, w *world, m *signin.Messenger, s *sink)) {
	inWorld(t, cfg, func(t *testing.T, w *world) {
		m := signin.NewMessenger(w.config)
		defer m.Close()
		s := &sink{}
		s.attach(m)
		f(t, w, m, s)
	})
}

func TestMessengerTellsALifeInTheAPIsOrder(t *testing.T) {
	inMessengerWorld(t, server.Config{}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
		require.Equal(t, status.Offline, m.MyStatus())
		_, hr := m.MySigninName()
		require.Equal(t, ocserr.NotLoggedOn, hr)
		require.Equal(t, ocserr.NotLoggedOn, m.Signout())
		require.Equal(t, ocserr.NotLoggedOn, m.SetMyStatus(status.Busy))

		require.Equal(t, ocserr.OK, m.AutoSignin())
		require.Equal(t, ocserr.LogonUIActive, m.AutoSignin(), "an attempt is under way")
		require.Equal(t, online, s.take())
		require.Equal(t, ocserr.AlreadyLoggedOn, m.AutoSignin())
		name, hr := m.MySigninName()
		require.Equal(t, ocserr.OK, hr)
		require.Equal(t, "alice@ocs.test", name)

		require.Equal(t, ocserr.InvalidArg, m.SetMyStatus(status.Offline))
		require.Equal(t, ocserr.OK, m.SetMyStatus(status.Away))
		require.Equal(t, []string{"OnMyStatusChange(S_OK, MISTATUS_AWAY)"}, s.take())
		require.Equal(t, status.Away, m.MyStatus())

		require.Equal(t, ocserr.OK, m.Signout())
		require.Equal(t, signout, s.take())
		require.Equal(t, ocserr.NotLoggedOn, m.Signout())
	})
}

func TestMessengerSigninHonoursNameAndPassword(t *testing.T) {
	inMessengerWorld(t, server.Config{}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
		require.Equal(t, ocserr.OK, m.Signin(0, "bob@ocs.test", "wrong"))
		require.Equal(t, ocserr.False, m.Signin(0, "bob@ocs.test", "other"), "an attempt is under way")
		require.Equal(t, then(connecting, "OnSignin(MSGR_E_INVALID_PASSWORD)", "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"), s.take())
		require.Equal(t, ocserr.OK, m.Signin(0, "bob@ocs.test", "other"))
		require.Equal(t, online, s.take())
		name, _ := m.MySigninName()
		require.Equal(t, "bob@ocs.test", name)
	})
}

func TestMessengerRefusesArgumentsThatTheAPIRefuses(t *testing.T) {
	inMessengerWorld(t, server.Config{}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
		for _, name := range []string{"al ice@ocs.test", "alice@ocs.test\r", strings.Repeat("a", 120) + "@ocs.test1", "alice"} {
			require.Equal(t, ocserr.InvalidArg, m.Signin(0, name, "secret"), name)
		}
		require.Equal(t, ocserr.InvalidArg, m.Signin(0, "alice@ocs.test", "two words"))
		require.Equal(t, ocserr.InvalidArg, m.Signin(0, "alice@ocs.test", strings.Repeat("x", 257)))
		require.Empty(t, s.take())
	})
}

func TestMessengerWithoutStoredCredentialsFails(t *testing.T) {
	m := signin.NewMessenger(signin.Config{SignInName: "alice@ocs.test"})
	defer m.Close()
	require.Equal(t, ocserr.Fail, m.AutoSignin())
	require.Equal(t, ocserr.Fail, m.Signin(0, "", ""))
}

func TestMessengerCancelEndsTheAttempt(t *testing.T) {
	silent := []server.Fault{{Stage: server.StageRegister, Action: server.ActionSilent}}
	inMessengerWorld(t, server.Config{Faults: silent}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
		require.Equal(t, ocserr.False, m.Cancel(), "there is nothing to cancel")
		require.Equal(t, ocserr.OK, m.AutoSignin())
		require.Equal(t, connecting, s.take())
		require.Equal(t, ocserr.OK, m.Cancel())
		require.Equal(t, []string{"OnSignin(MSGR_E_CANCEL)", "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"}, s.take())
	})
}

func TestAMessengersHandlerMayCallIt(t *testing.T) {
	inMessengerWorld(t, server.Config{}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
		again := 0
		m.OnMyStatusChange = func(_ ocserr.Code, st status.Status) {
			switch {
			case st == status.Online:
				s.add(m.Signout().Name())
			case st == status.Offline && again < 1:
				again++
				s.add(m.AutoSignin().Name())
			}
		}
		require.Equal(t, ocserr.OK, m.AutoSignin())
		require.Equal(t, []string{"OnSignin(S_OK)", "S_OK", "OnSignout", "S_OK", "OnSignin(S_OK)", "S_OK", "OnSignout"}, s.take())
	})
}

func TestMessengerCloseSignsOut(t *testing.T) {
	inMessengerWorld(t, server.Config{}, func(t *testing.T, w *world, m *signin.Messenger, s *sink) {
		require.Equal(t, ocserr.OK, m.AutoSignin())
		require.Equal(t, online, s.take())
		m.Close()
		require.Equal(t, signout, s.take())
		require.Empty(t, w.server.Endpoints())
		require.Equal(t, ocserr.Fail, m.AutoSignin(), "a closed Messenger signs in no more")
	})
}
