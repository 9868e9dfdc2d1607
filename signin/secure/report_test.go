package secure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestReportIsBoundedAndPrintable(t *testing.T) {
	root := newRoot(t)
	cert := root.leaf(t, func(c *x509.Certificate) {
		c.Subject.CommonName = "evil\x1b[2J" + strings.Repeat("é", 60)
		c.Subject.Organization = []string{strings.Repeat("o", 300)}
		c.DNSNames = nil
		for i := range 100 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("h%d.contoso.com", i))
		}
	})
	for range 20 {
		cert.Certificate = append(cert.Certificate, root.cert.Raw)
	}
	_, report, err := Handshake(t.Context(), serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}), Config{
		ServerName: "fe.contoso.com", Roots: root.pool(),
	})
	requireCause(t, ocserr.CauseTLSWrongName, err)
	require.Len(t, report.Chain, maxChain)
	require.Len(t, report.Chain[0].DNSNames, maxNames)
	require.LessOrEqual(t, len(report.Chain[0].Subject), maxText+len("..."))
	require.NotContains(t, report.Chain[0].Subject, "\x1b")
	require.Contains(t, report.Chain[0].Subject, "é")
}

func TestReportJSON(t *testing.T) {
	day := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	got, err := json.Marshal(Report{
		ServerName: "fe.contoso.com", Version: "TLS 1.2", CipherSuite: "TLS_X", Cause: ocserr.CauseTLSExpired, Fault: "expired", Expiry: day,
		Chain: []Certificate{{"CN=fe", "CN=ca", day, day, []string{"fe.contoso.com"}, "SHA256-RSA", "00ff"}},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"server_name": "fe.contoso.com", "version": "TLS 1.2", "cipher_suite": "TLS_X", "verified": false,
		"cause": "tls-expired", "fault": "expired", "expiry": "2030-01-02T03:04:05Z",
		"chain": [{"subject": "CN=fe", "issuer": "CN=ca", "not_before": "2030-01-02T03:04:05Z", "not_after": "2030-01-02T03:04:05Z",
			"dns_names": ["fe.contoso.com"], "signature": "SHA256-RSA", "sha256": "00ff"}]}`, string(got))
	got, err = json.Marshal(Report{ServerName: "fe.contoso.com"})
	require.NoError(t, err)
	require.JSONEq(t, `{"server_name": "fe.contoso.com", "verified": false}`, string(got))
}
