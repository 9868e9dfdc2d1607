package dial

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Config says how to dial. The zero value dials TCP directly.
type Config struct {
	// Dial opens one connection; the network is "tcp", the address host:port with an IP literal, or
	// with the host's name where no address is known. It must return once ctx is done. Nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy is the proxy to go through; nil: straight to the server.
	Proxy *Proxy
	// Resolve finds the addresses of the proxy's name, in the order in which to try them. Its error says by its cause
	// whether there are none ("host-not-found") or that could not be found out. Nil: the name is left to Dial.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Roots are the authorities that an https proxy's certificate may come from; nil: the system's.
	Roots *x509.CertPool
	// Logins is shared by all dialogues of an attempt to sign in. Nil: each of them shows the proxy's password.
	Logins *Logins
}

// Dial connects to a port of the host at the first of its addresses that answers: they are tried in order, each
// AttemptDelay after the one before unless that has failed (RFC 8305); without addresses, to the host by name. With a Proxy, that one connects (see the package comment), and the record
// of the dialogue with it is returned, with an error as well; without, the record is nil.
//
// The error is an *ocserr.Error that wraps the failure of every address tried, in order. Its cause is
// "connection-refused", "connection-reset", "connect-timeout", "host-unreachable" or, for all else,
// "connect-failed": of several, the one that came nearest to a connection. With a Proxy it is one of the
// causes that begin with "proxy-", and Status is the proxy's HTTP status, if it gave one. Once ctx is done,
// Dial returns at once with "cancelled", or, if a deadline ended ctx, "logon-timeout" or "proxy-silent",
// wrapping the context's cause as well.
func Dial(ctx context.Context, cfg Config, host string, port int, addrs []netip.Addr) (net.Conn, *Via, error) {
	if cfg.Dial == nil {
		cfg.Dial = tcp
	}
	if cfg.Proxy != nil {
		return through(ctx, cfg, host, port, addrs)
	}
	conn, err := direct(ctx, cfg, host, port, addrs)
	return conn, nil, err
}

// tcp opens one connection. At ctx's deadline net.Dialer's own timer may be the first to end it: the error then waits
// for ctx, by which the caller tells that deadline from an address that does not answer.
func tcp(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if deadline, ok := ctx.Deadline(); err != nil && ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return conn, err
}

// direct connects without a proxy.
func direct(ctx context.Context, cfg Config, host string, port int, addrs []netip.Addr) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx, ocserr.CauseLogonTimeout, nil)
	}
	list := addresses(host, port, addrs)
	conn, failures := Race(ctx, len(list), func(ctx context.Context, i int) (net.Conn, error) {
		conn, err := cfg.Dial(ctx, "tcp", list[i])
		if err != nil {
			return nil, named(list[i], err)
		}
		return conn, nil
	})
	if failures == nil {
		return conn, nil
	}
	failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	if ctx.Err() != nil {
		return nil, ended(ctx, ocserr.CauseLogonTimeout, failures)
	}
	return nil, ocserr.New(cause(failures), errors.Join(failures...)).At(ocserr.StageDial)
}

// addresses lists what to dial.
func addresses(host string, port int, addrs []netip.Addr) []string {
	number := strconv.Itoa(port)
	if len(addrs) == 0 {
		return []string{net.JoinHostPort(host, number)}
	}
	list := make([]string, len(addrs))
	for i, addr := range addrs {
		list[i] = net.JoinHostPort(addr.String(), number)
	}
	return list
}

// named makes sure that a failure says which address it is about.
func named(address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return err
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: endpoint(address), Err: err}
}

// endpoint is an address that was given as text.
type endpoint string

func (endpoint) Network() string  { return "tcp" }
func (e endpoint) String() string { return string(e) }

// ended is the error of a dial that the end of ctx cut short; late is its cause where that was a deadline.
func ended(ctx context.Context, late ocserr.Cause, failures []error) error {
	cause := ocserr.CauseCancelled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		cause = late
	}
	return ocserr.New(cause, errors.Join(append([]error{context.Cause(ctx)}, failures...)...)).At(ocserr.StageDial)
}

// nearest lists the causes of failure, that nearest to a connection first.
var nearest = [...]ocserr.Cause{
	ocserr.CauseConnectionReset,
	ocserr.CauseConnectionRefused,
	ocserr.CauseConnectTimeout,
	ocserr.CauseHostUnreachable,
	ocserr.CauseConnectFailed,
}

// cause names the failure that came nearest to a connection.
func cause(failures []error) ocserr.Cause {
	best := len(nearest) - 1
	for _, err := range failures {
		best = min(best, slices.Index(nearest[:], causeOf(err)))
	}
	return nearest[best]
}

// IsReset tells whether err is how the system says that the peer, or something on the way, has reset a connection.
func IsReset(err error) bool {
	return errors.Is(err, connectionReset) || errors.Is(err, connectionAborted)
}

// causeOf names one failure.
func causeOf(err error) ocserr.Cause {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		switch errno {
		case connectionRefused:
			return ocserr.CauseConnectionRefused
		case connectionReset, connectionAborted:
			return ocserr.CauseConnectionReset
		case hostUnreachable, networkUnreachable, hostDown, networkDown:
			return ocserr.CauseHostUnreachable
		case timedOut:
			return ocserr.CauseConnectTimeout
		}
	}
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return ocserr.CauseConnectTimeout
	}
	return ocserr.CauseConnectFailed
}
