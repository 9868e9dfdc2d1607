package secure

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestReportExplainsALateVerdictOnTheClientCertificate(t *testing.T) {
	root, other := newRoot(t), newRoot(t, named("Other Root"))
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	bad := other.leaf(t, forClients)
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		fault       string
	}{
		"refused": {&bad, "when it had got the client certificate"},
		"missing": {nil, "there is none for it"},
	} {
		t.Run(name, func(t *testing.T) {
			server := &tls.Config{Certificates: []tls.Certificate{root.leaf(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: root.pool()}
			conn, report, err := Handshake(t.Context(), serveTLS(t, server), Config{
				ServerName: "fe.contoso.com", Roots: root.pool(), Certificate: test.certificate,
			})
			require.NoError(t, err, "of TLS 1.3 the client's part is done")
			defer conn.Close()
			_, err = conn.Read(make([]byte, 1))
			late := report.Late(fmt.Errorf("read: %w", err))
			requireCause(t, ocserr.CauseTLSClientRefused, late)
			require.ErrorContains(t, late, test.fault)
			require.ErrorIs(t, late, err)
		})
	}
}

func TestReportLeavesOtherEndsAlone(t *testing.T) {
	alert := func(n tls.AlertError) error { return &net.OpError{Op: "remote error", Err: n} }
	demanded := clientCertificate{demanded: true, late: true}
	for name, test := range map[string]struct {
		client clientCertificate
		err    error
	}{
		"closed":                    {demanded, io.EOF},
		"reset":                     {demanded, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}},
		"an alert of another kind":  {demanded, alert(80)},
		"no certificate demanded":   {clientCertificate{late: true}, alert(42)},
		"a verdict in TLS 1.2":      {clientCertificate{demanded: true}, alert(42)},
		"expired, where none given": {demanded, alert(45)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Nil(t, (&Report{client: test.client}).Late(test.err))
		})
	}
}

func TestHeedWritesFailForTheReasonOfTheReader(t *testing.T) {
	verdict := &net.OpError{Op: "remote error", Err: tls.AlertError(116)}
	here, there := net.Pipe()
	require.NoError(t, there.Close())
	c := &heeding{Conn: brokenConn{here, verdict}, ended: make(chan struct{})}
	time.AfterFunc(time.Millisecond, func() { _, _ = c.Read(nil) })
	_, err := c.Write([]byte("REGISTER"))
	require.Equal(t, error(verdict), err)
}

func TestHeedWaitsOnlyForAVerdict(t *testing.T) {
	conn := tls.Client(nil, nil)
	require.Same(t, conn, (&Report{client: clientCertificate{late: true}}).Heed(conn))
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		require.NoError(t, there.Close())
		start := time.Now()
		_, err := (&heeding{Conn: here, ended: make(chan struct{})}).Write([]byte("REGISTER"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.Equal(t, 50*time.Millisecond, time.Since(start))
	})
}
