package ocauthws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

const (
	requestTimeout = 30 * time.Second // of one request, answer included; the context may be shorter
	maxBody        = 1 << 20          // bytes of an answer
	maxHeader      = 64 << 10         // bytes of an answer's header
	maxRedirects   = 5
)

// exchange is one call's way of talking to the services: its own connections and cookies.
type exchange struct {
	c         *Client
	transport *http.Transport
	http      *http.Client
	log       *slog.Logger

	step       Step // the request being made
	last       *answer
	byPassword bool // a service has taken the password
}

// answer is an HTTP response that was read to its end.
type answer struct {
	url    string // of the request that got it, after redirects
	status int
	header http.Header
	body   []byte
	tls    *tls.ConnectionState
	conn   net.Conn // identifies the connection; not to be used
}

func newExchange(c *Client) *exchange {
	t := &http.Transport{}
	if c.Transport != nil {
		t = c.Transport()
	}
	// NTLM proves a connection, not a request: there is one connection a host, with HTTP/1.1, for it to hold on to.
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2, t.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil
	}
	t.DisableKeepAlives, t.MaxConnsPerHost = false, 1
	t.MaxResponseHeaderBytes = maxHeader

	jar, _ := cookiejar.New(nil) // it never fails
	return &exchange{c: c, transport: t, log: c.log(), http: &http.Client{Transport: t, Jar: jar, CheckRedirect: redirect}}
}

func (x *exchange) close() { x.transport.CloseIdleConnections() }

// redirect follows a bounded number of redirects to HTTPS addresses; none that would turn a request into another
// one, and none with credentials, which are for the one who challenged.
func redirect(next *http.Request, via []*http.Request) error {
	if next.Method != via[0].Method || via[0].Header.Get("Authorization") != "" || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return checkURL(next.URL.String())
}

// checkURL refuses what is not an HTTPS address: tickets and credentials travel there.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%w: %q is not an HTTPS address", ErrAnswer, u.Redacted())
	}
	return nil
}

// get returns the body of a document.
func (x *exchange) get(ctx context.Context, address string) ([]byte, error) {
	a, err := x.do(ctx, http.MethodGet, address, nil, "")
	if err != nil {
		return nil, err
	}
	return x.success(a)
}

// post sends a SOAP request and returns the body of the answer. Only with authenticate does it answer an HTTP
// challenge.
func (x *exchange) post(ctx context.Context, address, action, body string, authenticate bool) ([]byte, error) {
	request := func(ctx context.Context, address, authorization string) (*answer, error) {
		header := http.Header{"Soapaction": {`"` + action + `"`}, "Content-Type": {"text/xml"}}
		if authorization != "" {
			header.Set("Authorization", authorization)
		}
		return x.do(ctx, http.MethodPost, address, header, body)
	}
	a, err := request(ctx, address, "")
	if err == nil && a.status == http.StatusUnauthorized && authenticate {
		a, err = x.authenticate(ctx, a, request)
	}
	if err != nil {
		return nil, err
	}
	return x.success(a)
}

func (x *exchange) success(a *answer) ([]byte, error) {
	if a.status != http.StatusOK {
		return nil, x.fail(errors.New(strings.ToLower(http.StatusText(a.status))))
	}
	if fault := parseFault(a.body); fault != nil {
		return nil, x.fail(errors.New("the service refused the request"))
	}
	return a.body, nil
}

// do sends a request and reads the answer whole.
func (x *exchange) do(ctx context.Context, method, address string, header http.Header, body string) (*answer, error) {
	x.last = &answer{url: address}
	if err := checkURL(address); err != nil {
		return nil, x.fail(err)
	}
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var conn net.Conn
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { conn = info.Conn },
	})
	request, err := http.NewRequestWithContext(traced, method, address, strings.NewReader(body))
	if err != nil {
		return nil, x.fail(err)
	}
	maps.Copy(request.Header, header)
	request.Header.Set("User-Agent", x.c.UserAgent)
	began := time.Now()
	response, err := x.http.Do(request)
	if err != nil {
		return nil, x.fail(because(ctx, err))
	}
	defer response.Body.Close()
	a := &answer{
		url: response.Request.URL.String(), status: response.StatusCode, header: response.Header,
		tls: response.TLS, conn: conn,
	}
	x.last = a
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1)); err != nil {
		return nil, x.fail(because(ctx, err))
	}
	if len(a.body) > maxBody {
		a.body = nil
		return nil, x.fail(fmt.Errorf("%w: more than %d bytes", ErrAnswer, maxBody))
	}
	x.log.DebugContext(ctx, "web service", "step", string(x.step), "url", a.url, "status", a.status, "duration", time.Since(began))
	return a, nil
}

// because prefers the reason why the context ended.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// fail makes the error of the step, with what the last answer tells.
func (x *exchange) fail(err error) error {
	e := &Error{Step: x.step, URL: x.last.url, Status: x.last.status, Err: err}
	if e.Fault = parseFault(x.last.body); e.Fault == nil {
		e.Fault = parseDiagnostics(x.last.header.Get("X-Ms-Diagnostics"))
	}
	return e
}
