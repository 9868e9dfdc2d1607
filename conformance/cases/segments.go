package cases

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/ocsgo/ocs/conformance"
)

// segmented is an attempt in which it is the client's messages that come to the server in other segments: rewrite makes
// the client's connections write so. It is made with clear TCP, since the segments of TLS are its own. A client outside
// this process writes as it likes.
func segmented(rewrite func(net.Conn) net.Conn) conformance.Attempt {
	return conformance.Attempt{
		Name: "to the server", Client: conformance.Settings{Transport: "tcp"}, Expect: signsIn,
		Run: func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
			network := conformance.Network{Dial: new(net.Dialer).DialContext}
			if w.Settings.Network != nil {
				network = *w.Settings.Network
			}
			dial := network.Dial
			network.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return rewrite(conn), nil
			}
			w.Settings.Network = &network
			return w.SignIn(ctx)
		},
	}
}

// byteByByte writes each byte alone, and lets it be read before the next.
type byteByByte struct{ net.Conn }

func (c byteByByte) Write(p []byte) (int, error) {
	for i := range p {
		if i > 0 {
			time.Sleep(time.Microsecond)
		}
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// together holds what is written for a moment, so that the next message goes with it.
type together struct {
	net.Conn
	mu   sync.Mutex
	held []byte
}

const moment = 20 * time.Millisecond

func (c *together) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) == 0 {
		time.AfterFunc(moment, func() { _ = c.flush() }) // whoever writes next gets the error
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *together) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held
	c.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(held)
	return err
}

// Close lets what is held go first.
func (c *together) Close() error {
	_ = c.flush()
	return c.Conn.Close()
}
