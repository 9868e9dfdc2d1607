package server

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// webGet asks the web server in memory for a URL and returns media type and body.
func webGet(t *testing.T, s *Server, url string) (kind, body string) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.Dial(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: s.CA()},
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
	return resp.Header.Get("Content-Type"), string(text)
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
			begin + `><Root><Link token="Domain" href="` + service + `/domain"></Link><Link token="User" href="` + service + `/user"></Link></Root></AutodiscoverResponse>`,
		},
		"redirect": {
			Autodiscover{Redirects: 1},
			"https://lyncdiscover.ocs.test/", "xml",
			begin + `><Root><Link token="Redirect" href="` + service + `?hop=1"></Link></Root></AutodiscoverResponse>`,
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
			kind, body := webGet(t, s, test.url)
			require.Equal(t, "application/vnd.microsoft.rtc.autodiscover+"+test.kind+"; charset=utf-8", kind)
			require.Equal(t, test.want, body)
		})
	}
}
