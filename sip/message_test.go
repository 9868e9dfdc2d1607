package sip

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustParse(t testing.TB, raw string) Message {
	t.Helper()
	m, err := Parse([]byte(raw))
	require.NoError(t, err)
	return m
}

func TestParseKeepsValuesByteForByte(t *testing.T) {
	raw := lines(
		"SIP/2.0 401 Unauthorized",
		`ms-user-logon-data: RemoteUser`,
		`WWW-Authenticate: NTLM realm="SIP  Communications Service", targetname="pool.contoso.com", version=4`,
		`WWW-Authenticate: Kerberos realm="SIP Communications Service",targetname="sip/pool.contoso.com",version=4`,
		`FROM: "Alice; O'Hara, \"A\"" <SIP:Alice@ocs.test:05061;x="a;b">;tag=1;epid="0123;45"`,
		`t: <sip:alice@ocs.test>;tag=`,
		`Via: SIP/2.0/TLS 10.0.0.1:49154;ms-x="quoted; value";received=1.2.3.4;ms-received-cid=A00`,
		`Via: SIP/2.0/TLS 10.0.0.2`,
		`Record-Route: <sip:pool:5061;lr>;ms-rrsig="a,b"; tag=X`,
		`X-Empty:`,
		`Content-Length: 0`,
	)
	m := mustParse(t, raw)
	require.Equal(t, []string{
		`NTLM realm="SIP  Communications Service", targetname="pool.contoso.com", version=4`,
		`Kerberos realm="SIP Communications Service",targetname="sip/pool.contoso.com",version=4`,
	}, Values(m, "www-authenticate"))
	require.Equal(t, `"Alice; O'Hara, \"A\"" <SIP:Alice@ocs.test:05061;x="a;b">;tag=1;epid="0123;45"`, Value(m, "From"))
	require.Equal(t, `SIP/2.0/TLS 10.0.0.1:49154;ms-x="quoted; value";received=1.2.3.4;ms-received-cid=A00`, Value(m, "Via"))
	require.Equal(t, `<sip:pool:5061;lr>;ms-rrsig="a,b"; tag=X`, Value(m, "Record-Route"))
	require.Empty(t, Value(m, "X-Empty"))
	require.Equal(t, strings.Replace(raw, "X-Empty:", "X-Empty: ", 1), string(Bytes(m)))
}

func TestParseJoinsFoldedLinesAndTrims(t *testing.T) {
	m := mustParse(t, lines("OPTIONS sip:a@b SIP/2.0", "Subject :  one  two \t", "\t three", "  four"))
	require.Equal(t, "one  two three four", Value(m, "Subject"))
}

func TestCompactFormsAreFoundBothWays(t *testing.T) {
	short := mustParse(t, lines("NOTIFY sip:a@b SIP/2.0", "v: V", "f: F", "t: T", "i: I", "m: M", "o: O", "e: E", "k: K", "s: S", "c: C", "l: 0", "u: U", "r: R", "b: B", "a: A"))
	for long, want := range map[string]string{
		"Via": "V", "From": "F", "To": "T", "Call-ID": "I", "Contact": "M", "Event": "O", "Content-Encoding": "E", "Supported": "K",
		"Subject": "S", "Content-Type": "C", "Content-Length": "0", "Allow-Events": "U", "Refer-To": "R", "Referred-By": "B", "Accept-Contact": "A",
	} {
		require.Equal(t, want, Value(short, long), long)
	}
	mixed := mustParse(t, lines("NOTIFY sip:a@b SIP/2.0", "Event: presence", "K: x", "supported: y"))
	require.Equal(t, "presence", Value(mixed, "o"))
	require.Equal(t, []string{"x", "y"}, Values(mixed, "Supported"))
}

func TestNewRequestKeepsTheURI(t *testing.T) {
	for _, uri := range []string{
		"sip:ocs.test",
		"sip:alice@ocs.test",
		"SIP:Alice@OCS.test",
		"sip:alice@ocs.test;opaque=user:epid:qQ3lfcE6Q1qzWUOCMS1GJwAA;gruu",
		"sip:pool.ocs.test@ocs.test;gruu;opaque=srvr:HomeServer:AbC==",
		"sip:192.0.2.1:5061;transport=tls;ms-fe=fe1.ocs.test;lr",
		"sip:[2001:db8::1]:5061;transport=tls",
		"sip:alice%40x@ocs.test?Subject=a%20b",
		"tel:+14255550100;ext=5",
		"soap.beep://192.0.2.103:3002", // RFC 4475 section 3.3.3
		"Z39.50R://ocs.test/x",
		`sip:alice@ocs.test:05061;x="a;b";x="c?d";;y`,
		"sip:a:secret@b",
	} {
		req, err := NewRequest("SUBSCRIBE", uri)
		require.NoError(t, err, uri)
		require.Equal(t, lines("SUBSCRIBE "+uri+" SIP/2.0", "Content-Length: 0"), string(Bytes(withBody(req))))
		back := mustParse(t, string(Bytes(req))).(*Request)
		require.Equal(t, uri, back.Recipient.String())
	}
}

func TestParseTakesAStatusLineInSmallLetters(t *testing.T) {
	res := mustParse(t, lines("sip/2.0 200 OK", "Call-ID: x")).(*Response)
	require.Equal(t, 200, res.StatusCode)
}

func TestWellFormedRequests(t *testing.T) {
	good := []string{"OPTIONS sip:a@b SIP/2.0", "f: <sip:b@c>;tag=1", "t: <sip:a@b>", "i: 1", "CSeq: 1 OPTIONS"}
	require.NoError(t, WellFormed(mustParse(t, lines(good...)).(*Request)))
	for line, want := range map[int]string{1: "without From", 2: "without To", 3: "without Call-ID", 4: "CSeq"} {
		bad := slices.Delete(slices.Clone(good), line, line+1)
		require.ErrorContains(t, WellFormed(mustParse(t, lines(bad...)).(*Request)), want)
	}
	for _, cseq := range []string{"1 INVITE", "OPTIONS", "x OPTIONS", "4294967296 OPTIONS", "-1 OPTIONS"} {
		good[4] = "CSeq: " + cseq
		require.ErrorContains(t, WellFormed(mustParse(t, lines(good...)).(*Request)), "CSeq", cseq)
	}
}

func withBody(r *Request) *Request { SetBody(r, "", nil); return r }

func TestNewRequestRefusesWhatItCannotSend(t *testing.T) {
	for _, tt := range []struct{ method, uri string }{
		{"REGISTER", ""},
		{"REGISTER", "*"},
		{"REGISTER", "sip:"},
		{"REGISTER", ":x"},
		{"REGISTER", "ocs.test"},
		{"REGISTER", "sip:a@b:port"},
		{"REGISTER", "<sip:a@b>"},
		{"REGISTER", "sip:a@b SIP/2.0\r\nX: y"},
		{"REG ISTER", "sip:a@b"},
		{"", "sip:a@b"},
	} {
		_, err := NewRequest(tt.method, tt.uri)
		require.Error(t, err, "%q %q", tt.method, tt.uri)
	}
}

func TestNewResponseRepeatsTheLinesOfTheRequest(t *testing.T) {
	req := mustParse(t, lines(
		"SUBSCRIBE sip:a@b SIP/2.0",
		`Via: SIP/2.0/TLS 10.0.0.1:1;branch=1;x="a;b"`,
		"Max-Forwards: 70",
		"v: SIP/2.0/TLS 10.0.0.2:2",
		"Record-Route: <sip:p;lr>;x=1",
		"From: <sip:a@b>;tag=1;epid=2",
		"To: sip:a@b",
		"Call-ID: x",
		"CSeq: 1  SUBSCRIBE",
		"Authorization: NTLM x",
		"Content-Length: 0",
	)).(*Request)
	require.Equal(t, lines(
		"SIP/2.0 200 OK",
		`Via: SIP/2.0/TLS 10.0.0.1:1;branch=1;x="a;b"`,
		"v: SIP/2.0/TLS 10.0.0.2:2",
		"Record-Route: <sip:p;lr>;x=1",
		"From: <sip:a@b>;tag=1;epid=2",
		"To: sip:a@b",
		"Call-ID: x",
		"CSeq: 1  SUBSCRIBE",
	), string(Bytes(NewResponse(req, 200, "OK"))))
}

func TestSetAndDel(t *testing.T) {
	m := mustParse(t, lines("NOTIFY sip:a@b SIP/2.0", "t: one", "Authorization: a", "Via: 1", "authorization: b", "Via: 2"))
	Set(m, "To", "two")
	Set(m, "Via", "3")
	Set(m, "Expires", "0")
	Del(m, "Authorization")
	require.Equal(t, lines("NOTIFY sip:a@b SIP/2.0", "t: two", "Via: 3", "Via: 2", "Expires: 0"), string(Bytes(m)))
}

func TestSetBodyReplacesTypeLengthAndBody(t *testing.T) {
	m := mustParse(t, lines("NOTIFY sip:a@b SIP/2.0", "c: text/plain", "A: b", "l: 2")+"ab")
	m.ContentLength() // sipgo remembers what it has parsed
	SetBody(m, "application/xml", []byte("<abc/>"))
	require.Equal(t, lines("NOTIFY sip:a@b SIP/2.0", "A: b", "Content-Type: application/xml", "Content-Length: 6")+"<abc/>", string(Bytes(m)))
	SetBody(m, "application/xml", nil)
	require.Equal(t, lines("NOTIFY sip:a@b SIP/2.0", "A: b", "Content-Length: 0"), string(Bytes(m)))
}

func TestParseTakesTheBodyByItsLength(t *testing.T) {
	m := mustParse(t, lines("SIP/2.0 200 OK", "Content-Length: 3")+"a\x00\nrest")
	require.Equal(t, "a\x00\n", string(m.Body()))
	m = mustParse(t, lines("SIP/2.0 200 OK", "A: b")+"datagram")
	require.Equal(t, "datagram", string(m.Body()))
	_, err := Parse([]byte(lines("SIP/2.0 200 OK", "Content-Length: 3") + "ab"))
	require.ErrorIs(t, err, ErrTruncated)
	_, err = Parse([]byte("SIP/2.0 200 OK\r\nA: b\r\n"))
	require.ErrorIs(t, err, ErrTruncated)
}

func TestTokensHaveTheirForms(t *testing.T) {
	require.Regexp(t, `^[0-9a-f]{10}$`, NewTag())
	require.Regexp(t, `^[0-9a-f]{32}$`, NewCallID())
	require.Regexp(t, `^z9hG4bK[0-9a-f]{32}$`, NewBranch())
	first, second := NewCallID(), NewCallID()
	require.NotEqual(t, first, second)
}
