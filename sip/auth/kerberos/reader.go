package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFile bounds the files read: krb5.conf, keytab, credential cache. A cache with a hundred tickets that carry
// large authorization data stays below it.
const maxFile = 4 << 20

var errTruncated = errors.New("truncated")

// readFile reads a whole file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxFile)
	}
	return b, nil
}

// reader takes big-endian values off the front of a keytab or credential cache. After the end it returns
// zeroes, and err says so; no length in the input makes it allocate.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.err = nil, errTruncated
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// data16 and data32 read a byte string after its length.
func (r *reader) data16() []byte { return r.take(int(r.u16())) }

func (r *reader) data32() []byte {
	n := r.u32()
	if n > maxFile {
		n = maxFile + 1 // more than there can be; int(n) must not turn negative on 32 bits
	}
	return r.take(int(n))
}
