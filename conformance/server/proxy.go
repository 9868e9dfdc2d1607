package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/digest"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// StageProxy is where a fault strikes a request to the proxy to connect. Its matches are name, the host asked
// for, and transport: "http", "https", "socks4", "socks4a" or "socks5". Its actions are silent, delay, close,
// reset, banner, status (of HTTP alone), challenge (of HTTP alone: the credentials are rejected, with 407) and
//
//   - refuse: the proxy's policy forbids it
//   - nxdomain: the proxy cannot resolve the name
//   - unreachable: the proxy cannot connect
//   - coalesce: the answer goes out together with the first 512 bytes of the server, or Delay (1 s) later; its record
//     in the history tells of how many bytes it was
//   - split: the answer goes out Bytes (1) at a time, Delay apart
const StageProxy FaultStage = "proxy"

// ActionUnreachable stands for a proxy that cannot connect.
const ActionUnreachable Action = "unreachable"

// ProxyAuth says who may use the proxy.
type ProxyAuth struct {
	User     string      // empty: everybody
	Password auth.Secret `json:"-"`
	Schemes  []string    // of HTTP, offered in this order: "Basic", "Digest", "NTLM"; nil: Basic. SOCKS 5 has one of its own; SOCKS 4 has the name alone
}

// The ports of the proxy in memory.
const (
	proxyPortHTTP  = 3128
	proxyPortSOCKS = 1080
)

// dialogueLimit bounds a dialogue with the proxy.
const dialogueLimit = 30 * time.Second

// proxy is the server's proxy, which connects to the server itself and to nothing else. It speaks HTTP CONNECT,
// over TLS too, and SOCKS 4, 4a and 5, all on one port: the first byte of a client tells them apart.
type proxy struct {
	addr  net.Addr // of the listener; nil: none
	ports []int

	mu     sync.Mutex // guards digest
	digest *digest.Server
}

// listenProxy starts the proxy.
func (s *Server) listenProxy(address string) error {
	s.proxy.digest = &digest.Server{Realm: "proxy", Password: func(user string) (string, bool) {
		return string(s.config.Proxy.Password), user == s.config.Proxy.User
	}, Rand: s.config.Rand}
	if address == "" {
		s.proxy.ports = []int{proxyPortHTTP, proxyPortSOCKS}
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("server: proxy: %w", err)
	}
	s.closers = append(s.closers, l.Close)
	s.proxy.addr, s.proxy.ports = l.Addr(), []int{l.Addr().(*net.TCPAddr).Port}
	s.goroutines.Go(func() {
		for {
			nc, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				s.log.Warn("connection to the proxy not accepted", "error", err)
				s.pause(50 * time.Millisecond)
			default:
				s.acceptProxy(nc)
			}
		}
	})
	return nil
}

// ProxyAddr returns the address that the proxy's listener is bound to, "" without one.
func (s *Server) ProxyAddr() string { return text(s.proxy.addr) }

// acceptProxy takes over a new connection to the proxy; false: the server is closed.
func (s *Server) acceptProxy(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close()
		return false
	}
	c := &proxyClient{server: s, nc: nc, done: make(chan struct{})}
	s.goroutines.Go(c.serve)
	s.goroutines.Go(func() {
		select {
		case <-s.closing:
		case <-c.done:
		}
		_ = nc.Close()
	})
	return true
}

// proxyClient is one connection to the proxy.
type proxyClient struct {
	server *Server
	nc     net.Conn // without TLS
	conn   net.Conn // nc, or TLS over it
	in     *bufio.Reader
	how    string // "http", "https", "socks4", "socks4a", "socks5"
	done   chan struct{}

	handshake *ntlm.StreamServer // one that is not complete; nil: none
}

// errFault says that a fault has ended the dialogue.
var errFault = errors.New("a fault of the script")

// serve speaks the protocol that the client's first byte is of.
func (c *proxyClient) serve() {
	defer close(c.done)
	_ = c.nc.SetDeadline(time.Now().Add(dialogueLimit))
	c.conn, c.in, c.how = c.nc, bufio.NewReader(c.watched(c.nc)), "http"
	first, err := c.in.Peek(1)
	if err != nil {
		return
	}
	const tlsHandshake = 0x16
	if first[0] == tlsHandshake {
		secured := tls.Server(&proxyConn{c.nc, c.in}, &tls.Config{Certificates: []tls.Certificate{c.server.identity.leaf}})
		c.conn, c.in, c.how = secured, bufio.NewReader(c.watched(secured)), "https"
	}
	switch first[0] {
	case 4:
		err = c.serveSOCKS4()
	case 5:
		err = c.serveSOCKS5()
	default:
		err = c.serveHTTP()
	}
	if err != nil {
		c.server.log.Debug("dialogue with the proxy ended", "error", err)
	}
}

// watched is a connection with the client whose bytes are searched.
func (c *proxyClient) watched(nc net.Conn) net.Conn {
	return watchedConn{nc, c.server.watch(atProxy, 0)}
}

// proxyConn is a connection of which some bytes are in a reader already.
type proxyConn struct {
	net.Conn
	in *bufio.Reader
}

func (c *proxyConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// proxyOutcome is what came of a request to connect.
type proxyOutcome int

const (
	proxyConnected proxyOutcome = iota
	proxyForbidden
	proxyNoSuchName
	proxyNoConnection
)

// reach connects to the target, as far as a fault lets it.
func (c *proxyClient) reach(f Fault, target string) (net.Conn, proxyOutcome) {
	switch f.Action {
	case ActionRefuse:
		return nil, proxyForbidden
	case ActionNXDomain:
		return nil, proxyNoSuchName
	case ActionUnreachable:
		return nil, proxyNoConnection
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialogueLimit)
	defer cancel()
	there, err := c.server.Dial(ctx, "tcp", target)
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return nil, proxyNoSuchName
	case err != nil:
		return nil, proxyNoConnection
	}
	return there, proxyConnected
}

// strike finds the fault that strikes a request to connect, and does it where nothing else is to be done: then
// it returns errFault.
func (c *proxyClient) strike(target string) (Fault, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	f, hit := c.server.faults.take(StageProxy, facts{name: strings.TrimSuffix(host, "."), transport: c.how})
	if !hit {
		return f, nil
	}
	c.server.recordFault(f, 0)
	c.server.pause(f.Delay)
	switch f.Action {
	case ActionSilent:
		c.record(target, "silent", "")
		c.swallow()
	case ActionBanner:
		c.record(target, "banner", "")
		_, _ = io.WriteString(c.conn, orDefault(f.Text, "220 mail.example.test ESMTP\r\n"))
		c.swallow()
	case ActionReset:
		c.record(target, "reset", "")
		switch nc := c.nc.(type) {
		case *net.TCPConn:
			_ = nc.SetLinger(0)
		case *memoryConn:
			_ = nc.Reset()
		}
	case ActionClose:
		c.record(target, "closed", "")
	default:
		return f, nil
	}
	return f, errFault
}

// swallow reads and answers nothing until the client or the server closes the connection.
func (c *proxyClient) swallow() {
	_ = c.nc.SetDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, c.in)
}

// record keeps an answer of the proxy in the history. The user is who the client said it was.
func (c *proxyClient) record(target, answer, user string) {
	c.server.history.add(record{
		kind: KindProxy, name: target, transport: c.how, answer: answer, user: user, remote: c.nc.RemoteAddr().String(),
	})
}

// tunnel sends the answer that opens a tunnel, and then moves bytes until either side ends.
func (c *proxyClient) tunnel(answer []byte, target string, there net.Conn) error {
	defer there.Close()
	if err := c.grant(answer, target, there); err != nil {
		return err
	}
	_ = c.nc.SetDeadline(time.Time{})
	c.server.goroutines.Go(func() {
		_, _ = io.Copy(c.conn, there)
		_ = c.nc.Close()
	})
	_, err := io.Copy(there, c.in)
	return err
}

// torn is how long what follows early bytes is held back, so that the client reads them apart.
const torn = 50 * time.Millisecond

// grant sends an answer in the way that a fault wants it.
func (c *proxyClient) grant(answer []byte, target string, there net.Conn) error {
	host, _, _ := net.SplitHostPort(target)
	f, _ := c.server.faults.takeOf(groupBytes, StageProxy, onAnswer, facts{name: strings.TrimSuffix(host, "."), transport: c.how})
	rec := record{kind: KindFault, name: string(f.Stage), qtype: string(f.Action)}
	switch f.Action {
	case ActionCoalesce:
		early := make([]byte, 512) // a message can be torn there
		_ = there.SetReadDeadline(time.Now().Add(orDefault(f.Delay, time.Second)))
		n, _ := there.Read(early)
		_ = there.SetReadDeadline(time.Time{})
		answer, rec.bytes = append(answer, early[:n]...), int64(n)
	case ActionSplit:
		size := max(f.Bytes, 1)
		for ; len(answer) > size; answer = answer[size:] {
			if _, err := c.conn.Write(answer[:size]); err != nil {
				return err
			}
			c.server.pause(f.Delay)
		}
	}
	if f.Action != "" {
		c.server.history.add(rec)
	}
	_, err := c.conn.Write(answer)
	if rec.bytes > 0 {
		c.server.pause(torn)
	}
	return err
}
