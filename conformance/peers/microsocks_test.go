//go:build peers

package peers

import (
	"fmt"
	"strconv"
	"testing"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startMicrosocks runs microsocks and returns its host:port.
func startMicrosocks(t *testing.T, args ...string) string {
	t.Helper()
	port := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	start(t, scratch(t), "microsocks", append([]string{"-i", "127.0.0.1", "-p", strconv.Itoa(port)}, args...)...).waitListening(t, address)
	return address
}

func TestMicrosocksOpen(t *testing.T) {
	to := startTarget(t)
	proxy := startMicrosocks(t)
	for _, c := range []through{
		{name: "by name", proxy: "socks5://" + proxy, asked: 1},
		{name: "by address", proxy: "socks5://" + proxy, host: "127.0.0.1", asked: 1},
		{name: "closed port", proxy: "socks5://" + proxy, port: closedPort(t), cause: ocserr.CauseProxyCannotConnect},
		{name: "unknown name", proxy: "socks5://" + proxy, host: noSuchName, cause: ocserr.CauseProxyFailed},
		{name: "unknown name and known address", proxy: "socks5://" + proxy, host: noSuchName, addrs: loopback(), asked: 2},
		{name: "HTTP spoken to it", proxy: "http://" + proxy, cause: ocserr.CauseProxyBadAnswer},
	} {
		c.run(t, to)
	}
}

func TestMicrosocksPassword(t *testing.T) {
	to := startTarget(t)
	proxy := startMicrosocks(t, "-u", proxyUser, "-P", proxyPassword)
	for _, c := range []through{
		{name: "right password", proxy: "socks5://" + proxyUser + ":" + proxyPassword + "@" + proxy, asked: 1},
		{name: "no password", proxy: "socks5://" + proxy, cause: ocserr.CauseProxyAuthRequired},
		{name: "wrong password", proxy: "socks5://" + proxyUser + ":wrong@" + proxy, cause: ocserr.CauseProxyPassword},
	} {
		c.run(t, to)
	}
}
