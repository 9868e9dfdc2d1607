package main

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// throughProxy runs a test server whose proxy listens on loopback, and returns them.
func throughProxy(t *testing.T) (srv *server.Server, proxy string) {
	srv = startServer(t, func(cfg *server.Config) {
		cfg.ListenProxy, cfg.Proxy = "127.0.0.1:0", server.ProxyAuth{User: "p", Password: "caterpillar"}
	})
	return srv, srv.ProxyAddr()
}

func TestSigninThroughAProxy(t *testing.T) {
	t.Parallel()
	srv, proxy := throughProxy(t)
	for _, test := range []struct {
		name string
		flag string
		env  map[string]string
		want int
		says string // in all output
	}{
		{"by --proxy, HTTP", "http://p:caterpillar@" + proxy, nil, 0, "through the proxy http://p@"},
		{"by --proxy, SOCKS", "socks5://p:caterpillar@" + proxy, nil, 0, "through the proxy socks5://p@"},
		{"by the environment", "", map[string]string{"HTTPS_PROXY": "http://p:caterpillar@" + proxy}, 0, "through the proxy"},
		{"not by the environment", "off", map[string]string{"HTTPS_PROXY": "http://127.0.0.1:9"}, 0, "certificate verified"},
		{"with the wrong password", "http://p:rabbit@" + proxy, nil, 11, "MSGR_E_PROXY_PASSWORD_INCORRECT"},
		{"that is not there", "http://" + freePort(t), nil, 11, "MSGR_E_CONNECT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := password("wonderland")
			maps.Copy(env, test.env)
			args := []string{"signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--policy", "communicator", "--ca", authorityOf(t, srv), "--explain"}
			if test.flag != "" {
				args = append(args, "--proxy", test.flag)
			}
			r := invocation{env: env}.run(t, args...)

			require.Equal(t, test.want, r.status, r.stdout+r.stderr)
			require.Contains(t, r.stdout+r.stderr, test.says)
			require.NotContains(t, r.stdout+r.stderr, "caterpillar")
			require.NotContains(t, r.stdout+r.stderr, "rabbit")
		})
	}
}

func TestExplainFollowsARedirect(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(cfg *server.Config) {
		cfg.Faults = []server.Fault{{Stage: server.StageRegister, Action: server.ActionRedirect, Count: 1}}
	})
	r := invocation{env: password("wonderland")}.run(t,
		"signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv), "--explain")

	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, "ok: redirected to sip:server.ocs.test:")
	require.Contains(t, r.stdout, "answered SIP 301 with the Contact sip:server.ocs.test:")
	require.Contains(t, r.stdout, "found by: redirect from server.ocs.test:")
}

func TestSigninRefusesAnOldServer(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(cfg *server.Config) { cfg.Server = "RTC/2.0" })
	there := []string{"signin", "alice@ocs.test", "--server", srv.TLSAddr(), "--ca", authorityOf(t, srv)}
	r := invocation{env: password("wonderland")}.run(t, there...)
	require.Equal(t, 13, r.status)
	require.Contains(t, r.stderr, `the server calls itself "RTC/2.0"`)
	require.Contains(t, r.stderr, "MSGR_E_INVALID_SERVER_VERSION")

	for _, flags := range [][]string{{"--server-check", "off"}, {"--accept-server", "RTC/2.0"}, {"--accept-server", "RTC/2.0", "--server-check", "strict"}} {
		r := invocation{env: password("wonderland")}.run(t, append(there, flags...)...)
		require.Zero(t, r.status, r.stderr)
	}
}
