package server

import (
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// link is the net.Conn beneath SIP and TLS: it tells of its end, can be reset, counts what the server sends,
// and does to the raw bytes what faults of the stage accept want.
type link struct {
	net.Conn
	connection *connection
	serverName string // that the client asked for over TLS (SNI); set during the handshake
	ended      sync.Once
	hurried    sync.Once
	hurry      chan struct{} // closed when nothing is to be waited for any more
	sent       atomic.Int64  // bytes

	cut    *Fault // close, reset or silent after cut.Bytes of what is sent; nil: never
	pieces *Fault // split: what is sent goes out in pieces; nil: as it comes
	mute   bool   // the cut has made it silent
}

func newLink(c *connection, nc net.Conn) *link {
	return &link{Conn: nc, connection: c, hurry: make(chan struct{})}
}

// Write sends bytes, in pieces and up to the cut where a fault wants it so. It is not for concurrent use, as
// neither SIP nor TLS needs it.
func (l *link) Write(p []byte) (written int, err error) {
	if l.cut == nil && l.pieces == nil {
		written, err = l.Conn.Write(p)
		l.sent.Add(int64(written))
		return written, err
	}
	for piece := range l.inPieces(p, l.pieces) {
		if l.cut != nil {
			piece = piece[:min(len(piece), max(l.cut.Bytes-int(l.sent.Load()), 0))]
		}
		if !l.mute {
			n, err := l.Conn.Write(piece)
			l.sent.Add(int64(n))
			written += n
			if err != nil {
				return written, err
			}
		}
		if l.cut != nil && int(l.sent.Load()) >= l.cut.Bytes {
			return l.end(p, written)
		}
	}
	return written, nil
}

// end does what the cut wants once it is reached.
func (l *link) end(p []byte, written int) (int, error) {
	if l.cut.Action == ActionSilent || l.cut.Delay > 0 {
		if !l.mute && l.cut.Action != ActionSilent {
			time.AfterFunc(l.cut.Delay, func() { l.terminate(l.cut.Action) })
		}
		l.mute = true
		return len(p), nil
	}
	l.terminate(l.cut.Action)
	return written, net.ErrClosed
}

// inPieces yields bytes as a fault wants them delivered: each piece when the one before has been read (as far
// as that can be known: over sockets it is sent), and the fault's delay is over.
func (l *link) inPieces(p []byte, f *Fault) func(yield func([]byte) bool) {
	if f == nil || f.Action != ActionSplit {
		return func(yield func([]byte) bool) { yield(p) }
	}
	return func(yield func([]byte) bool) {
		for piece := range slices.Chunk(p, max(f.Bytes, 1)) {
			if !yield(piece) {
				return
			}
			if mc, ok := l.Conn.(*memoryConn); ok {
				mc.drain()
			}
			l.pause(f.Delay)
		}
	}
}

// pause waits, but not for a connection that is to end.
func (l *link) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.hurry:
	}
}

// makeHaste ends every pause, now and from now on.
func (l *link) makeHaste() { l.hurried.Do(func() { close(l.hurry) }) }

// Close closes the link and lets the server know.
func (l *link) Close() error {
	err := l.Conn.Close()
	l.makeHaste()
	l.ended.Do(l.connection.ended)
	return err
}

// terminate closes or resets the link.
func (l *link) terminate(how Action) {
	if how == ActionReset {
		l.reset()
		return
	}
	_ = l.Close()
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
