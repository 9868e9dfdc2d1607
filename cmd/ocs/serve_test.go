package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serving is a running "ocs serve".
type serving struct {
	ready ready
	text  []byte // of the ready file
	end   func() result
}

// serve runs "ocs serve" on free ports until end is called.
func serve(t *testing.T, flags ...string) serving {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready.json")
	ctx, interrupt := context.WithCancel(t.Context())
	announced, ended := make(chan struct{}), make(chan result, 1)
	args := append([]string{"serve", "--listen-tls", "127.0.0.1:0", "--ready-file", file}, flags...)
	go func() {
		ended <- invocation{ctx: ctx, watch: once("Ctrl-C ends the server", func() { close(announced) })}.run(t, args...)
	}()
	s := serving{end: func() result { interrupt(); return <-ended }}
	select {
	case <-announced:
	case r := <-ended:
		require.FailNow(t, "ocs serve ended at once", "%+v", r)
	}
	var err error
	s.text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.text, &s.ready))
	return s
}

func TestServeReadyFileHasWhatListens(t *testing.T) {
	t.Parallel()
	s := serve(t, "--listen-tcp", "127.0.0.1:0", "--listen-dns", "127.0.0.1:0")

	require.Regexp(t, `^\{"schema":"ocs-serve/1","tls":"127\.0\.0\.1:\d+","tcp":"127\.0\.0\.1:\d+","dns":"127\.0\.0\.1:\d+",`+
		`"management":"http://127\.0\.0\.1:\d+","ca":"/[^"]+","pid":\d+\}\n$`, string(s.text))
	require.Equal(t, os.Getpid(), s.ready.PID)
	res, err := http.Get(s.ready.Management + "/users")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	http.DefaultClient.CloseIdleConnections()

	r := s.end()
	require.Zero(t, r.status, r.stderr)
	require.Empty(t, r.stderr)
	require.NoFileExists(t, s.ready.CA, "the temporary authority is removed")
}

func TestServeSignsInWhomItSaysItDoes(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s := serve(t, "--user", "bob:builder,with:comma", "--auth", "digest,ntlm", "--ca-out", ca, "--listen-management", "off")

	require.Equal(t, ca, s.ready.CA)
	require.Empty(t, s.ready.Management)
	signedIn := invocation{env: password("builder,with:comma")}.run(t,
		"signin", "bob@ocs.test", "--server", s.ready.TLS, "--ca", ca, "--auth", "digest")
	require.Zero(t, signedIn.status, signedIn.stderr)
	require.Contains(t, signedIn.stdout, "Digest, password tested")

	r := s.end()
	require.Zero(t, r.status)
	require.Contains(t, r.stdout, "\n  ocs signin bob@ocs.test --server "+s.ready.TLS+" --ca "+ca+"\n")
	require.NotContains(t, r.stdout, "builder")
	require.FileExists(t, ca)
}

func TestServeRemovesTheReadyFileOfAServerBefore(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "ready.json", []byte("{}"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	r := invocation{}.run(t, "serve", "--listen-tls", l.Addr().String(), "--ready-file", file)

	require.Equal(t, 1, r.status)
	require.NoFileExists(t, file)
}

func TestServePlaysFaults(t *testing.T) {
	t.Parallel()
	s := serve(t, "--fault", `{"stage":"register","action":"status","status":503}`)

	signedIn := invocation{env: password(defaultPassword)}.run(t,
		"signin", "alice@ocs.test", "--server", s.ready.TLS, "--ca", s.ready.CA)
	require.Equal(t, 16, signedIn.status, signedIn.stderr)
	require.Zero(t, s.end().status)
}

func TestServeOnATakenPortIsAFailureWithARemedy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	r := invocation{}.run(t, "serve", "--listen-tls", l.Addr().String())

	require.Equal(t, 1, r.status)
	require.Contains(t, r.stderr, l.Addr().String())
	require.Contains(t, r.stderr, "port 0")
}

func TestServeThatCannotWriteItsReadyFileFails(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "serve", "--listen-tls", "127.0.0.1:0", "--ready-file", filepath.Join(t.TempDir(), "no-such", "ready.json"))

	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "--ready-file")
}

func TestServeRefusesAFaultThatNothingReaches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, fault, remedy string
		flags               []string
	}{
		{"dns", `{"stage":"dns","action":"silent"}`, "--listen-dns", nil},
		{"proxy", `{"stage":"proxy","action":"silent"}`, "--listen-proxy", nil},
		{"kdc", `{"stage":"kdc","action":"silent"}`, "--auth kerberos", nil},
		{"kdc of no scheme", `{"stage":"kdc","action":"silent"}`, "--auth kerberos", []string{"--listen-kdc", anyPort}},
		{"web", `{"stage":"web","action":"silent"}`, "--auth tls-dsk or --autodiscover", nil},
		{"tcp", `{"stage":"accept","match":{"transport":"tcp"},"action":"reset"}`, "--listen-tcp", nil},
		{"tls", `{"stage":"tls","action":"reset"}`, "--listen-tls", []string{"--listen-tls", "off", "--listen-tcp", anyPort}},
		{"second of two", `[{"stage":"tls","action":"reset"},{"stage":"dns","action":"silent"}]`, "--listen-dns", nil},
		{"none", `[]`, "the array has none", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := invocation{}.run(t, append([]string{"serve", "--fault", test.fault, "--listen-tls", anyPort}, test.flags...)...)

			require.Equal(t, 2, r.status)
			require.Contains(t, r.stderr, test.remedy)
		})
	}
}

func TestServeTakesAFaultOfWhatListens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		stage string
		flags []string
	}{
		{"dns", []string{"--listen-dns", anyPort}},
		{"proxy", []string{"--listen-proxy", anyPort}},
		{"kdc", []string{"--auth", "kerberos"}},
		{"web", []string{"--auth", "tls-dsk"}},
		{"web", []string{"--autodiscover"}},
		{"tls", nil},
	} {
		t.Run(test.stage, func(t *testing.T) {
			t.Parallel()
			s := serve(t, append(test.flags, "--fault", `{"stage":"`+test.stage+`","action":"silent"}`)...)
			require.Zero(t, s.end().status)
		})
	}
}

func TestServeSaysHowToSignInByKerberosAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, "--auth", "kerberos")
	args := []string{"signin", "alice@ocs.test", "--auth", "kerberos", "--dns", s.ready.DNS, "--ca", s.ready.CA}
	signedIn := invocation{env: password(defaultPassword)}.run(t, args...)

	require.Contains(t, s.end().stdout, " ocs "+strings.Join(args, " ")+"\n")
	require.Zero(t, signedIn.status, signedIn.stderr)
	require.Contains(t, signedIn.stdout, "Kerberos")
}

func TestServeSaysHowToGoThroughAProxyWithAPassword(t *testing.T) {
	t.Parallel()
	s := serve(t, "--autodiscover", "--proxy-user", "p x:hidden")
	said := s.end().stdout

	require.Contains(t, said, "HTTPS_PROXY=http://p%20x:PASSWORD@"+s.ready.Proxy+" OCS_PASSWORD=")
	require.Contains(t, said, "--autodiscover --dns "+s.ready.DNS)
	require.NotContains(t, said, "hidden")
}
