package sip

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"
)

// Defaults of Config and fixed limits.
const (
	defaultMaxHeader = 64 << 10
	defaultMaxBody   = 1 << 20
	defaultTimeout   = 30 * time.Second
	maxQueued        = 4 << 20         // bytes that may wait for a peer that does not read
	closeLinger      = 1 * time.Second // how long Close lets messages sent before it leave
)

// Config says how a connection behaves. The zero value is usable.
type Config struct {
	// Sign may add headers to a message about to be sent. It is called in wire order, for every message, with the
	// connection's lock held: it must not use the connection. It may run beside Verify. Its error is returned to the
	// sender, and nothing is sent. nil: no signing.
	Sign func(Message) error
	// Verify judges every message received, in order of arrival, before anything else sees it. On an error a final
	// response ends its transaction with a *VerifyError; a request or a provisional response is dropped. nil: accept all.
	Verify func(Message) error
	// Handle gets every request, in order of arrival, on the goroutine that reads: it must not block and must not call
	// Do or Wait; it may call Respond, Send, Start and Close. nil: requests are answered 501, except ACK and BENOTIFY,
	// which have no response.
	Handle func(*Conn, *Request)
	// Closed is called once, when the connection has ended and nothing further will be handled, with the *ConnError that
	// Err returns. It is the last thing the reading goroutine does. nil: none.
	Closed func(error)

	MaxHeader int // bytes of start line and headers of a message received; 0: 64 KiB
	MaxBody   int // bytes of its body; 0: 1 MiB

	MessageTimeout time.Duration // from the first byte of a message received to its last; 0: 30 s
	WriteTimeout   time.Duration // for one message to be written; 0: 30 s

	// Trace gets every message and keep-alive as on the wire. Calls do not overlap; raw is valid during the call only.
	// It sees secrets: pass the bytes through Redact before they are kept. nil: none.
	Trace func(sent bool, raw []byte)
	Log   *slog.Logger // nil: discard
}

// ConnError is the end of a connection, as every waiter gets it.
type ConnError struct {
	Op  string // "read", "write", "parse" (the peer sent no SIP) or "closed" (by us)
	Err error  // io.EOF, a *ParseError, a *net.OpError, net.ErrClosed ...
}

// Error returns one line.
func (e *ConnError) Error() string { return "sip: connection: " + e.Op + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *ConnError) Unwrap() error { return e.Err }

// Conn is one SIP connection over any net.Conn. All methods may be called by several goroutines at once.
// At rest it holds one goroutine and a small read buffer.
type Conn struct {
	nc     net.Conn
	cfg    Config
	log    *slog.Logger
	framer framer
	done   chan struct{}
	trace  sync.Mutex // one Trace call at a time

	mu        sync.Mutex // also the write lock
	err       error      // why it died
	calls     map[callKey]*Call
	queue     [][]byte  // encoded, signed, in wire order
	queued    int       // bytes in queue
	writing   bool      // flush is running
	linger    time.Time // until when the queue may still leave; zero unless closed by us
	lastSent  time.Time
	interval  time.Duration // of the keep-alive
	keepAlive *time.Timer
}

// NewConn takes over an established connection and starts to read. Close ends it.
func NewConn(nc net.Conn, cfg Config) *Conn {
	if cfg.MaxHeader == 0 {
		cfg.MaxHeader = defaultMaxHeader
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.MessageTimeout == 0 {
		cfg.MessageTimeout = defaultTimeout
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = defaultTimeout
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Conn{nc: nc, cfg: cfg, log: log, done: make(chan struct{}), lastSent: time.Now()}
	c.framer = framer{
		r:         nc,
		deadline:  func(t time.Time) { nc.SetReadDeadline(t) },
		blanks:    func(raw []byte) { c.traced(false, raw) },
		maxHeader: cfg.MaxHeader,
		maxBody:   cfg.MaxBody,
		timeout:   cfg.MessageTimeout,
	}
	go c.read()
	return c
}

// Send queues a request that waits for no answer: BENOTIFY, ACK.
// It returns when the request is signed and has its place in the order of the wire; if writing fails later, the
// connection ends.
func (c *Conn) Send(req *Request) error { return c.write(req, nil) }

// Respond queues a response, as Send does.
func (c *Conn) Respond(res *Response) error { return c.write(res, nil) }

// Close ends the connection and returns at once. Every waiter gets net.ErrClosed; messages sent before are still
// written if the peer takes them within a second.
func (c *Conn) Close() error {
	c.die("closed", net.ErrClosed)
	return nil
}

// Done is closed when the connection is dead.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection died, a *ConnError, or nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// LocalAddr returns the local address of the net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the remote address of the net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// read is the connection's one goroutine: it frames, verifies and dispatches until the connection is dead.
//
// When nothing more has arrived it waits as a new goroutine: a stack keeps the size that it grew to for parsing and
// dispatching, and connections spend their lives waiting.
func (c *Conn) read() {
	for {
		raw, err := c.framer.next()
		if c.Err() == nil {
			if err == nil {
				c.traced(false, raw)
				var m Message
				if m, err = parse(raw); err == nil {
					c.dispatch(m)
				}
			}
			if err != nil {
				c.die(readOp(err), err)
			}
		} // else closed by us: what still comes is read and dropped until flush closes the net.Conn, because a peer that
		// cannot write may not read either.
		if err != nil {
			break
		}
		if c.framer.empty() {
			go c.read()
			return
		}
	}
	if c.cfg.Closed != nil {
		c.cfg.Closed(c.Err())
	}
}

// readOp names what went wrong in a read: the peer sent no SIP, or nothing could be read.
func readOp(err error) string {
	if pe := (*ParseError)(nil); errors.As(err, &pe) {
		return "parse"
	}
	return "read"
}

// dispatch hands one message to who waits for it.
func (c *Conn) dispatch(m Message) {
	var refused error
	if c.cfg.Verify != nil {
		refused = c.cfg.Verify(m)
	}
	switch m := m.(type) {
	case *Response:
		c.received(m, refused)
	case *Request:
		if refused != nil {
			c.log.Warn("request dropped: not verified", "method", m.Method, "error", refused)
			return
		}
		if c.cfg.Handle != nil {
			c.cfg.Handle(c, m)
			return
		}
		if m.Method == "ACK" || m.Method == "BENOTIFY" {
			return
		}
		if err := c.Respond(NewResponse(m, 501, "Not Implemented")); err != nil {
			c.log.Debug("501 not sent", "error", err)
		}
	}
}

// write signs a message and gives it its place on the wire. It never waits for the peer, so that the reader may call
// it: two peers that both write before they read would wait for each other for ever.
// A call is entered in the table together with its request, so that no response can be faster.
func (c *Conn) write(m Message, call *Call) error {
	if Value(m, "Content-Length") == "" {
		Add(m, "Content-Length", strconv.Itoa(len(m.Body())))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if c.queued > maxQueued {
		return &ConnError{Op: "write", Err: fmt.Errorf("%d bytes wait for a peer that does not read", c.queued)}
	}
	if call != nil && c.calls[call.key] != nil {
		return fmt.Errorf("sip: a %s request with this Call-ID and CSeq is under way", call.key.method)
	}
	if c.cfg.Sign != nil {
		if err := c.cfg.Sign(m); err != nil {
			return fmt.Errorf("sip: sign: %w", err)
		}
	}
	raw, err := encode(m)
	if err != nil {
		return err
	}
	if call != nil {
		if c.calls == nil {
			c.calls = make(map[callKey]*Call)
		}
		c.calls[call.key] = call
	}
	c.enqueue(raw)
	return nil
}

// enqueue appends bytes to the queue and sees that somebody writes it. The lock is held.
func (c *Conn) enqueue(raw []byte) {
	c.queue = append(c.queue, raw)
	c.queued += len(raw)
	c.lastSent = time.Now()
	c.startFlush()
}

// startFlush makes sure that flush runs. The lock is held.
func (c *Conn) startFlush() {
	if !c.writing {
		c.writing = true
		go c.flush()
	}
}

// flush writes the queue, one net.Conn.Write a message, and ends when it is empty. After the death of the connection
// it closes the net.Conn, and that ends the reader.
func (c *Conn) flush() {
	for {
		raw, dead := c.dequeue()
		if dead {
			c.nc.Close()
		}
		if raw == nil {
			return
		}
		c.traced(true, raw)
		if _, err := c.nc.Write(raw); err != nil {
			c.fail(err)
		}
	}
}

// dequeue takes the next message and sets its deadline. Without one, flush is over; dead tells whether it is so for
// good.
func (c *Conn) dequeue() (raw []byte, dead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && c.linger.IsZero() {
		c.queue = nil
	}
	if len(c.queue) == 0 {
		c.queue, c.queued = nil, 0
		if c.err != nil {
			return nil, true // writing stays set: there is nothing more to do
		}
		c.writing = false
		c.nc.SetWriteDeadline(time.Time{}) // TLS writes by itself, too
		return nil, false
	}
	raw = c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	c.queued -= len(raw)
	deadline := c.linger
	if c.err == nil {
		deadline = time.Now().Add(c.cfg.WriteTimeout)
	}
	c.nc.SetWriteDeadline(deadline)
	return raw, false
}

// fail ends the connection after a failed write, and what was closed with messages to write.
func (c *Conn) fail(err error) {
	c.die("write", err)
	c.mu.Lock()
	c.linger = time.Time{}
	c.mu.Unlock()
}

// die ends the connection for one cause; later ones are ignored.
func (c *Conn) die(op string, cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	err := &ConnError{Op: op, Err: cause}
	c.err = err
	calls := c.calls
	c.calls = nil
	if c.keepAlive != nil {
		c.keepAlive.Stop()
	}
	stop := time.Now() // for the write in progress
	if op == "closed" {
		stop = stop.Add(closeLinger)
		c.linger = stop
	}
	c.nc.SetWriteDeadline(stop)
	c.startFlush()
	c.mu.Unlock()

	close(c.done)
	for _, call := range calls {
		call.end(nil, err)
	}
	c.log.Debug("connection ended", "error", err)
}

func (c *Conn) traced(sent bool, raw []byte) {
	if c.cfg.Trace == nil {
		return
	}
	c.trace.Lock()
	defer c.trace.Unlock()
	c.cfg.Trace(sent, raw)
}
