package dial

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]Proxy{
		"http://proxy.contoso.com":                     {Scheme: HTTP, Host: "proxy.contoso.com", Port: 80},
		"proxy.contoso.com:3128":                       {Scheme: HTTP, Host: "proxy.contoso.com", Port: 3128},
		"https://proxy.contoso.com/":                   {Scheme: HTTPS, Host: "proxy.contoso.com", Port: 443},
		"HTTP://alice:p%40ss@proxy.contoso.com:8080":   {Scheme: HTTP, Host: "proxy.contoso.com", Port: 8080, User: "alice", Password: "p@ss"},
		"http://CONTOSO%5Calice:p:ss@[2001:db8::1]:81": {Scheme: HTTP, Host: "2001:db8::1", Port: 81, User: `CONTOSO\alice`, Password: "p:ss"},
		"socks4://alice@10.0.0.1":                      {Scheme: SOCKS4, Host: "10.0.0.1", Port: 1080, User: "alice"},
		"socks4a://10.0.0.1:9050":                      {Scheme: SOCKS4A, Host: "10.0.0.1", Port: 9050},
		"socks5://alice:secret@10.0.0.1":               {Scheme: SOCKS5, Host: "10.0.0.1", Port: 1080, User: "alice", Password: "secret"},
		"socks5h://10.0.0.1":                           {Scheme: SOCKS5, Host: "10.0.0.1", Port: 1080},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseProxy(text)
			require.NoError(t, err)
			require.Equal(t, want, *got)
		})
	}
}

func TestParseProxySaysWhatIsWrong(t *testing.T) {
	const password = "s3cret"
	for text, want := range map[string]string{
		"":                                                   "no host",
		"ftp://alice:s3cret@proxy":                           `unknown scheme "ftp"`,
		"http://alice:s3cret#@proxy":                         "percent-encoded",
		"http://alice:s3cret/x@proxy":                        "percent-encoded",
		"http://alice:s3cret%zz@proxy":                       "percent-encoded",
		"http://proxy/s3cret":                                "behind host and port",
		"http://alice:s3cret@proxy:0":                        "port",
		"http://alice:s3cret@proxy:65536":                    "port",
		"http://:s3cret@proxy":                               "without a user",
		"http://alice:s3cret@:3128":                          "no host",
		"http://al%0Aice:s3cret@proxy":                       "control character",
		"socks4://alice:s3cret@proxy":                        "no passwords",
		"socks5://alice@proxy":                               "1 to 255",
		"socks5://s3cret:" + strings.Repeat("x", 256) + "@p": "1 to 255",
	} {
		t.Run(want, func(t *testing.T) {
			_, err := ParseProxy(text)
			var e *ocserr.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, ocserr.CauseInvalidProxy, e.Cause)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), password)
		})
	}
}

func TestNoFormOfAProxyShowsThePassword(t *testing.T) {
	p, err := ParseProxy("http://alice:s3cret@proxy.contoso.com:3128")
	require.NoError(t, err)
	asJSON, err := json.Marshal(p)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "proxy", p, "config", Config{Proxy: p})
	for _, form := range []string{p.String(), fmt.Sprintf("%v %+v %#v %s", p, p, *p, *p), string(asJSON), log.String()} {
		require.Contains(t, form, "alice")
		require.NotContains(t, form, "s3cret")
	}
}

func TestFromEnvironment(t *testing.T) {
	for _, test := range []struct {
		name, target, want string
		env                map[string]string
	}{
		{"nothing set", "fe.contoso.com:5061", "", nil},
		{"HTTPS_PROXY", "fe.contoso.com:5061", "http://p:1", map[string]string{"HTTPS_PROXY": "p:1", "ALL_PROXY": "p:2", "HTTP_PROXY": "p:3"}},
		{"lower case first", "fe.contoso.com:5061", "http://p:1", map[string]string{"https_proxy": "http://p:1", "HTTPS_PROXY": "http://p:2"}},
		{"ALL_PROXY", "fe.contoso.com:5061", "socks5://p:1080", map[string]string{"ALL_PROXY": "socks5h://p"}},
		{"HTTP_PROXY is not for tunnels", "fe.contoso.com:5061", "", map[string]string{"HTTP_PROXY": "http://p:3"}},
		{"NO_PROXY names the domain", "fe.contoso.com:5061", "", map[string]string{"HTTPS_PROXY": "p:1", "NO_PROXY": "example.test, .contoso.com"}},
		{"no_proxy names another", "fe.contoso.com:5061", "http://p:1", map[string]string{"HTTPS_PROXY": "p:1", "no_proxy": "example.test"}},
		{"NO_PROXY names the network", "10.1.2.3:443", "", map[string]string{"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}},
		{"NO_PROXY names everything", "fe.contoso.com:5061", "", map[string]string{"ALL_PROXY": "p:1", "NO_PROXY": "*"}},
		{"loopback", "localhost:5061", "", map[string]string{"ALL_PROXY": "p:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := FromEnvironment(func(name string) string { return test.env[name] }, test.target)
			require.NoError(t, err)
			if test.want == "" {
				require.Nil(t, p)
				return
			}
			require.Equal(t, test.want, p.String())
		})
	}
}

func TestFromEnvironmentNamesTheBadVariable(t *testing.T) {
	env := map[string]string{"ALL_PROXY": "http://alice:s3cret%zz@proxy"}
	_, err := FromEnvironment(func(name string) string { return env[name] }, "fe.contoso.com:5061")
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, ocserr.CauseInvalidProxy, e.Cause)
	require.ErrorContains(t, err, "ALL_PROXY")
	require.NotContains(t, err.Error(), "s3cret")
}
