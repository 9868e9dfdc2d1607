package signin_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"runtime/debug"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// cut is what a peer does once it has sent so many bytes.
type cut string

const (
	closes cut = "closes"
	resets cut = "resets"
	stalls cut = "stalls"
)

// cutConn is a client's end of a connection whose peer does what how says after left bytes of its side.
type cutConn struct {
	net.Conn
	how  cut
	left int
	read *int // counts the bytes delivered; nil: not counted

	chunk int           // bytes at most in one Read; 0: all there is
	pause time.Duration // before each Read

	ended  atomic.Bool // the cut has been met
	once   sync.Once
	closed chan struct{} // by us
}

func (c *cutConn) Read(p []byte) (int, error) {
	time.Sleep(c.pause)
	if c.left == 0 {
		return 0, c.end()
	}
	if c.chunk > 0 {
		p = p[:min(len(p), c.chunk)]
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	if c.read != nil {
		*c.read += n
	}
	return n, err
}

// end is what a Read finds behind the cut.
func (c *cutConn) end() error {
	c.ended.Store(true)
	switch c.how {
	case closes:
		_ = c.Conn.Close()
		return io.EOF
	case resets:
		_ = c.Conn.Close()
		return c.failed("read", syscall.ECONNRESET)
	}
	for buffer := make([]byte, 4096); ; { // what the peer still says is lost on the way
		switch _, err := c.Conn.Read(buffer); {
		case err == nil:
		case errors.Is(err, io.EOF):
			<-c.closed
			return net.ErrClosed
		default:
			return err
		}
	}
}

func (c *cutConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.ended.Load() && err != nil && c.how != stalls {
		err = c.failed("write", syscall.EPIPE)
	}
	return n, err
}

func (c *cutConn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

func (c *cutConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// cutWorld is a world whose sign-ins have the same number of bytes each time: Ed25519 signatures have a fixed
// length.
func cutWorld(t *testing.T, transport signin.Transport, f func(t *testing.T, w *world)) {
	t.Helper()
	certificate, roots := fixedLengthCertificate(t)
	inWorld(t, server.Config{TLS: &certificate, History: -1}, func(t *testing.T, w *world) {
		w.config.Server, w.config.Transport, w.config.Roots = "server.ocs.test", transport, roots
		f(t, w)
	})
}

var fixedLengthCertificate = func() func(t *testing.T) (tls.Certificate, *x509.CertPool) {
	var once sync.Once
	var certificate tls.Certificate
	roots := x509.NewCertPool()
	return func(t *testing.T) (tls.Certificate, *x509.CertPool) {
		once.Do(func() {
			public, private, err := ed25519.GenerateKey(rand.Reader)
			require.NoError(t, err)
			template := &x509.Certificate{
				SerialNumber: big.NewInt(1), DNSNames: []string{"server.ocs.test"}, IsCA: true, BasicConstraintsValid: true,
				// A bubble's time begins at the start of the year 2000.
				NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
			}
			raw, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
			require.NoError(t, err)
			leaf, err := x509.ParseCertificate(raw)
			require.NoError(t, err)
			roots.AddCert(leaf)
			certificate = tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: private, Leaf: leaf}
		})
		return certificate, roots
	}
}()

// signInOver makes one attempt over connections that wrap changes, signs out where it succeeded, and returns
// what the client fired, how long SignIn took, and its error. All connections must be closed then, whoever broke them
// before. The server has forgotten it all afterwards.
func (w *world) signInOver(wrap func(*cutConn)) (events []string, took time.Duration, err error) {
	w.t.Helper()
	cfg := w.config
	var mu sync.Mutex
	var opened []*cutConn
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := w.config.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &cutConn{Conn: conn, left: math.MaxInt, closed: make(chan struct{})}
		wrap(c)
		mu.Lock()
		defer mu.Unlock()
		opened = append(opened, c)
		return c, nil
	}
	client, err := signin.New(cfg)
	require.NoError(w.t, err)
	r := record(w.t, client)
	start := time.Now()
	session, err := client.SignIn(w.t.Context())
	took = time.Since(start)
	if err == nil {
		synctest.Wait()
		_ = session.SignOut(w.t.Context())
	}
	events = r.stop()
	synctest.Wait()
	for i, c := range opened {
		select {
		case <-c.closed:
		default:
			require.Failf(w.t, "not closed", "connection %d, which %s", i, c.how)
		}
	}
	w.server.Reset()
	time.Sleep(time.Second) // for a Read that pauses
	return events, took, err
}

// reached is how far an attempt came.
type reached int

const (
	refused reached = iota // OnSignin told of a failure
	offline                // accepted, then OFFLINE
	ready                  // ONLINE
)

// cutOff makes an attempt whose peer is cut off after n bytes, requires that it ends as it must, and tells how far it
// came.
func (w *world) cutOff(how cut, n int) reached {
	w.t.Helper()
	events, took, err := w.signInOver(func(c *cutConn) { c.how, c.left = how, n })
	ended := func(before []string, code ocserr.Code) []string {
		return then(before, "OnMyStatusChange("+code.StatusChange().Name()+", "+status.Offline.String()+")")
	}
	begins := func(with []string) bool { return len(events) >= len(with) && slices.Equal(events[:len(with)], with) }
	if begins(online) {
		require.NoError(w.t, err)
		require.Contains(w.t, [][]string{ended(online, ocserr.Disconnected), then(online, signout...)}, events)
		return ready
	}
	var failed *ocserr.Error
	require.ErrorAs(w.t, err, &failed)
	if begins(accepted) {
		require.Equal(w.t, ended(accepted, failed.Code), events)
		if how == stalls {
			require.LessOrEqual(w.t, took, signin.SynchronizingLimit)
		} else {
			require.Equal(w.t, ocserr.Disconnected.Name(), failed.Code.Name(), failed.Error())
			require.Zero(w.t, took)
		}
		return offline
	}
	code, limit := ocserr.Connect, time.Duration(0)
	if how == stalls {
		code, limit = ocserr.LogonTimeout, signin.ConnectingLimit
	}
	require.Equal(w.t, code.Name(), failed.Code.Name(), failed.Error())
	require.Equal(w.t, ended(then(connecting, "OnSignin("+code.Name()+")"), code), events)
	require.Equal(w.t, limit, took)
	return refused
}

var everyCut = flag.Bool("every-cut", false, "cut connections at every byte in every way")

// TestAPeerThatIsCutOffAtAnyByte ends the server's side of a sign-in and sign-out after every number of bytes: in each of
// the three ways until the server has accepted, then, where the outcome is less of a matter, in the three ways in turn;
// with -every-cut in each of them to the end. That nothing is left behind is what a bubble sees to.
func TestAPeerThatIsCutOffAtAnyByte(t *testing.T) {
	gc := debug.SetGCPercent(800) // thousands of sign-ins leave much behind
	t.Cleanup(func() { debug.SetGCPercent(gc) })
	step := 1
	if !*everyCut && (raceDetector || testing.Short()) { // each costs ten times as much
		step = 40
	}
	ways := [...]cut{closes, resets, stalls}
	for _, transport := range []signin.Transport{signin.TransportTCP, signin.TransportTLS} {
		total, acceptedAt := 0, 0 // bytes: of all, and until the server has accepted
		cutWorld(t, transport, func(t *testing.T, w *world) {
			_, _, err := w.signInOver(func(c *cutConn) { c.read = &total })
			require.NoError(t, err)
			acceptedAt = sort.Search(total, func(n int) bool { return w.cutOff(closes, n) != refused })
		})
		require.Greater(t, acceptedAt, 1000)
		require.Greater(t, total, acceptedAt+1000)
		for i, how := range ways {
			t.Run(fmt.Sprintf("%s %s", transport, how), func(t *testing.T) {
				t.Parallel()
				var offsets []int
				for n := 0; n <= total; n += step {
					if *everyCut || n <= acceptedAt || n%len(ways) == i {
						offsets = append(offsets, n)
					}
				}
				for group := range slices.Chunk(offsets, 100) {
					cutWorld(t, transport, func(t *testing.T, w *world) {
						for _, n := range group {
							require.Equal(t, n < acceptedAt, w.cutOff(how, n) == refused, "cut at %d", n)
						}
					})
				}
			})
		}
	}
}

// TestTheServersBytesMayComeInAnyPieces delivers each connection's bytes one by one, and each flight as a whole.
func TestTheServersBytesMayComeInAnyPieces(t *testing.T) {
	for name, deliver := range map[string]func(*cutConn){
		"byte by byte": func(c *cutConn) { c.chunk = 1 },
		// After a pause all others are at rest: what the server had to say has arrived.
		"all at once": func(c *cutConn) { c.pause = time.Millisecond },
	} {
		for _, transport := range []signin.Transport{signin.TransportTCP, signin.TransportTLS} {
			t.Run(name+" "+string(transport), func(t *testing.T) {
				cutWorld(t, transport, func(t *testing.T, w *world) {
					events, _, err := w.signInOver(deliver)
					require.NoError(t, err)
					require.Equal(t, then(online, signout...), events)
				})
			})
		}
	}
}
