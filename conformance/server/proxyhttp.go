package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxProxyHead bounds a request to the proxy, in bytes.
const maxProxyHead = 16 << 10

// serveHTTP answers CONNECT (RFC 9110 section 9.3.6) until one of them opens a tunnel.
func (c *proxyClient) serveHTTP() error {
	for {
		limited := &io.LimitedReader{R: c.in, N: maxProxyHead}
		req, err := http.ReadRequest(bufio.NewReaderSize(&byteReader{limited}, 16))
		if err != nil {
			return err
		}
		if req.Method != http.MethodConnect {
			c.record(req.Host, "405", "")
			return c.answer(405, "Method Not Allowed", "Allow: CONNECT")
		}
		target := req.Host
		f, err := c.strike(target)
		if err != nil {
			return err
		}
		if f.Action == ActionStatus {
			c.record(target, strconv.Itoa(f.Status), "")
			return c.answerFault(f)
		}
		user, challenges := c.judge(req)
		if f.Action == ActionChallenge && len(challenges) == 0 {
			challenges = c.challenges()
		}
		if len(challenges) > 0 {
			c.record(target, "407", user)
			if err := c.answer(407, "Proxy Authentication Required", challenges...); err != nil {
				return err
			}
			continue
		}
		there, outcome := c.reach(f, target)
		status := [...]string{
			proxyConnected:    "200 Connection established",
			proxyForbidden:    "403 Forbidden",
			proxyNoSuchName:   "502 Bad Gateway",
			proxyNoConnection: "502 Bad Gateway",
		}[outcome]
		c.record(target, status[:3], user)
		switch outcome {
		case proxyConnected:
			return c.tunnel([]byte("HTTP/1.1 "+status+"\r\n\r\n"), target, there)
		case proxyForbidden:
			return c.answer(403, "Forbidden")
		case proxyNoSuchName:
			return c.answer(502, "Bad Gateway", "Proxy-Status: proxy; error=dns_error; rcode=NXDOMAIN")
		default:
			return c.answer(502, "Bad Gateway", "Proxy-Status: proxy; error=connection_refused")
		}
	}
}

// byteReader reads a byte at a time, so that nothing behind a request's head is taken.
type byteReader struct{ r io.Reader }

func (b *byteReader) Read(p []byte) (int, error) { return b.r.Read(p[:min(len(p), 1)]) }

// answer writes an answer without a body, with lines "Name: value".
func (c *proxyClient) answer(status int, reason string, lines ...string) error {
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n", status, reason)
	for _, line := range lines {
		head.WriteString(line + "\r\n")
	}
	_, err := io.WriteString(c.conn, head.String()+"\r\n")
	return err
}

// answerFault writes the answer that a fault wants.
func (c *proxyClient) answerFault(f Fault) error {
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", f.Status, orDefault(f.Reason, orDefault(http.StatusText(f.Status), "Fault")), len(f.Text))
	for _, name := range sortedKeys(f.Headers) {
		for value := range strings.SplitSeq(f.Headers[name], "\n") {
			head.WriteString(name + ": " + value + "\r\n")
		}
	}
	_, err := io.WriteString(c.conn, head.String()+"\r\n"+f.Text)
	return err
}
