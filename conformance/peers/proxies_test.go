//go:build peers

package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
)

const (
	proxyUser     = "proxyuser"
	proxyPassword = "Passw0rd" // no "!": Tinyproxy's parser takes none
)

// noSuchName has a label that is too long for DNS, so that a resolver knows without asking anybody that it
// does not exist.
var noSuchName = strings.Repeat("x", 64) + ".ocs.test"

// target is the server that a proxy is to connect to: it speaks TLS as localhost, and says hello first.
type target struct {
	port  int
	roots *x509.CertPool
}

func startTarget(t *testing.T) target {
	t.Helper()
	files := newCertificate(t, t.TempDir(), time.Now().Add(time.Hour), "localhost")
	pair, err := tls.LoadX509KeyPair(files.certificate, files.key)
	require.NoError(t, err)
	ca, err := os.ReadFile(files.ca)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(patience))
				_, _ = io.WriteString(nc, "hello")
			}()
		}
	}()
	return target{port: l.Addr().(*net.TCPAddr).Port, roots: roots}
}

// closedPort returns a TCP port of loopback at which connections are refused as long as the test runs: it is
// bound, so that nobody else gets it, and nobody listens.
func closedPort(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Close(fd)) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return bound.(*syscall.SockaddrInet4).Port
}

// through is one dial through a proxy, and how it ends.
type through struct {
	name   string
	proxy  string // URL
	host   string // empty: localhost
	addrs  []netip.Addr
	port   int            // 0: the target's
	roots  *x509.CertPool // of an https proxy
	cause  ocserr.Cause   // empty: the target is reached
	status int            // of the error
	asked  int            // how often the proxy is asked to connect; 0: not checked
}

// run dials, and when that is to succeed goes on to the target's TLS: its greeting proves that nothing was
// lost on the way.
func (c through) run(t *testing.T, to target) {
	t.Run(c.name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		proxy, err := dial.ParseProxy(c.proxy)
		require.NoError(t, err)
		if c.host == "" {
			c.host = "localhost"
		}
		if c.port == 0 {
			c.port = to.port
		}
		nc, via, err := dial.Dial(ctx, dial.Config{Proxy: proxy, Roots: c.roots}, c.host, c.port, c.addrs)
		require.NotNil(t, via)
		t.Logf("%+v %v", via.Steps, err)
		require.NotContains(t, fmt.Sprintf("%+v %v", via, err), proxyPassword)
		asked := 0
		for _, step := range via.Steps {
			if strings.HasPrefix(step.Sent, "CONNECT") {
				asked++
			}
		}
		if c.asked != 0 {
			require.Equal(t, c.asked, asked)
		}
		if c.cause != "" {
			var e *ocserr.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.cause, e.Cause)
			require.Equal(t, c.status, e.Status)
			require.ErrorIs(t, err, ocserr.Connect)
			return
		}
		require.NoError(t, err)
		secured := tls.Client(nc, &tls.Config{ServerName: "localhost", RootCAs: to.roots})
		defer secured.Close()
		require.NoError(t, secured.SetDeadline(time.Now().Add(patience)))
		hello, err := io.ReadAll(secured)
		require.NoError(t, err)
		require.Equal(t, "hello", string(hello))
	})
}

// loopback are the addresses of localhost, where the client knows them.
func loopback() []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} }
