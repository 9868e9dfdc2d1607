//go:build peers

package peers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startUnbound runs Unbound, a recursive DNS server such as most machines ask, in front of another for
// the zones of the tests. It returns its address.
func startUnbound(t *testing.T, authority string) string {
	t.Helper()
	dir := scratch(t)
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(freePort(t)))
	var config strings.Builder
	fmt.Fprintf(&config, `
server:
  interface: %s
  username: ""
  chroot: ""
  directory: "%s"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." transparent
  max-udp-size: 512
remote-control:
  control-enable: no
`, strings.Replace(address, ":", "@", 1), dir)
	names := []string{"broken.test"}
	for name := range dnsZones {
		names = append(names, name)
	}
	for _, name := range names {
		fmt.Fprintf(&config, "stub-zone:\n  name: %s\n  stub-addr: %s\n", name, strings.Replace(authority, ":", "@", 1))
	}
	file := filepath.Join(dir, "unbound.conf")
	require.NoError(t, os.WriteFile(file, []byte(config.String()), 0o600))
	start(t, dir, "unbound", "-d", "-c", file).waitListening(t, address)
	return address
}

func TestUnbound(t *testing.T) {
	address := startUnbound(t, startNSD(t))
	for _, d := range discoveries(ocserr.CauseDNSFailure) {
		d.run(t, address)
	}
}
