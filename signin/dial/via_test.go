package dial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// script is a proxy that sends what it is to send, whatever it is told: one text for each connection, and
// then the end of the connection.
type script struct {
	answers []string
	told    []*bytes.Buffer // what it was told, by connection
	closed  int
	address string // that was dialled
	slow    bool   // a byte at a time
}

// scripted is a connection to a script.
type scripted struct {
	net.Conn
	script *script
	answer io.Reader
	told   *bytes.Buffer
}

func (c *scripted) Read(p []byte) (int, error)  { return c.answer.Read(p) }
func (c *scripted) Write(p []byte) (int, error) { return c.told.Write(p) }
func (c *scripted) Close() error                { c.script.closed++; return nil }

func (s *script) dial(_ context.Context, _, address string) (net.Conn, error) {
	s.address = address
	if len(s.told) == len(s.answers) {
		return nil, connectionRefused
	}
	c := &scripted{script: s, answer: strings.NewReader(s.answers[len(s.told)]), told: new(bytes.Buffer)}
	if s.slow {
		c.answer = iotest.OneByteReader(c.answer)
	}
	s.told = append(s.told, c.told)
	return c, nil
}

// all is what the script was told, over all connections.
func (s *script) all() string {
	var all []string
	for _, b := range s.told {
		all = append(all, b.String())
	}
	return strings.Join(all, "--\n")
}

// via dials fe.contoso.com:5061 through a proxy.
func via(t *testing.T, s *script, proxy string, known ...netip.Addr) (net.Conn, *Via, error) {
	t.Helper()
	p, err := ParseProxy(proxy)
	require.NoError(t, err)
	return Dial(t.Context(), Config{Dial: s.dial, Proxy: p}, "fe.contoso.com", 5061, known)
}

// requireProxyCause checks the error of a dialogue: none of them is about the password of the sign-in.
func requireProxyCause(t *testing.T, want ocserr.Cause, status int, err error) {
	t.Helper()
	requireCause(t, want, err)
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, status, e.Status)
	require.NotErrorIs(t, err, ocserr.InvalidPassword)
	require.NotContains(t, err.Error(), "s3cret")
}

func TestTheNameGoesToTheProxy(t *testing.T) {
	s := &script{answers: []string{"HTTP/1.1 200 Connection established\r\n\r\n"}}
	conn, record, err := via(t, s, "http://proxy.contoso.com:3128", addrs("10.0.0.1")...)
	require.NoError(t, err)
	require.IsType(t, &scripted{}, conn)
	require.Equal(t, "proxy.contoso.com:3128", s.address)
	require.Equal(t, "CONNECT fe.contoso.com:5061 HTTP/1.1\r\nHost: fe.contoso.com:5061\r\nProxy-Connection: Keep-Alive\r\n\r\n", s.all())
	require.Equal(t, &Via{Proxy: "http://proxy.contoso.com:3128", Steps: []Step{
		{Sent: "CONNECT fe.contoso.com:5061", Status: 200, Answer: "200 Connection established"},
	}}, record)
	require.Zero(t, s.closed)
}

func TestTheAddressesFollowWhereTheNameDoesNotWork(t *testing.T) {
	s := &script{answers: []string{
		"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n",
		"HTTP/1.1 504 Gateway Timeout\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
	}}
	_, record, err := via(t, s, "http://proxy", addrs("10.0.0.1", "2001:db8::1", "10.0.0.2")...)
	require.NoError(t, err)
	var sent []string
	for _, step := range record.Steps {
		sent = append(sent, step.Sent)
	}
	require.Equal(t, []string{"CONNECT fe.contoso.com:5061", "CONNECT 10.0.0.1:5061", "CONNECT [2001:db8::1]:5061"}, sent)
	require.Equal(t, 2, s.closed)
}

func TestTheAddressesDoNotFollowARefusal(t *testing.T) {
	s := &script{answers: []string{"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}}
	_, record, err := via(t, s, "http://proxy", addrs("10.0.0.1")...)
	requireProxyCause(t, ocserr.CauseProxyRefused, 403, err)
	require.Len(t, record.Steps, 1)
	require.Equal(t, 1, s.closed)
}

func TestAllFailuresAreKept(t *testing.T) {
	s := &script{answers: []string{"HTTP/1.1 404 No such domain\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n"}}
	_, _, err := via(t, s, "http://proxy", addrs("10.0.0.1")...)
	requireProxyCause(t, ocserr.CauseProxyCannotConnect, 502, err)
	require.ErrorContains(t, err, "404 No such domain")
	require.ErrorContains(t, err, "502 Bad Gateway")
	require.Equal(t, 2, s.closed)
}

func TestSOCKS4NeedsAnIPv4Address(t *testing.T) {
	_, _, err := via(t, &script{}, "socks4://proxy", addrs("2001:db8::1")...)
	requireProxyCause(t, ocserr.CauseProxyCannotResolve, 0, err)
	require.ErrorContains(t, err, "socks4a")
}

func TestAnAddressIsAskedForOnce(t *testing.T) {
	for _, known := range [][]netip.Addr{nil, addrs("10.0.0.1")} {
		s := &script{answers: []string{"HTTP/1.1 502 Bad Gateway\r\n\r\n", ""}}
		_, record, err := Dial(t.Context(), Config{Dial: s.dial, Proxy: &Proxy{Scheme: HTTP, Host: "p", Port: 1}}, "10.0.0.1", 5061, known)
		requireProxyCause(t, ocserr.CauseProxyCannotConnect, 502, err)
		require.Len(t, record.Steps, 1)
	}
}

func TestAnHTTPSProxyWithoutTLS(t *testing.T) {
	for answer, want := range map[string]ocserr.Cause{
		"":                             ocserr.CauseProxyClosed,
		"HTTP/1.1 400 Bad Request\r\n": ocserr.CauseProxyBadAnswer,
		"\x15\x03\x03\x00\x02\x02\x28": ocserr.CauseProxyBadAnswer, // an alert: handshake_failure
	} {
		s := &script{answers: []string{answer}}
		_, record, err := via(t, s, "https://alice:s3cret@proxy")
		requireProxyCause(t, want, 0, err)
		require.Equal(t, []Step{{Sent: "TLS"}}, record.Steps)
		require.NotContains(t, s.all(), "Authorization")
	}
}

func TestAHostThatWouldEndTheRequestLineIsNotSent(t *testing.T) {
	s := &script{}
	for _, host := range []string{"fe.contoso.com HTTP/1.1\r\nX: y", "a b", strings.Repeat("x", 256), "fe\x00"} {
		for _, scheme := range []Scheme{HTTP, SOCKS4A, SOCKS5} {
			_, _, err := Dial(t.Context(), Config{Dial: s.dial, Proxy: &Proxy{Scheme: scheme, Host: "p", Port: 1}}, host, 5061, nil)
			require.Error(t, err)
			require.Empty(t, s.told)
		}
	}
}

func TestAProxyThatIsNotThere(t *testing.T) {
	for _, test := range []struct {
		err  error
		want ocserr.Cause
		code ocserr.Code
	}{
		{&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "proxy", IsNotFound: true}}, ocserr.CauseProxyNotFound, ocserr.InvalidServerName},
		{connectionRefused, ocserr.CauseProxyUnreachable, ocserr.Connect},
		{networkUnreachable, ocserr.CauseProxyUnreachable, ocserr.Connect},
	} {
		t.Run(string(test.want), func(t *testing.T) {
			d := &dialer{fails: map[string]error{"proxy:3128": test.err}}
			_, record, err := Dial(t.Context(), Config{Dial: d.dial, Proxy: &Proxy{Scheme: HTTP, Host: "proxy", Port: 3128}}, "fe.contoso.com", 5061, nil)
			requireCause(t, test.want, err)
			require.ErrorIs(t, err, test.code)
			require.ErrorIs(t, err, test.err)
			require.ErrorContains(t, err, "proxy:3128")
			require.Empty(t, record.Steps)
		})
	}
}

// mute accepts a connection, reads what is sent, says text and then nothing.
func mute(text string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, there) }()
			_, _ = io.WriteString(there, text)
		}()
		return here, nil
	}
}

func TestASilentProxyEndsWithTheContext(t *testing.T) {
	for name, text := range map[string]string{
		"at once":                  "",
		"in the status line":       "HTTP/1.1 2",
		"in the headers":           "HTTP/1.1 200 OK\r\nVia",
		"in the body of a 407":     "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 9\r\n\r\n<ht",
		"in a SOCKS greeting":      "\x05",
		"in a SOCKS reply":         "\x05\x00\x05\x00",
		"in a SOCKS reply's bound": "\x05\x00\x05\x00\x00\x03\x09ab",
	} {
		scheme := HTTP
		if strings.Contains(name, "SOCKS") {
			scheme = SOCKS5
		}
		cfg := Config{Dial: mute(text), Proxy: &Proxy{Scheme: scheme, Host: "proxy", Port: 1, User: "alice", Password: "s3cret"}}
		t.Run(name+", deadline", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				start := time.Now()
				_, record, err := Dial(ctx, cfg, "fe.contoso.com", 5061, nil)
				require.Equal(t, 15*time.Second, time.Since(start))
				requireProxyCause(t, ocserr.CauseProxySilent, 0, err)
				require.ErrorIs(t, err, ocserr.LogonTimeout)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotEmpty(t, record.Steps)
			})
		})
		t.Run(name+", cancel", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				reason := errors.New("the user closed the window")
				time.AfterFunc(time.Second, func() { cancel(reason) })
				start := time.Now()
				_, _, err := Dial(ctx, cfg, "fe.contoso.com", 5061, addrs("10.0.0.1"))
				require.Equal(t, time.Second, time.Since(start))
				requireProxyCause(t, ocserr.CauseCancelled, 0, err)
				require.ErrorIs(t, err, reason)
			})
		})
	}
}

func TestADialogueCutAtAnyByte(t *testing.T) {
	for proxy, answer := range map[string]string{
		"http://proxy":                granted,
		"http://alice:s3cret@proxy":   demandBasic + granted,
		"socks4a://proxy":             "\x00\x5a\x00\x00\x00\x00\x00\x00",
		"socks5://alice:s3cret@proxy": "\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\x13\x88",
	} {
		t.Run(proxy, func(t *testing.T) {
			for n := range len(answer) {
				s := &script{answers: []string{answer[:n], ""}}
				_, _, err := via(t, s, proxy)
				requireProxyCause(t, ocserr.CauseProxyClosed, 0, err)
				require.Equal(t, len(s.told), s.closed)
			}
			const hello = "hello"
			s := &script{answers: []string{answer + hello}, slow: true}
			conn, _, err := via(t, s, proxy)
			require.NoError(t, err)
			got, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Equal(t, hello, string(got))
		})
	}
}

func TestTheRecordAsJSON(t *testing.T) {
	s := &script{answers: []string{
		"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n" +
			"HTTP/1.1 407 s3cret is wrong\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
	}}
	_, record, err := via(t, s, "http://alice:s3cret@proxy:3128")
	requireProxyCause(t, ocserr.CauseProxyPassword, 407, err)
	got, err := json.Marshal(record)
	require.NoError(t, err)
	require.JSONEq(t, `{"proxy": "http://alice@proxy:3128", "steps": [
		{"sent": "CONNECT fe.contoso.com:5061", "status": 407, "answer": "407 Proxy Authentication Required", "offers": ["Basic"]},
		{"sent": "CONNECT fe.contoso.com:5061", "scheme": "Basic", "status": 407, "answer": "(not shown: it holds the password)", "offers": ["Basic"]}
	]}`, string(got))
}

func TestEveryErrorIsTyped(t *testing.T) {
	var e *ocserr.Error
	_, _, err := Dial(t.Context(), Config{Proxy: &Proxy{Scheme: "gopher", Host: "p", Port: 1}}, "fe.contoso.com", 5061, nil)
	require.ErrorAs(t, err, &e)
	require.Equal(t, ocserr.CauseInvalidProxy, e.Cause)
	require.Contains(t, fmt.Sprint(err), "gopher")
}
