package conformance

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"syscall"

	"github.com/ocsgo/ocs/conformance/server"
)

// virtualDial is the network of ground V: the server at its address, nothing at any other, no route to
// NoRoute, and silence from Swallowed.
func virtualDial(srv *server.Server, ip string) func(ctx context.Context, network, address string) (net.Conn, error) {
	at := netip.MustParseAddr(ip)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		fail := func(errno syscall.Errno) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", errno)}
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		target, err := netip.ParseAddr(host)
		switch {
		case err != nil || target == at:
			return dialUnlabelled(ctx, srv, network, address)
		case host == NoRoute:
			return fail(syscall.ENETUNREACH)
		case host == Swallowed:
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
		}
		return fail(syscall.ECONNREFUSED)
	}
}

// dialUnlabelled connects to a server that begins goroutines of its own: they must not be taken for the client's, whose
// labels they would inherit (see goroutineLabel).
func dialUnlabelled(ctx context.Context, srv *server.Server, network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pprof.SetGoroutineLabels(context.Background())
		conn, err = srv.Dial(ctx, network, address)
	}()
	<-done
	return conn, err
}

// counted is the network with a count of what is asked of it.
func (n Network) counted(asked *atomic.Int64) *Network {
	return &Network{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			asked.Add(1)
			return n.Dial(ctx, network, address)
		},
		Exchange: func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
			asked.Add(1)
			return n.Exchange(ctx, network, server, query)
		},
	}
}
