package secure

import (
	"errors"
	"io"
	"net"
)

// recordHeader is the length of a TLS record's header; its last two bytes are the length of what follows
// (RFC 8446 5.1).
const recordHeader = 5

// frugal gives crypto/tls its records one by one, each as whole as it fits. The read buffer of a tls.Conn
// doubles, for the life of the connection, when it gets a header alone or bytes of the record after: every
// session at rest would pay for the bursts of its sign-in.
type frugal struct {
	net.Conn
	left int // bytes of the present record that were not read yet
}

// Read reads on in the present record, or a header and what there is of its record. len(p) is at least 512,
// as crypto/tls has it.
func (c *frugal) Read(p []byte) (n int, err error) {
	if c.left == 0 && len(p) > recordHeader {
		if n, err = io.ReadFull(c.Conn, p[:recordHeader]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return n, err
		}
		if !isRecord(p[0]) {
			return n, nil // of another protocol: who speaks it may say no more, and crypto/tls finds out now
		}
		c.left = int(p[3])<<8 | int(p[4])
		if c.left == 0 {
			return n, nil
		}
	}
	m, err := c.Conn.Read(p[n:min(len(p), n+c.left)])
	c.left -= m
	return n + m, err
}

// isRecord tells whether a TLS record may begin with this byte: the types change_cipher_spec to application_data
// (RFC 8446 5.1).
func isRecord(first byte) bool { return 20 <= first && first <= 23 }
