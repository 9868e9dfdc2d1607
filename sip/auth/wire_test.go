package auth

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

var ctx = context.Background()

const alice = "sip:alice@ocs.test"

// config is a server that knows alice; change, if not nil, adapts it.
func config(change func(*ServerConfig)) ServerConfig {
	cfg := ServerConfig{
		Realm: "SIP Communications Service", TargetName: "sip.ocs.test",
		Accounts: func(user, domain string) (Account, bool) {
			return Account{User: "alice", Password: "secret", URI: alice}, user == "alice"
		},
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func version(n int) func(*ServerConfig) { return func(c *ServerConfig) { c.Version = n } }

func only(scheme string) func(*ServerConfig) {
	return func(c *ServerConfig) { c.Schemes = []string{scheme} }
}

// wire is a client and a server that exchange messages as text, one request at a time.
type wire struct {
	t      testing.TB
	client *Client
	server *Server
	cseq   int
	epid   string
	from   string
	// meddle, if not nil, changes the server's response, signed and about to be sent.
	meddle func(res *sip.Response)
	// sent and received are the last request and the last verdict.
	sent    *sip.Request
	verdict Verdict
}

func newWire(t testing.TB, cfg ServerConfig) *wire {
	return &wire{
		t: t, server: NewServer(cfg), epid: "c8ca638a15", from: alice,
		client: NewClient(ClientConfig{Password: Password{User: `OCS\alice`, Secret: "secret"}, Hostname: "vm"}),
	}
}

// over is a message as it arrives.
func over[M sip.Message](t testing.TB, m M) M {
	t.Helper()
	got, err := sip.Parse(sip.Bytes(m))
	require.NoError(t, err)
	return got.(M)
}

// request builds a request of the client's, unsigned.
func (w *wire) request(method string) *sip.Request {
	w.t.Helper()
	w.cseq++
	req, err := sip.NewRequest(method, "sip:ocs.test")
	require.NoError(w.t, err)
	sip.Add(req, "Via", "SIP/2.0/TLS 127.0.0.1:1;branch=z9hG4bK"+fmt.Sprint(w.cseq))
	sip.Add(req, "From", "<"+w.from+">;tag=1;epid="+w.epid)
	sip.Add(req, "To", "<"+w.from+">")
	sip.Add(req, "Call-ID", "call")
	sip.Add(req, "CSeq", fmt.Sprintf("%d %s", w.cseq, method))
	sip.SetBody(req, "", nil)
	return req
}

// send signs a request of the client's and lets the server answer it: 200 if it is good.
func (w *wire) send(req *sip.Request) *sip.Response {
	w.t.Helper()
	require.NoError(w.t, w.client.Sign(req))
	return w.answer(over(w.t, req))
}

// answer lets the server answer a request that has arrived.
func (w *wire) answer(req *sip.Request) *sip.Response {
	w.t.Helper()
	w.sent, w.verdict = req, w.server.Authenticate(ctx, req)
	status := 200
	if !w.verdict.OK {
		status = w.verdict.Status
	}
	if status == 0 {
		return nil
	}
	res := sip.NewResponse(req, status, "")
	for _, value := range w.verdict.Challenges {
		sip.Add(res, "WWW-Authenticate", value)
	}
	if w.verdict.Diagnostic != "" {
		sip.Add(res, "ms-diagnostics", w.verdict.Diagnostic)
	}
	require.NoError(w.t, w.server.Sign(res))
	if w.meddle != nil {
		w.meddle(res)
	}
	return over(w.t, res)
}

// register sends REGISTER until the server no longer challenges, as the engine does. It returns the last
// response and how many REGISTERs that took, or the client's error.
func (w *wire) register() (res *sip.Response, n int, err error) {
	w.t.Helper()
	for n = 1; ; n++ {
		require.Less(w.t, n, 50)
		res = w.send(w.request("REGISTER"))
		if err = w.client.Verify(res); err != nil {
			return res, n, err
		}
		if res.StatusCode != 401 && res.StatusCode != 407 {
			return res, n, nil
		}
		if err = w.client.Challenge(ctx, res); err != nil {
			return res, n, err
		}
	}
}

// signIn registers and requires that it works.
func (w *wire) signIn() *wire {
	w.t.Helper()
	res, _, err := w.register()
	require.NoError(w.t, err)
	require.NoError(w.t, w.verdict.Err)
	require.Equal(w.t, 200, res.StatusCode)
	return w
}

// notify builds a request of the server's, signed, as it arrives at the client.
func (w *wire) notify(method string) *sip.Request {
	w.t.Helper()
	req, err := sip.NewRequest(method, "sip:127.0.0.1:1")
	require.NoError(w.t, err)
	sip.Add(req, "From", "<"+alice+">;tag=2")
	sip.Add(req, "To", "<"+alice+">;tag=1;epid="+w.epid)
	sip.Add(req, "Call-ID", "server's call")
	sip.Add(req, "CSeq", "1 "+method)
	sip.SetBody(req, "", nil)
	require.NoError(w.t, w.server.Sign(req))
	return over(w.t, req)
}

// param returns a parameter of the client's credentials in the last request.
func (w *wire) param(name string) string {
	value, _ := params(w.t, sip.Value(w.sent, "Authorization")).Get(name)
	return value
}

// setParam changes a parameter of a header of a message, or with a nil value removes it.
func setParam(t testing.TB, m sip.Message, header, name string, value *string) {
	t.Helper()
	c, err := sip.ParseCredentials(sip.Value(m, header))
	require.NoError(t, err)
	var kept sip.Params
	for _, p := range c.Params {
		if p.Name == name {
			if value == nil {
				continue
			}
			p.Value = *value
		}
		kept = append(kept, p)
	}
	c.Params = kept
	sip.Set(m, header, c.String())
}
