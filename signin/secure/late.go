package secure

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// clientCertificate is what a handshake showed of the client's certificate.
type clientCertificate struct {
	demanded bool // the server asked for one
	given    bool // there was one for it
	late     bool // the server's verdict comes after the handshake: TLS 1.3
}

// Late explains the end of the connection before the server has said anything in it, where that is the server's verdict on
// the client's certificate: with TLS 1.3 it comes after the handshake. Nil: it is something else.
func (r *Report) Late(err error) *ocserr.Error {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" || !r.client.late || !r.client.demanded {
		return nil
	}
	h := &handshake{client: r.client}
	if f := h.fault(err); f.cause == ocserr.CauseTLSClientRefused {
		return f.coded()
	}
	return nil
}

// Heed makes the verdict that Late explains heard on a connection of which one goroutine reads: the server closes behind
// it, and a write would fail for that before it is read.
func (r *Report) Heed(conn *tls.Conn) net.Conn {
	if !r.client.late || !r.client.demanded {
		return conn
	}
	return &heeding{Conn: conn, ended: make(chan struct{})}
}

// heeding is a connection whose writes fail for the reason for which its reads do.
type heeding struct {
	net.Conn
	ended chan struct{} // closed once err is set
	err   error         // of the first read that failed
}

// Read notes why there is no more to read. There is one reader.
func (c *heeding) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && c.err == nil {
		c.err = err
		close(c.ended)
	}
	return n, err
}

// Write waits a little for the reader to say why it cannot write.
func (c *heeding) Write(p []byte) (int, error) {
	const wait = 50 * time.Millisecond
	n, err := c.Conn.Write(p)
	if err != nil {
		select {
		case <-c.ended:
			err = c.err
		case <-time.After(wait):
		}
	}
	return n, err
}
