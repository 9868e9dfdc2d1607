package server

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

// webClient reaches the web server as it is reached in memory.
func webClient(t *testing.T, s *Server) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.Dial(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: s.CA()},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// webGet asks the web server for a URL, with a web ticket if there is one, and returns the answer and its body.
func webGet(t *testing.T, s *Server, url, ticket string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	if ticket != "" {
		req.Header.Set("X-MS-WebTicket", "opaque="+base64.StdEncoding.EncodeToString([]byte(ticket)))
	}
	client := webClient(t, s)
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

func TestAutodiscoverDocuments(t *testing.T) {
	const begin = `<AutodiscoverResponse xmlns="http://schemas.microsoft.com/rtc/autodiscover/2011"`
	const service = "https://server.ocs.test/Autodiscover/AutodiscoverService.svc/root"
	for name, test := range map[string]struct {
		config     Autodiscover
		url        string
		kind, want string
	}{
		"service": {
			Autodiscover{},
			"https://lyncdiscoverinternal.ocs.test/?sipuri=alice@ocs.test", "xml",
			begin + `><Root><Link token="Domain" href="` + service + `/domain"></Link><Link token="User" href="` + service + `/user?sipuri=alice%40ocs.test"></Link></Root></AutodiscoverResponse>`,
		},
		"redirect": {
			Autodiscover{Redirects: 1},
			"https://lyncdiscover.ocs.test/", "xml",
			begin + `><Root><Link token="Redirect" href="` + service + `?hop=1"></Link></Root></AutodiscoverResponse>`,
		},
		"behind a redirect": {
			Autodiscover{Redirects: 1},
			service + "?hop=1&sipuri=alice@ocs.test", "xml",
			begin + `><Root><Link token="Domain" href="` + service + `/domain"></Link><Link token="User" href="` + service + `/user?sipuri=alice%40ocs.test"></Link></Root></AutodiscoverResponse>`,
		},
		"user": {
			Autodiscover{External: "edge.ocs.test:443", Location: "External"},
			service + "/user", "xml",
			begin + ` AccessLocation="External"><User><SipClientInternalAccess fqdn="server.ocs.test" port="5061"></SipClientInternalAccess>` +
				`<SipClientExternalAccess fqdn="edge.ocs.test" port="443"></SipClientExternalAccess></User></AutodiscoverResponse>`,
		},
		"user in JSON": {
			Autodiscover{JSON: true},
			service + "/user", "json",
			`{"User":{"SipClientInternalAccess":{"fqdn":"server.ocs.test","port":"5061"},"SipClientExternalAccess":{"fqdn":"server.ocs.test","port":"5061"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(Config{Autodiscover: &test.config})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			resp, body := webGet(t, s, test.url, "")
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, "application/vnd.microsoft.rtc.autodiscover+"+test.kind+"; charset=utf-8", resp.Header.Get("Content-Type"))
			require.Equal(t, test.want, body)
		})
	}
}

// ticketOf gets a web ticket of the server for a user's document.
func ticketOf(t *testing.T, s *Server, user, password, document string) (string, error) {
	t.Helper()
	c := &ocauthws.Client{
		Address: user + "@ocs.test", User: user, Domain: "OCS", Password: password,
		Transport: func() *http.Transport { return webClient(t, s).Transport.(*http.Transport) },
	}
	ticket, _, err := c.Ticket(t.Context(), "https://server.ocs.test/WebTicket/WebTicketService.svc", document)
	return ticket, err
}

func TestAutodiscoverDocumentForAWebTicket(t *testing.T) {
	s, err := Start(Config{
		Autodiscover: &Autodiscover{WebTicket: true},
		Users:        []User{{Name: "alice", Password: "secret"}, {Name: "bob", Password: "other"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	const document = "https://server.ocs.test/Autodiscover/AutodiscoverService.svc/root/user?sipuri=alice%40ocs.test"

	resp, _ := webGet(t, s, document, "")
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.Equal(t, "https://server.ocs.test/WebTicket/WebTicketService.svc", resp.Header.Get("X-MS-WebTicketURL"))
	require.Contains(t, resp.Header.Get("X-Ms-Diagnostics"), "28020")

	ticket, err := ticketOf(t, s, "alice", "secret", document)
	require.NoError(t, err)
	resp, body := webGet(t, s, document, ticket)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Contains(t, body, `<SipClientInternalAccess fqdn="server.ocs.test" port="5061">`)

	ticket, err = ticketOf(t, s, "bob", "other", document)
	require.NoError(t, err)
	resp, _ = webGet(t, s, document, ticket)
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode, "bob is not alice")

	resp, _ = webGet(t, s, "https://lyncdiscover.ocs.test/", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, "the service itself is for everybody")
}

func TestPasswordThatTheTicketServiceRejectsIsInTheHistory(t *testing.T) {
	s, err := Start(Config{Autodiscover: &Autodiscover{WebTicket: true}, Users: []User{{Name: "alice", Password: "secret"}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = ticketOf(t, s, "alice", "wrong", "https://server.ocs.test/Autodiscover/AutodiscoverService.svc/root/user")
	require.ErrorIs(t, err, ocauthws.ErrRejected)
	require.Equal(t, 1, s.Rejected("alice"))
	require.Len(t, s.History(KindRejected), 1)
	require.Equal(t, "alice@ocs.test", s.History(KindRejected)[0].User)
}

// On a socket too the web server is at port 443 for the proxy, whose clients cannot tell one from the other.
func TestWebServerIsAtPort443BesideItsSocket(t *testing.T) {
	s, err := Start(Config{Autodiscover: &Autodiscover{}, ListenTLS: "127.0.0.1:0", ListenWeb: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, port, err := net.SplitHostPort(s.WebAddr())
	require.NoError(t, err)
	for _, at := range []string{"", ":" + port} {
		resp, body := webGet(t, s, "https://lyncdiscover.ocs.test"+at+"/", "")
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Contains(t, body, `<Link token="User" href="https://server.ocs.test`+at+userPath+`">`)
	}
	_, tlsPort, err := net.SplitHostPort(s.TLSAddr())
	require.NoError(t, err)
	_, body := webGet(t, s, "https://server.ocs.test"+userPath, "")
	require.Contains(t, body, `<SipClientInternalAccess fqdn="server.ocs.test" port="`+tlsPort+`">`)
}
