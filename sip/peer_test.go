package sip

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is the other end of a connection, played by the test byte by byte.
type peer struct {
	t  *testing.T
	nc net.Conn
	f  *framer
}

// dial makes a connection over net.Pipe and its peer, and ends both with the test.
func dial(t *testing.T, cfg Config) (*Conn, *peer) {
	near, far := net.Pipe()
	c := NewConn(near, cfg)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, &peer{t: t, nc: far, f: newFramer(far)}
}

// receive returns the next message sent to the peer.
func (p *peer) receive() Message {
	p.t.Helper()
	raw, err := p.f.next()
	require.NoError(p.t, err)
	return mustParse(p.t, string(raw))
}

func (p *peer) send(raw string) {
	p.t.Helper()
	_, err := io.WriteString(p.nc, raw)
	require.NoError(p.t, err)
}

// answer sends a response that repeats the request's lines, with more header lines.
func (p *peer) answer(m Message, status int, more ...string) {
	p.t.Helper()
	res := NewResponse(m.(*Request), status, "Reason")
	for _, line := range more {
		name, value, _ := strings.Cut(line, ": ")
		Add(res, name, value)
	}
	SetBody(res, "", nil)
	p.send(string(Bytes(res)))
}

// request makes a request with Call-ID, CSeq and a Via without branch.
func request(t testing.TB, method, callID string, seq int) *Request {
	req, err := NewRequest(method, "sip:alice@ocs.test")
	require.NoError(t, err)
	Add(req, "Via", "SIP/2.0/TLS 10.0.0.1:1234")
	Add(req, "From", "<sip:alice@ocs.test>;tag=1;epid=2")
	Add(req, "To", "<sip:alice@ocs.test>")
	Add(req, "Call-ID", callID)
	Add(req, "CSeq", strconv.Itoa(seq)+" "+method)
	return req
}
