package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	netproxy "golang.org/x/net/proxy"
)

// dialProxy connects to the proxy of a server in process.
func dialProxy(t testing.TB, s *Server) net.Conn {
	t.Helper()
	nc, err := s.Dial(t.Context(), "tcp", "proxy.ocs.test:3128")
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

func TestProxyOnTheWire(t *testing.T) {
	const (
		connect = "CONNECT server.ocs.test:5061 HTTP/1.1\r\nHost: server.ocs.test:5061\r\n\r\n"
		socks5  = "\x05\x01\x00\x05\x01\x00\x03\x0fserver.ocs.test\x13\xc5"
		zeros   = "\x00\x00\x00\x00\x00\x00"
	)
	for _, test := range []struct {
		name, says, answer string
		ends               bool // the proxy closes the connection
	}{
		{"CONNECT", connect, "HTTP/1.1 200 Connection established\r\n\r\n", false},
		{"CONNECT to an unknown name", strings.ReplaceAll(connect, "server", "nowhere"), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nProxy-Status: proxy; error=dns_error; rcode=NXDOMAIN\r\n\r\n", true},
		{"CONNECT to a closed port", strings.ReplaceAll(connect, "5061", "9"), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nProxy-Status: proxy; error=connection_refused\r\n\r\n", true},
		{"GET", "GET http://server.ocs.test/ HTTP/1.1\r\nHost: server.ocs.test\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nAllow: CONNECT\r\n\r\n", true},
		{"no HTTP", "EHLO x\r\n", "", true},
		{"head without end", "CONNECT x:1 HTTP/1.1\r\n" + strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 1000), "", true},
		{"SOCKS 4", "\x04\x01\x13\xc5\x7f\x00\x00\x01bob\x00", "\x00\x5a" + zeros, false},
		{"SOCKS 4 to another address", "\x04\x01\x13\xc5\x0a\x00\x00\x01\x00", "\x00\x5b" + zeros, true},
		{"SOCKS 4 BIND", "\x04\x02\x13\xc5\x7f\x00\x00\x01\x00", "\x00\x5b" + zeros, true},
		{"SOCKS 4a", "\x04\x01\x13\xc5\x00\x00\x00\x01\x00server.ocs.test\x00", "\x00\x5a" + zeros, false},
		{"SOCKS 4a without end", "\x04\x01\x13\xc5\x00\x00\x00\x01" + strings.Repeat("x", 1000), "", true},
		{"SOCKS 5", socks5, "\x05\x00\x05\x00\x00\x01" + zeros, false},
		{"SOCKS 5 by address", "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x13\xc5", "\x05\x00\x05\x00\x00\x01" + zeros, false},
		{"SOCKS 5 BIND", strings.Replace(socks5, "\x05\x01\x00\x03", "\x05\x02\x00\x03", 1), "\x05\x00\x05\x07\x00\x01" + zeros, true},
		{"SOCKS 5 to an unknown name", strings.Replace(socks5, "server", "absent", 1), "\x05\x00\x05\x04\x00\x01" + zeros, true},
		{"SOCKS 5 without a method that fits", "\x05\x01\x01", "\x05\xff", true},
		{"SOCKS 5 with an unknown kind of address", "\x05\x01\x00\x05\x01\x00\x09", "\x05\x00", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, s *Server) {
				nc := dialProxy(t, s)
				_, _ = io.WriteString(nc, test.says) // the proxy need not read it all
				got := make([]byte, len(test.answer))
				_, err := io.ReadFull(nc, got)
				require.NoError(t, err)
				require.Equal(t, test.answer, string(got))
				if test.ends {
					rest, _ := io.ReadAll(nc)
					require.Empty(t, rest)
				}
			})
		})
	}
}

func TestProxyMovesWhatFollowsTheRequestAtOnce(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		nc := dialProxy(t, s)
		_, err := io.WriteString(nc, "CONNECT server.ocs.test:5060 HTTP/1.1\r\nHost: x\r\n\r\n"+
			"OPTIONS sip:ocs.test SIP/2.0\r\nVia: SIP/2.0/TCP h:1\r\nFrom: <sip:alice@ocs.test>;tag=1;epid=1\r\nTo: <sip:ocs.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
		require.NoError(t, err)
		in := bufio.NewReader(nc)
		res, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode)
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, "SIP/2.0 ")
	})
}

func TestProxyEndsWithAClientThatSaysNothing(t *testing.T) {
	for _, says := range []string{"", "CONNECT", "\x04\x01", "\x05\x01\x00", "\x16\x03\x01"} {
		t.Run(fmt.Sprintf("%q", says), func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, s *Server) {
				nc := dialProxy(t, s)
				_, err := io.WriteString(nc, says)
				require.NoError(t, err)
				start := time.Now()
				_, err = io.Copy(io.Discard, nc)
				require.NoError(t, err)
				require.Equal(t, dialogueLimit, time.Since(start))
			})
		})
	}
}

func TestProxyTunnelEndsWithTheServer(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, s *Server) {
		nc := dialProxy(t, s)
		_, err := io.WriteString(nc, "CONNECT server.ocs.test:5060 HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(s.History(KindConnect)) == 1 }, time.Minute, time.Second)
		time.AfterFunc(time.Hour, func() { _ = s.Close() })
		start := time.Now()
		_, err = io.Copy(io.Discard, nc)
		require.NoError(t, err)
		require.Equal(t, time.Hour, time.Since(start), "a tunnel has no limit")
	})
}

// Clients of others: that of net/http and that of x/net/proxy.
func TestProxyServesOtherClients(t *testing.T) {
	s := startTest(t, Config{ListenProxy: "127.0.0.1:0", Proxy: ProxyAuth{User: "alice", Password: "secret"}})
	for password, want := range map[string]int{"secret": 200, "wrong": 407} {
		got := 0
		transport := &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("alice", password), Host: s.ProxyAddr()}),
			OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
				got = res.StatusCode
				return http.ErrServerClosed // what follows would be HTTP to a SIP server
			},
		}
		_, err := (&http.Client{Transport: transport}).Get("https://server.ocs.test:5061/")
		require.Error(t, err)
		require.Equal(t, want, got)
	}
	dialer, err := netproxy.SOCKS5("tcp", s.ProxyAddr(), &netproxy.Auth{User: "alice", Password: "secret"}, nil)
	require.NoError(t, err)
	nc, err := dialer.Dial("tcp", "server.ocs.test:5061")
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	dialer, err = netproxy.SOCKS5("tcp", s.ProxyAddr(), &netproxy.Auth{User: "alice", Password: "wrong"}, nil)
	require.NoError(t, err)
	_, err = dialer.Dial("tcp", "server.ocs.test:5061")
	require.ErrorContains(t, err, "authentication failed")
}

func FuzzProxy(f *testing.F) {
	f.Add([]byte("CONNECT server.ocs.test:5061 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\nOPTIONS"))
	f.Add([]byte("CONNECT server.ocs.test:5061 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: NTLM TlRMTVNTUAABAAAA\r\n\r\n"))
	f.Add([]byte("CONNECT server.ocs.test:5061 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Digest username=\"alice\"\r\n\r\n"))
	f.Add([]byte("\x04\x01\x13\xc5\x00\x00\x00\x01alice\x00server.ocs.test\x00"))
	f.Add([]byte("\x05\x02\x00\x02\x01\x05alice\x06secret\x05\x01\x00\x03\x0fserver.ocs.test\x13\xc5"))
	s := startTest(f, Config{History: -1, Proxy: ProxyAuth{User: "alice", Password: "secret", Schemes: []string{"Basic", "Digest", "NTLM"}}})
	f.Fuzz(func(t *testing.T, says []byte) {
		nc := dialProxy(t, s)
		_, _ = nc.Write(says)
		_ = nc.(*memoryConn).CloseWrite()
		_, _ = io.Copy(io.Discard, nc)
	})
}
