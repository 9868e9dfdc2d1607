package tlsdsk

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net"
	"sync"
	"time"
)

// patience is how long a handshake waits for the peer's next token: longer than any SIP transaction
// (RFC 3261, Timer F: 32 s). After it a handshake that nobody closed ends by itself.
const patience = time.Minute

// handshake is one side's handshake of crypto/tls, stepped by tokens. It runs in a coroutine that is at rest
// between steps: whenever it would wait for the peer, it hands back what it has written, which is a flight.
// The coroutine ends when the handshake does, at the latest with patience or end.
type handshake struct {
	conn   *tls.Conn
	wire   wire
	log    keyLog
	accept func() error // what the side has to say to a handshake that is otherwise complete; nil: nothing

	mu      sync.Mutex // the timer ends the handshake from a goroutine of its own
	resume  func() (struct{}, bool)
	stop    func()
	timeout *time.Timer
	err     error  // why no step can follow
	hello   []byte // the random value of the ServerHello
	keys    *signingKeys
}

// newHandshake prepares a handshake. The side is tls.Client or tls.Server; the configuration is taken over.
func newHandshake(side func(net.Conn, *tls.Config) *tls.Conn, config *tls.Config) *handshake {
	h := &handshake{}
	config.KeyLogWriter = &h.log
	h.conn = side(&h.wire, config)
	h.resume, h.stop = iter.Pull(func(yield func(struct{}) bool) {
		h.wire.wait = func() bool { return yield(struct{}{}) }
		h.err = h.conn.Handshake() // the context is looked at between steps: no step waits
	})
	return h
}

// step takes the peer's token and returns the next one. With an error, the token returned is the alert that
// tells the peer, if there is one. After an error there is no further step.
func (h *handshake) step(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attend()
	if h.keys != nil || h.err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrToken, errors.Join(errEnded, h.err))
	}
	if err := ctx.Err(); err != nil {
		return nil, false, h.fail(context.Cause(ctx))
	}
	records, err := split(token)
	if err != nil {
		return nil, false, h.fail(err)
	}
	h.wire.in.Write(token)
	_, waiting := h.resume()
	out = join(h.wire.out.Bytes())
	h.wire.out = bytes.Buffer{}
	if err := h.learn(records, out); err != nil {
		return out, false, h.fail(err)
	}
	switch {
	case !waiting && h.err == nil:
		if err := h.derive(); err != nil {
			return nil, false, h.fail(err)
		}
		return out, true, nil
	case !waiting:
		if alert := alertIn(records); alert != nil {
			h.err = alert
		} else {
			h.err = fmt.Errorf("%w: %w", ErrHandshake, h.err)
		}
		return out, false, h.err
	case len(out) == 0:
		return nil, false, h.fail(fmt.Errorf("%w: the flight is incomplete", ErrToken))
	}
	h.timeout = time.AfterFunc(patience, func() { h.end(errors.New("tlsdsk: the peer's next token did not come in time")) })
	return out, false, nil
}

// attend ends the wait for the peer.
func (h *handshake) attend() {
	if h.timeout != nil {
		h.timeout.Stop()
		h.timeout = nil
	}
}

// learn keeps the random value of the ServerHello, which one of the two sides has just sent.
func (h *handshake) learn(in []record, out []byte) error {
	if h.hello != nil {
		return nil
	}
	if random, ok := serverRandom(in); ok {
		h.hello = bytes.Clone(random)
		return nil
	}
	records, err := split(out)
	if err != nil {
		return err
	}
	if random, ok := serverRandom(records); ok {
		h.hello = bytes.Clone(random)
	}
	return nil
}

// derive makes the signing keys of a handshake that is complete.
func (h *handshake) derive() error {
	if h.accept != nil {
		if err := h.accept(); err != nil {
			return err
		}
	}
	clientRandom, master, err := h.log.read()
	if err != nil {
		return err
	}
	if h.hello == nil {
		return errors.New("tlsdsk: no ServerHello was seen")
	}
	state := h.conn.ConnectionState()
	h.keys = newSigningKeys(state.Version, state.CipherSuite, master, clientRandom, h.hello)
	h.log = keyLog{}
	return nil
}

// fail ends the coroutine and keeps the reason.
func (h *handshake) fail(reason error) error {
	h.stop()
	h.err = reason // instead of what the handshake said to its being cut off
	return reason
}

// end does likewise from outside of a step, unless the handshake has ended.
func (h *handshake) end(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attend()
	if h.keys == nil && h.err == nil {
		_ = h.fail(reason)
	}
}

// established returns the signing keys once the handshake is complete.
func (h *handshake) established() (*signingKeys, error) {
	if h == nil {
		return nil, errNotEstablished
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys == nil {
		return nil, errNotEstablished
	}
	return h.keys, nil
}

// state is what the two sides agreed on; the zero value before the handshake is complete.
func (h *handshake) state() tls.ConnectionState {
	if _, err := h.established(); err != nil {
		return tls.ConnectionState{}
	}
	return h.conn.ConnectionState()
}

// wire is the connection that crypto/tls believes to have.
type wire struct {
	in, out bytes.Buffer
	wait    func() bool // returns when there is more to read; false when there will not be
}

func (w *wire) Read(b []byte) (int, error) {
	for w.in.Len() == 0 {
		if !w.wait() {
			return 0, net.ErrClosed
		}
	}
	return w.in.Read(b)
}

func (w *wire) Write(b []byte) (int, error)      { return w.out.Write(b) }
func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// keyLog takes the line that crypto/tls writes for the handshake: "CLIENT_RANDOM <client random> <master
// secret>" in hexadecimal. It is the only way to the master secret: ExportKeyingMaterial, which would give
// the key material itself, refuses peers without extended master secret, and those of this protocol's age
// have none.
type keyLog struct{ line []byte }

func (l *keyLog) Write(b []byte) (int, error) {
	l.line = bytes.Clone(b)
	return len(b), nil
}

func (l *keyLog) read() (clientRandom, master []byte, err error) {
	fields := bytes.Fields(l.line)
	if len(fields) != 3 || string(fields[0]) != "CLIENT_RANDOM" {
		return nil, nil, errors.New("tlsdsk: crypto/tls logged no master secret")
	}
	for i, dst := range []*[]byte{&clientRandom, &master} {
		if *dst, err = hex.DecodeString(string(fields[i+1])); err != nil {
			return nil, nil, errors.New("tlsdsk: crypto/tls logged a malformed master secret")
		}
	}
	return clientRandom, master, nil
}
