package server

import (
	"errors"
	"net"
	"strings"
	"sync"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
)

// The bounds of a message.
const (
	maxHeader = 64 << 10
	maxBody   = 256 << 10
)

// connection is one client's connection: the security association, and the signing of what is sent.
type connection struct {
	server    *Server
	id        int
	transport transport
	link      *link
	auth      *auth.Server
	toTag     string        // of every answer on this connection that starts a dialog, and of those that do not
	gone      chan struct{} // closed when the connection has ended and nothing of it is left

	mu     sync.Mutex
	conn   *sip.Conn // nil until TLS is done
	closed bool

	sending sync.Mutex
	how     signing // of the message being sent; guarded by sending
}

// signing is how a message is signed.
type signing int

const (
	signed    signing = iota // as the protocol wants it
	unsigned                 // not at all (a fault)
	corrupted                // with a wrong signature (a fault)
)

func newConnection(s *Server, id int, t transport, nc net.Conn) *connection {
	c := &connection{server: s, id: id, transport: t, toTag: s.token(16), gone: make(chan struct{})}
	c.link = &link{Conn: nc, connection: c}
	c.auth = auth.NewServer(auth.ServerConfig{
		Realm:      "SIP Communications Service",
		TargetName: s.config.fqdn(),
		Version:    s.config.Version,
		Schemes:    s.config.Schemes,
		Accounts:   s.account,
		Rand:       s.config.Rand,
	})
	return c
}

// start speaks SIP over nc, which is the link or TLS over it.
func (c *connection) start(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return
	}
	c.conn = sip.NewConn(nc, sip.Config{
		Sign: c.sign,
		Verify: func(m sip.Message) error {
			if res, ok := m.(*sip.Response); ok {
				return c.auth.Verify(res)
			}
			return nil // requests are judged one by one, since a bad one has an answer
		},
		Handle:    func(_ *sip.Conn, req *sip.Request) { c.handle(req) },
		MaxHeader: maxHeader,
		MaxBody:   maxBody,
		Trace:     c.trace,
		Log:       c.server.log,
	})
}

// sip returns the SIP connection, nil before there is one.
func (c *connection) sip() *sip.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// close closes the connection in good order; wait waits until nothing is left of it.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn != nil {
		_ = c.conn.Close()
	} else {
		_ = c.link.Close()
	}
}

func (c *connection) wait() { <-c.gone }

// ended is called when the link is closed, whoever closed it and whatever locks that one holds.
func (c *connection) ended() {
	go func() {
		defer close(c.gone)
		rec := record{kind: KindClose, conn: c.id}
		if conn := c.sip(); conn != nil && conn.Err() != nil {
			rec.err = conn.Err().Error()
		}
		c.server.history.add(rec)
		c.server.disconnected(c)
	}()
}

func (c *connection) trace(sent bool, raw []byte) {
	kind := KindMessage
	if strings.Trim(string(raw[:min(len(raw), 4)]), "\r\n") == "" {
		kind, raw = KindKeepAlive, nil
	}
	c.server.history.add(record{kind: kind, conn: c.id, sent: sent, raw: raw})
}

// sign signs a message as it goes out, and puts the signature where OCS has it: first, behind ms-keep-alive.
func (c *connection) sign(m sip.Message) error {
	if c.how == unsigned {
		return nil
	}
	if err := c.auth.Sign(m); err != nil {
		return err
	}
	const name = "Authentication-Info"
	value := sip.Value(m, name)
	if value == "" {
		return nil
	}
	if c.how == corrupted {
		value = corrupt(value)
	}
	sip.Del(m, name)
	prepend(m, name, value)
	if keepAlive := sip.Value(m, "ms-keep-alive"); keepAlive != "" {
		sip.Del(m, "ms-keep-alive")
		prepend(m, "ms-keep-alive", keepAlive)
	}
	return nil
}

// prepend puts a header first; there must be none of its name.
func prepend(m sip.Message, name, value string) {
	sip.Add(m, name, value)
	lines := m.GetHeaders(name)
	sip.Del(m, name)
	m.PrependHeader(lines...)
}

// corrupt changes the last hexadecimal digit of a signature's checksum.
func corrupt(info string) string {
	at := strings.Index(info, `rspauth="`) + len(`rspauth="01000000`)
	if at >= len(info) {
		return info
	}
	digit := byte('0')
	if info[at] == digit {
		digit = '1'
	}
	return info[:at] + string(digit) + info[at+1:]
}

// send gives a message its place on the wire. Messages that tell of the server's state are sent with
// Server.mu held; sending never waits for the client.
func (c *connection) send(m sip.Message, how signing) {
	conn := c.sip()
	c.sending.Lock()
	defer c.sending.Unlock()
	c.how = how
	var err error
	switch m := m.(type) {
	case *sip.Request:
		err = conn.Send(m)
	case *sip.Response:
		err = conn.Respond(m)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.server.log.Debug("message not sent", "conn", c.id, "error", err)
	}
}
