package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ocsgo/ocs/conformance/server"
)

func TestMain(m *testing.M) {
	os.Setenv("COLUMNS", "100") // the width of help
	goleak.VerifyTestMain(m)
}

// invocation is one run of the program in process. Its zero value has no environment, an empty standard
// input and nobody at a terminal.
type invocation struct {
	ctx    context.Context // nil: the test's
	stdin  string
	env    map[string]string
	prompt func(context.Context, string) (string, error)
	watch  func(stdout string) // called after every write to stdout, with all of it
}

// result is what came of it.
type result struct {
	status         int
	stdout, stderr string
}

func (i invocation) run(t *testing.T, args ...string) result {
	t.Helper()
	if i.ctx == nil {
		i.ctx = t.Context()
	}
	var stderr bytes.Buffer
	stdout := &watched{watch: i.watch}
	status := run(i.ctx, args, &streams{
		in: strings.NewReader(i.stdin), out: &output{Writer: stdout}, err: &stderr, prompt: i.prompt,
		env: func(name string) (string, bool) { value, ok := i.env[name]; return value, ok },
	})
	return result{status, stdout.text.String(), stderr.String()}
}

// watched is a standard output that a test looks at while it is written.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	watch func(string)
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.watch != nil {
		w.watch(w.text.String())
	}
	return len(p), nil
}

// once makes a watch that calls f when text is first seen.
func once(text string, f func()) func(string) {
	var once sync.Once
	return func(stdout string) {
		if strings.Contains(stdout, text) {
			once.Do(f)
		}
	}
}

// startServer runs a test server for alice on loopback: TLS and DNS.
func startServer(t *testing.T, change func(*server.Config)) *server.Server {
	t.Helper()
	cfg := server.Config{
		Users:     []server.User{{Name: "alice", Password: "wonderland"}},
		ListenTLS: "127.0.0.1:0", ListenDNS: "127.0.0.1:0",
	}
	if change != nil {
		change(&cfg)
	}
	srv, err := server.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	return srv
}

// authorityOf writes the certificate of a server's authority to a file.
func authorityOf(t *testing.T, srv *server.Server) string { return writeFile(t, "ca.pem", srv.CAPEM()) }

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestUsageErrorsNameTheValueAndTheRemedy(t *testing.T) {
	t.Parallel()
	noCertificate := writeFile(t, "empty.pem", []byte("no certificate"))
	for _, test := range []struct {
		args string
		says []string
	}{
		{"sigin", []string{"sigin", `did you mean "signin"?`, `Run "ocs --help"`}},
		{"signin", []string{"<sign-in-name>", `Run "ocs signin --help"`}},
		{"signin a@ocs.test b@ocs.test", []string{"b@ocs.test"}},
		{"signin a@ocs.test --servr x", []string{"--servr", `did you mean "--server"?`, `Run "ocs signin --help"`}},
		{"signin a@ocs.test --password x", []string{"--password", `did you mean "--password-file"?`}},
		{"signin a@ocs.test --proxy gopher://proxy.ocs.test", []string{"proxy", `"gopher"`, "socks5"}},
		{"signin a@ocs.test --ccache no-such", []string{"--ccache", "no-such"}},
		{"signin a@ocs.test --keytab no-such", []string{"--keytab", "no-such"}},
		{"signin a@ocs.test --keytab a --ccache b", []string{"--keytab", "--ccache"}},
		{"signin a@ocs.test --server-check new", []string{"--server-check", `"new"`, `"strict"`}},
		{"signin a@ocs.test --server", []string{"--server", "a value must follow"}},
		{"signin a@ocs.test --transport udp", []string{"--transport", `"udp"`, `"tls"`}},
		{"signin a@ocs.test --auth basic", []string{"--auth", `"basic"`, `"ntlm"`}},
		{"signin a@ocs.test --policy windows", []string{"--policy", `"windows"`, `"resilient"`}},
		{"signin a@ocs.test --output xml", []string{"--output", `"xml"`, `"json"`}},
		{"signin a@ocs.test --server=", []string{"--server", "leave it out"}},
		{"signin a@ocs.test --user=", []string{"--user", "leave it out"}},
		{"serve --user=", []string{"--user", "leave it out"}},
		{"codes -99999999999", []string{`"-99999999999"`, `"ocs codes" lists all`}},
		{"codes 81000306", []string{"did you mean 0x81000306?"}},
		{"signin mailto:a@ocs.test", []string{`"mailto:a@ocs.test"`, "':'", "alice@contoso.com"}},
		{"signin a;x=y@ocs.test", []string{`"a;x=y@ocs.test"`, "';'"}},
		{"signin a@ocs.test.", []string{`"ocs.test."`}},
		{`signin a@ocs.test --user a\b\c`, []string{"backslashes", `DOMAIN\name`}},
		{"signin a@ocs.test --proxy http://p:99999", []string{"--proxy", `"99999"`, "65535"}},
		{"signin a@ocs.test --password-file /dev/null --transcript -", []string{"--transcript", "name a file"}},
		{"serve --listen-tls 127.0.0.1:99999", []string{"--listen-tls", "127.0.0.1:99999", "127.0.0.1:0"}},
		{"serve --listen-tls 127.0.0.1:0 --listen-management off --ready-file no-such/ready", []string{"--ready-file", "no-such"}},
		{"signin alice", []string{`"alice"`, "alice@contoso.com"}},
		{"signin @ocs.test", []string{`"@ocs.test"`, "alice@contoso.com"}},
		{"signin a@ocs.test --server a:b:c", []string{`"a:b:c"`}},
		{"signin a@ocs.test --server sip:a", []string{`"sip:a"`, "host:port"}},
		{"signin a@ocs.test --status asleep", []string{"asleep", "do-not-disturb"}},
		{"signin a@ocs.test --status idle", []string{"idle", "cannot be set", "do-not-disturb"}},
		{"signin a@ocs.test --ca no-such.pem", []string{"--ca", "no-such.pem"}},
		{"signin a@ocs.test --ca " + noCertificate, []string{"--ca", noCertificate, "PEM"}},
		{"signin a@ocs.test", []string{"--password-file", "$OCS_PASSWORD", "terminal"}},
		{"signin a@ocs.test --password-file no-such.txt", []string{"--password-file", "no-such.txt"}},
		{"signin a@ocs.test --password-file - --transcript no-such/dir", []string{"--transcript", "no-such/dir"}},
		{"signin a@ocs.test --password-file - --keylog no-such/dir", []string{"--keylog", "no-such/dir"}},
		{"discover", []string{"<domain>", `Run "ocs discover --help"`}},
		{"discover a..b", []string{"a..b"}},
		{"codes MSGR_E_CONECT", []string{`"MSGR_E_CONECT"`, "MSGR_E_CONNECT"}},
		{"codes 0x8100FFFF", []string{"0x8100FFFF", "ocs codes"}},
		{"codes -1", []string{"0xFFFFFFFF", "-1"}},
		{"serve extra", []string{"extra", `Run "ocs serve --help"`}},
		{"serve --listen-tls 5061", []string{"--listen-tls", `"5061"`, "127.0.0.1:0"}},
		{"serve --listen-tls off", []string{"--listen-tls", "--listen-tcp"}},
		{"serve --user bob", []string{"--user", `"bob"`, "name:password"}},
		{"serve --user a:1 --user A:2 --listen-tls 127.0.0.1:0", []string{`"a"`, "twice"}},
		{"serve --auth ntlm,basic", []string{"--auth", `"basic"`, "ntlm", "digest"}},
		{`serve --fault {"stage":"lunch"}`, []string{"--fault", `"lunch"`, "register"}},
		{`serve --fault {`, []string{"--fault", `"{"`}},
		{"serve --proxy-user p", []string{"--proxy-user", `"p"`, "name:password"}},
		{"serve --keytab no-such", []string{"--keytab", "no-such"}},
		{"serve --cert cert.pem", []string{"--key is missing"}},
		{"serve --key key.pem", []string{"--cert is missing"}},
		{"serve --cert no-such.pem --key no-such.key", []string{"--cert", "no-such.pem"}},
		{"serve --domain a..b --listen-tls 127.0.0.1:0", []string{`"a..b"`}},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			r := invocation{}.run(t, strings.Fields(test.args)...)

			require.Equal(t, 2, r.status)
			require.Empty(t, r.stdout)
			for _, text := range test.says {
				require.Contains(t, r.stderr, text)
			}
		})
	}
}

func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"--help"}, []string{"ocs demo", "ocs signin alice@contoso.com", "discover", "serve", "codes"}},
		{[]string{"demo", "--help"}, []string{"ocs demo --output json", "Exit status:"}},
		{[]string{"signin", "--help"}, []string{"ocs signin alice@contoso.com", "Exit status:", "130  MSGR_E_CANCEL", "$OCS_PASSWORD"}},
		{[]string{"discover", "--help"}, []string{"ocs discover contoso.com", "Exit status 10"}},
		{[]string{"serve", "--help"}, []string{"ocs serve --fault", defaultUser + ":" + defaultPassword}},
		{[]string{"codes", "--help"}, []string{"ocs codes 0x81000306"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			r := invocation{}.run(t, test.args...)

			require.Zero(t, r.status)
			require.Empty(t, r.stderr)
			for _, text := range test.says {
				require.Contains(t, r.stdout, text)
			}
		})
	}
}

func TestWithoutArgumentsHelpIsShownAsAUsageError(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t)

	require.Equal(t, 2, r.status)
	require.Contains(t, r.stdout, "First use:")
}

func TestStandardOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"codes"}, &streams{out: &output{Writer: brokenWriter{}}, err: &stderr})

	require.Equal(t, 1, status)
	require.Equal(t, "ocs: standard output: no space left\n", stderr.String())
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }
