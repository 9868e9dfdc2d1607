package ocauthws

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/webservices"
)

const userPath = "/Autodiscover/AutodiscoverService.svc/root/user"

// newResourceFront issues tickets for a resource.
func newResourceFront(t testing.TB, change func(*webservices.Config)) *front {
	t.Helper()
	return newFront(t, func(cfg *webservices.Config) {
		cfg.Resources = []string{userPath}
		if change != nil {
			change(cfg)
		}
	})
}

func TestTicketForAResource(t *testing.T) {
	f := newResourceFront(t, nil)
	var body []byte // of the last request
	f.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return false
	})
	c := f.client()
	c.Device = ""
	assertion, byPassword, err := c.Ticket(t.Context(), f.URL+ticketPath, f.URL+userPath)
	require.NoError(t, err)
	require.True(t, byPassword)
	require.Contains(t, string(body), "<wsa:Address>"+f.URL+userPath+"</wsa:Address>")
	require.True(t, strings.HasPrefix(assertion, `<saml:Assertion `), "with the prefix that it came with")
	require.True(t, strings.HasSuffix(assertion, `</saml:Assertion>`))
	require.Equal(t, []string{
		"GET " + ticketPath + "/mex", "POST " + ticketPath, "POST " + ticketPath + " NTLM", "POST " + ticketPath + " NTLM",
	}, f.seen())
}

func TestTicketForAKerberosTicketIsNotByPassword(t *testing.T) {
	f := newResourceFront(t, func(cfg *webservices.Config) {
		cfg.Negotiate = func(context.Context, []byte) (webservices.Account, error) {
			return webservices.Account{Address: testAddress}, nil
		}
	})
	c := f.client()
	c.Negotiate = func(context.Context, string) ([]byte, error) { return []byte("ticket"), nil }
	_, byPassword, err := c.Ticket(t.Context(), f.URL+ticketPath, f.URL+userPath)
	require.NoError(t, err)
	require.False(t, byPassword)
}

func TestTicketFailures(t *testing.T) {
	for name, test := range map[string]struct {
		server   func(*webservices.Config)
		client   func(*Client)
		resource string
		step     Step
		is       error
		text     string
	}{
		"password":         {client: func(c *Client) { c.Password = "wrong" }, step: StepTicket, is: ErrRejected},
		"no credentials":   {client: func(c *Client) { c.User = "" }, step: StepTicket, is: ErrNoScheme},
		"another user's":   {client: func(c *Client) { c.Address = "bob@contoso.com" }, step: StepTicket, text: "28000 User is not SIP enabled."},
		"unknown resource": {resource: "/other", step: StepTicket, text: "AppliesTo is"},
		"service down": {
			server: func(cfg *webservices.Config) {
				cfg.Fault = func(webservices.Operation) *webservices.Fault {
					return &webservices.Fault{Status: 503, Reason: "Down."}
				}
			},
			step: StepTicketMetadata, text: "HTTP 503: service unavailable: Down.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newResourceFront(t, test.server)
			c := f.client()
			if test.client != nil {
				test.client(c)
			}
			resource := f.URL + userPath
			if test.resource != "" {
				resource = f.URL + test.resource
			}
			assertion, _, err := c.Ticket(t.Context(), f.URL+ticketPath, resource)
			require.Empty(t, assertion)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.step, e.Step)
			require.ErrorContains(t, err, test.text)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			} else {
				require.NotErrorIs(t, err, ErrRejected)
			}
		})
	}
}

func TestTicketNeedsAnAddressAndAnHTTPSService(t *testing.T) {
	_, _, err := (&Client{}).Ticket(t.Context(), "https://sip.contoso.com/ticket", "https://sip.contoso.com/user")
	require.ErrorContains(t, err, "the address is not known")
	for _, service := range []string{"", "http://sip.contoso.com/", "https://u:secret@sip.contoso.com/", ":"} {
		_, _, err := (&Client{Address: testAddress}).Ticket(t.Context(), service, "https://sip.contoso.com/user")
		require.ErrorIs(t, err, ErrAnswer, "%q", service)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestNoTicketInLogsOrErrors(t *testing.T) {
	f := newResourceFront(t, nil)
	c := f.client()
	var logged bytes.Buffer
	c.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	assertion, _, err := c.Ticket(t.Context(), f.URL+ticketPath, f.URL+userPath)
	require.NoError(t, err)
	require.Contains(t, logged.String(), `"step":"web ticket"`)
	require.NotContains(t, logged.String(), "Assertion")

	// An answer with a ticket that cannot be used.
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != ticketPath {
			return false
		}
		_, _ = io.WriteString(w, "<a>"+assertion+"<Lifetime/></a>")
		return true
	})
	_, _, err = c.Ticket(t.Context(), f.URL+ticketPath, f.URL+userPath)
	require.ErrorIs(t, err, ErrAnswer)
	require.NotContains(t, err.Error(), "SamlSecurityToken")
}
