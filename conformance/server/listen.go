package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
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

// accept takes over a new connection, unless a fault or the end of the server refuses it: then the connection
// is closed, and the answer is ActionRefuse or ActionBlackhole.
func (s *Server) accept(nc net.Conn, t transport) Action {
	is := facts{transport: t.String()}
	f, _ := s.faults.take(StageAccept, is)
	pieces, split := s.faults.takeOf(groupBytes, StageAccept, onAnswer, is)
	greeting, greets := s.faults.takeOf(groupSequel, StageAccept, onAnswer, facts{transport: is.transport, status: 200}) // nothing is refused
	_, inMemory := nc.(*memoryConn)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		_ = nc.Close()
		return ActionRefuse
	case inMemory && (f.Action == ActionRefuse || f.Action == ActionBlackhole):
		s.recordFault(f, 0)
		_ = nc.Close()
		return f.Action
	}
	s.connected++
	c := newConnection(s, s.connected, t, nc)
	if split {
		c.link.pieces = &pieces
	}
	if greets {
		c.greeting = &greeting
	}
	s.connections[c] = struct{}{}
	s.goroutines.Go(func() { c.open(f) })
	return ""
}

// tlsConfig is shared by all connections.
func (s *Server) tlsConfig() *tls.Config {
	config := &tls.Config{
		Certificates:           []tls.Certificate{s.identity.leaf},
		SessionTicketsDisabled: true, // every sign-in is a whole one
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			l := hello.Conn.(*link)
			l.serverName = hello.ServerName
			f, hit := s.faults.take(StageTLS, facts{name: hello.ServerName})
			if !hit {
				return nil, nil
			}
			s.recordFault(f, l.connection.id)
			l.pause(f.Delay)
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
	s.config.TLSProfile.configure(config)
	return config
}

// open brings a new connection to the point where SIP begins, if a fault lets it.
func (c *connection) open(f Fault) {
	s := c.server
	s.history.add(record{kind: KindConnect, conn: c.id, remote: c.link.RemoteAddr().String(), transport: c.transport.String()})
	s.recordFault(f, c.id)
	if c.link.pieces != nil {
		s.recordFault(*c.link.pieces, c.id)
	}
	if f.Bytes > 0 {
		c.link.cut = &f
	} else if c.refused(f) {
		return
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

// refused does what a fault wants with a new connection; false: it goes on.
func (c *connection) refused(f Fault) (done bool) {
	if f.Action != "" {
		c.link.pause(f.Delay)
	}
	switch f.Action {
	case "", ActionDelay:
		return false
	case ActionBanner:
		if _, err := c.link.Write([]byte(orDefault(f.Text, "220 mail.example.test ESMTP\r\n"))); err == nil {
			c.link.swallow()
			return true
		}
	case ActionReset, ActionRefuse:
		c.link.reset()
		return true
	case ActionSilent, ActionBlackhole:
		c.link.swallow()
		return true
	}
	_ = c.link.Close()
	return true
}
