package webservices

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ocsgo/ocs/sip/auth/ocauthws"
	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const alice = "alice@contoso.com"

func newConfig(t testing.TB) Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return Config{
		Authority: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		Domain:    "contoso.com", NetBIOSDomain: "CONTOSO", Host: "sip.contoso.com",
		Accounts: func(user, _ string) (Account, bool) {
			return Account{Address: alice, Password: "secret"}, user == "alice"
		},
	}
}

// serve mounts the services behind a function that may change what a client sends.
func serve(t *testing.T, s *Services, change func(r *http.Request, body string) string) (*httptest.Server, *ocauthws.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change != nil {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(change(r, string(body))))
		}
		s.ServeHTTP(w, r)
	}))
	server.Config.ConnContext = s.ConnContext
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server, &ocauthws.Client{
		Address: alice, Device: "4b1682a8-f968-5701-83fc-7c6741dc6697",
		User: "alice", Domain: "CONTOSO", Password: "secret",
		Transport: func() *http.Transport { return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}} },
	}
}

func TestCertificateIsSignedByTheAuthority(t *testing.T) {
	cfg := newConfig(t)
	cfg.Lifetime = 12 * time.Hour
	s, err := New(cfg)
	require.NoError(t, err)
	server, c := serve(t, s, nil)
	cert, _, err := c.Certificate(t.Context(), "sip.contoso.com", server.URL+CertificateService)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(s.ca)
	_, err = cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)
	require.Equal(t, alice, cert.Leaf.Subject.CommonName)
	require.WithinDuration(t, time.Now().Add(12*time.Hour), cert.Leaf.NotAfter, time.Minute)
}

// The whole way: from Windows credentials to message signatures.
func TestCertificateServesTLSDSK(t *testing.T) {
	s, err := New(newConfig(t))
	require.NoError(t, err)
	web, c := serve(t, s, nil)
	cert, _, err := c.Certificate(t.Context(), "sip.contoso.com", web.URL+CertificateService)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(s.ca)

	client := &tlsdsk.Client{Certificate: *cert}
	server := &tlsdsk.Server{Certificate: web.TLS.Certificates[0], ClientCAs: pool}
	var token []byte
	for done := false; !done; {
		token, done, err = client.Step(t.Context(), token)
		require.NoError(t, err)
		if !done {
			token, _, err = server.Step(t.Context(), token)
			require.NoError(t, err)
		}
	}
	signature, err := client.Sign([]byte("buffer"))
	require.NoError(t, err)
	require.NoError(t, server.Verify([]byte("buffer"), signature))
	require.Equal(t, alice, server.ClientCertificate().Subject.CommonName)
	require.Equal(t, cert.Leaf.NotAfter, server.Expiry())
}

func TestConfigThatIsRefused(t *testing.T) {
	good := newConfig(t)
	for name, change := range map[string]func(*Config){
		"no authority":   func(c *Config) { c.Authority = tls.Certificate{} },
		"bad authority":  func(c *Config) { c.Authority.Certificate = [][]byte{{1}} },
		"no accounts":    func(c *Config) { c.Accounts = nil },
		"unknown scheme": func(c *Config) { c.Schemes = []string{"Digest"} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			_, err := New(cfg)
			require.Error(t, err)
		})
	}
}

// A client could be wrong in any of these without a lenient server's saying so.
func TestRequestsThatAreRefused(t *testing.T) {
	replace := func(from, to string) func(*http.Request, string) string {
		re := regexp.MustCompile(from)
		return func(_ *http.Request, body string) string { return re.ReplaceAllString(body, to) }
	}
	header := func(name, value string) func(*http.Request, string) string {
		return func(r *http.Request, body string) string {
			if r.Method == http.MethodPost {
				r.Header.Set(name, value)
			}
			return body
		}
	}
	for _, tc := range []struct {
		name   string
		change func(*http.Request, string) string
		text   string
	}{
		{"dialect of the claims", replace(`authclaims"`, `other"`), "the dialect of Claims"},
		{"AppliesTo", replace(`(<wsa:EndpointReference><wsa:Address>)`, `${1}x`), "AppliesTo is"},
		{"token type", replace(`SAMLV1.1</wst:TokenType>`, `SAMLV2.0</wst:TokenType>`), "TokenType is"},
		{"request type", replace(`2005/02/trust/Issue`, `2005/02/trust/Renew`), "RequestType is"},
		{"key type", replace(`SymmetricKey`, `PublicKey`), "KeyType is"},
		{"trust namespace", replace(`xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512"`, `xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512/"`), "entropy"},
		{"no entropy", replace(`<wst:Entropy>.*</wst:Entropy>`, ``), "entropy is not"},
		{"claim for another user", replace(`sip:alice`, `sip:bob`), "28000 User is not SIP enabled."},
		{"no context", replace(`Context="[^"]*"`, `Context=""`), "no Context"},
		{"not XML", replace(`</soap:Envelope>`, ``), "EOF"},
		{"SOAPAction without quotes", header("SOAPAction", actionIssue), "SOAPAction is"},
		{"content type", header("Content-Type", "application/soap+xml"), "Content-Type is"},

		{"no ticket", replace(`<saml:Assertion.*</saml:Assertion>`, ``), "28020 No valid security token."},
		{"unknown ticket", replace(`SamlSecurityToken-`, `x`), "28032 The web ticket is invalid."},
		{"signature", replace(`<SignatureValue>....`, `<SignatureValue>AAAA`), "28032"},
		{"digest", replace(`<DigestValue>....`, `<DigestValue>AAAA`), "28032"},
		{"timestamp changed", replace(`(<wsu:Expires>)20(\d)`, `${1}21$2`), "28032"},
		{"timestamp in the past", replace(`<wsu:Expires>[^<]*`, `<wsu:Expires>2001-01-01T00:00:00Z`), "28032"},
		{"key identifier", replace(`(#SAMLAssertionID">)`, `${1}x`), "28032"},
		{"reference", replace(`URI="#timestamp"`, `URI="#other"`), "28032"},
		{"no message id", replace(`<wsa:MessageID>.*</wsa:MessageID>`, ``), "no MessageID"},
		{"To", replace(`(<wsa:To>)`, `${1}x`), "the header To is"},
		{"action", replace(`(<wsa:Action>)`, `${1}x`), "the header Action is"},
		{"namespace of the request", replace(`GetAndPublishCert xmlns="[^"]*"`, `GetAndPublishCert xmlns="x"`), "namespace of GetAndPublishCert"},
		{"trust namespace of the request", replace(`ws-trust/200512/" xmlns`, `ws-trust/200512" xmlns`), "TokenType is"},
		{"device without braces", replace(`DeviceId="{(.*?)}"`, `DeviceId="$1"`), "DeviceId is"},
		{"entity with a scheme", replace(`Entity="`, `Entity="sip:`), "Entity is"},
		{"long lines", replace(`(#Base64Binary">\r\n[^\r]*)\r\n`, `$1`), "more than 76"},
		{"value type", replace(`AuthWebServices.xsd#PKCS10`, `AuthWebServices.xsd#PKCS7`), "ValueType is"},
		{"certificate token type", replace(`#X509v3`, `#X509`), "TokenType is"},
		{"certificate request type", replace(`200512/Issue</wst:RequestType>`, `200512/Renew</wst:RequestType>`), "RequestType is"},
		{"no request id", replace(`<wstep:RequestID>.*</wstep:RequestID>`, ``), "no RequestID"},
		{"no PKCS#10", replace(`(?s)(#Base64Binary">).*(</wsse:BinarySecurityToken>)`, `$1$2`), "PKCS#10"},
		{"PKCS#10 for somebody else", func(_ *http.Request, body string) string { return changeCSR(body) }, "PKCS#10: its signature is wrong"},
		{"too long", replace(`</soap:Envelope>`, `</soap:Envelope>`+strings.Repeat(" ", maxRequest)), "HTTP 413"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := New(newConfig(t))
			require.NoError(t, err)
			server, c := serve(t, s, tc.change)
			_, _, err = c.Certificate(t.Context(), "sip.contoso.com", server.URL+CertificateService)
			require.ErrorContains(t, err, tc.text)
		})
	}
}

// changeCSR changes the last byte of the PKCS#10, which is in its signature.
func changeCSR(body string) string {
	const begin, end = `#Base64Binary">`, `</wsse:BinarySecurityToken>`
	i, j := strings.Index(body, begin), strings.Index(body, end)
	if i < 0 {
		return body
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body[i+len(begin):j]), ""))
	if err != nil {
		return body
	}
	der[len(der)-1] ^= 1
	text := regexp.MustCompile(`.{1,76}`).ReplaceAllString(base64.StdEncoding.EncodeToString(der), "$0\r\n")
	return body[:i+len(begin)] + text + body[j:]
}

func TestTicketExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(newConfig(t))
		require.NoError(t, err)
		id := newAssertionID()
		s.keep(id, ticket{address: alice, service: "https://x/", expires: time.Now().Add(ticketLifetime)}, time.Now())
		s.cfg.Bearer = true
		h := &securityHeader{}
		h.Assertion.ID, h.Timestamp.Expires = id, time.Now().Add(24*time.Hour).Format(time.RFC3339)
		_, fault := s.checkSecurity(h, nil, "https://x/")
		require.Nil(t, fault)
		_, fault = s.checkSecurity(h, nil, "https://y/")
		require.Equal(t, &faultTicket, fault)
		time.Sleep(ticketLifetime + time.Nanosecond)
		_, fault = s.checkSecurity(h, nil, "https://x/")
		require.Equal(t, &faultTicket, fault)
	})
}

func TestTicketsAreBounded(t *testing.T) {
	s, err := New(newConfig(t))
	require.NoError(t, err)
	now := time.Now()
	for range maxTickets + 10 {
		s.keep(newAssertionID(), ticket{expires: now.Add(time.Hour)}, now)
	}
	require.Len(t, s.tickets, maxTickets)
}

// A client in the field digests the timestamp as it stands, with the prefix declared once more in each child.
func TestDigestOverTimestampAsItStands(t *testing.T) {
	const stamp = `<wsu:Timestamp xmlns:wsu="` + nsUtil + `" wsu:Id="timestamp">` +
		`<wsu:Created xmlns:wsu="` + nsUtil + `">2026-01-01T00:00:00Z</wsu:Created>` +
		`<wsu:Expires xmlns:wsu="` + nsUtil + `">2036-01-01T00:00:00Z</wsu:Expires></wsu:Timestamp>`
	h := &securityHeader{}
	h.Timestamp.ID, h.Timestamp.Created, h.Timestamp.Expires = "timestamp", "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"
	require.True(t, digestFits("43m0EGxcwgqIoxo+qd18+xmFSmE=", []byte(stamp), h))
	canonical := sha1.Sum([]byte(strings.ReplaceAll(strings.ReplaceAll(stamp, `Created xmlns:wsu="`+nsUtil+`"`, "Created"), `Expires xmlns:wsu="`+nsUtil+`"`, "Expires")))
	require.True(t, digestFits(base64.StdEncoding.EncodeToString(canonical[:]), []byte(stamp), h))
	require.False(t, digestFits("AAAA", []byte(stamp), h))
}

func TestNTLMNeedsItsConnection(t *testing.T) {
	s, err := New(newConfig(t))
	require.NoError(t, err)
	server := httptest.NewServer(s) // without ConnContext
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+ticketService, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Authorization", "NTLM TlRMTVNTUAABAAAABYKIogAAAAAoAAAAAAAAACgAAAAFASgKAAAADw==")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusInternalServerError, response.StatusCode)
	require.Contains(t, response.Header.Get("X-Ms-Diagnostics"), "28001")
}

func TestOtherPathsAndMethods(t *testing.T) {
	s, err := New(newConfig(t))
	require.NoError(t, err)
	for target, want := range map[string]int{
		"GET /":                           http.StatusNotFound,
		"GET " + CertificateService:       http.StatusNotFound,
		"POST " + ticketService:           http.StatusUnauthorized,
		"GET " + ticketService:            http.StatusMethodNotAllowed,
		"POST " + ticketService + "/Anon": http.StatusNotFound,
	} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
		require.Equal(t, want, w.Code, target)
	}
}

func TestNoPasswordInPrintsAndLogs(t *testing.T) {
	var logged bytes.Buffer
	cfg := newConfig(t)
	cfg.Log = slog.New(slog.NewJSONHandler(&logged, nil))
	s, err := New(cfg)
	require.NoError(t, err)
	server, c := serve(t, s, nil)
	c.Password = "hunter2"
	_, _, err = c.Certificate(t.Context(), "sip.contoso.com", server.URL+CertificateService)
	require.ErrorIs(t, err, ocauthws.ErrRejected)
	cfg.Log.Info("account", "account", Account{Address: alice, Password: "secret"})
	fmt.Fprintf(&logged, "%v %+v %#v", Account{Password: "secret"}, Account{Password: "secret"}, Account{Password: "secret"})
	require.Contains(t, logged.String(), "NTLM refused")
	require.NotContains(t, logged.String(), "secret")
	require.NotContains(t, logged.String(), "hunter2")
}

func FuzzRequests(f *testing.F) {
	s, err := New(newConfig(f))
	require.NoError(f, err)
	f.Add("/", "", []byte(""))
	f.Add(ticketService, "NTLM TlRMTVNTUAABAAAABYKIogAAAAAoAAAAAAAAACgAAAAFASgKAAAADw==", []byte("<Envelope/>"))
	f.Add(ticketService, "Basic YWxpY2U6c2VjcmV0", []byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body/></soap:Envelope>`))
	f.Add(CertificateService+proofPort, "", []byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body/></soap:Envelope>`))
	f.Fuzz(func(t *testing.T, path, authorization string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.URL.Path = path
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("Soapaction", `"`+actionPublish+`"`)
		r = r.WithContext(s.ConnContext(r.Context(), nil))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusOK, w.Code)
	})
}
