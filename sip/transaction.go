package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// ErrTimeout ends a transaction that had no final response within 32 s (RFC 3261 section 17.1, timer F; timer B for an
// INVITE without any response). A shorter limit is the context's.
var ErrTimeout = sipgo.ErrTransactionTimeout

// VerifyError ends a transaction whose final response Config.Verify refused. Nothing of the response may be trusted.
type VerifyError struct {
	Status int // of the refused response
	Err    error
}

// Error returns one line.
func (e *VerifyError) Error() string {
	return "sip: response " + strconv.Itoa(e.Status) + " not verified: " + e.Err.Error()
}

// Unwrap returns Err.
func (e *VerifyError) Unwrap() error { return e.Err }

// callKey identifies a client transaction on one connection. Via's branch is not part of it: some servers return
// none, and requests inside a dialog of these clients carry none.
type callKey struct {
	callID string
	seq    uint32
	method string
}

// keyOf reads the key from Call-ID and CSeq. A sequence number is less than 2^31 (RFC 3261 section 8.1.1.5).
func keyOf(m Message) (callKey, error) {
	number, method, ok := cutBlank(Value(m, "CSeq"))
	seq, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil {
		return callKey{}, errors.New("sip: message without a valid CSeq")
	}
	id := Value(m, "Call-ID")
	if id == "" {
		return callKey{}, errors.New("sip: message without Call-ID")
	}
	return callKey{callID: id, seq: uint32(seq), method: strings.ToUpper(method)}, nil
}

// cutBlank cuts at the first run of blanks.
func cutBlank(s string) (before, after string, ok bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.Trim(s[i:], " \t"), true
}

// Call is a request whose final response is awaited.
type Call struct {
	conn *Conn
	key  callKey
	req  *Request
	tx   *sipgo.ClientTx
	done chan struct{}

	// set once, before done is closed
	res *Response
	err error
}

// Do sends a request and waits for its final response. The error is a *ConnError if the connection ended, a
// *VerifyError, ErrTimeout, or the cause of ctx.
func (c *Conn) Do(ctx context.Context, req *Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	call, err := c.Start(req)
	if err != nil {
		return nil, err
	}
	return call.Wait(ctx)
}

// Start sends a request now and leaves the waiting to Wait, so that several can be under way.
func (c *Conn) Start(req *Request) (*Call, error) {
	key, err := keyOf(req)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(key.method, string(req.Method)) {
		return nil, fmt.Errorf("sip: CSeq names %s in a %s request", key.method, req.Method)
	}
	call := &Call{conn: c, key: key, req: req, done: make(chan struct{})}
	req.SetTransport("TCP") // reliable, so that the state machine does not send again
	line := &txConn{call: call}
	call.tx = sipgo.NewClientTx(key.callID, req, line, slog.New(slog.DiscardHandler))
	if err := call.tx.Init(); err != nil {
		call.end(nil, line.err)
		return nil, line.err // Init's own error quotes the request line
	}
	go call.collect()
	return call, nil
}

// Wait returns the final response. When ctx ends first the call is given up: a late response is dropped, and the cause
// of ctx is the result of this and every later Wait.
func (call *Call) Wait(ctx context.Context) (*Response, error) {
	select {
	case <-call.done:
	case <-ctx.Done():
		call.end(nil, context.Cause(ctx))
		<-call.done
	}
	return call.res, call.err
}

// collect takes from the transaction what it passes up, so that handing it a response never blocks the reader.
func (call *Call) collect() {
	for {
		select {
		case res := <-call.tx.Responses():
			if !res.IsProvisional() {
				call.end(res, nil)
				return
			}
		case <-call.tx.Done():
			err := call.tx.Err()
			if errors.Is(err, ErrTimeout) {
				err = ErrTimeout
			}
			call.end(nil, err) // without effect if this is how an ended call ends
			return
		}
	}
}

// end decides the call, once, and frees its transaction.
func (call *Call) end(res *Response, err error) {
	c := call.conn
	c.mu.Lock()
	select {
	case <-call.done:
		c.mu.Unlock()
		return
	default:
	}
	if c.calls[call.key] == call {
		delete(c.calls, call.key)
		if len(c.calls) == 0 {
			c.calls = nil // a map keeps its memory
		}
	}
	call.res, call.err = res, err
	close(call.done)
	c.mu.Unlock()
	call.tx.Terminate()
}

// received gives a response to the call that waits for it. refused is Verify's verdict.
func (c *Conn) received(res *Response, refused error) {
	key, err := keyOf(res)
	if err != nil {
		c.log.Warn("response dropped", "status", res.StatusCode, "error", err)
		return
	}
	c.mu.Lock()
	call := c.calls[key]
	c.mu.Unlock()
	switch {
	case call == nil:
		c.log.Debug("response dropped: nobody waits for it", "status", res.StatusCode, "method", key.method)
	case refused == nil:
		call.tx.Receive(res)
		if !res.IsProvisional() {
			<-call.done // collect is at it; the end of the connection, if it is next, must not be faster
		}
	case res.IsProvisional():
		c.log.Warn("provisional response dropped: not verified", "status", res.StatusCode, "error", refused)
	default:
		call.end(nil, &VerifyError{Status: res.StatusCode, Err: refused})
	}
}

// txConn is what a sipgo transaction sees of the connection.
type txConn struct {
	call *Call
	err  error // why the request was not sent
}

func (l *txConn) LocalAddr() net.Addr { return l.call.conn.LocalAddr() }
func (l *txConn) Ref(int) int         { return 1 }
func (l *txConn) Close() error        { return nil }

// TryClose does nothing: the end of a transaction is not the end of the connection.
func (l *txConn) TryClose() (int, error) { return 1, nil }

// WriteMsg sends the request, or the ACK that ends an INVITE.
func (l *txConn) WriteMsg(m Message) error {
	if m != Message(l.call.req) {
		return l.call.conn.write(m, nil)
	}
	l.err = l.call.conn.write(m, l.call)
	return l.err
}
