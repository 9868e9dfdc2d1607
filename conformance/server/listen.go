package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// transport is how a client connects.
type transport int

const (
	transportTLS transport = iota
	transportTCP
)

// String is the transport as URIs and the history write it.
func (t transport) String() string {
	if t == transportTLS {
		return "tls"
	}
	return "tcp"
}

// handshakeLimit bounds a TLS handshake.
const handshakeLimit = 30 * time.Second

// acceptAll accepts connections until the listener is closed.
func (s *Server) acceptAll(l net.Listener, t transport) {
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, or the client was gone at once
			s.log.Warn("connection not accepted", "error", err)
			s.pause(50 * time.Millisecond)
		default:
			s.accept(nc, t)
		}
	}
}

// accept takes over a new connection; false: the server is closed.
func (s *Server) accept(nc net.Conn, t transport) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close()
		return false
	}
	s.connected++
	c := newConnection(s, s.connected, t, nc)
	s.connections[c] = struct{}{}
	s.goroutines.Go(c.open)
	return true
}

// link is the net.Conn beneath SIP and TLS: it tells of its end, and can be reset.
type link struct {
	net.Conn
	connection *connection
	serverName string // that the client asked for over TLS (SNI); set during the handshake
	ended      sync.Once
}

// Close closes the link and lets the server know.
func (l *link) Close() error {
	err := l.Conn.Close()
	l.ended.Do(l.connection.ended)
	return err
}

// reset breaks the link, so that the client sees ECONNRESET.
func (l *link) reset() {
	switch nc := l.Conn.(type) {
	case *net.TCPConn:
		_ = nc.SetLinger(0) // closing now sends RST
	case *memoryConn:
		_ = nc.Reset()
	}
	_ = l.Close()
}

// swallow reads and answers nothing until the client or the server closes the link.
func (l *link) swallow() {
	_ = l.SetDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, l.Conn)
	_ = l.Close()
}

// tlsConfig is shared by all connections.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{s.identity.leaf},
		SessionTicketsDisabled: true, // every sign-in is a whole one
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			l := hello.Conn.(*link)
			l.serverName = hello.ServerName
			f, hit := s.faults.take(StageTLS, facts{name: hello.ServerName})
			if !hit {
				return nil, nil
			}
			s.pause(f.Delay)
			switch f.Action {
			case ActionSilent:
				l.swallow()
			case ActionReset:
				l.reset()
			case ActionClose:
				_ = l.Close()
			}
			return nil, errors.New("a fault of the script")
		},
	}
}

// open brings a new connection to the point where SIP begins.
func (c *connection) open() {
	s := c.server
	s.history.add(record{kind: KindConnect, conn: c.id, remote: c.link.RemoteAddr().String(), transport: c.transport.String()})
	if f, hit := s.faults.take(StageAccept, facts{transport: c.transport.String()}); hit {
		s.pause(f.Delay)
		switch f.Action {
		case ActionSilent:
			c.link.swallow()
			return
		case ActionReset:
			c.link.reset()
			return
		case ActionClose:
			_ = c.link.Close()
			return
		}
	}
	if c.transport == transportTCP {
		c.start(c.link)
		return
	}
	nc := tls.Server(c.link, s.tls)
	_ = c.link.SetDeadline(time.Now().Add(handshakeLimit))
	err := nc.HandshakeContext(context.Background())
	_ = c.link.SetDeadline(time.Time{})
	rec := record{kind: KindTLS, conn: c.id, name: c.link.serverName}
	if err != nil {
		rec.err = err.Error()
	}
	s.history.add(rec)
	if err != nil {
		s.log.Info("TLS handshake failed", "conn", c.id, "error", err)
		_ = c.link.Close()
		return
	}
	c.start(nc)
}
