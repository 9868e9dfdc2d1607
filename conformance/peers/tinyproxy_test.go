//go:build peers

package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startTinyproxy runs Tinyproxy with additional lines of configuration, and returns its host:port.
func startTinyproxy(t *testing.T, lines string) string {
	t.Helper()
	dir, port := scratch(t), freePort(t)
	file := filepath.Join(dir, "tinyproxy.conf")
	config := fmt.Sprintf("Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n%s", port, lines)
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	address := fmt.Sprintf("127.0.0.1:%d", port)
	start(t, dir, "tinyproxy", "-d", "-c", file).waitListening(t, address)
	return address
}

func TestTinyproxyOpen(t *testing.T) {
	to, closed := startTarget(t), closedPort(t)
	proxy := startTinyproxy(t, fmt.Sprintf("ConnectPort %d\nConnectPort %d\n", to.port, closed))
	for _, c := range []through{
		{name: "CONNECT", proxy: "http://" + proxy, asked: 1},
		{name: "credentials nobody asks for stay at home", proxy: "http://alice:x@" + proxy, asked: 1},
		{name: "port not allowed", proxy: "http://" + proxy, port: 9, cause: ocserr.CauseProxyRefused, status: 403},
		{name: "closed port", proxy: "http://" + proxy, port: closed, cause: ocserr.CauseProxyCannotConnect, status: 500},
		{name: "unknown name", proxy: "http://" + proxy, host: noSuchName, cause: ocserr.CauseProxyCannotConnect, status: 500},
		{name: "unknown name and known address", proxy: "http://" + proxy, host: noSuchName, addrs: loopback(), asked: 2},
	} {
		c.run(t, to)
	}
}

func TestTinyproxyBasic(t *testing.T) {
	to := startTarget(t)
	proxy := startTinyproxy(t, fmt.Sprintf("ConnectPort %d\nBasicAuth %s %s\n", to.port, proxyUser, proxyPassword))
	for _, c := range []through{
		{name: "right password", proxy: "http://" + proxyUser + ":" + proxyPassword + "@" + proxy, asked: 2},
		{name: "no password", proxy: "http://" + proxy, cause: ocserr.CauseProxyAuthRequired, status: 407, asked: 1},
		{name: "wrong password is sent once", proxy: "http://" + proxyUser + ":wrong@" + proxy, cause: ocserr.CauseProxyPassword, status: 401, asked: 2},
	} {
		c.run(t, to)
	}
}
