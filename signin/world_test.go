package signin_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// world is a server and a client of it in one synctest bubble, connected in memory: time is virtual, limits
// are exact.
type world struct {
	t      *testing.T
	server *server.Server
	config signin.Config // of alice, with the right password
	start  time.Time
}

// inWorld runs f in a bubble of its own. Everything the server started has ended when it returns.
func inWorld(t *testing.T, cfg server.Config, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Users = []server.User{{Name: "alice", Password: "secret"}, {Name: "bob", Password: "other"}}
		srv, err := server.Start(cfg)
		require.NoError(t, err)
		defer srv.Close()
		f(t, &world{
			t: t, server: srv, start: time.Now(),
			config: signin.Config{
				SignInName: "alice@ocs.test", Credentials: signin.Password{Secret: "secret"},
				Dial: srv.Dial, Exchange: srv.Exchange, DNS: "127.0.0.1:53", Roots: srv.CA(), Hostname: "vm",
			},
		})
	})
}

// client makes the client of w.config.
func (w *world) client() *signin.Client {
	w.t.Helper()
	c, err := signin.New(w.config)
	require.NoError(w.t, err)
	return c
}

// signIn signs in, which must succeed.
func (w *world) signIn() (*signin.Client, *signin.Session) {
	w.t.Helper()
	c := w.client()
	s, err := c.SignIn(w.t.Context())
	require.NoError(w.t, err)
	return c, s
}

// since is the virtual time since the world began.
func (w *world) since() time.Duration { return time.Since(w.start) }

// recorder keeps a client's events as text.
type recorder struct {
	mu     sync.Mutex
	events []string
	times  []time.Time
	cancel context.CancelFunc
	done   chan struct{}
}

// record begins to record; the current state is not kept.
func record(t *testing.T, c *signin.Client) *recorder {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r := &recorder{cancel: cancel, done: make(chan struct{})}
	events := c.Events(ctx)
	go func() {
		defer close(r.done)
		first := true
		for e := range events {
			if !first {
				r.mu.Lock()
				r.events, r.times = append(r.events, text(e)), append(r.times, e.At)
				r.mu.Unlock()
			}
			first = false
		}
	}()
	return r
}

// stop waits until everything is quiet, ends the recording and returns the events.
func (r *recorder) stop() []string {
	synctest.Wait()
	r.cancel()
	<-r.done
	return r.events
}

func text(e status.Event) string {
	switch e.Kind {
	case status.OnSignin:
		return fmt.Sprintf("OnSignin(%s)", e.HR.Name())
	case status.OnMyStatusChange:
		return fmt.Sprintf("OnMyStatusChange(%s, %s)", e.HR.Name(), e.Status)
	default:
		return string(e.Kind)
	}
}

// The events of an attempt up to CONNECTING, up to ONLINE, and of a sign-out.
var (
	connecting = []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)", "OnMyStatusChange(S_OK, MISTATUS_LOCAL_CONNECTING_TO_SERVER)"}
	accepted   = append(connecting[:2:2], "OnSignin(S_OK)", "OnMyStatusChange(S_OK, MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER)")
	online     = append(accepted[:4:4], "OnMyStatusChange(S_OK, MISTATUS_ONLINE)")
	signout    = []string{"OnMyStatusChange(S_OK, MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER)", "OnSignout", "OnMyStatusChange(S_OK, MISTATUS_OFFLINE)"}
)

// then is a followed by more, in memory of its own.
func then(a []string, more ...string) []string { return append(slices.Clip(a), more...) }
