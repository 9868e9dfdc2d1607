//go:build peers

package peers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// startNSD runs NSD, an authoritative DNS server, and returns its address. The zone broken.test is
// configured and has no data, which is what makes it answer SERVFAIL.
func startNSD(t *testing.T) string {
	t.Helper()
	dir := scratch(t)
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(freePort(t)))
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	var config strings.Builder
	fmt.Fprintf(&config, `
server:
  ip-address: %s@%s
  server-count: 1
  username: ""
  zonesdir: "%[3]s"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "%[3]s/zones.list"
  xfrdir: "%[3]s"
  ipv4-edns-size: 512
remote-control:
  control-enable: no
zone:
  name: broken.test
  zonefile: nosuchfile
`, host, port, dir)
	for name, records := range dnsZones {
		fmt.Fprintf(&config, "zone:\n  name: %s\n  zonefile: %s\n", name, name)
		text := "$ORIGIN " + name + ".\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n" + records
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	file := filepath.Join(dir, "nsd.conf")
	require.NoError(t, os.WriteFile(file, []byte(config.String()), 0o600))
	nsd := start(t, dir, "nsd", "-d", "-c", file)
	nsd.waitListening(t, address)
	nsd.name = "nsd: xfrd" // NSD's processes take the names of what they do
	require.Eventually(t, func() bool {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", nsd.cmd.Process.Pid))
		return err == nil && strings.TrimSpace(string(comm)) == nsd.name
	}, patience, 10*time.Millisecond)
	return address
}

func TestNSD(t *testing.T) {
	address := startNSD(t)
	refused := discovery{"elsewhere.test", "REFUSED", nil, ocserr.CauseDNSFailure, []string{"udp SRV _sip._tls.elsewhere.test: REFUSED"}}
	for _, d := range append(discoveries(ocserr.CauseDNSBadAnswer), refused) {
		d.run(t, address)
	}
}
