package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// dialer fails for every address that it has an error for; else it connects. A nil error is silence.
type dialer struct {
	fails map[string]error

	mu     sync.Mutex
	dialed []string
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.dialed = append(d.dialed, network+" "+address)
	d.mu.Unlock()
	err, fails := d.fails[address]
	if fails && err == nil {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	if fails {
		return nil, err
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func requireCause(t *testing.T, want ocserr.Cause, err error) {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause)
	require.Equal(t, ocserr.StageDial, e.Stage)
	require.NotContains(t, err.Error(), "\n")
}

func TestDialUsesTheFirstAddressThatAnswers(t *testing.T) {
	d := &dialer{fails: map[string]error{"10.0.0.1:5061": connectionRefused}}
	conn, _, err := Dial(t.Context(), Config{Dial: d.dial}, "fe.contoso.com", 5061, addrs("10.0.0.1", "2001:db8::1", "10.0.0.2"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Equal(t, []string{"tcp 10.0.0.1:5061", "tcp [2001:db8::1]:5061"}, d.dialed)
}

func TestDialWithoutAddressesDialsTheHost(t *testing.T) {
	d := &dialer{}
	conn, _, err := Dial(t.Context(), Config{Dial: d.dial}, "fe.contoso.com", 443, nil)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Equal(t, []string{"tcp fe.contoso.com:443"}, d.dialed)
}

func TestDialNamesTheCause(t *testing.T) {
	errno := func(e syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", e)}
	}
	for _, test := range []struct {
		err  error
		want ocserr.Cause
	}{
		{errno(connectionRefused), ocserr.CauseConnectionRefused},
		{errno(connectionReset), ocserr.CauseConnectionReset},
		{errno(connectionAborted), ocserr.CauseConnectionReset},
		{errno(hostUnreachable), ocserr.CauseHostUnreachable},
		{errno(networkUnreachable), ocserr.CauseHostUnreachable},
		{errno(hostDown), ocserr.CauseHostUnreachable},
		{errno(networkDown), ocserr.CauseHostUnreachable},
		{errno(timedOut), ocserr.CauseConnectTimeout},
		{errno(syscall.EACCES), ocserr.CauseConnectFailed},
		{os.ErrDeadlineExceeded, ocserr.CauseConnectTimeout},
		{&net.DNSError{IsTimeout: true}, ocserr.CauseConnectTimeout},
		{errors.New("no more sockets"), ocserr.CauseConnectFailed},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			d := &dialer{fails: map[string]error{"10.0.0.1:5061": test.err}}
			_, _, err := Dial(t.Context(), Config{Dial: d.dial}, "", 5061, addrs("10.0.0.1"))
			requireCause(t, test.want, err)
			require.ErrorIs(t, err, ocserr.Connect)
			require.ErrorIs(t, err, test.err)
		})
	}
}

func TestDialKeepsEveryFailureInOrder(t *testing.T) {
	d := &dialer{fails: map[string]error{
		"10.0.0.1:5061": networkUnreachable, "10.0.0.2:5061": connectionRefused, "10.0.0.3:5061": errors.New("odd"),
	}}
	_, _, err := Dial(t.Context(), Config{Dial: d.dial}, "", 5061, addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"))
	requireCause(t, ocserr.CauseConnectionRefused, err)
	require.ErrorIs(t, err, networkUnreachable)
	require.ErrorIs(t, err, connectionRefused)
	text := err.Error()
	require.Less(t, strings.Index(text, "10.0.0.1:5061: "+networkUnreachable.Error()), strings.Index(text, "10.0.0.2:5061: "+connectionRefused.Error()))
	require.Less(t, strings.Index(text, "10.0.0.2:5061"), strings.Index(text, "10.0.0.3:5061: odd"))
	require.Contains(t, text, "10.0.0.1:5061")
}

func TestDialCancelReturnsAtOnceWithTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialer{fails: map[string]error{"10.0.0.1:5061": connectionRefused, "10.0.0.2:5061": nil}}
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the user closed the window")
		time.AfterFunc(200*time.Millisecond, func() { cancel(reason) })
		start := time.Now()
		_, _, err := Dial(ctx, Config{Dial: d.dial}, "", 5061, addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"))
		require.Equal(t, 200*time.Millisecond, time.Since(start))
		requireCause(t, ocserr.CauseCancelled, err)
		require.ErrorIs(t, err, ocserr.Cancel)
		require.ErrorIs(t, err, reason)
		require.ErrorIs(t, err, connectionRefused, "what failed before the cancel is kept")
		require.Len(t, d.dialed, 2)
	})
}

func TestDialDeadlineIsALogonTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialer{fails: map[string]error{"10.0.0.1:5061": nil}}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := Dial(ctx, Config{Dial: d.dial}, "", 5061, addrs("10.0.0.1"))
		require.Equal(t, 15*time.Second, time.Since(start))
		requireCause(t, ocserr.CauseLogonTimeout, err)
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDialCancelledBeforehandDialsNobody(t *testing.T) {
	d := &dialer{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := Dial(ctx, Config{Dial: d.dial}, "", 5061, addrs("10.0.0.1"))
	requireCause(t, ocserr.CauseCancelled, err)
	require.Empty(t, d.dialed)
}

func TestDialOverLoopback(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	conn, _, err := Dial(t.Context(), Config{}, "localhost", port, addrs("127.0.0.1"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, listener.Close())

	_, _, err = Dial(t.Context(), Config{}, "localhost", port, addrs("127.0.0.1"))
	requireCause(t, ocserr.CauseConnectionRefused, err)
	require.ErrorIs(t, err, connectionRefused)
}
