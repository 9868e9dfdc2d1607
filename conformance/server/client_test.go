package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
)

// testClient is one endpoint of one user, as raw as the tests want it.
type testClient struct {
	t        testing.TB
	conn     *sip.Conn
	auth     *auth.Client
	uri      string
	epid     string
	callID   string
	cseq     int
	refused  []error             // messages of the server that Verify refused
	received chan *sip.Request   // requests of the server
	raw      []string            // messages of the server, as on the wire
	local    string              // host:port
	domain   string              // of the user
	sign     func(m sip.Message) // after signing; nil: nothing
}

// clientConfig says who signs in, from where.
type clientConfig struct {
	user, password string // "alice", "secret" if empty
	login          string // if not user
	epid           string
	transport      string // "tcp" if empty
}

// dialTest connects a client to a server in process.
func dialTest(t testing.TB, s *Server, config clientConfig) *testClient {
	t.Helper()
	port := s.ports[transportTCP]
	if config.transport == "tls" {
		port = s.ports[transportTLS]
	}
	nc, err := s.Dial(t.Context(), "tcp", fmt.Sprintf("server.%s:%d", s.config.Domain, port))
	require.NoError(t, err)
	if config.transport == "tls" {
		nc = tls.Client(nc, &tls.Config{ServerName: "server." + s.config.Domain, RootCAs: s.CA(), Time: time.Now})
	}
	return newTestClient(t, s, nc, config)
}

func newTestClient(t testing.TB, s *Server, nc net.Conn, config clientConfig) *testClient {
	t.Helper()
	or := func(value, other string) string {
		if value == "" {
			return other
		}
		return value
	}
	config.user = or(config.user, "alice")
	c := &testClient{
		t:        t,
		uri:      "sip:" + config.user + "@" + s.config.Domain,
		domain:   s.config.Domain,
		epid:     or(config.epid, "b34afb6ebb23"),
		callID:   sip.NewCallID(),
		received: make(chan *sip.Request, 100),
		local:    nc.LocalAddr().String(),
	}
	c.auth = auth.NewClient(auth.ClientConfig{
		Password: auth.Password{User: or(config.login, config.user), Secret: auth.Secret(or(config.password, "secret"))},
		Hostname: "vm",
	})
	c.conn = sip.NewConn(nc, sip.Config{
		Sign: func(m sip.Message) error {
			err := c.auth.Sign(m)
			if c.sign != nil {
				c.sign(m)
			}
			return err
		},
		Verify: func(m sip.Message) error {
			err := c.auth.Verify(m)
			if err != nil {
				c.refused = append(c.refused, err)
			}
			return err
		},
		Trace: func(sent bool, raw []byte) {
			if !sent {
				c.raw = append(c.raw, string(raw))
			}
		},
		Handle: func(conn *sip.Conn, req *sip.Request) {
			c.received <- req
			if req.Method == "NOTIFY" {
				res := sip.NewResponse(req, 200, "OK")
				sip.SetBody(res, "", nil)
				_ = conn.Respond(res)
			}
		},
	})
	t.Cleanup(func() {
		_ = c.conn.Close()
		<-c.conn.Done()
	})
	return c
}

// request builds a request: to the own URI if to is empty, with lines "Name: value" and perhaps a body.
func (c *testClient) request(method, to string, cseq int, callID string, lines ...string) *sip.Request {
	c.t.Helper()
	target := to
	switch {
	case method == "REGISTER":
		target, to = "sip:"+c.domain, c.uri
	case to == "":
		target, to = c.uri, c.uri
	}
	req, err := sip.NewRequest(method, target)
	require.NoError(c.t, err)
	sip.Add(req, "Via", "SIP/2.0/TCP "+c.local)
	sip.Add(req, "From", fmt.Sprintf("<%s>;tag=%s;epid=%s", c.uri, sip.NewTag(), c.epid))
	sip.Add(req, "To", "<"+to+">")
	sip.Add(req, "Max-Forwards", "70")
	sip.Add(req, "CSeq", fmt.Sprintf("%d %s", cseq, method))
	sip.Add(req, "Call-ID", callID)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if sip.Value(req, name) != "" && name != "Supported" {
			sip.Set(req, name, value)
			continue
		}
		sip.Add(req, name, value)
	}
	sip.SetBody(req, "", nil)
	return req
}

// do sends a request and returns the final answer.
func (c *testClient) do(req *sip.Request) *sip.Response {
	c.t.Helper()
	res, err := c.conn.Do(c.t.Context(), req)
	require.NoError(c.t, err)
	return res
}

// instance is the value of +sip.instance that goes with the epid.
func (c *testClient) instance() string { return "<urn:uuid:" + instanceOf(c.epid).String() + ">" }

// registerRequest builds the next REGISTER.
func (c *testClient) registerRequest(lines ...string) *sip.Request {
	c.cseq++
	return c.request("REGISTER", "", c.cseq, c.callID, append([]string{
		fmt.Sprintf(`Contact: <sip:%s;transport=tcp;ms-opaque=d3470f2e1d>;methods="INVITE, MESSAGE";proxy=replace;+sip.instance="%s"`, c.local, strings.ToUpper(c.instance())),
		"Supported: gruu-10, adhoclist, msrtc-event-categories",
		"Supported: ms-forking",
		"Event: registration",
		"ms-keep-alive: UAC;hop-hop=yes",
	}, lines...)...)
}

// register goes through the ladder and returns the answer that is no challenge, or that the client cannot
// go on from.
func (c *testClient) register(lines ...string) *sip.Response {
	c.t.Helper()
	for {
		res := c.do(c.registerRequest(lines...))
		if res.StatusCode != 401 || c.auth.Challenge(c.t.Context(), res) != nil {
			return res
		}
	}
}

// signIn registers, and fails the test if the server does not want it.
func (c *testClient) signIn() *testClient {
	c.t.Helper()
	res := c.register()
	require.Equal(c.t, 200, res.StatusCode, string(sip.Bytes(res)))
	return c
}

// subscribe subscribes to an event of the own data as SIPE does.
func (c *testClient) subscribe(event string, lines ...string) *sip.Response {
	c.t.Helper()
	return c.do(c.request("SUBSCRIBE", "", 1, sip.NewCallID(), append([]string{
		"Event: " + event,
		"Supported: com.microsoft.autoextend", "Supported: ms-benotify", "Proxy-Require: ms-benotify", "Supported: ms-piggyback-first-notify",
		"Contact: <" + gruu(c.uri, instanceOf(c.epid)) + ">",
	}, lines...)...))
}

// service sends a SERVICE.
func (c *testClient) service(contentType, body string) *sip.Response {
	c.t.Helper()
	req := c.request("SERVICE", "", 1, sip.NewCallID())
	sip.SetBody(req, contentType, []byte(body))
	return c.do(req)
}

// publish publishes states: kind, instance, version, availability, in container 2.
func (c *testClient) publish(states ...published) *sip.Response {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `<publish xmlns="http://schemas.microsoft.com/2006/09/sip/rich-presence"><publications uri="%s">`, c.uri)
	for _, s := range states {
		expire := "endpoint"
		if s.kind == "userState" {
			expire = "static"
		}
		fmt.Fprintf(&b, `<publication categoryName="state" instance="%d" container="2" version="%d" expireType="%s">`+
			`<state xmlns="http://schemas.microsoft.com/2006/09/sip/state" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="%s">`+
			`<availability>%d</availability></state></publication>`, s.instance, s.version, expire, s.kind, s.availability)
	}
	b.WriteString(`</publications></publish>`)
	return c.service(typePublish, b.String())
}

type published struct {
	kind                            string
	instance, version, availability int
}

// next returns the next request of the server, which must have come by now.
func (c *testClient) next() *sip.Request {
	c.t.Helper()
	synctest.Wait()
	select {
	case req := <-c.received:
		return req
	default:
		require.Fail(c.t, "the server sent no request")
		return nil
	}
}

// quiet asserts that the server has sent no request that was not looked at.
func (c *testClient) quiet() {
	c.t.Helper()
	synctest.Wait()
	require.Empty(c.t, c.received)
}

// alice is a server with two users.
func twoUsers() Config {
	return Config{Users: []User{{Name: "alice", Password: "secret"}, {Name: "bob", Password: "hidden"}}}
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, config Config, test func(t *testing.T, s *Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, startTest(t, config)) })
}
