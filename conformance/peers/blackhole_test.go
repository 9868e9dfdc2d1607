//go:build peers

package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// blackHole is an address that swallows packets, where digBlackHole has been.
const blackHole = "192.0.2.1"

// digBlackHole adds a link to the network namespace, which must be the test's own. Packets to blackHole leave by it
// for a hardware address that nobody has, so that nothing ever comes back, as behind a firewall that drops them.
func digBlackHole(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{
		{"link", "add", "near", "type", "veth", "peer", "name", "far"},
		{"link", "set", "near", "up"},
		{"link", "set", "far", "up"},
		{"address", "add", "192.0.2.2/24", "dev", "near"},
		{"neighbour", "add", blackHole, "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "near"},
	} {
		out, err := exec.Command(program(t, "ip"), args...).CombinedOutput()
		require.NoErrorf(t, err, "ip %q: %s", args, out)
	}
}

// zoneOfTwo has two servers for ocs.test, of which the preferred one is the black hole. The other is at a service
// name that Communicator does not come to. One more server has both addresses.
const zoneOfTwo = `
@ 60 SOA ns hostmaster 1 3600 600 86400 60
_sipinternaltls._tcp 60 SRV 0 0 5061 hole
_sip._tls 60 SRV 0 0 5061 server
hole 60 A ` + blackHole + `
server 60 A 127.0.0.1
sip 60 A ` + blackHole + `
sip 60 A 127.0.0.1
`

// All of it is on the real clock: the 15 seconds of connecting, and how soon the second server is tried.
func TestAServerThatSwallowsPackets(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	digBlackHole(t)
	srv, err := server.Start(server.Config{
		Users:     []server.User{{Name: "alice", Password: password}},
		ListenTLS: "127.0.0.1:5061", ListenDNS: "127.0.0.1:0", Zone: zoneOfTwo,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	ca := filepath.Join(scratch(t), "ca.pem")
	require.NoError(t, os.WriteFile(ca, srv.CAPEM(), 0o600))

	for name, flags := range map[string][]string{
		"alone": {"--server", blackHole + ":5061"},
		"first of two, of which Communicator tries no other": {"--dns", srv.DNSAddr(), "--policy", "communicator"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			s := startSignin(t, "alice@ocs.test", password, append(flags, "--ca", ca)...)
			require.Equal(t, 12, s.wait(t))
			ended := s.first(t, "OnSignin")
			require.Equal(t, "MSGR_E_LOGON_TIMEOUT", ended.Code)
			require.Equal(t, "dial", ended.Stage)
			took := ended.T - s.at(t, "OnMyStatusChange S_OK MISTATUS_LOCAL_CONNECTING_TO_SERVER")
			require.GreaterOrEqual(t, took, 15000.0)
			require.Less(t, took, 15500.0)
		})
	}
	t.Run("first of two, of which Resilient tries both", func(t *testing.T) {
		s := startSignin(t, "alice@ocs.test", password, "--dns", srv.DNSAddr(), "--policy", "resilient", "--ca", ca)
		require.Equal(t, 0, s.wait(t))
		require.Less(t, s.at(t, online), 2000.0)
		require.Contains(t, s.stdout.String(), `"given_up":true`, "the report tells of the first")
	})
	t.Run("first of two addresses of one server", func(t *testing.T) {
		s := startSignin(t, "alice@ocs.test", password, "--dns", srv.DNSAddr(), "--server", "sip.ocs.test", "--ca", ca)
		require.Equal(t, 0, s.wait(t))
		require.Less(t, s.at(t, online), 2000.0)
		require.Contains(t, s.stdout.String(), `"address":"`+blackHole+`"`, "the report tells of the first")
	})
}

// at returns when an event was, in milliseconds since the start.
func (s *signin) at(t *testing.T, event string) float64 {
	t.Helper()
	i := slices.Index(s.events(), event)
	require.NotEqualf(t, -1, i, "no %s in %q", event, s.events())
	return s.read[i].T
}
