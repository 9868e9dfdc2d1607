package conformance

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

// write writes a file of the test's own.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), mode))
	return file
}

func TestProfileKeepsThePasswordElsewhere(t *testing.T) {
	secret := write(t, "password", "hunter2\r\n", 0o600)
	p, err := ReadProfile(write(t, "p.json", `{"name":"lab","sign_in_name":"alice@contoso.com","password_file":"`+secret+`","claims":["ntlm"]}`, 0o644))
	require.NoError(t, err)
	require.Equal(t, "hunter2", p.settings(Settings{}, true).Password)
	require.Empty(t, p.lacks(NeedNTLM))
	require.NotContains(t, string(mustJSON(t, p)), "hunter2")

	t.Setenv("OCS_TEST_PROFILE_PASSWORD", "from the environment")
	p, err = ReadProfile(write(t, "p.json", `{"sign_in_name":"alice@contoso.com","password_env":"OCS_TEST_PROFILE_PASSWORD","claims":[]}`, 0o644))
	require.NoError(t, err)
	require.Equal(t, "from the environment", p.settings(Settings{}, true).Password)
}

func TestProfilesThatAreRefused(t *testing.T) {
	public, empty := write(t, "public", "hunter2", 0o644), write(t, "empty", "", 0o600)
	for text, want := range map[string]string{
		`{"sign_in_name":"alice","password_env":"X"}`:                              "not user@domain",
		`{"sign_in_name":"a@b"}`:                                                   "password_file or password_env",
		`{"sign_in_name":"a@b","password_file":"x","password_env":"X"}`:            "password_file or password_env",
		`{"sign_in_name":"a@b","password":"hunter2"}`:                              `unknown field "password": known are name, sign_in_name, user`,
		`{"sign_in_name":"a@b","password_env":"X","claims":["ntlm","nlmt"]}`:       `claim "nlmt" is unknown: known are ntlm, digest`,
		`{"sign_in_name":"a@b","password_env":"X","claims":["NTLM"]}`:              `claim "NTLM" is unknown`,
		`{"sign_in_name":"a@b","password_env":"X","claims":["engine"]}`:            `claim "engine" is unknown`,
		`{"sign_in_name":"a@b","password_env":"X","claims":["server"]}`:            `"server" is not claimed: set server instead`,
		`{"sign_in_name":"a@b","password_env":"X","claims":["disabled-user"]}`:     "set disabled_sign_in_name instead",
		`{"sign_in_name":"a@b","password_env":"X","transport":"udp"}`:              `transport "udp" is unknown: use tls or tcp`,
		`{"sign_in_name":"a@b","password_env":"X"} {}`:                             "more text",
		`{"sign_in_name":"a@b","password_file":"` + public + `"}`:                  "can be read by others",
		`{"sign_in_name":"a@b","password_file":"` + empty + `"}`:                   "is empty",
		`{"sign_in_name":"a@b","password_env":"OCS_TEST_NO_SUCH_VARIABLE"}`:        "is empty",
		`{"sign_in_name":"a@b","password_file":"` + empty + `-that-is-not-there"}`: "no such file",
	} {
		_, err := ReadProfile(write(t, "p.json", text, 0o644))
		require.ErrorContains(t, err, want, text)
	}
}

func TestWhatAProfileLacksIsNamedByItsKey(t *testing.T) {
	var p Profile
	require.Equal(t, "needs server: set server in the profile", p.lacks(NeedServer))
	require.Equal(t, "needs disabled-user: set disabled_sign_in_name in the profile", p.lacks(NeedDisabledUser))
	require.Equal(t, "needs kerberos, which is not claimed", p.lacks(NeedKerberos))
	p = Profile{Server: "server", DisabledSignInName: "bob@ocs.test", Claims: []Need{NeedKerberos}}
	for _, n := range []Need{NeedServer, NeedDisabledUser, NeedKerberos} {
		require.Empty(t, p.lacks(n))
	}
}

// lab is a real server, as far as the suite can tell: one of our own that it only knows by its profile.
func lab(t *testing.T) (*server.Server, *Runner) {
	t.Helper()
	srv, err := server.Start(server.Config{
		ListenTLS: "127.0.0.1:0", Users: []server.User{{Name: "alice", Password: "hunter2"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	t.Setenv("OCS_TEST_PROFILE_PASSWORD", "hunter2")
	ca := write(t, "ca.pem", string(srv.CAPEM()), 0o644)
	p, err := ReadProfile(write(t, "p.json", `{"name":"lab","sign_in_name":"alice@ocs.test","password_env":"OCS_TEST_PROFILE_PASSWORD",
		"server":"`+srv.TLSAddr()+`","ca_file":"`+ca+`","claims":["ntlm"]}`, 0o644))
	require.NoError(t, err)
	return srv, &Runner{Ground: Real, Profile: p, Pause: -1}
}

// realCases are cases as the catalogue has them for real servers.
func realCases() []Case {
	any := []Ground{Real}
	return []Case{
		{ID: "a/sign-in", Level: Must, Grounds: any, Attempts: []Attempt{{Expect: []Outcome{{}}}}},
		{ID: "a/wrong-password", Level: Must, Grounds: any, Risk: RiskLockout, Attempts: []Attempt{{Client: Settings{Password: WrongPassword}}}},
		{ID: "a/publish", Level: Must, Grounds: any, Risk: RiskWrites, Attempts: []Attempt{{Live: func(context.Context, *World) error { return nil }}}},
		{ID: "a/kerberos", Level: Must, Grounds: any, Needs: []Need{NeedKerberos}, Attempts: []Attempt{{}}},
		{ID: "a/faults", Level: Must, Grounds: []Ground{Virtual, Simulator}, Attempts: []Attempt{{}}},
	}
}

func TestARealServerIsTreatedGently(t *testing.T) {
	srv, runner := lab(t)
	plan, logOns := runner.Plan(realCases())
	require.Equal(t, 1, logOns)
	require.Len(t, plan, 5)
	require.Empty(t, plan[0].Skipped)
	require.Contains(t, plan[1].Skipped, "--allow-lockout")
	require.Contains(t, plan[2].Skipped, "--allow-write")
	require.Contains(t, plan[3].Skipped, "kerberos")
	require.Contains(t, plan[4].Skipped, "ground R")
	require.Empty(t, srv.History(), "a plan touches nothing")

	results := runner.Run(t.Context(), realCases(), nil)
	require.Equal(t, Pass, results[0].Verdict, results[0].Actual())
	for _, r := range results[1:] {
		require.Equal(t, Skip, r.Verdict)
	}
	require.Zero(t, srv.Rejected("alice"), "no wrong password was sent")
}

func TestAWrongPasswordIsSentOnlyWhereItIsAllowed(t *testing.T) {
	srv, runner := lab(t)
	runner.Profile.AllowLockout = true
	runner.Run(t.Context(), realCases(), nil)
	require.Equal(t, 1, srv.Rejected("alice"))
}

func TestARejectedPasswordOfTheProfileIsSentOnce(t *testing.T) {
	twice := func(ctx context.Context, w *World) (*Record, error) {
		r, err := w.SignIn(ctx)
		if err == nil {
			var again *Record
			again, err = w.SignIn(ctx)
			r.Then(again)
		}
		return r, err
	}
	for name, attempts := range map[string][]Attempt{
		"in other cases":       {{}},
		"in the same case":     {{Name: "one"}, {Name: "two"}},
		"in the same attempt":  {{Run: twice}},
		"to record what it is": {{Expect: []Outcome{{Code: ocserr.InvalidPassword}}}},
	} {
		srv, runner := lab(t)
		runner.Profile.password = "hunter3"
		runner.Profile.AllowLockout = true
		first := Case{ID: "a/first", Level: Info, Grounds: []Ground{Real}, Attempts: attempts}
		results := runner.Run(t.Context(), append([]Case{first}, realCases()[:2]...), nil)
		require.Equal(t, 1, srv.Rejected("alice"), name)
		require.True(t, results[0].Bad(), name)
		for _, r := range results[1:] {
			require.Equal(t, Skip, r.Verdict, name)
			require.Contains(t, r.Reason, "the server rejected", name)
		}
	}
}

func TestAWrongPasswordThatACaseSendsStopsNothing(t *testing.T) {
	_, runner := lab(t)
	runner.Profile.AllowLockout = true
	cases := realCases()
	results := runner.Run(t.Context(), []Case{cases[1], cases[0]}, nil)
	require.Equal(t, Pass, results[1].Verdict, results[1].Actual())
}

func TestTheUnknownUserIsOneOfTheServersDomain(t *testing.T) {
	_, runner := lab(t)
	s := runner.Profile.settings(Settings{SignInName: Unknown, Password: WrongPassword}, true)
	require.Regexp(t, `^ocs-conformance-nobody-[a-z2-7]{8}@ocs\.test$`, s.SignInName)
	require.Contains(t, s.SignInName, runner.Profile.Run)
	require.Empty(t, s.User, "the profile's log-on name is somebody else's")
}

func TestTheRunIsNamedInTheUserAgent(t *testing.T) {
	srv, runner := lab(t)
	runner.Run(t.Context(), realCases()[:1], nil)
	registers := srv.Messages(func(r server.Record) bool { return r.Method == "REGISTER" && !r.Sent })
	require.NotEmpty(t, registers)
	for _, m := range registers {
		require.Equal(t, signin.DefaultUserAgent+" (conformance run "+runner.Profile.Run+")", Header(m, "User-Agent"))
	}
}

func TestAUserAgentThatMattersIsLeftAlone(t *testing.T) {
	p := Profile{Run: "abc"}
	require.Equal(t, "OC/2.0", p.settings(Settings{UserAgent: "OC/2.0"}, true).UserAgent, "of the case")
	require.Empty(t, p.settings(Settings{}, false).UserAgent, "of a client that has its own")
	p.UserAgent = "UCCAPI/2.0"
	require.Equal(t, "UCCAPI/2.0 (conformance run abc)", p.settings(Settings{}, false).UserAgent, "of the profile")
}

func TestLogOnsToARealServerAreSpaced(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 3 * time.Second: 6 * time.Second, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			twice := func(ctx context.Context, w *World) (*Record, error) {
				_, err := w.SignIn(ctx)
				require.NoError(t, err)
				return w.SignIn(ctx)
			}
			r := Runner{Ground: Real, Client: failing(ocserr.Unexpected), Profile: &Profile{SignInName: "alice@ocs.test"}, Pause: pause}
			r.Run(t.Context(), []Case{
				{ID: "a/one", Grounds: []Ground{Real}, Attempts: []Attempt{{}}},
				{ID: "a/two", Grounds: []Ground{Real}, Attempts: []Attempt{{Run: twice}}},
			}, nil)
			require.Equal(t, want, time.Since(begun))
		})
	}
}
