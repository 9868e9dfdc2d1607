package sip

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedactMasksSecretsInHeaders(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{
			"handshake", `Authorization: NTLM qop="auth", opaque="5DC4E980", gssapi-data="TlRMTVNT==", version=4, crand="ea79", cnum="1", response="0100EF"`,
			`Authorization: NTLM qop="auth", opaque="5DC4E980", gssapi-data="***(10)", version=4, crand="ea79", cnum="1", response="***(6)"`,
		},
		{
			"server", `Authentication-Info: NTLM rspauth="0100", srand="CC", snum="1", targetname="sim"`,
			`Authentication-Info: NTLM rspauth="***(4)", srand="CC", snum="1", targetname="sim"`,
		},
		{"an empty value stays empty", `Authorization: NTLM gssapi-data="", version=4`, `Authorization: NTLM gssapi-data="", version=4`},
		{
			"digest", `Authorization: Digest username="alice", nonce="n", cnonce=0a4f, response=6629fae4,nc=1`,
			`Authorization: Digest username="alice", nonce="n", cnonce=***(4), response=***(8),nc=1`,
		},
		{"capitals and blanks", `Proxy-Authorization: NTLM GSSAPI-DATA = "x\"y", a="b"`, `Proxy-Authorization: NTLM GSSAPI-DATA = "***(4)", a="b"`},
		{"folded", "Authorization: NTLM gssapi-data=\r\n \"abc\r\n\tdef\", a=b", "Authorization: NTLM gssapi-data=\r\n \"***(9)\", a=b"},
		{"a quote that does not end", "Authorization: NTLM gssapi-data=\"abc\r\nTo: x", "Authorization: NTLM gssapi-data=\"***(3)\r\nTo: x"},
		{"a value that is missing", "X: response=", "X: response="},
		{"Basic", "Authorization: Basic YWxpY2U6c2VjcmV0==", "Authorization: Basic ***(18)"},
		{"Bearer", "authorization: Bearer\tabc\r\nAuthorization: Bearer d.e", "authorization: Bearer\t***(3)\r\nAuthorization: Bearer ***(3)"},
		{"Negotiate as in HTTP", "proxy-authorization:Negotiate  TlRM/+", "proxy-authorization:Negotiate  ***(6)"},
		{"NTLM as in HTTP", "Authorization: NTLM TlRMTVNT+/==", "Authorization: NTLM ***(12)"},
		{"Kerberos as in HTTP", "Authorization: Kerberos YIIa", "Authorization: Kerberos ***(4)"},
		{"Negotiate of a proxy", "Proxy-Authorization: Negotiate YIIa=", "Proxy-Authorization: Negotiate ***(5)"},
		{"a scheme of nobody", "Authorization: WebTicket abc/def", "Authorization: WebTicket ***(7)"},
		{"a token in two parts", "Authorization: Basic YWxp Y2U=", "Authorization: Basic ***(9)"},
		{"a folded token", "Authorization: NTLM\r\n TlRM", "Authorization: NTLM\r\n ***(4)"},
		{"no scheme", "Authorization: hunter2", "Authorization: ***(7)"},
		{"a scheme alone", "Authorization: NTLM", "Authorization: NTLM"},
		{"a challenge with a token", "WWW-Authenticate: NTLM TlRM", "WWW-Authenticate: NTLM ***(4)"},
		{"challenges without", `WWW-Authenticate: NTLM realm="SIP", targetname="sip.ocs.test"`, `WWW-Authenticate: NTLM realm="SIP", targetname="sip.ocs.test"`},
		{"schemes in one line", "Proxy-Authenticate: Negotiate, NTLM", "Proxy-Authenticate: Negotiate, NTLM"},
		{"information without a scheme", `Authentication-Info: qop=auth, rspauth="0100"`, `Authentication-Info: qop=auth, rspauth="***(4)"`},
		{"Cookie", "Cookie: a=b; c=d", "Cookie: ***(8)"},
		{"Set-Cookie", "Set-Cookie: a=b;\r\n\tpath=/", "Set-Cookie: ***(13)"},
		{"web ticket", "X-MS-WebTicket: opaque=abc", "X-MS-WebTicket: ***(10)"},
		{"where tickets are", "X-MS-WebTicketURL: https://ocs.test/ticket", "X-MS-WebTicketURL: https://ocs.test/ticket"},
		{"a ticket of any name", "MS-Ticket : abc", "MS-Ticket : ***(3)"},
		{"a password of any name", "X-Password:hunter2", "X-Password:***(7)"},
		{"password in a URI", "To: <sip:alice:hunter2@ocs.test:5061>", "To: <sip:alice:***(7)@ocs.test:5061>"},
		{"address with a port", "Contact: <sip:127.0.0.1:36812;x=a@b>", "Contact: <sip:127.0.0.1:36812;x=a@b>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrap := func(s string) string { return lines("REGISTER sip:ocs.test SIP/2.0", s, "Content-Length: 0") }
			require.Equal(t, wrap(tt.want), string(Redact([]byte(wrap(tt.in)))))
		})
	}
}

func TestRedactMasksSecretsInBodies(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{
			"password element", `<wsse:Username>alice</wsse:Username><wsse:Password Type="#Text">hunter2</wsse:Password>`,
			`<wsse:Username>alice</wsse:Username><wsse:Password Type="#Text">***(7)</wsse:Password>`,
		},
		{"several", "<password>a</password><x>b</x>\r\n<PASSWORD>cd</PASSWORD>", "<password>***(1)</password><x>b</x>\r\n<PASSWORD>***(2)</PASSWORD>"},
		{
			"assertion with elements inside", `<saml:Assertion ID="1"><a>x</a><ds:CipherValue>y</ds:CipherValue></saml:Assertion><b/>`,
			`<saml:Assertion ID="1">***(42)</saml:Assertion><b/>`,
		},
		{"an element that does not end", `<Ticket>abc<x>`, `<Ticket>***(6)`},
		{"an empty element", `<password/><a>b</a><password></password>`, `<password/><a>b</a><password></password>`},
		{"attribute", `<cred user="alice" password="hunter2" x='1' pwd='abc'/>`, `<cred user="alice" password="***(7)" x='1' pwd='***(3)'/>`},
		{"form", `user=alice&password=hunter2&x=1`, `user=alice&password=***(7)&x=1`},
		{"JSON", `{"user":"alice","password": "hunter2"}`, `{"user":"alice","password": "***(7)"}`},
		{"JSON key that ends so", `{"userPassword":"hunter2","x":1}`, `{"userPassword":"***(7)","x":1}`},
		{"JSON value with a quote", `{"password":"hun\"ter2","x":1}`, `{"password":"***(9)","x":1}`},
		{"JSON value with a backslash at its end", `{"password":"abc\\","x":"y"}`, `{"password":"***(5)","x":"y"}`},
		{"handshake token", `as in gssapi-data="TlRM", qop="auth"`, `as in gssapi-data="***(4)", qop="auth"`},
		{"header", "quoted:\r\nCookie: a=b\r\nTo: x", "quoted:\r\nCookie: ***(3)\r\nTo: x"},
		{"credentials", "  Authorization: NTLM TlRM\n", "  Authorization: NTLM ***(4)\n"},
		{"a name that only begins so", `<tokens>abc</tokens><response>x</response>`, `<tokens>abc</tokens><response>x</response>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head := lines("SERVICE sip:a@b SIP/2.0", "Content-Type: application/xml")
			require.Equal(t, head+tt.want, string(Redact([]byte(head+tt.in))))
		})
	}
}

func TestRedactKnowsMessagesWithBareLineFeeds(t *testing.T) {
	require.Equal(t, "GET / HTTP/1.1\nCookie: ***(1)\n\n{\"password\":\"***(1)\"}", string(Redact([]byte("GET / HTTP/1.1\nCookie: x\n\n{\"password\":\"y\"}"))))
}

// A secret is in no form visible, wherever a message carries it.
func FuzzRedact(f *testing.F) {
	for _, secret := range []string{"hunter2", "TlRMTVNTUAAB==", "a.b-c~d", "***(3)"} {
		for _, around := range []string{"", " ", "\r\n\t", `\"`, "Authorization: Basic ", "\r\nCookie: "} {
			f.Add(secret, around)
		}
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9]{8,}$`)
	f.Fuzz(func(t *testing.T, secret, around string) {
		Redact([]byte(around + secret)) // any bytes are accepted
		if !plain.MatchString(secret) || strings.Contains(around, secret) {
			return
		}
		for _, line := range []string{
			"Authorization: NTLM %s", "Proxy-Authorization: Kerberos %s==", `Authorization: Negotiate gssapi-data="%s"`, "Cookie: x=%s", "Set-Cookie: %s; path=/",
			"X-MS-WebTicket: %s", "X-Password: %s", "Authorization: %s",
		} {
			line = fmt.Sprintf(line, secret)
			if strings.Contains("Authorization NTLM Kerberos Negotiate gssapi-data Cookie X-MS-WebTicket X-Password", secret) {
				continue
			}
			require.NotContains(t, string(Redact([]byte(lines("GET / HTTP/1.1", line, "X: y")+around))), secret)
			require.NotContains(t, string(Redact([]byte(lines("GET / HTTP/1.1", "X: y")+line))), secret)
		}
		for _, body := range []string{`{"userPassword":"%s"}`, `{"password" : "\"%s"}`, `<a pwd='%s'/>`, "password=%s&x=1", "<Password>%s</Password>"} {
			require.NotContains(t, string(Redact([]byte(lines("GET / HTTP/1.1")+fmt.Sprintf(body, secret)))), secret)
		}
	})
}

func TestRedactDoesNotTouchItsArgument(t *testing.T) {
	raw := []byte(lines("REGISTER sip:a@b SIP/2.0", `Authorization: NTLM response="abc"`) + "<password>x</password>")
	before := string(raw)
	Redact(raw)
	require.Equal(t, before, string(raw))
}

func TestRedactTakesAnyBytes(t *testing.T) {
	for _, raw := range []string{"", "\r\n\r\n", "\x00\xff", "<password>", "response="} {
		require.Equal(t, raw, string(Redact([]byte(raw))))
	}
}
