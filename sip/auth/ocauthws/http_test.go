package ocauthws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/webservices"
)

func TestSchemes(t *testing.T) {
	kerberos := func(_ context.Context, service string) ([]byte, error) {
		return []byte("ticket for " + service), nil
	}
	noTicket := errors.New("no ticket")
	for _, tc := range []struct {
		name    string
		offered []string
		client  func(*Client)
		server  func(*webservices.Config)
		seen    []string // credentials, by the first four characters
		want    error
	}{
		{name: "NTLM", offered: []string{"NTLM"}, seen: []string{"NTLM", "NTLM"}},
		{name: "NTLM inside Negotiate", offered: []string{"Negotiate"}, seen: []string{"Nego", "Nego"}},
		{name: "user principal name", offered: []string{"NTLM"}, client: func(c *Client) { c.User, c.Domain = testAddress, "" }, seen: []string{"NTLM", "NTLM"}},
		{name: "Kerberos", offered: []string{"NTLM", "Negotiate"}, client: func(c *Client) { c.Negotiate, c.User = kerberos, "" }, seen: []string{"Nego"}},
		{name: "Kerberos refused", offered: []string{"Negotiate", "NTLM"}, client: func(c *Client) { c.Negotiate = kerberos }, server: func(cfg *webservices.Config) { cfg.Negotiate = nil }, seen: []string{"Nego", "NTLM", "NTLM"}},
		{name: "Kerberos refused, no user", offered: []string{"Negotiate", "NTLM"}, client: func(c *Client) { c.Negotiate, c.User = kerberos, "" }, server: func(cfg *webservices.Config) { cfg.Negotiate = nil }, seen: []string{"Nego"}, want: ErrNoScheme},
		{name: "no Kerberos ticket", offered: []string{"Negotiate", "NTLM"}, client: func(c *Client) {
			c.Negotiate = func(context.Context, string) ([]byte, error) { return nil, noTicket }
		}, seen: []string{"NTLM", "NTLM"}},
		{name: "no Kerberos ticket, no user", offered: []string{"Negotiate"}, client: func(c *Client) {
			c.User, c.Negotiate = "", func(context.Context, string) ([]byte, error) { return nil, noTicket }
		}, want: noTicket},
		{name: "password rejected by the KDC", offered: []string{"Negotiate", "NTLM"}, client: func(c *Client) {
			c.Negotiate = func(context.Context, string) ([]byte, error) { return nil, fmt.Errorf("%w: by the KDC", ErrRejected) }
		}, want: ErrRejected},
		{name: "Basic", offered: []string{"Basic"}, client: func(c *Client) { c.Basic = true }, seen: []string{"Basi"}},
		{name: "Basic only where nothing else is offered", offered: []string{"Basic", "NTLM"}, client: func(c *Client) { c.Basic = true }, seen: []string{"NTLM", "NTLM"}},
		{name: "Basic is not allowed", offered: []string{"Basic"}, want: ErrNoScheme},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFront(t, func(cfg *webservices.Config) {
				cfg.Schemes = tc.offered
				cfg.Negotiate = func(_ context.Context, token []byte) (webservices.Account, error) {
					if string(token) != "ticket for HTTP/127.0.0.1" {
						return webservices.Account{}, errors.New("not a ticket")
					}
					return webservices.Account{Address: testAddress}, nil
				}
				if tc.server != nil {
					tc.server(cfg)
				}
			})
			c := f.client()
			if tc.client != nil {
				tc.client(c)
			}
			_, _, err := c.Certificate(t.Context(), testTarget, f.service())
			require.ErrorIs(t, err, tc.want)
			var seen []string
			for _, r := range f.requests {
				if a := r.Header.Get("Authorization"); a != "" {
					seen = append(seen, a[:4])
				}
			}
			require.Equal(t, tc.seen, seen)
		})
	}
}

func TestRejectedPasswordIsSentOnce(t *testing.T) {
	for _, offered := range [][]string{{"NTLM"}, {"Negotiate"}, {"Negotiate", "NTLM", "Basic"}, {"Basic"}} {
		t.Run(strings.Join(offered, " "), func(t *testing.T) {
			var asked int
			f := newFront(t, func(cfg *webservices.Config) {
				cfg.Schemes = offered
				accounts := cfg.Accounts
				cfg.Accounts = func(user, domain string) (webservices.Account, bool) {
					asked++
					return accounts(user, domain)
				}
			})
			c := f.client()
			c.Password, c.Basic = "wrong", true
			_, _, err := c.Certificate(t.Context(), testTarget, f.service())
			require.ErrorIs(t, err, ErrRejected)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, StepTicket, e.Step)
			require.Equal(t, http.StatusUnauthorized, e.Status)
			require.Equal(t, 1, asked)
		})
	}
}

func TestNTLMHandshakeThatGoesWrong(t *testing.T) {
	for _, tc := range []struct {
		name, answer, text string
	}{
		{"no token", "NTLM", "does not go on with NTLM"},
		{"another scheme's token", "Negotiate AAAA", "does not go on with NTLM"},
		{"token is not base64", "NTLM !", "not base64"},
		{"token is not a challenge", "NTLM AAAA", "too short"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFront(t, nil)
			f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.Header.Get("Authorization"), "NTLM ") {
					return false
				}
				w.Header().Set("Www-Authenticate", tc.answer)
				w.WriteHeader(http.StatusUnauthorized)
				return true
			})
			_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
			require.ErrorIs(t, err, ErrAnswer)
			require.ErrorContains(t, err, tc.text)
			require.NotErrorIs(t, err, ErrRejected)
		})
	}
}

func TestConnectionClosedInTheMiddleOfNTLMIsNoRejectedPassword(t *testing.T) {
	f := newFront(t, nil)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.Header.Get("Authorization"), "NTLM ") {
			w.Header().Set("Connection", "close")
		}
		return false
	})
	_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.ErrorIs(t, err, ErrAnswer)
	require.ErrorContains(t, err, "closed in the middle of NTLM")
	require.NotErrorIs(t, err, ErrRejected)
}

func TestSuperfluousChallengesAreNotLookedAt(t *testing.T) {
	f := newFront(t, func(cfg *webservices.Config) { cfg.Schemes = []string{"NTLM"} })
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.Header.Get("Authorization"), "NTLM ") {
			w.Header()["WWW-Authenticate"] = []string{"Negotiate", `Basic realm="a, b"`}
		}
		return false
	})
	_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
}

func TestProofIsBoundToTheConnection(t *testing.T) {
	other := newFront(t, nil)
	f := newFront(t, func(cfg *webservices.Config) { cfg.Schemes = []string{"NTLM"} })
	_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)

	// The same server behind somebody in between, who shows another certificate.
	cert := *other.Certificate()
	cert.Raw = append(bytes.Clone(cert.Raw), 0)
	f = newFront(t, func(cfg *webservices.Config) { cfg.Certificate, cfg.Schemes = &cert, []string{"NTLM"} })
	_, _, err = f.client().Certificate(t.Context(), testTarget, f.service())
	require.ErrorIs(t, err, ErrRejected)
}

func TestCookiesAreCarriedOn(t *testing.T) {
	f := newFront(t, nil)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			http.SetCookie(w, &http.Cookie{Name: strings.Split(r.URL.Path, "/")[1], Value: "1", Path: "/"})
		}
		return false
	})
	_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	last := f.requests[len(f.requests)-1]
	require.Len(t, last.Cookies(), 2)
}

func TestRedirects(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method string
		status int
		to     func(f *front, r *http.Request) string
		text   string // of the error; empty: none
		seen   string // the credentials of the request that is redirected
	}{
		{"document", http.MethodGet, http.StatusFound, func(f *front, r *http.Request) string { return f.URL + r.URL.Path + "?2" }, "", ""},
		{"request", http.MethodPost, http.StatusTemporaryRedirect, func(f *front, r *http.Request) string { return f.URL + r.URL.Path + "?2" }, "", ""},
		{"request would become another", http.MethodPost, http.StatusFound, func(f *front, r *http.Request) string { return f.URL + r.URL.Path + "?2" }, "HTTP 302: found", ""},
		{"away from TLS", http.MethodGet, http.StatusFound, func(_ *front, r *http.Request) string { return "http://" + r.Host + r.URL.Path }, "not an HTTPS address", ""},
		{"for ever", http.MethodGet, http.StatusFound, func(f *front, r *http.Request) string { return f.URL + r.URL.Path }, "HTTP 302: found", ""},
		{"with credentials", http.MethodPost, http.StatusTemporaryRedirect, func(f *front, r *http.Request) string { return f.URL + r.URL.Path + "?2" }, "HTTP 307: temporary redirect", "NTLM"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFront(t, nil)
			var count int
			f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != tc.method || r.URL.RawQuery != "" || !strings.HasPrefix(r.Header.Get("Authorization"), tc.seen) {
					return false
				}
				count++
				http.Redirect(w, r, tc.to(f, r), tc.status)
				return true
			})
			_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
			if tc.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.text)
			require.LessOrEqual(t, count, maxRedirects+1)
		})
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	c := &Client{Address: testAddress, Device: testDevice}
	for _, service := range []string{"", "http://sip.contoso.com/", "https://", "https://u:secret@sip.contoso.com/", "ftp://x/", ":"} {
		_, _, err := c.Certificate(t.Context(), testTarget, service)
		require.ErrorIs(t, err, ErrAnswer, "%q", service)
		require.NotContains(t, err.Error(), "secret")
	}
	_, _, err := (&Client{}).Certificate(t.Context(), testTarget, "https://sip.contoso.com/")
	require.ErrorContains(t, err, "must be known")
}

func TestUntrustedServiceGetsNothing(t *testing.T) {
	f := newFront(t, nil)
	c := f.client()
	c.Transport = nil
	_, _, err := c.Certificate(t.Context(), testTarget, f.service())
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, StepMetadata, e.Step)
	require.Zero(t, e.Status)
	require.ErrorContains(t, err, "x509")
	require.Empty(t, f.seen())
}

func TestContextEndsTheRequest(t *testing.T) {
	f := newFront(t, nil)
	cause := errors.New("sign-in limit")
	ctx, cancel := context.WithCancelCause(t.Context())
	f.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // from then on the server notices that the client has gone
		cancel(cause)
		<-r.Context().Done()
		return true
	})
	_, _, err := f.client().Certificate(ctx, testTarget, f.service())
	require.ErrorIs(t, err, cause)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, StepTicket, e.Step)
}
