//go:build peers

package peers

import (
	"fmt"
	"testing"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startGnuTLS runs gnutls-serv with a certificate and a priority string, and returns its host:port. It listens
// on every address: only where loopback is all there is.
func startGnuTLS(t *testing.T, files certificateFiles, priority string) string {
	t.Helper()
	port := freePort(t)
	p := start(t, scratch(t), "gnutls-serv", "--http", "--disable-client-cert", "--port", fmt.Sprint(port),
		"--x509certfile", files.certificate, "--x509keyfile", files.key, "--priority", priority)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p.waitListening(t, address)
	return address
}

func TestGnuTLSAsAServerOf2007(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	good := issue(t, "sha256", "2048", true)
	both := issue(t, "sha1", "1024", false)
	for name, o := range map[string]old{
		"TLS 1.0": {
			[]string{"NORMAL:-VERS-ALL:+VERS-TLS1.0"}, good, ocserr.CauseTLSIncompatible, []string{"TLS 1.0"},
		},
		"3DES": {
			[]string{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC:-KX-ALL:+ECDHE-RSA"}, good, ocserr.CauseTLSIncompatible, []string{"3DES"},
		},
		"RC4": {
			[]string{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128:-KX-ALL:+RSA"},
			good, ocserr.CauseTLSIncompatible,
			[]string{"RSA key exchange", "RC4"},
		},
		"all of it": {
			[]string{"NORMAL:-VERS-ALL:+VERS-TLS1.0:-CIPHER-ALL:+3DES-CBC:-KX-ALL:+RSA"},
			both, ocserr.CauseTLSIncompatible,
			[]string{"TLS 1.0", "RSA key exchange", "3DES", "SHA-1 signature", "common name"},
		},
	} {
		t.Run(name, func(t *testing.T) { requireOld(t, startGnuTLS(t, o.files, o.args[0]), o) })
	}
}
