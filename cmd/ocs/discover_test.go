package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

func TestDiscoverShowsThePlan(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	for _, who := range []string{"ocs.test", "alice@ocs.test", "sip:alice@ocs.test"} {
		r := invocation{}.run(t, "discover", who, "--dns", srv.DNSAddr())

		require.Zero(t, r.status, r.stderr)
		require.Contains(t, r.stdout, "Asked for the servers of ocs.test:")
		require.Contains(t, r.stdout, "SRV   _sipinternaltls._tcp.ocs.test ")
		require.Contains(t, r.stdout, "1. server.ocs.test:")
		require.Contains(t, r.stdout, "SRV _sipinternaltls._tcp.ocs.test, priority 0")
	}
}

// discovered is the line of "ocs discover --output json".
type discovered struct {
	Schema string `json:"schema"`
	Event  string `json:"event"`
	Plan   struct {
		Domain     string            `json:"domain"`
		Policy     string            `json:"policy"`
		Questions  []json.RawMessage `json:"questions"`
		Candidates []struct {
			Transport string `json:"transport"`
		} `json:"candidates"`
	} `json:"plan"`
	Error *struct {
		Cause string `json:"cause"`
	} `json:"error"`
}

func TestDiscoverAsJSONIsOneLine(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(cfg *server.Config) { cfg.ListenTCP = "127.0.0.1:0" })
	r := invocation{}.run(t, "discover", "ocs.test", "--dns", srv.DNSAddr(), "--transport", "tcp", "--policy", "communicator", "--output", "json")

	require.Zero(t, r.status, r.stderr)
	var line discovered
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &line))
	require.Equal(t, "ocs/1", line.Schema)
	require.Equal(t, "Discovery", line.Event)
	require.Equal(t, "communicator", line.Plan.Policy)
	require.Len(t, line.Plan.Candidates, 1)
	require.Equal(t, "tcp", line.Plan.Candidates[0].Transport)
	require.Nil(t, line.Error)
}

func TestDiscoverWithoutACandidateExitsWith10(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	text := invocation{}.run(t, "discover", "nobody.ocs.test", "--dns", srv.DNSAddr())

	require.Equal(t, 10, text.status)
	require.Contains(t, text.stdout, "NXDOMAIN")
	require.Contains(t, text.stderr, "No server for nobody.ocs.test: MSGR_E_INVALID_SERVER_NAME")

	asJSON := invocation{}.run(t, "discover", "nobody.ocs.test", "--dns", srv.DNSAddr(), "--output", "json")

	require.Equal(t, 10, asJSON.status)
	var line discovered
	require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &line))
	require.Equal(t, "no-server-found", line.Error.Cause)
	require.NotEmpty(t, line.Plan.Questions)
	require.Empty(t, line.Plan.Candidates)
}

func TestDNSServerHasPort53ByDefault(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":              "",
		"192.0.2.53":    "192.0.2.53:53",
		"192.0.2.53:54": "192.0.2.53:54",
		"dns.ocs.test":  "dns.ocs.test:53",
		"2001:db8::53":  "[2001:db8::53]:53",
		"[::1]":         "[::1]:53",
		"[::1]:54":      "[::1]:54",
	} {
		require.Equal(t, want, discoveryFlags{DNS: given}.dnsServer(), given)
	}
}
