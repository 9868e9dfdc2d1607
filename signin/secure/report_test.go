package secure

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
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
	require.Len(t, report.Chain(), maxChain)
	require.Len(t, report.Chain()[0].DNSNames, maxNames)
	require.LessOrEqual(t, len(report.Chain()[0].Subject), maxText+len("..."))
	require.NotContains(t, report.Chain()[0].Subject, "\x1b")
	require.Contains(t, report.Chain()[0].Subject, "é")
}

func TestReportJSON(t *testing.T) {
	day := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	certificate := &x509.Certificate{
		Raw: []byte("certificate"), Subject: pkix.Name{CommonName: "fe"}, Issuer: pkix.Name{CommonName: "ca"},
		NotBefore: day, NotAfter: day, DNSNames: []string{"fe.contoso.com"}, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	got, err := json.Marshal(&Report{
		ServerName: "fe.contoso.com", Version: "TLS 1.2", CipherSuite: "TLS_X", Cause: ocserr.CauseTLSExpired, Fault: "expired", Expiry: day,
		Legacy: []string{"TLS 1.0"},
		chain:  []*x509.Certificate{certificate},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"server_name": "fe.contoso.com", "version": "TLS 1.2", "cipher_suite": "TLS_X", "verified": false,
		"cause": "tls-expired", "fault": "expired", "legacy": ["TLS 1.0"], "expiry": "2030-01-02T03:04:05Z",
		"chain": [{"subject": "CN=fe", "issuer": "CN=ca", "not_before": "2030-01-02T03:04:05Z", "not_after": "2030-01-02T03:04:05Z",
			"dns_names": ["fe.contoso.com"], "signature": "SHA256-RSA", "sha256": "03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72"}]}`, string(got))
	got, err = json.Marshal(&Report{ServerName: "fe.contoso.com"})
	require.NoError(t, err)
	require.JSONEq(t, `{"server_name": "fe.contoso.com", "verified": false}`, string(got))
}
