// Package signintest lets programs that embed signin test how they take a sign-in's outcome, without a server
// and without a network, in one line:
//
//	client, err := signin.New(signintest.Failing(t, ocserr.InvalidPassword))
//
// What fails, fails for a real cause: an OCS-compatible server in memory, or the lack of one, brings it about,
// so events, errors and reports are those of a real failure. Everything works in a testing/synctest bubble.
package signintest

import (
	"context"
	"net"
	"syscall"
	"testing"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

// Config is the configuration of alice@ocs.test, who signs in to a server of her own in memory. The server has
// the given faults and ends with the test.
func Config(t testing.TB, faults ...server.Fault) signin.Config {
	t.Helper()
	srv, err := server.Start(server.Config{Users: []server.User{{Name: "alice", Password: "secret"}}, Faults: faults})
	if err != nil {
		t.Fatalf("signintest: %v", err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return signin.Config{
		SignInName: "alice@ocs.test", Credentials: signin.Password{Secret: "secret"},
		Dial: srv.Dial, Exchange: srv.Exchange, DNS: "127.0.0.1", Roots: srv.CA(), Hostname: "signintest",
	}
}

// Failing is a configuration whose sign-in ends with OnSignin(code). Any of the documented failures can be
// asked for but Cancel, which is the caller's own act: end the context of SignIn. LogonTimeout takes its 15
// seconds: ask for it in a testing/synctest bubble.
func Failing(t testing.TB, code ocserr.Code) signin.Config {
	t.Helper()
	switch code {
	case ocserr.InvalidServerName:
		return Config(t, server.Fault{Stage: server.StageDNS, Action: server.ActionNXDomain})
	case ocserr.Connect:
		cfg := Config(t)
		cfg.Dial = func(_ context.Context, network, _ string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return cfg
	case ocserr.LogonTimeout:
		return Config(t, server.Fault{Stage: server.StageRegister, Action: server.ActionSilent})
	case ocserr.ServerVersion:
		return Config(t, answer(403, "ms-diagnostics", `17002;reason="Invalid protocol client version."`))
	case ocserr.InvalidPassword:
		cfg := Config(t)
		cfg.Credentials.Secret = "wrong"
		return cfg
	case ocserr.ServerTooBusy:
		return Config(t, answer(503, "Retry-After", "30"))
	case ocserr.ServerUnavailable:
		return Config(t, answer(503, "", ""))
	case ocserr.Unexpected:
		return Config(t, answer(500, "", ""))
	default:
		t.Fatalf("signintest: %s is not a failure that a sign-in can be made to end with", code.Name())
		return signin.Config{}
	}
}

// answer makes the server answer every REGISTER with a status and a header.
func answer(status int, header, value string) server.Fault {
	f := server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: status}
	if header != "" {
		f.Headers = map[string]string{header: value}
	}
	return f
}
