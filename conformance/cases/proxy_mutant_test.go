package cases

import (
	"bytes"
	"context"
	"net"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
)

// proxyMutants go wrong on the way through a proxy.
func proxyMutants() []mutant {
	return []mutant{
		{name: "loses-early-bytes", does: "what comes together with the proxy's answer is lost", caught: "proxy/connect-early-bytes", client: dialling(func(dial dialFunc) dialFunc {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return &forgetful{Conn: conn}, nil
			}
		})},
		{name: "shows-proxy-password-again", does: "a password that the proxy rejected is shown to it again", caught: "proxy/rejected-once", client: twice(ocserr.Connect, func(*conformance.Settings) {})},
	}
}

// forgetful forgets what is read together with the answer to CONNECT.
type forgetful struct {
	net.Conn
	answered bool
	left     []byte
}

func (c *forgetful) Read(p []byte) (int, error) {
	if !c.answered {
		c.answered = true
		all := make([]byte, 4096)
		n, err := c.Conn.Read(all)
		if err != nil {
			return 0, err
		}
		head, _, _ := bytes.Cut(all[:n], []byte("\r\n\r\n"))
		c.left = append(head, "\r\n\r\n"...)
	}
	if len(c.left) > 0 {
		n := copy(p, c.left)
		c.left = c.left[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
