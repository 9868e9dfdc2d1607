package webservices

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

const resource = "/Autodiscover/AutodiscoverService.svc/root/user"

// guarded is services with one resource, which only the user in the query may have.
func guarded(t testing.TB, change func(*Config)) (*Services, http.Handler) {
	cfg := newConfig(t)
	cfg.Resources = []string{resource}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	there := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the document") })
	return s, s.Protect(there, func(r *http.Request) string { return r.FormValue("sipuri") })
}

// shown is the answer to a request for a URL with values of X-MS-WebTicket.
func shown(h http.Handler, url string, tickets ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	for _, value := range tickets {
		r.Header.Add("X-MS-WebTicket", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestResourceIsGivenForItsTicketAlone(t *testing.T) {
	s, h := guarded(t, nil)
	web, c := serve(t, s, nil)
	url := web.URL + resource + "?sipuri=alice@contoso.com"
	assertion, byPassword, err := c.Ticket(t.Context(), web.URL+ticketService, url)
	require.NoError(t, err)
	require.True(t, byPassword)
	opaque := func(text string) string { return "opaque=" + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct {
		url     string
		tickets []string
		reason  string // of the refusal; empty: none
	}{
		"right":             {url, []string{opaque(assertion)}, ""},
		"none":              {url, nil, `28020;source="sip.contoso.com";reason="No valid security token."`},
		"not opaque":        {url, []string{strings.TrimPrefix(opaque(assertion), "opaque=")}, "28032;"},
		"not base64":        {url, []string{"opaque=" + assertion}, "is not base64"},
		"base64 of a URL":   {url, []string{"opaque=" + base64.RawURLEncoding.EncodeToString([]byte(assertion+"?"))}, "is not base64"},
		"not an assertion":  {url, []string{opaque("<Assertion/>")}, "not base64 of a SAML assertion"},
		"two":               {url, []string{opaque(assertion), opaque(assertion)}, "more than one"},
		"unknown":           {url, []string{opaque(strings.Replace(assertion, "SamlSecurityToken-", "x", 1))}, "28032;"},
		"written otherwise": {url, []string{opaque(strings.Replace(assertion, "/>", " />", 1))}, "28032;"},
		"another user":      {strings.Replace(url, "alice", "bob", 1), []string{opaque(assertion)}, "28032;"},
		"another resource":  {web.URL + resource, []string{opaque(assertion)}, "28032;"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shown(h, test.url, test.tickets...)
			if test.reason == "" {
				require.Equal(t, http.StatusOK, w.Code)
				require.Equal(t, "the document", w.Body.String())
				return
			}
			require.Equal(t, http.StatusUnauthorized, w.Code)
			require.Equal(t, web.URL+ticketService, w.Header().Get("X-MS-WebTicketURL"))
			require.Contains(t, w.Header().Get("X-Ms-Diagnostics"), test.reason)
			require.NotContains(t, w.Body.String(), "the document")
		})
	}
}

func TestResourceIsNotGivenForAnExpiredTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := guarded(t, nil)
		const assertion = `<saml:Assertion AssertionID="1" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"/>`
		const url = "https://sip.contoso.com" + resource
		s.keep("1", ticket{address: alice, service: url, assertion: assertion, expires: time.Now().Add(ticketLifetime)}, time.Now())
		opaque := "opaque=" + base64.StdEncoding.EncodeToString([]byte(assertion))
		require.Equal(t, http.StatusOK, shown(h, url, opaque).Code)
		time.Sleep(ticketLifetime + time.Nanosecond)
		require.Equal(t, http.StatusUnauthorized, shown(h, url, opaque).Code)
	})
}

func TestTicketIsIssuedForKnownResourcesAlone(t *testing.T) {
	s, _ := guarded(t, nil)
	web, c := serve(t, s, nil)
	for url, want := range map[string]string{
		web.URL + resource + "?a=b":               "",
		web.URL + CertificateService + proofPort:  "",
		web.URL + "/other":                        "AppliesTo is",
		"https://other.contoso.com" + resource:    "AppliesTo is",
		web.URL + resource + "/../../secret?a=b":  "AppliesTo is",
		web.URL + CertificateService + bearerPort: "AppliesTo is",
	} {
		_, _, err := c.Ticket(t.Context(), web.URL+ticketService, url)
		if want == "" {
			require.NoError(t, err, url)
		} else {
			require.ErrorContains(t, err, want, url)
		}
	}
}

func TestRejectedLoginIsToldOfOnce(t *testing.T) {
	for _, test := range []struct {
		scheme, user, password string
		want                   []string
	}{
		{"NTLM", "alice", "secret", nil},
		{"NTLM", "alice", "wrong", []string{`CONTOSO\alice`}},
		{"NTLM", "nobody", "secret", []string{`CONTOSO\nobody`}},
		{"Basic", "alice", "secret", nil},
		{"Basic", "alice", "wrong", []string{`CONTOSO\alice`}},
	} {
		t.Run(test.scheme+" "+test.user+" "+test.password, func(t *testing.T) {
			var rejected []string
			s, _ := guarded(t, func(cfg *Config) {
				cfg.Schemes = []string{test.scheme}
				cfg.Rejected = func(user, domain string) { rejected = append(rejected, domain+`\`+user) }
			})
			web, c := serve(t, s, nil)
			c.User, c.Password, c.Basic = test.user, test.password, true
			_, _, err := c.Ticket(t.Context(), web.URL+ticketService, web.URL+resource)
			if test.want != nil {
				require.ErrorIs(t, err, ocauthws.ErrRejected)
			}
			require.Equal(t, test.want, rejected)
		})
	}
}

func FuzzTicketHeader(f *testing.F) {
	for _, value := range []string{
		"", "opaque=", "opaque=!", "opaque=PEFzc2VydGlvbi8+",
		"opaque=" + base64.StdEncoding.EncodeToString([]byte(`<saml:Assertion AssertionID="1" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"/>`)),
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		assertion, _, err := readTicket([]string{value})
		if err == nil {
			require.Equal(t, value, "opaque="+base64.StdEncoding.EncodeToString([]byte(assertion)))
		}
	})
}
