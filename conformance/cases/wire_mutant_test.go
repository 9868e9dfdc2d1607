package cases

import (
	"bytes"
	"context"
	"net"

	"github.com/ocsgo/ocs/conformance"
)

// rewiring is our engine that reads or writes other bytes than those on the wire. It does so in clear TCP, where they
// can be changed.
func rewiring(read, write func([]byte) []byte) conformance.Client {
	return set(func(s *conformance.Settings) {
		s.Transport = "tcp"
		dial := s.Network.Dial
		s.Network.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &rewired{Conn: conn, read: read, write: write}, nil
		}
	})
}

// rewired is a connection with its bytes changed. What is read is as large as before, or cut off: the changes put as many
// bytes as they take away.
type rewired struct {
	net.Conn
	read, write func([]byte) []byte
}

func (c *rewired) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read != nil {
		copy(p, c.read(bytes.Clone(p[:n])))
	}
	return n, err
}

func (c *rewired) Write(p []byte) (int, error) {
	if c.write == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.write(bytes.Clone(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// blindTo is our engine that does not know header names or folds of a kind: it takes them for others.
func blindTo(pairs ...string) conformance.Client {
	return rewiring(func(b []byte) []byte {
		for i := 0; i < len(pairs); i += 2 {
			b = bytes.ReplaceAll(b, []byte(pairs[i]), []byte(pairs[i+1]))
		}
		return b
	}, nil)
}

// answersNobody drops the answers that a client sends.
func answersNobody(b []byte) []byte {
	if bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		return nil
	}
	return b
}
