package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// streamLimit is how many bytes one direction of a connection in memory holds before its writer has to
// wait, as a socket's buffers would.
const streamLimit = 64 << 10

// Dial connects to the server without a socket: to a host name of its zone, or an address that its zone
// publishes, at a port that it publishes. It fits signin.Config.Dial, and works in a testing/synctest
// bubble. The network is "tcp", "tcp4" or "tcp6".
//
// Errors are *net.OpError as a real dialler's: a name outside the zone wraps *net.DNSError, an address
// that is not the server's syscall.EHOSTUNREACH, a port that nothing listens on and a closed server
// syscall.ECONNREFUSED.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: dialAddress(address), Err: err}
	}
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return fail(net.UnknownNetworkError(network))
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return fail(&net.AddrError{Err: "invalid port", Addr: address})
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		var ok bool
		if ip, ok = s.zone.address(host); !ok {
			return fail(&net.DNSError{Err: "no such host", Name: host, IsNotFound: true})
		}
	}
	if !ip.IsLoopback() && !s.zone.publishes(ip) {
		return fail(os.NewSyscallError("connect", syscall.EHOSTUNREACH))
	}
	there := &net.TCPAddr{IP: ip.AsSlice(), Port: int(port)}
	here := &net.TCPAddr{IP: there.IP, Port: s.nextClientPort()}
	client, server := newMemoryPair(here, there)
	var t transport
	switch int(port) {
	case s.ports[transportTLS]:
		t = transportTLS
	case s.ports[transportTCP]:
		t = transportTCP
	case portKDC:
		if s.serveKDC(server) {
			return client, nil
		}
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case portWeb, s.webPort:
		if s.web.offer(server) {
			return client, nil
		}
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	default:
		if slices.Contains(s.proxy.ports, int(port)) && s.acceptProxy(server) {
			return client, nil
		}
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	switch s.accept(server, t) {
	case ActionRefuse:
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case ActionBlackhole:
		select {
		case <-ctx.Done():
			return fail(context.Cause(ctx))
		case <-s.closing:
			return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
		}
	}
	return client, nil
}

// dialAddress is an address that a connection could not be made to, for the error's text.
type dialAddress string

func (dialAddress) Network() string  { return "tcp" }
func (a dialAddress) String() string { return string(a) }

// memoryConn is one end of a connection in memory. It behaves as a TCP connection does: buffered,
// half-closable, with deadlines, and ended by EOF or by reset.
type memoryConn struct {
	local, remote net.Addr
	in, out       *stream
}

// newMemoryPair returns the two ends of a connection.
func newMemoryPair(client, server net.Addr) (c, s *memoryConn) {
	up, down := newStream(), newStream()
	return &memoryConn{local: client, remote: server, in: down, out: up},
		&memoryConn{local: server, remote: client, in: up, out: down}
}

func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.opError("write", err)
}

// Close ends both directions: the peer reads what is on its way, then EOF.
func (c *memoryConn) Close() error {
	c.out.set(func(s *stream) { s.writerClosed = true })
	c.in.set(func(s *stream) { s.readerClosed = true; s.buf = nil })
	return nil
}

// CloseWrite ends this side's direction only.
func (c *memoryConn) CloseWrite() error {
	c.out.set(func(s *stream) { s.writerClosed = true })
	return nil
}

// Reset breaks the connection: the peer reads what has arrived, then ECONNRESET.
func (c *memoryConn) Reset() error {
	broken := func(s *stream) { s.reset = true }
	c.out.set(broken)
	c.in.set(broken)
	return c.Close()
}

// drain waits until the peer has read what was written, or will not.
func (c *memoryConn) drain() { c.out.drained() }

func (c *memoryConn) LocalAddr() net.Addr  { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr { return c.remote }

func (c *memoryConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.set(func(s *stream) { s.readBy = t })
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.set(func(s *stream) { s.writeBy = t })
	return nil
}

// opError dresses an error as package net does, so that a reader of errors sees no difference.
func (c *memoryConn) opError(op string, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case errors.As(err, &errno):
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// stream is one direction of a connection in memory.
type stream struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte // nothing is held for an idle connection

	writerClosed, readerClosed, reset bool
	readBy, writeBy                   time.Time
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

// set changes the stream and wakes whoever waits on it.
func (s *stream) set(change func(*stream)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	s.changed.Broadcast()
}

// drained waits until the reader has taken everything, the end of either side, or the deadline.
func (s *stream) drained() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) > 0 && !s.readerClosed && !s.writerClosed && !s.reset && !past(s.writeBy) {
		s.wait(s.writeBy)
	}
}

// wait waits for a change, or for the deadline. The caller holds mu.
func (s *stream) wait(deadline time.Time) {
	if !deadline.IsZero() {
		timer := time.AfterFunc(time.Until(deadline), func() { s.set(func(*stream) {}) })
		defer timer.Stop()
	}
	s.changed.Wait()
}

func past(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readerClosed:
			return 0, net.ErrClosed
		case past(s.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			if s.buf = s.buf[n:]; len(s.buf) == 0 {
				s.buf = nil
			}
			s.changed.Broadcast()
			return n, nil
		case s.reset:
			return 0, syscall.ECONNRESET
		case s.writerClosed:
			return 0, io.EOF
		}
		s.wait(s.readBy)
	}
}

func (s *stream) write(p []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.writerClosed:
			return written, net.ErrClosed
		case s.reset:
			return written, syscall.ECONNRESET
		case s.readerClosed:
			return written, syscall.EPIPE
		case past(s.writeBy):
			return written, os.ErrDeadlineExceeded
		case len(p) == 0:
			return written, nil
		case len(s.buf) < streamLimit:
			n := min(streamLimit-len(s.buf), len(p))
			s.buf = append(s.buf, p[:n]...)
			p, written = p[n:], written+n
			s.changed.Broadcast()
			continue
		}
		s.wait(s.writeBy)
	}
}
