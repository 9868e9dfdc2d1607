package secure

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// readerConn reads from a reader.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func TestFrugalReadsNeverPassTheEndOfARecord(t *testing.T) {
	records := []string{"\x16\x03\x03\x00\x04abcd", "\x17\x03\x03\x00\x00", "\x17\x03\x03\x01\x00" + string(bytes.Repeat([]byte("x"), 256))}
	stream := []byte(records[0] + records[1] + records[2])
	for name, source := range map[string]io.Reader{
		"all at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"in halves": iotest.HalfReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			c := &frugal{Conn: readerConn{Reader: source}}
			for _, record := range records {
				got := []byte{}
				for len(got) < len(record) {
					p := make([]byte, 512)
					n, err := c.Read(p)
					require.NoError(t, err)
					got = append(got, p[:n]...)
				}
				require.Equal(t, record, string(got))
			}
			_, err := c.Read(make([]byte, 512))
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestFrugalReadOfAnotherProtocolWaitsForNoMore(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		_, _ = far.Write([]byte("hello")) // whose last two bytes would be a length
		_ = far.Close()                   // whoever waits for more hears of it
	}()

	got := make([]byte, 512)
	n, err := (&frugal{Conn: near}).Read(got)

	require.NoError(t, err)
	require.Equal(t, "hello", string(got[:n]))
}
