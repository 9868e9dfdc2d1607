//go:build peers

package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startDante runs Dante with the methods of authentication, and returns its host:port. It checks passwords of
// the system's users only. So that the system stays as it is, it runs in a mount namespace of its own in
// which a user more is there; and since the namespace's owner is root in it, without being root outside.
func startDante(t *testing.T, methods string, denied int) string {
	t.Helper()
	dir, port := scratch(t), freePort(t)
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	crypt := exec.Command(program(t, "openssl"), "passwd", "-6", "-stdin")
	crypt.Stdin = strings.NewReader(proxyPassword)
	hash, err := crypt.Output()
	require.NoError(t, err)
	users, err := os.ReadFile("/etc/passwd")
	require.NoError(t, err)
	passwd := write("passwd", string(users)+proxyUser+":x:0:0::/:/bin/false\n")
	shadow := write("shadow", proxyUser+":"+strings.TrimSpace(string(hash))+":19000:0:99999:7:::\n")
	config := write("danted.conf", fmt.Sprintf(`
logoutput: stderr
internal: 127.0.0.1 port = %d
external: lo
clientmethod: none
socksmethod: %s
user.privileged: root
user.unprivileged: root
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 127.0.0.0/8 to: 0.0.0.0/0 port = %d }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`, port, methods, denied))
	p := start(t, dir, "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/shadow && exec "$3" -f "$4"`,
		"sh", passwd, shadow, program(t, "danted"), config)
	p.name = "danted" // which the process becomes
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p.waitListening(t, address)
	return address
}

func TestDanteOpen(t *testing.T) {
	to, denied := startTarget(t), closedPort(t)
	proxy := startDante(t, "none", denied)
	for _, c := range []through{
		{name: "SOCKS 4", proxy: "socks4://" + proxy, addrs: loopback(), asked: 1},
		{name: "SOCKS 4 with a user", proxy: "socks4://alice@" + proxy, addrs: loopback(), asked: 1},
		{name: "SOCKS 4 without an address", proxy: "socks4://" + proxy, cause: ocserr.CauseProxyCannotResolve},
		{name: "SOCKS 4 to a closed port", proxy: "socks4://" + proxy, addrs: loopback(), port: closedPort(t), cause: ocserr.CauseProxyCannotConnect},
		{name: "SOCKS 4 to a port not allowed", proxy: "socks4://" + proxy, addrs: loopback(), port: denied, cause: ocserr.CauseProxyCannotConnect},
		{name: "SOCKS 4a, which it has not", proxy: "socks4a://" + proxy, cause: ocserr.CauseProxyCannotConnect},
		{name: "SOCKS 4a goes on to the address", proxy: "socks4a://" + proxy, addrs: loopback(), asked: 2},
		{name: "SOCKS 5", proxy: "socks5://" + proxy, asked: 1},
		{name: "SOCKS 5 to a closed port", proxy: "socks5://" + proxy, port: closedPort(t), cause: ocserr.CauseProxyCannotConnect},
		{name: "SOCKS 5 to a port not allowed", proxy: "socks5://" + proxy, port: denied, cause: ocserr.CauseProxyRefused},
		{name: "SOCKS 5 to an unknown name", proxy: "socks5://" + proxy, host: noSuchName, cause: ocserr.CauseProxyCannotConnect},
	} {
		c.run(t, to)
	}
}

func TestDantePassword(t *testing.T) {
	to := startTarget(t)
	proxy := startDante(t, "username", closedPort(t))
	for _, c := range []through{
		{name: "right password", proxy: "socks5://" + proxyUser + ":" + proxyPassword + "@" + proxy, asked: 1},
		{name: "no password", proxy: "socks5://" + proxy, cause: ocserr.CauseProxyAuthRequired},
		{name: "wrong password", proxy: "socks5://" + proxyUser + ":wrong@" + proxy, cause: ocserr.CauseProxyPassword},
	} {
		c.run(t, to)
	}
}
