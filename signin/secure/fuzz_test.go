package secure

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// FuzzHandshake lets the server say anything.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("SIP/2.0 400 Bad Request\r\n\r\n"))
	f.Add([]byte("\x15\x03\x03\x00\x02\x02\x28"))
	f.Add([]byte("\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" + strings.Repeat("r", 32) + "\x00\x00\x0a\x00"))
	f.Add([]byte("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + strings.Repeat("r", 32) + "\x00\xc0\x2f\x00" +
		"\x16\x03\x03\x00\x0b\x0b\x00\x00\x07\x00\x00\x04\x00\x00\x01\x30\x16\x03\x03\x00\x04\x0e\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, said []byte) {
		nc := servePipe(t, func(nc net.Conn) {
			_, _ = nc.Read(make([]byte, 4096))
			go func() { _, _ = io.Copy(io.Discard, nc) }()
			_, _ = nc.Write(said)
		})
		_, report, err := Handshake(t.Context(), nc, Config{ServerName: "fe.contoso.com", Roots: x509.NewCertPool()})
		var e *ocserr.Error
		require.ErrorAs(t, err, &e)
		require.NotEmpty(t, report.Fault)
	})
}

// FuzzCertificate explains any certificate that crypto/x509 can read.
func FuzzCertificate(f *testing.F) {
	root := newRoot(f)
	for _, change := range []func(*x509.Certificate){
		until(-time.Hour), from(time.Hour), func(c *x509.Certificate) { c.DNSNames = nil },
		func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 },
	} {
		f.Add(root.leaf(f, change).Certificate[0])
	}
	pool := x509.NewCertPool()
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		for _, legacy := range []bool{false, true} {
			h := handshake{name: "fe.contoso.com", roots: pool, chain: []*x509.Certificate{cert}, legacy: legacy}
			newReport(h.name, tls.ConnectionState{}, h.chain)
			_, _, err = h.verify()
			require.Error(t, err)
			fault := h.fault(err)
			require.NotEmpty(t, fault.text)
			require.NotContains(t, fault.text, "\x1b")
		}
	})
}
