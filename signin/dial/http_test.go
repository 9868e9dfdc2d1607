package dial

import (
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestConnectStatusNamesTheCause(t *testing.T) {
	for _, test := range []struct {
		answer string
		want   ocserr.Cause
		status int
	}{
		{"HTTP/1.1 403 Forbidden\r\n\r\n", ocserr.CauseProxyRefused, 403},
		{"HTTP/1.1 302 Found\r\nLocation: https://portal.example.test/\r\n\r\n", ocserr.CauseProxyRefused, 302},
		{"HTTP/1.1 451 Unavailable\r\n\r\n", ocserr.CauseProxyRefused, 451},
		{"HTTP/1.0 404 No such domain\r\n\r\n", ocserr.CauseProxyCannotResolve, 404},
		{"HTTP/1.1 503 x\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n", ocserr.CauseProxyCannotResolve, 503},
		{"HTTP/1.1 502 x\r\nProxy-Status: p; error=dns_timeout\r\n\r\n", ocserr.CauseProxyCannotResolve, 502},
		{"HTTP/1.1 403 x\r\nProxy-Status: p; error=destination_ip_prohibited\r\n\r\n", ocserr.CauseProxyRefused, 403},
		{"HTTP/1.1 502 Bad Gateway\r\n\r\n", ocserr.CauseProxyCannotConnect, 502},
		{"HTTP/1.1 503 Service Unavailable\r\n\r\n", ocserr.CauseProxyCannotConnect, 503},
		{"HTTP/1.1 504 Gateway Timeout\r\n\r\n", ocserr.CauseProxyCannotConnect, 504},
		{"HTTP/1.1 500 Unable to connect\r\n\r\n", ocserr.CauseProxyCannotConnect, 500},
		{"HTTP/1.1 500 Internal Server Error\r\n\r\n", ocserr.CauseProxyFailed, 500},
		{"HTTP/1.1 400 Bad Request\r\n\r\n", ocserr.CauseProxyBadAnswer, 400},
		{"HTTP/1.1 405 Method Not Allowed\r\n\r\n", ocserr.CauseProxyBadAnswer, 405},
		{"HTTP/1.1 501 Not Implemented\r\n\r\n", ocserr.CauseProxyBadAnswer, 501},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n", ocserr.CauseProxyRefused, 403},
		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", ocserr.CauseProxyBadAnswer, 0},
		{"SSH-2.0-OpenSSH_9.2\r\n", ocserr.CauseProxyBadAnswer, 0},
		{"\x05\xff", ocserr.CauseProxyBadAnswer, 0},
		{"\x15\x03\x01\x00\x02\x02\x46", ocserr.CauseProxyBadAnswer, 0},
		{"HTTP/1.1\r\n\r\n", ocserr.CauseProxyBadAnswer, 0},
		{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", ocserr.CauseProxyBadAnswer, 0},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 100) + "\r\n", ocserr.CauseProxyBadAnswer, 0},
		{"HTTP/1.1 200 " + strings.Repeat("y", 10<<10), ocserr.CauseProxyBadAnswer, 0},
		{strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), ocserr.CauseProxyBadAnswer, 0},
		{"", ocserr.CauseProxyClosed, 0},
		{"HTT", ocserr.CauseProxyClosed, 0},
		{"HTTP/1.1 200 OK\r\nVia: x", ocserr.CauseProxyClosed, 0},
	} {
		t.Run(test.answer[:min(len(test.answer), 40)], func(t *testing.T) {
			s := &script{answers: []string{test.answer}}
			_, _, err := via(t, s, "http://proxy")
			requireProxyCause(t, test.want, test.status, err)
			require.Equal(t, 1, s.closed)
		})
	}
}

func TestEarlyBytesAreTheServers(t *testing.T) {
	const hello = "220 the server speaks first\r\n"
	for name, answer := range map[string]string{
		"HTTP":               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP after interim": "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.0 200 Connection established\r\n\r\n",
		"SOCKS 4":            "\x00\x5a\x00\x00\x00\x00\x00\x00",
		"SOCKS 5":            "\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x13\x88",
		"SOCKS 5, name":      "\x05\x00\x05\x00\x00\x03\x02ab\x13\x88",
		"SOCKS 5, IPv6":      "\x05\x00\x05\x00\x00\x04" + strings.Repeat("\x00", 18),
	} {
		t.Run(name, func(t *testing.T) {
			proxy := "http://proxy"
			if strings.HasPrefix(name, "SOCKS 4") {
				proxy = "socks4a://proxy"
			} else if strings.HasPrefix(name, "SOCKS 5") {
				proxy = "socks5://proxy"
			}
			conn, _, err := via(t, &script{answers: []string{answer + hello}}, proxy)
			require.NoError(t, err)
			first := make([]byte, 3)
			_, err = io.ReadFull(conn, first)
			require.NoError(t, err)
			rest, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Equal(t, hello, string(first)+string(rest))
		})
	}
}

const (
	demandBasic = "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 5\r\n\r\nbody\n"
	granted     = "HTTP/1.1 200 OK\r\n\r\n"
)

func TestBasicOnTheSameConnection(t *testing.T) {
	s := &script{answers: []string{demandBasic + granted}}
	_, record, err := via(t, s, "http://alice:s3cret@proxy")
	require.NoError(t, err)
	require.Len(t, s.told, 1)
	require.Equal(t, 1, strings.Count(s.all(), "Proxy-Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("alice:s3cret"))+"\r\n"))
	require.Equal(t, []string{"", "Basic"}, []string{record.Steps[0].Scheme, record.Steps[1].Scheme})
}

func TestANewConnectionWhereTheProxyEndsTheFirst(t *testing.T) {
	for name, headers := range map[string]string{
		"HTTP/1.0":                "HTTP/1.0 407 x\r\nContent-Length: 0\r\n",
		"Connection: close":       "HTTP/1.1 407 x\r\nConnection: close\r\n",
		"Proxy-Connection: close": "HTTP/1.1 407 x\r\nProxy-Connection: close\r\nContent-Length: 0\r\n",
		"no length":               "HTTP/1.1 407 x\r\n",
		"long body":               "HTTP/1.1 407 x\r\nContent-Length: 1000000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			body := ""
			if name == "long body" {
				body = strings.Repeat("x", 1000000)
			}
			s := &script{answers: []string{headers + "Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n" + body, granted}}
			_, _, err := via(t, s, "http://alice:s3cret@proxy")
			require.NoError(t, err)
			require.Len(t, s.told, 2)
			require.NotContains(t, s.told[0].String(), "Authorization")
			require.Contains(t, s.told[1].String(), "Proxy-Authorization: Basic ")
			require.Equal(t, 1, s.closed)
		})
	}
}

func TestARejectedPasswordIsSentOnce(t *testing.T) {
	stale := "HTTP/1.1 407 x\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"2\", stale=true\r\nContent-Length: 0\r\n\r\n"
	demandDigest := "HTTP/1.1 407 x\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"
	for _, test := range []struct {
		name, answers string
		status, sent  int
	}{
		{"Basic", demandBasic + demandBasic + granted, 407, 1},
		{"Basic and 401", demandBasic + "HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", 401, 1},
		{"Basic and another scheme", demandBasic + demandDigest + granted, 407, 1},
		{"Digest", demandDigest + demandDigest + granted, 407, 1},
		{"Digest with a stale nonce for ever", demandDigest + stale + stale + granted, 407, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{answers: []string{test.answers, granted}}
			_, _, err := via(t, s, "http://alice:s3cret@proxy", addrs("10.0.0.1")...)
			requireProxyCause(t, ocserr.CauseProxyPassword, test.status, err)
			require.ErrorContains(t, err, "alice")
			require.Equal(t, test.sent, strings.Count(s.all(), "Proxy-Authorization"))
		})
	}
}

func TestNoCredentialsForADemand(t *testing.T) {
	for _, test := range []struct {
		name, proxy, demand string
		want                ocserr.Cause
		says                string
	}{
		{"no user configured", "http://proxy", "Negotiate, NTLM, Basic realm=\"x\"", ocserr.CauseProxyAuthRequired, "Negotiate or NTLM or Basic"},
		{"unknown schemes", "http://alice:s3cret@proxy", "Negotiate, Kerberos", ocserr.CauseProxyAuthUnsupported, "Negotiate or Kerberos"},
		{"unknown algorithm", "http://alice:s3cret@proxy", "Digest realm=\"x\", nonce=\"1\", algorithm=SHA3", ocserr.CauseProxyAuthUnsupported, "Digest"},
		{"no scheme", "http://alice:s3cret@proxy", "", ocserr.CauseProxyAuthUnsupported, "does not say"},
		{"user unfit for Basic", "http://al%3Aice:s3cret@proxy", "Basic", ocserr.CauseProxyAuthUnsupported, "Basic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{answers: []string{"HTTP/1.1 407 x\r\nProxy-Authenticate: " + test.demand + "\r\nContent-Length: 0\r\n\r\n"}}
			_, _, err := via(t, s, test.proxy)
			requireProxyCause(t, test.want, 407, err)
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, s.all(), "Authorization")
		})
	}
}

func TestNTLMThatBreaksOff(t *testing.T) {
	const demand = "HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"
	for name, second := range map[string]string{
		"no challenge":     "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
		"challenge absent": demand,
		"not base64":       "HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM ===\r\nContent-Length: 0\r\n\r\n",
		"not NTLM":         "HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM AAAA\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []string{demand + second}}
			_, _, err := via(t, s, "http://CONTOSO%5Calice:s3cret@proxy")
			requireProxyCause(t, ocserr.CauseProxyAuthFailed, 407, err)
		})
	}
}

func TestParseChallenges(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   []challenge
	}{
		{nil, nil},
		{[]string{"", " , ,"}, nil},
		{[]string{"Basic"}, []challenge{{scheme: "Basic"}}},
		{[]string{"NTLM TlRMTVNTUAAC==", "negotiate"}, []challenge{{scheme: "NTLM", token: "TlRMTVNTUAAC=="}, {scheme: "negotiate"}}},
		{
			[]string{`Negotiate, NTLM , Basic realm="a \"b\", c=d", charset=UTF-8`},
			[]challenge{{scheme: "Negotiate"}, {scheme: "NTLM"}, {scheme: "Basic", params: map[string]string{"realm": `a "b", c=d`, "charset": "UTF-8"}}},
		},
		{
			[]string{`Digest Realm = "x" ,nonce=abc==, qop="auth,auth-int",,Basic realm=y`},
			[]challenge{
				{scheme: "Digest", params: map[string]string{"realm": "x", "nonce": "abc==", "qop": "auth,auth-int"}},
				{scheme: "Basic", params: map[string]string{"realm": "y"}},
			},
		},
		{[]string{`realm="x"`, `"quoted`, "\xff=", `Basic realm="open`}, []challenge{
			{scheme: "quoted"}, {scheme: "Basic", params: map[string]string{"realm": "open"}},
		}},
	} {
		for i := range test.want {
			if test.want[i].params == nil {
				test.want[i].params = map[string]string{}
			}
		}
		require.Equal(t, test.want, parseChallenges(test.values), "%q", test.values)
	}
}

func FuzzConnectAnswer(f *testing.F) {
	f.Add([]byte(granted))
	f.Add([]byte(demandBasic + granted))
	f.Add([]byte("HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAA\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 407 x\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\nHTTP/1.1 502 x\r\nProxy-Status: p; error=dns_error\r\n\r\n"))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) { fuzz(t, "http://alice:s3cret@proxy", answer) })
}

// fuzz dials through a proxy that sends the answer: the outcome is a connection or an error of this package,
// and the password is in neither error nor record.
func fuzz(t *testing.T, proxy string, answer []byte) {
	s := &script{answers: []string{string(answer), string(answer)}}
	conn, record, err := via(t, s, proxy, addrs("10.0.0.1")...)
	require.NotNil(t, record)
	if err == nil {
		require.NotNil(t, conn)
		return
	}
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Cause, "proxy-")
	if !strings.Contains(string(answer), "s3cret") {
		require.NotContains(t, err.Error(), "s3cret")
	}
}
