package secure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// serve runs the server's side of a connection over loopback and returns the client's.
func serve(t *testing.T, side func(net.Conn)) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	server, err := listener.Accept()
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return run(t, client, server, side)
}

// servePipe is serve in memory, for virtual time. The server's side must read while it writes.
func servePipe(t *testing.T, side func(net.Conn)) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	return run(t, client, server, side)
}

func run(t *testing.T, client, server net.Conn, side func(net.Conn)) net.Conn {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		side(server)
	}()
	t.Cleanup(func() {
		_ = client.Close()
		<-done
	})
	return client
}

// serveTLS makes the server's side of a handshake.
func serveTLS(t *testing.T, cfg *tls.Config) net.Conn {
	t.Helper()
	return serve(t, func(nc net.Conn) {
		conn := tls.Server(nc, cfg)
		if conn.Handshake() == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	})
}

func requireCause(t *testing.T, want ocserr.Cause, err error) {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause, err.Error())
	require.Equal(t, ocserr.StageSecure, e.Stage)
	require.NotContains(t, err.Error(), "\n")
}

func TestHandshake(t *testing.T) {
	root := newRoot(t)
	middle := root.sub(t, "Contoso Issuing", until(2*time.Hour))
	cert := middle.leaf(t)
	conn, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}), Config{
		ServerName: "fe.contoso.com", Roots: root.pool(),
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close())

	require.True(t, report.Verified)
	require.Equal(t, "TLS 1.3", report.Version)
	require.NotEmpty(t, report.CipherSuite)
	require.Empty(t, report.Fault)
	require.Len(t, report.Chain(), 2)
	require.Equal(t, middle.cert.NotAfter, report.Expiry, "the intermediate expires first")
	leaf, sum := report.Chain()[0], sha256.Sum256(cert.Certificate[0])
	require.Equal(t, "CN=fe.contoso.com", leaf.Subject)
	require.Equal(t, "CN=Contoso Issuing", leaf.Issuer)
	require.Equal(t, []string{"fe.contoso.com", "sip.contoso.com"}, leaf.DNSNames)
	require.Equal(t, "ECDSA-SHA256", leaf.Signature)
	require.Equal(t, hex.EncodeToString(sum[:]), leaf.SHA256)
}

func TestHandshakeExpiryIsThatOfTheVerifiedChain(t *testing.T) {
	root := newRoot(t, until(time.Hour))
	cert := root.leaf(t)
	stray := newRoot(t, until(-time.Hour)) // sent, but no link of the chain
	cert.Certificate = append(cert.Certificate, stray.cert.Raw)
	conn, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}), Config{
		ServerName: "fe.contoso.com", Roots: root.pool(),
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Equal(t, root.cert.NotAfter, report.Expiry)
}

func TestHandshakeWithSkippedVerificationSaysWhenNothingIsWrong(t *testing.T) {
	root := newRoot(t)
	conn, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{root.leaf(t)}}), Config{
		ServerName: "fe.contoso.com", Roots: root.pool(), InsecureSkipVerify: true,
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.True(t, report.Verified)
	require.Empty(t, report.Fault)
}

func TestHandshakeSendsTheHostNameAlone(t *testing.T) {
	for serverName, want := range map[string]string{
		"fe.contoso.com": "fe.contoso.com", "fe.contoso.com.": "fe.contoso.com", "192.0.2.1": "", "2001:db8::1": "", "fe80::1%eth0": "",
	} {
		t.Run(serverName, func(t *testing.T) {
			root := newRoot(t)
			var hello *tls.ClientHelloInfo
			server := &tls.Config{
				Certificates: []tls.Certificate{root.leaf(t, func(c *x509.Certificate) {
					c.IPAddresses = []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1"), net.ParseIP("fe80::1")}
				})},
				GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
					hello = h
					return nil, nil
				},
			}
			conn, report, err := Handshake(t.Context(), serveTLS(t, server), Config{ServerName: serverName, Roots: root.pool()})
			require.NoError(t, err, "the name is verified all the same")
			require.NoError(t, conn.Close())
			require.True(t, report.Verified)
			require.Equal(t, want, hello.ServerName)
			require.Empty(t, hello.SupportedProtos)
			require.Equal(t, []uint16{tls.VersionTLS13, tls.VersionTLS12}, hello.SupportedVersions)
		})
	}
}

// brokenConn fails to read with an error.
type brokenConn struct {
	net.Conn
	err error
}

func (c brokenConn) Read([]byte) (int, error) { return 0, c.err }

func TestHandshakeReset(t *testing.T) {
	nc := servePipe(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	_, report, err := Handshake(t.Context(), brokenConn{nc, reset}, Config{ServerName: "fe.contoso.com"})
	requireCause(t, ocserr.CauseConnectionReset, err)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, ocserr.CauseConnectionReset, report.Cause)
}

func TestHandshakeWithASilentServer(t *testing.T) {
	reason := errors.New("the user closed the window")
	for name, test := range map[string]struct {
		end   func(context.Context) (context.Context, context.CancelFunc)
		after time.Duration
		cause ocserr.Cause
		code  ocserr.Code
		is    error
	}{
		"deadline": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 15*time.Second)
			},
			15 * time.Second, ocserr.CauseLogonTimeout, ocserr.LogonTimeout, context.DeadlineExceeded,
		},
		"cancel": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(200*time.Millisecond, func() { cancel(reason) })
				return ctx, func() { cancel(nil) }
			},
			200 * time.Millisecond, ocserr.CauseCancelled, ocserr.Cancel, reason,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc := servePipe(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
				ctx, cancel := test.end(t.Context())
				defer cancel()
				start := time.Now()
				_, report, err := Handshake(ctx, nc, Config{ServerName: "fe.contoso.com"})
				require.Equal(t, test.after, time.Since(start))
				requireCause(t, test.cause, err)
				require.ErrorIs(t, err, test.code)
				require.ErrorIs(t, err, test.is)
				require.Empty(t, report.Fault)
				require.Equal(t, "fe.contoso.com", report.ServerName)
			})
		})
	}
}

func TestHandshakeShowsTheClientCertificate(t *testing.T) {
	root, other := newRoot(t), newRoot(t, named("Other Root"))
	forClients := func(c *x509.Certificate) {
		c.Subject.CommonName, c.ExtKeyUsage = "alice@contoso.com", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	good, bad := root.leaf(t, forClients), other.leaf(t, forClients)
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		demand      tls.ClientAuthType
		cause       ocserr.Cause
		fault       string
	}{
		"good":         {&good, tls.RequireAndVerifyClientCert, "", ""},
		"bad":          {&bad, tls.RequireAndVerifyClientCert, ocserr.CauseTLSClientRefused, "when it had got the client certificate"},
		"none":         {nil, tls.RequireAndVerifyClientCert, ocserr.CauseTLSClientRefused, "there is none for it"},
		"none needed":  {nil, tls.RequestClientCert, "", ""},
		"nobody asked": {&good, tls.NoClientCert, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			shown := make(chan int, 1)
			server := &tls.Config{
				Certificates: []tls.Certificate{root.leaf(t)}, ClientAuth: test.demand, ClientCAs: root.pool(), MaxVersion: tls.VersionTLS12,
				VerifyConnection: func(state tls.ConnectionState) error {
					shown <- len(state.PeerCertificates)
					return nil
				},
			}
			conn, report, err := Handshake(t.Context(), serveTLS(t, server), Config{
				ServerName: "fe.contoso.com", Roots: root.pool(), Certificate: test.certificate,
			})
			if test.cause != "" {
				requireCause(t, test.cause, err)
				require.Contains(t, report.Fault, test.fault)
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.Equal(t, test.certificate != nil && test.demand != tls.NoClientCert, <-shown > 0)
		})
	}
}

func TestHandshakeWritesTheKeyLogOnlyThere(t *testing.T) {
	root := newRoot(t)
	var log bytes.Buffer
	conn, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{root.leaf(t)}}), Config{
		ServerName: "fe.contoso.com", Roots: root.pool(), KeyLog: &log,
	})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	secret := strings.Fields(strings.SplitAfter(log.String(), "\n")[0])[2]
	require.Len(t, secret, 64)
	require.NotContains(t, fmt.Sprintf("%+v", report), secret)
}
