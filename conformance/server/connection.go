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
	greeting  *Fault // what is sent before any message; nil: nothing
	auth      *auth.Server
	toTag     string        // of every answer on this connection that starts a dialog, and of those that do not
	gone      chan struct{} // closed when the connection has ended and nothing of it is left

	mu     sync.Mutex
	conn   *sip.Conn // nil until TLS is done
	closed bool

	sending   sync.Mutex // guards what follows
	wire      *wire
	context   occasion // of the message being sent
	signature string   // that of the message signed last
}

// occasion is when and to whom a message of the server's is sent: what faults are matched against.
type occasion struct {
	stage FaultStage
	is    facts
}

func newConnection(s *Server, id int, t transport, nc net.Conn) *connection {
	c := &connection{server: s, id: id, transport: t, toTag: s.token(16), gone: make(chan struct{})}
	c.link = newLink(c, nc)
	c.auth = auth.NewServer(auth.ServerConfig{
		Realm:      "SIP Communications Service",
		TargetName: s.config.fqdn(),
		Version:    s.config.Version,
		Schemes:    s.config.Schemes,
		Kerberos:   s.schemes.kerberos,
		TLSDSK:     s.schemes.tlsdsk,
		STSURI:     s.schemes.stsURI,
		Accounts:   s.account,
		Rand:       s.config.Rand,
	})
	return c
}

// start speaks SIP over nc, which is the link or TLS over it.
func (c *connection) start(nc net.Conn) {
	if c.begin(nc) && c.greeting != nil {
		c.server.recordFault(*c.greeting, c.id)
		after(c.greeting.Delay, func() { c.inject([]byte(c.greeting.Text)) })
	}
}

// begin makes the SIP connection; false: it is closed already.
func (c *connection) begin(nc net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = nc.Close()
		return false
	}
	c.wire = &wire{Conn: watchedConn{nc, c.server.watch(atSIP, c.id)}, link: c.link, varied: c.server.config.Varied}
	c.conn = sip.NewConn(c.wire, sip.Config{
		Sign:      c.sign,
		Verify:    c.verify,
		Handle:    func(_ *sip.Conn, req *sip.Request) { c.handle(req) },
		MaxHeader: maxHeader,
		MaxBody:   maxBody,
		Trace:     c.trace,
		Log:       c.server.log,
	})
	return true
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
	c.link.makeHaste()
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
		rec := record{kind: KindClose, conn: c.id, bytes: c.link.sent.Load()}
		if conn := c.sip(); conn != nil && conn.Err() != nil {
			rec.err = conn.Err().Error()
		}
		c.server.history.add(rec)
		c.server.disconnected(c)
		c.auth.Close()
	}()
}

func (c *connection) trace(sent bool, raw []byte) {
	kind := KindMessage
	if strings.Trim(string(raw[:min(len(raw), 4)]), "\r\n") == "" {
		kind, raw = KindKeepAlive, nil
	}
	c.server.history.add(record{kind: kind, conn: c.id, sent: sent, raw: raw})
}

// verify checks the signatures of the client's responses. Requests are judged one by one, since a bad one has
// an answer.
func (c *connection) verify(m sip.Message) error {
	res, ok := m.(*sip.Response)
	if !ok {
		return nil
	}
	err := c.auth.Verify(res)
	if err != nil {
		c.distrusted(m, err)
	}
	return err
}

// distrusted notes a message of the client's whose signature is wrong or missing.
func (c *connection) distrusted(m sip.Message, why error) {
	rec := record{kind: KindDistrusted, conn: c.id, err: why.Error(), raw: sip.Bytes(m)}
	c.server.history.add(rec)
}

// sign signs a message as it goes out, and puts the signature where OCS has it: first, behind ms-keep-alive.
func (c *connection) sign(m sip.Message) error {
	if err := c.auth.Sign(m); err != nil {
		return err
	}
	const name = "Authentication-Info"
	value := sip.Value(m, name)
	if value == "" {
		return nil
	}
	before := c.signature
	c.signature = value
	sip.Del(m, name)
	switch f := c.server.strike(groupSignature, onAnswer, c.context, c.id); f.Action {
	case ActionDropSignature:
		return nil
	case ActionCorruptSignature:
		value = corrupt(value)
	case ActionReplaySignature:
		value = orDefault(before, value)
	}
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
// Server.mu held; sending never waits for the client. false: the connection is at its end.
func (c *connection) send(m sip.Message, when occasion) bool {
	conn := c.sip()
	c.sending.Lock()
	defer c.sending.Unlock()
	c.context = when
	t := treatment{fault: c.server.strike(groupBytes, onAnswer, when, c.id)}
	if t.fault.Action == ActionUnsolicited {
		t.before = unsolicited(t.fault, m)
	}
	undo := c.wire.next(t)
	var err error
	switch m := m.(type) {
	case *sip.Request:
		err = conn.Send(m)
	case *sip.Response:
		err = conn.Respond(m)
	}
	if err != nil {
		undo()
		if !errors.Is(err, net.ErrClosed) {
			c.server.log.Debug("message not sent", "conn", c.id, "error", err)
		}
	}
	return err == nil
}

// inject sends bytes that are no message of the connection's: nothing signs them and no fault strikes them.
func (c *connection) inject(raw []byte) {
	if c.sip() == nil {
		return
	}
	c.trace(true, raw)
	if err := c.wire.inject(raw); err != nil {
		c.server.log.Debug("bytes not sent", "conn", c.id, "error", err)
	}
}
