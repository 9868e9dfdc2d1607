package sip

import (
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
		{"a name that only begins so", `<tokens>abc</tokens><response>x</response>`, `<tokens>abc</tokens><response>x</response>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head := lines("SERVICE sip:a@b SIP/2.0", "Content-Type: application/xml")
			require.Equal(t, head+tt.want, string(Redact([]byte(head+tt.in))))
		})
	}
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
