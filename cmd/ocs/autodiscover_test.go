package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// through are the flags that lead a client to autodiscover of a running "ocs serve".
func (s serving) through() []string {
	return []string{"--autodiscover", "--dns", s.ready.DNS, "--proxy", "http://" + s.ready.Proxy, "--ca", s.ready.CA}
}

func TestSigninByAutodiscover(t *testing.T) {
	t.Parallel()
	s := serve(t, "--autodiscover", "--auth", "tls-dsk,ntlm")
	for _, auth := range []string{"auto", "ntlm"} {
		r := invocation{env: password(defaultPassword)}.run(t, append([]string{"signin", "alice@ocs.test", "--auth", auth, "--explain"}, s.through()...)...)

		require.Zero(t, r.status, r.stdout+r.stderr)
		require.Contains(t, r.stdout, "GET   https://server.ocs.test/Autodiscover/AutodiscoverService.svc/root/user: 401, web ticket obtained")
		require.Contains(t, r.stdout, "found by: autodiscover lyncdiscoverinternal.ocs.test")
		require.NotContains(t, r.stdout+r.stderr, "Assertion")
	}
	r := s.end()
	require.Zero(t, r.status)
	require.Contains(t, r.stdout, "ocs signin alice@ocs.test --autodiscover --dns "+s.ready.DNS+" --proxy http://"+s.ready.Proxy+" --ca ")
}

func TestSigninByAutodiscoverAtPort443(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.43.1:443")
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skip("not for everybody on this machine: ", err)
	}
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s := serve(t, "--autodiscover", "--listen-web", "127.0.43.1:443", "--listen-tls", "127.0.43.1:0")
	require.Empty(t, s.ready.Proxy)
	r := invocation{env: password(defaultPassword)}.run(t, "signin", "alice@ocs.test", "--autodiscover", "--dns", s.ready.DNS, "--ca", s.ready.CA, "--explain")

	require.Zero(t, r.status, r.stdout+r.stderr)
	require.Contains(t, r.stdout, "found by: autodiscover lyncdiscoverinternal.ocs.test")
	require.Zero(t, s.end().status)
}

func TestSigninWithAPasswordThatTheTicketServiceRejects(t *testing.T) {
	t.Parallel()
	s := serve(t, "--autodiscover")
	r := invocation{env: password("hunter2")}.run(t, append([]string{"signin", "alice@ocs.test"}, s.through()...)...)

	require.Equal(t, 14, r.status, r.stdout+r.stderr)
	require.Contains(t, r.stderr, "where      stage resolve")
	require.Contains(t, r.stderr, "password   was tested")
	require.NotContains(t, r.stdout, "CONNECTING")
	require.NotContains(t, r.stdout+r.stderr, "hunter2")
	require.Zero(t, s.end().status)
}

func TestDiscoverSaysWhyAutodiscoverGaveNoAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, "--autodiscover")
	r := invocation{}.run(t, "discover", "ocs.test", "--autodiscover", "--dns", s.ready.DNS, "--proxy", "http://"+s.ready.Proxy)

	require.Contains(t, r.stdout, "no answer: the server's certificate comes from an authority that is not trusted here")
	require.Contains(t, r.stdout, "--ca FILE trusts")
}

func TestDiscoverByAutodiscover(t *testing.T) {
	t.Parallel()
	s := serve(t, "--autodiscover")
	const document = "GET   https://server.ocs.test/Autodiscover/AutodiscoverService.svc/root/user "
	nobody := func(context.Context, string) (string, error) { return "", errors.New("a person was asked") }
	for _, test := range []struct {
		name   string
		who    string
		flags  []string
		env    string
		prompt func(context.Context, string) (string, error)
		want   int
		says   []string
	}{
		{"with the password", "alice@ocs.test", nil, defaultPassword, nobody, 0, []string{document + "401, web ticket obtained", "1. server.ocs.test:", ": autodiscover lync"}},
		{"sip: before the address", "SIP:alice@ocs.test", nil, defaultPassword, nobody, 0, []string{document + "401, web ticket obtained"}},
		{"with another login name", "alice@ocs.test", []string{"--user", `OCS\alice`}, defaultPassword, nobody, 0, []string{"web ticket obtained"}},
		{"a person who wants to be somebody is asked", "alice@ocs.test", []string{"--user", "alice"}, "", asked(defaultPassword), 0, []string{"web ticket obtained"}},
		{"nobody is asked", "alice@ocs.test", nil, "", nobody, 0, []string{document + "401, no web ticket: auth: neither name and password nor a Kerberos ticket is given", ": SRV "}},
		{"of a domain alone", "ocs.test", nil, defaultPassword, nobody, 0, []string{document + "401, no web ticket: auth: neither name"}},
		{"for a domain alone", "ocs.test", []string{"--user", "alice"}, defaultPassword, nobody, 0, []string{document + "401, no web ticket: ocauthws: a ticket is for a user"}},
		{"with a wrong password", "alice@ocs.test", nil, "hunter2", nobody, 14, []string{document + "401, no web ticket: MSGR_E_INVALID_PASSWORD", "password   was tested"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := invocation{env: password(test.env), prompt: test.prompt}.run(t, append(append([]string{"discover", test.who}, s.through()...), test.flags...)...)

			require.Equal(t, test.want, r.status, r.stdout+r.stderr)
			for _, text := range test.says {
				require.Contains(t, r.stdout+r.stderr, text)
			}
			require.NotContains(t, r.stdout+r.stderr, "hunter2")
		})
	}
	require.Zero(t, s.end().status)
}

func TestDiscoverWithoutAutodiscoverNeedsNoPassword(t *testing.T) {
	t.Parallel()
	srv := startServer(t, nil)
	r := invocation{}.run(t, "discover", "alice@ocs.test", "--dns", srv.DNSAddr(), "--user", "alice")

	require.Zero(t, r.status, r.stderr)
}

func TestDiscoverFlagsThatAreWrong(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"discover a@ocs.test --proxy gopher://proxy":                     `"gopher"`,
		"discover a@ocs.test --ca no-such.pem":                           "--ca",
		"discover a@ocs.test --autodiscover --password-file no-such.txt": "--password-file",
		"discover a@ocs.test --autodiscover --user alice":                "$OCS_PASSWORD",
		"serve --autodiscover --listen-tls off --listen-tcp 127.0.0.1:0": "--autodiscover needs --listen-tls",
		"serve --autodiscover --listen-tls 127.0.0.1:0 --listen-web off": "--autodiscover needs",
	} {
		r := invocation{}.run(t, strings.Fields(args)...)

		require.Equal(t, 2, r.status, args)
		require.Empty(t, r.stdout)
		require.Contains(t, r.stderr, says)
	}
}
