package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManagement(t *testing.T) {
	config := twoUsers()
	config.ListenTCP, config.ListenManagement = "127.0.0.1:0", "127.0.0.1:0"
	s := startTest(t, config)
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(method, path, body string, wantStatus int, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.ManagementURL()+path, strings.NewReader(body))
		require.NoError(t, err)
		res, err := web.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, wantStatus, res.StatusCode, string(text))
		if into != nil {
			require.Equal(t, "application/json", res.Header.Get("Content-Type"))
			require.NoError(t, json.Unmarshal(text, into), string(text))
		}
	}
	type failure struct{ Error string }

	var users []struct {
		Name, URI string
		Rejected  int
	}
	call("GET", "/users", "", 200, &users)
	require.Len(t, users, 2)
	require.Equal(t, "sip:alice@ocs.test", users[0].URI)

	c := dialTest(t, s, clientConfig{}).signIn()
	var endpoints []Endpoint
	call("GET", "/endpoints", "", 200, &endpoints)
	require.Equal(t, s.Endpoints()[0].GRUU, endpoints[0].GRUU)

	var faults []Fault
	call("POST", "/faults", `{"stage":"publish","action":"status","status":480,"delay":"1ms","count":2}`, 201, &faults)
	call("POST", "/faults", `[{"stage":"dns","action":"silent"}]`, 201, &faults)
	require.Len(t, faults, 2)
	require.Equal(t, 480, c.service(typePublish, initialPublication).StatusCode)
	call("GET", "/faults", "", 200, &faults)
	require.Equal(t, 1, faults[0].Count)
	var why failure
	call("POST", "/faults", `{"stage":"dsn","action":"silent"}`, 400, &why)
	require.Contains(t, why.Error, `unknown stage "dsn"; known: dns,`)
	call("POST", "/faults", strings.Repeat(" ", maxManagementBody+1), 413, &why)
	call("DELETE", "/faults", "", 204, nil)
	require.Empty(t, s.Faults())

	var history struct {
		Dropped int
		Records []Record
	}
	call("GET", "/history?kind=connect&kind=query", "", 200, &history)
	require.Len(t, history.Records, 1)
	require.Equal(t, KindConnect, history.Records[0].Kind)
	call("GET", "/history", "", 200, &history)
	require.Greater(t, len(history.Records), 8)

	call("DELETE", "/endpoints/nobody", "", 404, &why)
	call("DELETE", "/endpoints/"+c.epid+"?event=bored", "", 400, &why)
	var removed struct{ Removed int }
	call("DELETE", "/endpoints/"+c.epid+"?event=rejected", "", 200, &removed)
	require.Equal(t, 1, removed.Removed)
	require.Equal(t, "deregistered;event=rejected", string((<-c.received).Body()))

	call("POST", "/reset", "", 204, nil)
	<-c.conn.Done()
	require.Empty(t, s.History())
	call("GET", "/nothing", "", 404, &why)
}

func TestManagementRefusesInJSONWithWhatIsKnown(t *testing.T) {
	handler := startTest(t, twoUsers()).Management()
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 404, "GET / is unknown; known: GET /history, GET /users,"},
		{"PUT", "/faults", 405, "PUT /faults is unknown; known: GET /history,"},
		{"GET", "/reset", 405, "known: GET /history,"},
		{"GET", "/endpoints/abc", 405, "DELETE /endpoints/{epid}"},
		{"POST", "/faults", 400, "nothing is given: a fault is JSON such as"},
		{"GET", "/history?kind=quary", 400, `unknown kind "quary"; known: query, connect,`},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(test.method, test.path, nil))

			require.Equal(t, test.status, answer.Code)
			require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
			require.Equal(t, test.status == 405, answer.Header().Get("Allow") != "")
			var why struct{ Error string }
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &why))
			require.Contains(t, why.Error, test.want)
		})
	}
}

func TestResetForgetsAndServesOn(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.service(typePublish, initialPublication)
		require.NoError(t, s.AddFaults(Fault{Stage: StageDNS, Action: ActionSilent}))
		s.Reset()
		<-c.conn.Done()
		require.Empty(t, s.History())
		require.Empty(t, s.Endpoints())
		require.Empty(t, s.Faults())
		again := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 200, again.service(typePublish, initialPublication).StatusCode, "versions begin anew")
	})
}
