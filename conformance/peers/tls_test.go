//go:build peers

package peers

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/secure"
)

// tlsServerName is whom the certificates of these tests are for.
const tlsServerName = "fe.ocs.test"

// issue lets OpenSSL issue a certificate for tlsServerName at 127.0.0.1 and its authority's, with RSA keys, in a folder of
// their own. Without a subject alternative name the name is the common name only. The certificate's file holds
// the authority's too, as a server sends them.
func issue(t *testing.T, digest, bits string, alternativeName bool) certificateFiles {
	t.Helper()
	dir := scratch(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	openssl := func(args ...string) {
		out, err := exec.Command(program(t, "openssl"), args...).CombinedOutput()
		require.NoErrorf(t, err, "openssl %q: %s", args, out)
	}
	extensions := "extendedKeyUsage=serverAuth\n"
	if alternativeName {
		extensions += "subjectAltName=DNS:" + tlsServerName + ",IP:127.0.0.1\n"
	}
	require.NoError(t, os.WriteFile(file("extensions"), []byte(extensions), 0o600))
	openssl("req", "-x509", "-newkey", "rsa:"+bits, "-"+digest, "-nodes", "-days", "2", "-subj", "/CN=ocs peers "+digest,
		"-keyout", file("ca.key"), "-out", file("ca.pem"))
	openssl("req", "-newkey", "rsa:"+bits, "-nodes", "-subj", "/CN="+tlsServerName, "-keyout", file("key.pem"), "-out", file("request.pem"))
	openssl("x509", "-req", "-"+digest, "-days", "2", "-in", file("request.pem"), "-extfile", file("extensions"),
		"-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-set_serial", "2", "-out", file("certificate.pem"))
	own, err := os.ReadFile(file("certificate.pem"))
	require.NoError(t, err)
	authority, err := os.ReadFile(file("ca.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file("chain.pem"), append(own, authority...), 0o600))
	return certificateFiles{ca: file("ca.pem"), certificate: file("chain.pem"), key: file("key.pem")}
}

// issueClient is a certificate for a client, which is its own authority.
func issueClient(t *testing.T) certificateFiles {
	t.Helper()
	dir := scratch(t)
	f := certificateFiles{certificate: filepath.Join(dir, "client.pem"), key: filepath.Join(dir, "client.key")}
	f.ca = f.certificate
	out, err := exec.Command(program(t, "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=alice@ocs.test",
		"-keyout", f.key, "-out", f.certificate).CombinedOutput()
	require.NoErrorf(t, err, "openssl: %s", out)
	return f
}

// pool reads the authority of a certificate.
func (f certificateFiles) pool(t *testing.T) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(f.ca)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	return pool
}

// shake makes a TLS connection to the program at address.
func shake(t *testing.T, address string, cfg secure.Config) (*secure.Report, error) {
	t.Helper()
	cfg.ServerName = tlsServerName
	nc, err := net.DialTimeout("tcp", address, patience)
	require.NoError(t, err)
	conn, report, err := secure.Handshake(t.Context(), nc, cfg)
	if err == nil {
		require.NoError(t, conn.Close())
	}
	return report, err
}

func requireCause(t *testing.T, want ocserr.Cause, err error) {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause, err.Error())
	require.ErrorIs(t, err, ocserr.Connect)
}

// old is a server that a client of today refuses, by its program's arguments.
type old struct {
	args    []string
	files   certificateFiles
	refused ocserr.Cause
	used    []string // of secure.Config.Legacy
}

// requireOld judges the server that o has started at address: refused by default, with its cause, accepted
// with Legacy, which is told, and not even then with another authority.
func requireOld(t *testing.T, address string, o old) {
	t.Helper()
	report, err := shake(t, address, secure.Config{Roots: o.files.pool(t)})
	requireCause(t, o.refused, err)
	require.Equal(t, o.refused, report.Cause)
	require.Empty(t, report.Legacy)

	report, err = shake(t, address, secure.Config{Roots: o.files.pool(t), Legacy: true})
	require.NoError(t, err)
	require.True(t, report.Verified)
	require.Equal(t, o.used, report.Legacy)

	other := issue(t, "sha256", "2048", true)
	_, err = shake(t, address, secure.Config{Roots: other.pool(t), Legacy: true})
	requireCause(t, ocserr.CauseTLSUntrusted, err)
}

// keyPair reads a certificate and its key.
func (f certificateFiles) keyPair(t *testing.T) *tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	require.NoError(t, err)
	return &pair
}
