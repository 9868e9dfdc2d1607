package dial

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// The bounds of a proxy's answer, in bytes.
const (
	maxHead = 8 << 10
	maxBody = 64 << 10 // of an answer after which the connection goes on
)

// connect asks an HTTP proxy for a connection to the host (RFC 9110 section 9.3.6), and shows it the
// credentials that it asks for.
func (d *dialogue) connect(ctx context.Context, host string, port int) (net.Conn, error) {
	target := net.JoinHostPort(host, strconv.Itoa(port))
	login := &login{proxy: d.proxy, target: target, logins: d.cfg.Logins}
	defer login.judged(noVerdict)
	in := newAnswers(d.conn)
	for {
		a, err := d.request(target, login, in)
		if err != nil {
			return nil, err
		}
		status := a.response.StatusCode
		if status != http.StatusProxyAuthRequired && status != http.StatusUnauthorized {
			login.judged(accepted)
			if status/100 == 2 {
				return a.rest(d.conn), nil
			}
			return nil, d.failStatus(status, statusCause(a.response), errors.New(d.reason(a.response)))
		}
		if cause, err := login.challenged(ctx, a.challenges()); err != nil {
			return nil, d.failStatus(status, cause, err)
		}
		if a.drain() {
			continue
		}
		if login.begun() {
			return nil, d.failStatus(status, ocserr.CauseProxyAuthFailed,
				errors.New("it ends the connection in the middle of NTLM, which needs one connection"))
		}
		if err := d.open(ctx); err != nil {
			return nil, err
		}
		in = newAnswers(d.conn)
	}
}

// request sends one CONNECT and reads the answer.
func (d *dialogue) request(target string, login *login, in *answers) (*answer, error) {
	step := d.ask("CONNECT "+target, login.scheme)
	head := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\nProxy-Connection: Keep-Alive\r\n"
	if login.credentials != "" {
		head += "Proxy-Authorization: " + login.credentials + "\r\n"
	}
	if _, err := io.WriteString(d.conn, head+"\r\n"); err != nil {
		return nil, d.fail(ocserr.CauseProxyClosed, err)
	}
	a := &answer{answers: in}
	if err := a.readHead(); err != nil {
		cause := ocserr.CauseProxyBadAnswer
		if a.lost {
			cause = ocserr.CauseProxyClosed
		}
		return nil, d.fail(cause, err)
	}
	step.Status, step.Answer = a.response.StatusCode, d.shown(a.response.Status)
	if step.Status == http.StatusProxyAuthRequired || step.Status == http.StatusUnauthorized {
		for _, name := range schemesOf(a.challenges()) {
			step.Offers = append(step.Offers, d.shown(name))
		}
	}
	return a, nil
}

// reason is what an answer says about a tunnel that it does not open.
func (d *dialogue) reason(r *http.Response) string {
	var text strings.Builder
	text.WriteString(d.shown(r.Status))
	for _, name := range []string{"Proxy-Status", "X-Squid-Error"} {
		if v := r.Header.Get(name); v != "" {
			text.WriteString("; " + name + ": " + d.shown(v))
		}
	}
	return text.String()
}

// statusCause names the cause of a status: by the machine-readable word of the proxy where it gives one (RFC
// 9209; Squid's own; Tinyproxy's reason phrase), else by the status alone.
func statusCause(r *http.Response) ocserr.Cause {
	said := strings.ToLower(r.Header.Get("Proxy-Status") + " " + r.Header.Get("X-Squid-Error") + " " + r.Status)
	for _, word := range []struct {
		word  string
		cause ocserr.Cause
	}{
		{"dns_error", ocserr.CauseProxyCannotResolve},
		{"dns_timeout", ocserr.CauseProxyCannotResolve},
		{"err_dns_fail", ocserr.CauseProxyCannotResolve},
		{"destination_ip_prohibited", ocserr.CauseProxyRefused},
		{"http_request_denied", ocserr.CauseProxyRefused},
		{"destination_", ocserr.CauseProxyCannotConnect},
		{"connection_", ocserr.CauseProxyCannotConnect},
		{"err_connect_fail", ocserr.CauseProxyCannotConnect},
		{"err_cannot_forward", ocserr.CauseProxyCannotConnect},
		{"unable to connect", ocserr.CauseProxyCannotConnect},
	} {
		if strings.Contains(said, word.word) {
			return word.cause
		}
	}
	switch r.StatusCode {
	case 400, 405, 501: // what a web server answers that knows no CONNECT
		return ocserr.CauseProxyBadAnswer
	case 404: // Privoxy and its kin
		return ocserr.CauseProxyCannotResolve
	case 429: // Too Many Requests
		return ocserr.CauseProxyFailed
	case 502, 503, 504:
		return ocserr.CauseProxyCannotConnect
	}
	if r.StatusCode >= 500 {
		return ocserr.CauseProxyFailed
	}
	return ocserr.CauseProxyRefused
}

// answers is what a proxy sends on one connection.
type answers struct {
	in     *bufio.Reader
	budget *budget
}

func newAnswers(r io.Reader) *answers {
	b := &budget{r: r}
	return &answers{in: bufio.NewReader(b), budget: b}
}

// answer is a proxy's answer to CONNECT.
type answer struct {
	*answers
	response *http.Response
	lost     bool // the connection ended before the answer did
}

// readHead reads status line and headers, and passes over interim answers (RFC 9110 section 15.2).
func (a *answer) readHead() error {
	a.budget.left = maxHead
	const protocol = "HTTP/"
	for {
		begin, err := a.in.Peek(len(protocol))
		if !strings.HasPrefix(protocol, string(begin)) {
			return fmt.Errorf("the answer is not HTTP: it begins with %q%s", begin, guess(begin[0]))
		}
		if err == nil {
			a.response, err = http.ReadResponse(a.in, &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // drain reads what there is of it; the connection is ours
		}
		switch {
		case a.budget.spent:
			return fmt.Errorf("the head of the answer has more than %d bytes", maxHead)
		case a.budget.err != nil && err != nil:
			a.lost = true
			return a.budget.err
		case err != nil:
			return errors.New("the answer is not well-formed HTTP") // the error of net/http quotes the answer
		case a.response.StatusCode/100 != 1:
			return nil
		case a.response.StatusCode == http.StatusSwitchingProtocols:
			return errors.New("the proxy switches protocols, and was not asked to")
		}
	}
}

// guess says what speaks so, in parentheses, where the first byte tells.
func guess(first byte) string {
	switch first {
	case 5:
		return " (SOCKS 5)"
	case 0x15:
		return " (TLS)"
	case 'H':
		return " (HTTP)"
	}
	return ""
}

// challenges are the demands for credentials in a 407; or in a 401, with which some proxies answer wrong
// ones.
func (a *answer) challenges() []challenge {
	name := "Proxy-Authenticate"
	if a.response.StatusCode == http.StatusUnauthorized {
		name = "Www-Authenticate"
	}
	return parseChallenges(a.response.Header.Values(name))
}

// drain reads the body of an answer, and tells whether the connection can be used again.
func (a *answer) drain() bool {
	r := a.response
	connection := strings.ToLower(r.Header.Get("Proxy-Connection"))
	switch {
	case strings.Contains(connection, "close"):
		return false
	case r.Close && !(r.ProtoMinor == 0 && strings.Contains(connection, "keep-alive")):
		return false
	case r.ContentLength < 0 && len(r.TransferEncoding) == 0: // until the end of the connection
		return false
	}
	a.budget.left = maxBody
	_, err := io.Copy(io.Discard, r.Body)
	return err == nil
}

// rest is the connection behind the answer: what has come of it already is the server's.
func (a *answer) rest(conn net.Conn) net.Conn {
	early, _ := a.in.Peek(a.in.Buffered())
	if len(early) == 0 {
		return conn
	}
	return &tunnel{Conn: conn, early: bytes.Clone(early)}
}

// tunnel is a connection of which some bytes have been read already.
type tunnel struct {
	net.Conn
	early []byte
}

// Read reads the early bytes first.
func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.early) == 0 {
		return t.Conn.Read(p)
	}
	n := copy(p, t.early)
	t.early = t.early[n:]
	return n, nil
}

// budget bounds what is read.
type budget struct {
	r     io.Reader
	left  int
	spent bool  // more was wanted
	err   error // of r
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.spent = true
		return 0, errors.New("too much")
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil {
		b.err = err
	}
	return n, err
}

// basic is the value of Proxy-Authorization for Basic (RFC 7617).
func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
