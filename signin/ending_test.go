package signin_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// publishSilent is a server that lets the publication wait for ever.
var publishSilent = server.Config{Faults: []server.Fault{{Stage: server.StagePublish, Action: server.ActionSilent}}}

// The connection ends and the user cancels at the same instant, in either order: one ending, told once.
func TestCancelAndTheEndOfTheConnectionAtOnce(t *testing.T) {
	for range 100 {
		inWorld(t, publishSilent, func(t *testing.T, w *world) {
			c := w.client()
			r := record(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			time.AfterFunc(time.Second, w.server.Reset)
			_, err := c.SignIn(ctx)
			require.Error(t, err)
			require.Contains(t, [][]string{
				then(accepted, signout...),
				then(accepted, "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"),
			}, r.stop())
			require.Nil(t, c.Session())
		})
	}
}

func TestRemovalWhileSynchronizingSaysWhy(t *testing.T) {
	inWorld(t, publishSilent, func(t *testing.T, w *world) {
		time.AfterFunc(time.Second, func() {
			_, err := w.server.RemoveEndpoint(w.server.Endpoints()[0].Epid, server.RemovedRejected)
			require.NoError(t, err)
		})
		c := w.client()
		r := record(t, c)
		_, err := c.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CauseRemovedRejected, failed.Cause, failed.Error())
		require.Equal(t, ocserr.StagePresence, failed.Stage)
		require.NotEmpty(t, failed.Diagnostics)
		require.Equal(t, time.Second, w.since())
		require.Equal(t, then(accepted, "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)"), r.stop())
	})
}

func TestSigningOutTwiceWaitsForTheFirst(t *testing.T) {
	registered := true
	inWorld(t, server.Config{Faults: []server.Fault{{
		Stage: server.StageRegister, Match: server.Match{Registered: &registered}, Action: server.ActionDelay, Delay: time.Second,
	}}}, func(t *testing.T, w *world) {
		c, s := w.signIn()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				require.NoError(t, s.SignOut(t.Context()))
				require.Equal(t, time.Second, w.since())
				require.Equal(t, status.Offline, c.Status())
			})
		}
		both.Wait()
		_, again := w.signIn()
		require.NoError(t, again.SignOut(t.Context()))
	})
}

func TestAMessengerThatIsClosedInAnAttemptTellsItsEnd(t *testing.T) {
	for name, test := range map[string]struct {
		stage server.FaultStage
		want  []string
	}{
		"before the server accepted": {server.StageRegister, then(connecting, "OnSignin(MSGR_E_CANCEL)", "OnMyStatusChange(MSGR_E_DISCONNECTED, MISTATUS_OFFLINE)")},
		"after that":                 {server.StagePublish, then(accepted, signout...)},
	} {
		t.Run(name, func(t *testing.T) {
			silent := []server.Fault{{Stage: test.stage, Action: server.ActionSilent}}
			inMessengerWorld(t, server.Config{Faults: silent}, func(t *testing.T, _ *world, m *signin.Messenger, s *sink) {
				require.Equal(t, ocserr.OK, m.AutoSignin())
				synctest.Wait()
				m.Close()
				require.Equal(t, test.want, s.take())
			})
		})
	}
}

func TestTheLimitBlamesWhatWasWaitedFor(t *testing.T) {
	const zone = "$TTL 60\n@ SOA server hostmaster 1 3600 600 86400 60\n@ NS server\nsip A 127.0.0.1\nserver A 192.0.2.1\n" +
		"_sipinternaltls._tcp SRV 0 0 5061 sip\n_sipinternaltls._tcp SRV 1 0 5061 server\n"
	inWorld(t, server.Config{Zone: zone}, func(t *testing.T, w *world) {
		w.config.Roots = nil // the certificate of the first is refused
		dial := w.config.Dial
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "192.0.2.1:5061" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
		c := w.client()
		_, err := c.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		require.Equal(t, ocserr.StageDial, failed.Stage, failed.Error())
		require.ErrorIs(t, err, ocserr.Connect, "the first's failure is kept")
		require.Equal(t, signin.ConnectingLimit, w.since())
	})
}

// slowWriter takes its time with every message, and notes them.
type slowWriter struct {
	net.Conn
	wrote *[]string
}

func (c slowWriter) Write(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	*c.wrote = append(*c.wrote, string(p))
	return c.Conn.Write(p)
}

// A process may end when SignIn has returned: the withdrawal is out by then.
func TestSignInReturnsWhenTheWithdrawalIsSent(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionSilent}}}, func(t *testing.T, w *world) {
		wrote := w.slowly()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.client().SignIn(ctx)
		require.ErrorIs(t, err, ocserr.Cancel)
		require.Contains(t, (*wrote)[len(*wrote)-1], "\r\nExpires: 0\r\n")
	})
}

// slowly lets the client's connections take their time with every message, over TCP, and notes them.
func (w *world) slowly() (wrote *[]string) {
	wrote = new([]string)
	dial := w.config.Dial
	w.config.Transport = signin.TransportTCP
	w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return slowWriter{conn, wrote}, err
	}
	return wrote
}

// Likewise where the context of the program is over when it signs out.
func TestSignOutReturnsWhenTheRemovalIsSent(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		wrote := w.slowly()
		ctx, cancel := context.WithCancel(t.Context())
		s, err := w.client().SignIn(ctx)
		require.NoError(t, err)
		cancel()
		require.Error(t, s.SignOut(ctx), "nobody has waited for the answer")
		require.Contains(t, (*wrote)[len(*wrote)-1], "\r\nExpires: 0\r\n")
	})
}

func TestMessengerIsClosedWhenTheWithdrawalIsSent(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionSilent}}}, func(t *testing.T, w *world) {
		wrote := w.slowly()
		m := signin.NewMessenger(w.config)
		require.Equal(t, ocserr.OK, m.AutoSignin())
		time.Sleep(time.Second)
		m.Close()
		require.Contains(t, (*wrote)[len(*wrote)-1], "\r\nExpires: 0\r\n")
	})
}
