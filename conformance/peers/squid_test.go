//go:build peers

package peers

import (
	"crypto/md5"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// squid is a running Squid that connects to the ports of a target and a closed one, and to no other.
type squid struct {
	http, https string // host:port of its listeners
	roots       *x509.CertPool
	closed      int // a port that it may connect to, and nobody listens on
}

// startSquid runs Squid with lines of configuration that say who may use it. Files are what these lines
// read, by name; "DIR" in a line is their folder.
func startSquid(t *testing.T, to target, lines string, files map[string]string) squid {
	t.Helper()
	dir := scratch(t)
	require.NoError(t, os.Chmod(dir, 0o777)) // started by root, it becomes the user proxy
	certificate := newCertificate(t, dir, time.Now().Add(time.Hour), "localhost")
	for _, file := range []string{certificate.certificate, certificate.key} {
		require.NoError(t, os.Chmod(file, 0o644))
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	ca, err := os.ReadFile(certificate.ca)
	require.NoError(t, err)
	port, securePort := freePort(t), freePort(t)
	s := squid{
		http: fmt.Sprintf("localhost:%d", port), https: fmt.Sprintf("localhost:%d", securePort),
		roots: x509.NewCertPool(), closed: closedPort(t),
	}
	require.True(t, s.roots.AppendCertsFromPEM(ca))
	config := fmt.Sprintf(`
http_port 127.0.0.1:%d
https_port 127.0.0.1:%d tls-cert=%s tls-key=%s
acl allowed port %d %d
http_access deny !allowed
%s
http_access deny all
cache deny all
access_log stdio:%s/access.log
cache_log stdio:/dev/stderr
coredump_dir %s
pid_filename none
pinger_enable off
visible_hostname localhost
dns_nameservers 127.0.0.1
dns_timeout 1 second
shutdown_lifetime 0 seconds
`, port, securePort, certificate.certificate, certificate.key, to.port, s.closed, os.Expand(lines, func(string) string { return dir }), dir, dir)
	file := filepath.Join(dir, "squid.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o644))
	start(t, dir, "squid", "-N", "-d", "1", "-f", file).waitListening(t, fmt.Sprintf("127.0.0.1:%d", port))
	return s
}

func TestSquidOpen(t *testing.T) {
	to := startTarget(t)
	s := startSquid(t, to, "http_access allow all", nil)
	for _, c := range []through{
		{name: "CONNECT", proxy: "http://" + s.http, asked: 1},
		{name: "CONNECT by address", proxy: "http://" + s.http, host: "127.0.0.1", asked: 1},
		{name: "CONNECT over TLS", proxy: "https://" + s.https, roots: s.roots, asked: 1},
		{name: "TLS of an unknown authority", proxy: "https://" + s.https, cause: ocserr.CauseProxyUnreachable},
		{name: "TLS to the port without", proxy: "https://" + s.http, cause: ocserr.CauseProxyBadAnswer},
		{name: "port not allowed", proxy: "http://" + s.http, port: 9, cause: ocserr.CauseProxyRefused, status: 403},
		{name: "closed port", proxy: "http://" + s.http, port: s.closed, cause: ocserr.CauseProxyCannotConnect, status: 503},
		{name: "unknown name", proxy: "http://" + s.http, host: noSuchName, cause: ocserr.CauseProxyCannotConnect, status: 500},
		{name: "unknown name and known address", proxy: "http://" + s.http, host: noSuchName, addrs: loopback(), asked: 2},
	} {
		c.run(t, to)
	}
}

// allowKnown lets everybody in who has proved a password.
const allowKnown = "acl known proxy_auth REQUIRED\nhttp_access allow known"

// demandNTLM makes Squid demand NTLM, and Samba judge it.
const demandNTLM = "auth_param ntlm program /usr/bin/ntlm_auth --helper-protocol=squid-2.5-ntlmssp --configfile=${DIR}/smb.conf" +
	" --username=" + proxyUser + " --domain=OCS --password=" + proxyPassword + "\nauth_param ntlm children 1\n"

func TestSquidPassword(t *testing.T) {
	basic := fmt.Sprintf("%s:%x\n", proxyUser, md5.Sum([]byte(proxyPassword)))
	for _, scheme := range []struct {
		name, lines string
		files       map[string]string
		user        string
		asked       int
	}{
		{
			"Basic",
			"auth_param basic program /usr/lib/squid/basic_ncsa_auth ${DIR}/users\nauth_param basic realm ocs\nauth_param basic children 1\n",
			map[string]string{"users": basic},
			proxyUser, 2,
		},
		{
			"Digest",
			"auth_param digest program /usr/lib/squid/digest_file_auth ${DIR}/users\nauth_param digest realm ocs\nauth_param digest children 1\n",
			map[string]string{"users": proxyUser + ":" + proxyPassword + "\n"},
			proxyUser, 2,
		},
		{
			"NTLM",
			demandNTLM,
			map[string]string{"smb.conf": "[global]\n"},
			"OCS%5C" + proxyUser, 3,
		},
	} {
		t.Run(scheme.name, func(t *testing.T) {
			to := startTarget(t)
			s := startSquid(t, to, scheme.lines+allowKnown, scheme.files)
			for _, c := range []through{
				{name: "right password", proxy: "http://" + scheme.user + ":" + proxyPassword + "@" + s.http, asked: scheme.asked},
				{name: "right password over TLS", proxy: "https://" + scheme.user + ":" + proxyPassword + "@" + s.https, roots: s.roots, asked: scheme.asked},
				{name: "no password", proxy: "http://" + s.http, cause: ocserr.CauseProxyAuthRequired, status: 407, asked: 1},
				{name: "wrong password is sent once", proxy: "http://" + scheme.user + ":wrong@" + s.http, cause: ocserr.CauseProxyPassword, status: 407, asked: scheme.asked},
				{name: "right password and a closed port", proxy: "http://" + scheme.user + ":" + proxyPassword + "@" + s.http, port: s.closed, cause: ocserr.CauseProxyCannotConnect, status: 503, asked: scheme.asked},
			} {
				c.run(t, to)
			}
		})
	}
}

// A whole sign-in of the ocs program: through Squid, which demands NTLM, to Kamailio, with TLS inside.
func TestSquidSignIn(t *testing.T) {
	for _, test := range []struct {
		name, password string
		status         int
		code, cause    string
		tested         bool // the password of the sign-in
	}{
		{"right proxy password", proxyPassword, 0, "S_OK", "", true},
		{"wrong proxy password", "Wr0ngWord", 11, "MSGR_E_CONNECT", string(ocserr.CauseProxyPassword), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := startKamailio(t, kamailioConfig{})
			_, port, err := net.SplitHostPort(k.tls)
			require.NoError(t, err)
			number, err := strconv.Atoi(port)
			require.NoError(t, err)
			s := startSquid(t, target{port: number}, demandNTLM+allowKnown, map[string]string{"smb.conf": "[global]\n"})
			in := startSignin(t, "alice@ocs.test", password, "--server", k.tls, "--ca", k.ca,
				"--proxy", "http://OCS%5C"+proxyUser+":"+test.password+"@"+s.http)

			require.Equal(t, test.status, in.wait(t))
			require.Equal(t, test.code, in.first(t, "OnSignin").Code)
			outcome := in.first(t, "Report").Report
			require.Equal(t, test.cause, outcome.Error.Cause)
			require.Equal(t, test.tested, outcome.Authentication.PasswordTested)
			require.Contains(t, in.stdout.String(), `"scheme":"NTLM"`)
			require.NotContains(t, in.stdout.String()+in.stderr.String(), test.password)
		})
	}
}
