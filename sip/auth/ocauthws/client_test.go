package ocauthws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/webservices"
)

const (
	ticketPath = "/WebTicket/WebTicketService.svc"
	certPath   = webservices.CertificateService
)

func TestCertificateFromWindowsCredentials(t *testing.T) {
	f := newFront(t, nil)
	cert, reused, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	require.False(t, reused)
	require.Equal(t, testAddress, cert.Leaf.Subject.CommonName)
	require.NotNil(t, cert.PrivateKey)
	require.Equal(t, []string{
		"GET " + certPath + "/mex",
		"GET " + ticketPath + "/mex",
		"POST " + ticketPath,
		"POST " + ticketPath + " NTLM", // Type 1
		"POST " + ticketPath + " NTLM", // Type 3
		"POST " + certPath + "/WebTicket_Proof_SHA1",
	}, f.seen())
	for _, r := range f.requests {
		require.Equal(t, "UCCAPI/3.5.6907.0 OC/3.5.6907.0", r.UserAgent())
		require.Equal(t, 1, r.ProtoMajor)
	}
}

// A rejected password counts towards the lock-out of the account: it is sent once.
func TestBearerTicket(t *testing.T) {
	f := newFront(t, func(cfg *webservices.Config) { cfg.Bearer = true })
	var body []byte
	f.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/WebTicket_Bearer") {
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return false
	})
	_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	require.Contains(t, string(body), "<wsse:Security><wsu:Timestamp")
	require.NotContains(t, string(body), "Signature")
}

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		op    webservices.Operation
		step  Step
		fault webservices.Fault
		text  string
	}{
		{webservices.OpMetadata, StepMetadata, webservices.Fault{Status: 503, Reason: "Down."}, "HTTP 503: service unavailable: Down."},
		{webservices.OpTicketMetadata, StepTicketMetadata, webservices.Fault{Status: 404, ErrorID: 1, Reason: "Gone."}, "HTTP 404: not found: 1 Gone."},
		{webservices.OpTicket, StepTicket, webservices.Fault{Status: 403, ErrorID: 28000, Reason: "User is not SIP enabled.", Header: true}, "HTTP 403: forbidden: 28000 User is not SIP enabled."},
		{webservices.OpCertificate, StepCertificate, webservices.Fault{ErrorID: 28020, Reason: "No valid security token."}, "HTTP 500: internal server error: 28020 No valid security token."},
		{webservices.OpCertificate, StepCertificate, webservices.Fault{Status: 200, ErrorID: 28020, Reason: "No valid security token."}, "HTTP 200: the service refused the request: 28020 No valid security token."},
	} {
		t.Run(tc.text, func(t *testing.T) {
			f := newFront(t, func(cfg *webservices.Config) {
				cfg.Fault = func(op webservices.Operation) *webservices.Fault {
					if op == tc.op {
						return &tc.fault
					}
					return nil
				}
			})
			_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tc.step, e.Step)
			require.Equal(t, tc.fault.ErrorID, e.Fault.ErrorID)
			require.Equal(t, tc.fault.Reason, e.Fault.Reason+map[bool]string{true: e.Fault.Text}[e.Fault.Reason == ""])
			require.Contains(t, err.Error(), tc.text)
			require.NotErrorIs(t, err, ErrRejected)
		})
	}
}

func TestTicketForAnotherUserIsRefused(t *testing.T) {
	f := newFront(t, nil)
	c := f.client()
	c.Address = "bob@contoso.com"
	_, _, err := c.Certificate(t.Context(), testTarget, f.service())
	require.ErrorContains(t, err, "28000 User is not SIP enabled.")
}

func TestUnusableAnswers(t *testing.T) {
	const noCert = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetAndPublishCertResponse>%s</GetAndPublishCertResponse></s:Body></s:Envelope>`
	token := func(text string) string {
		return fmt.Sprintf(noCert, "<RequestSecurityTokenResponse><RequestedSecurityToken><BinarySecurityToken>"+text+
			"</BinarySecurityToken></RequestedSecurityToken></RequestSecurityTokenResponse>")
	}
	foreign := func(t *testing.T) string {
		t.Helper()
		other := newFront(t, nil)
		cert, _, err := other.client().Certificate(t.Context(), testTarget, other.service())
		require.NoError(t, err)
		return token(wrap(cert.Certificate[0]))
	}
	for _, tc := range []struct {
		name, path string // the path whose answer is replaced
		body       func(t *testing.T) string
		step       Step
		text       string
	}{
		{"not XML", certPath + "/mex", text("<html><br></html>"), StepMetadata, "not a WSDL document"},
		{"empty", certPath + "/mex", text(""), StepMetadata, "not a WSDL document"},
		{"no port", certPath + "/mex", text("<definitions/>"), StepMetadata, "no port that takes web tickets"},
		{"too long", certPath + "/mex", text(strings.Repeat(" ", maxBody+1)), StepMetadata, "more than"},
		{"federated only", ticketPath + "/mex", text(`<definitions><service><port name="WsFedBearer"/></service></definitions>`), StepTicketMetadata, "federated users only"},
		{"no Windows credentials", ticketPath + "/mex", text(`<definitions/>`), StepTicketMetadata, "no port for Windows credentials"},
		{
			"ticket service without TLS", ticketPath + "/mex",
			text(`<definitions><service><port name="WebTicketServiceWinNegotiate"><address location="http://127.0.0.1/"/></port></service></definitions>`),
			StepTicketMetadata, "not an HTTPS address",
		},
		{"no ticket", ticketPath, text("<Envelope/>"), StepTicket, "no ticket in it"},
		{"ticket without lifetime", ticketPath, text(`<a><Assertion AssertionID="1"/></a>`), StepTicket, "no lifetime"},
		{"lifetime is no time", ticketPath, text(`<a><Assertion/><Lifetime><Created>now</Created></Lifetime></a>`), StepTicket, "not a time"},
		{
			"entropy is not base64", ticketPath,
			text(`<a><Assertion/><Lifetime><Created>2026-01-01T00:00:00Z</Created><Expires>2036-01-01T00:00:00Z</Expires></Lifetime><BinarySecret>!</BinarySecret></a>`),
			StepTicket, "entropy is not base64",
		},
		{
			"no key to sign with", ticketPath,
			text(`<a><Assertion AssertionID="1"/><Lifetime><Created>2026-01-01T00:00:00Z</Created><Expires>2036-01-01T00:00:00Z</Expires></Lifetime></a>`),
			StepCertificate, "the ticket has no key for it",
		},
		{"no certificate", certPath + "/WebTicket_Proof_SHA1", text(fmt.Sprintf(noCert, "")), StepCertificate, "no certificate in it"},
		{"certificate is not one", certPath + "/WebTicket_Proof_SHA1", text(token("AAAA")), StepCertificate, "x509"},
		{"certificate for another key", certPath + "/WebTicket_Proof_SHA1", foreign, StepCertificate, "for another key"},
		{"ErrorInfo", certPath + "/WebTicket_Proof_SHA1", text(fmt.Sprintf(noCert, "<ErrorInfo><Code>17</Code><Text>no such device</Text></ErrorInfo>")), StepCertificate, "refused the request: 17 no such device"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := tc.body(t)
			f := newFront(t, nil)
			f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != tc.path {
					return false
				}
				_, _ = io.WriteString(w, body)
				return true
			})
			_, _, err := f.client().Certificate(t.Context(), testTarget, f.service())
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tc.step, e.Step)
			require.ErrorContains(t, err, tc.text)
			if tc.name != "ErrorInfo" && tc.name != "federated only" {
				require.ErrorIs(t, err, ErrAnswer)
			}
		})
	}
}

func text(s string) func(*testing.T) string { return func(*testing.T) string { return s } }

// A proof on another connection than its challenge is refused whatever the password is.
func TestSecondCertificateComesFromTheCache(t *testing.T) {
	f := newFront(t, nil)
	c := f.client()
	c.Cache = &Cache{Folder: t.TempDir()}
	first, reused, err := c.Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	require.False(t, reused)
	requests := len(f.seen())

	second, reused, err := c.Certificate(t.Context(), "SIP.contoso.com", f.service())
	require.NoError(t, err)
	require.True(t, reused)
	require.Same(t, first, second)

	another := f.client() // a later run
	another.Cache = &Cache{Folder: c.Cache.Folder}
	third, reused, err := another.Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	require.True(t, reused)
	require.Equal(t, first.Certificate, third.Certificate)
	require.Len(t, f.seen(), requests)

	require.NoError(t, another.Drop(testTarget)) // refused by the server
	fourth, reused, err := another.Certificate(t.Context(), testTarget, f.service())
	require.NoError(t, err)
	require.False(t, reused)
	require.NotEqual(t, first.Certificate, fourth.Certificate)
}

func TestNoSecretInPrintsAndLogs(t *testing.T) {
	f := newFront(t, nil)
	c := f.client()
	c.Password = "hunter2"
	var logged bytes.Buffer
	c.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, _, err := c.Certificate(t.Context(), testTarget, f.service())
	require.ErrorIs(t, err, ErrRejected)
	c.Log.Info("failed", "client", c, "value", *c, "err", err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&logged, verb+verb, c, *c)
	}
	b, err := json.Marshal(c)
	require.NoError(t, err)
	logged.Write(b)
	require.NotContains(t, logged.String(), "hunter2")
	require.Contains(t, logged.String(), `"step":"web ticket"`)
	require.NotContains(t, logged.String(), "NTLM ")
}

func TestErrorIsOneLine(t *testing.T) {
	e := &Error{
		Step: StepTicket, URL: "https://sip.contoso.com/WebTicket/WebTicketService.svc", Status: 500, Err: errors.New("internal server error"),
		Fault: parseFault([]byte("<Envelope><Body><Fault><faultstring>\n one\t\x7f two " + strings.Repeat("x", 1000) + "</faultstring></Fault></Body></Envelope>")),
	}
	require.Equal(t, "ocauthws: web ticket from https://sip.contoso.com/WebTicket/WebTicketService.svc: HTTP 500: internal server error: one two "+
		strings.Repeat("x", maxText-len("one two ")), e.Error())
}

// Servers of every time zone and clock: the ticket's lifetime is passed on in the issuer's words.
func TestTimesOfTheTicket(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-01-01T00:00:00Z": true, "2026-01-01T00:00:00.123Z": true, "2026-01-01T00:00:00": true, "2026-01-01T00:00:00+02:00": true,
		"": false, "2026-01-01": false, "<x/>": false,
	} {
		require.Equal(t, want, isDateTime(text), text)
	}
}
