package register

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
)

// registrar is a server on a connection in memory that accepts who proves to be alice.
type registrar struct {
	t    *testing.T
	auth *auth.Server

	mu       sync.Mutex
	requests []string // methods and statuses, as they were answered
	// refuse, if not nil, says whether a request that is good is challenged all the same.
	refuse func(req *sip.Request) bool
	// hold, if not nil, is waited for before a REGISTER is answered.
	hold chan struct{}
}

func (r *registrar) handle(c *sip.Conn, req *sip.Request) {
	verdict := r.auth.Authenticate(context.Background(), req)
	r.mu.Lock()
	status, hold := 200, r.hold
	switch {
	case !verdict.OK:
		status = verdict.Status
	case r.refuse != nil && r.refuse(req):
		status = 401
		other, _ := sip.NewRequest("OPTIONS", "sip:ocs.test")
		verdict = r.auth.Authenticate(context.Background(), other)
	}
	r.requests = append(r.requests, string(req.Method)+" "+strconv.Itoa(status))
	r.mu.Unlock()
	if hold != nil && req.Method == "REGISTER" {
		<-hold
	}
	res := sip.NewResponse(req, status, "")
	for _, c := range verdict.Challenges {
		sip.Add(res, "WWW-Authenticate", c)
	}
	if req.Method == "REGISTER" && status == 200 {
		sip.Add(res, "Expires", "600")
	}
	sip.SetBody(res, "", nil)
	require.NoError(r.t, c.Respond(res))
}

// seen returns what was answered since the last call.
func (r *registrar) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.requests
	r.requests = nil
	return seen
}

// registered returns alice's registration at a new registrar. It runs in a bubble.
func registered(t *testing.T, scheme string) (*Registration, *registrar) {
	t.Helper()
	near, far := net.Pipe()
	r := &registrar{t: t, auth: auth.NewServer(auth.ServerConfig{
		Realm: "SIP Communications Service", TargetName: "sip.ocs.test", Schemes: []string{scheme},
		Accounts: func(user, _ string) (auth.Account, bool) {
			return auth.Account{User: user, Password: "secret", URI: "sip:alice@ocs.test"}, user == "alice"
		},
	})}
	server := sip.NewConn(far, sip.Config{Sign: r.auth.Sign, Handle: r.handle})
	client := auth.NewClient(auth.ClientConfig{Password: auth.Password{User: "alice", Secret: "secret"}})
	conn := sip.NewConn(near, sip.Config{Sign: client.Sign, Verify: client.Verify})
	t.Cleanup(func() { _, _ = server.Close(), conn.Close() })
	e := &Endpoint{URI: "sip:alice@ocs.test", Epid: "c8ca638a15", Transport: "tls", Local: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}}
	registration, err := Register(t.Context(), conn, e, client)
	require.NoError(t, err)
	r.seen()
	return registration, r
}

func (r *Registration) service(t *testing.T) *sip.Request {
	t.Helper()
	req, err := r.endpoint.Request("SERVICE", "sip:alice@ocs.test", "", sip.NewTag(), sip.NewCallID(), 1)
	require.NoError(t, err)
	sip.SetBody(req, "", nil)
	return req
}

func TestRefreshRenewsTheAssociationWhenThatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := registered(t, auth.NTLM)
		began := time.Now()
		for time.Since(began) < 8*time.Hour-5*time.Minute {
			time.Sleep(r.Granted().RefreshIn())
			if time.Since(began) < 8*time.Hour-5*time.Minute {
				server.seen()
				_, err := r.Refresh(t.Context())
				require.NoError(t, err)
				require.Equal(t, []string{"REGISTER 200"}, server.seen())
			}
		}
		require.Equal(t, 8*time.Hour-5*time.Minute, time.Since(began))
		_, err := r.Refresh(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"REGISTER 401", "REGISTER 401", "REGISTER 200"}, server.seen())
		require.Equal(t, 570*time.Second, r.Granted().RefreshIn())
	})
}

func TestChallengedRequestIsSentAgainUnderANewAssociation(t *testing.T) {
	for scheme, want := range map[string][]string{
		auth.NTLM:   {"SERVICE 401", "REGISTER 401", "REGISTER 200", "SERVICE 200"},
		auth.Digest: {"SERVICE 401", "SERVICE 200"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, server := registered(t, scheme)
			first := true
			server.refuse = func(*sip.Request) bool {
				refused := first
				first = false
				return refused
			}
			res, err := r.Do(t.Context(), r.service(t))
			require.NoError(t, err)
			require.Equal(t, 200, res.StatusCode)
			require.Equal(t, "2 SERVICE", sip.Value(res, "CSeq"))
			require.Equal(t, want, server.seen())
		})
	}
}

func TestOneNewAssociationServesAllRequestsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := registered(t, auth.NTLM)
		refusals := 3
		server.refuse = func(*sip.Request) bool {
			refusals--
			return refusals >= 0
		}
		var calls []*Call
		for range 3 {
			call, err := r.Start(t.Context(), func() (*sip.Request, error) { return r.service(t), nil })
			require.NoError(t, err)
			calls = append(calls, call)
		}
		for _, call := range calls {
			res, err := call.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, 200, res.StatusCode)
		}
		require.Equal(t, []string{
			"SERVICE 401", "SERVICE 401", "SERVICE 401", "REGISTER 401", "REGISTER 200", "SERVICE 200", "SERVICE 200", "SERVICE 200",
		}, server.seen())
	})
}

func TestRequestIsSentAgainTwiceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := registered(t, auth.NTLM)
		server.refuse = func(req *sip.Request) bool { return req.Method == "SERVICE" }
		res, err := r.Do(t.Context(), r.service(t))
		require.NoError(t, err)
		require.Equal(t, 401, res.StatusCode)
		require.Equal(t, []string{
			"SERVICE 401", "REGISTER 401", "REGISTER 200",
			"SERVICE 401", "REGISTER 401", "REGISTER 200",
			"SERVICE 401",
		}, server.seen())
	})
}

func TestRequestWaitsForARegisterUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, server := registered(t, auth.NTLM)
		server.hold = make(chan struct{})
		refreshed, served := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := r.Refresh(t.Context())
			refreshed <- err
		}()
		synctest.Wait()
		req := r.service(t)
		go func() {
			_, err := r.Do(t.Context(), req)
			served <- err
		}()
		synctest.Wait()
		require.Equal(t, []string{"REGISTER 200"}, server.seen(), "the request is held back")
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err := r.Do(short, r.service(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(server.hold)
		require.NoError(t, <-refreshed)
		require.NoError(t, <-served)
		require.Equal(t, []string{"SERVICE 200"}, server.seen())
	})
}
