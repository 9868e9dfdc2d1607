//go:build peers

package peers

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/secure"
)

// startSServer runs OpenSSL's s_server with a certificate, and returns its host:port.
func startSServer(t *testing.T, files certificateFiles, args ...string) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	// -www: it does not read standard input, which has ended.
	p := start(t, scratch(t), "openssl", append([]string{
		"s_server", "-accept", address, "-cert", files.certificate, "-cert_chain", files.ca, "-key", files.key, "-www",
	}, args...)...)
	p.waitListening(t, address)
	return address
}

func TestOpenSSLAsAServerOf2007(t *testing.T) {
	good := issue(t, "sha256", "2048", true)
	sha1 := issue(t, "sha1", "1024", true)
	commonName := issue(t, "sha256", "2048", false)
	both := issue(t, "sha1", "1024", false)
	for name, o := range map[string]old{
		"TLS 1.0": {
			[]string{"-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"}, good, ocserr.CauseTLSIncompatible, []string{"TLS 1.0"},
		},
		"TLS 1.1": {
			[]string{"-tls1_1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"}, good, ocserr.CauseTLSIncompatible, []string{"TLS 1.1"},
		},
		"RSA key exchange": {
			[]string{"-tls1_2", "-cipher", "AES128-SHA"}, good, ocserr.CauseTLSIncompatible, []string{"RSA key exchange"},
		},
		"SHA-1 chain with keys of 1024 bits": {
			[]string{"-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0"}, sha1, ocserr.CauseTLSSHA1, []string{"SHA-1 signature"},
		},
		"common name only": {
			[]string{"-tls1_2"}, commonName, ocserr.CauseTLSNoSAN, []string{"common name"},
		},
		"all of it": {
			[]string{"-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"},
			both, ocserr.CauseTLSIncompatible,
			[]string{"TLS 1.0", "RSA key exchange", "SHA-1 signature", "common name"},
		},
	} {
		t.Run(name, func(t *testing.T) { requireOld(t, startSServer(t, o.files, o.args...), o) })
	}
}

func TestOpenSSLAsAServerOfToday(t *testing.T) {
	files := issue(t, "sha256", "2048", true)
	address := startSServer(t, files)
	for _, legacy := range []bool{false, true} {
		report, err := shake(t, address, secure.Config{Roots: files.pool(t), Legacy: legacy})
		require.NoError(t, err)
		require.Equal(t, "TLS 1.3", report.Version)
		require.Empty(t, report.Legacy)
	}
}

func TestOpenSSLDemandsAClientCertificate(t *testing.T) {
	files := issue(t, "sha256", "2048", true)
	client, stranger := issueClient(t), issueClient(t)
	address := startSServer(t, files, "-tls1_2", "-Verify", "2", "-verify_return_error", "-CAfile", client.ca)

	_, err := shake(t, address, secure.Config{Roots: files.pool(t), Certificate: client.keyPair(t)})
	require.NoError(t, err)
	_, err = shake(t, address, secure.Config{Roots: files.pool(t), Certificate: stranger.keyPair(t)})
	requireCause(t, ocserr.CauseTLSClientRefused, err)
	_, err = shake(t, address, secure.Config{Roots: files.pool(t)})
	requireCause(t, ocserr.CauseTLSClientRefused, err)
}
