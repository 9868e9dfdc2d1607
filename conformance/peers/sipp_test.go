//go:build peers

package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
)

// registrarAnswer is what sipp.xml answers to every REGISTER.
type registrarAnswer struct {
	Status  string   // code and reason
	Headers []string // SIPp fills in its keywords, as in [last_Contact:]
}

// accepted is the answer of a registrar that asks nobody for a password. A REGISTER's own Expires comes back, as
// 0 does at the sign-out.
var accepted = registrarAnswer{"200 OK", []string{"[last_Contact:]", "[last_Expires:]"}}

// sipp is a running SIPp that plays the scenario sipp.xml over TCP.
type sipp struct {
	*process
	address string // host:port of its listener
	log     string // the file that it notes each REGISTER in
}

// startSIPp runs SIPp until the test ends.
func startSIPp(t *testing.T, answer registrarAnswer) *sipp {
	t.Helper()
	dir := scratch(t)
	scenario := filepath.Join(dir, "scenario.xml")
	file, err := os.Create(scenario)
	require.NoError(t, err)
	require.NoError(t, template.Must(template.ParseFiles("sipp.xml")).Execute(file, answer))
	require.NoError(t, file.Close())
	port := freePort(t)
	s := &sipp{address: fmt.Sprintf("127.0.0.1:%d", port), log: filepath.Join(dir, "registers")}
	t.Setenv("TERM", "dumb")
	s.process = start(t, dir, "sipp",
		"-sf", scenario, "-t", "t1", "-i", "127.0.0.1", "-p", fmt.Sprint(port), "-ci", "127.0.0.1",
		"-nostdin", "-trace_logs", "-log_file", s.log)
	s.waitListening(t, s.address)
	return s
}

// registers are the REGISTERs that SIPp had, in order, as sipp.xml notes them.
func (s *sipp) registers(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(s.log)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

const (
	register   = "REGISTER Expires="
	unregister = "REGISTER Expires=0"
)

func TestSIPpWithoutChallengeIsOnlineAndTestsNoPassword(t *testing.T) {
	registrar := startSIPp(t, accepted)
	s := startSignin(t, "alice@ocs.test", password, "--transport", "tcp", "--server", registrar.address)

	require.Equal(t, 0, s.wait(t))
	require.Equal(t, signedIn, s.events())
	require.Equal(t, authentication{Challenged: false, PasswordTested: false}, s.first(t, "Report").Report.Authentication)
	require.Equal(t, []string{register, unregister}, registrar.registers(t))
}

func TestSIPpRefusalIsNamed(t *testing.T) {
	for _, test := range []struct {
		behaviour string
		answer    registrarAnswer
		exit      int
		code      string
	}{
		{
			"version filter, ms-diagnostics",
			registrarAnswer{"403 Forbidden", []string{`ms-diagnostics: 17002;reason="Client version not supported";source="sipp.ocs.test"`}},
			13, "MSGR_E_SERVER_VERSION",
		},
		{
			"version filter, Warning",
			registrarAnswer{"403 Forbidden", []string{`Warning: 310 lcs.microsoft.com "You are currently not using the recommended version of the client"`}},
			13, "MSGR_E_SERVER_VERSION",
		},
		{"unknown user", registrarAnswer{Status: "404 Not Found"}, 14, "MSGR_E_INVALID_PASSWORD"},
		{"not available now", registrarAnswer{Status: "480 Temporarily Unavailable"}, 16, "MSGR_E_SERVER_UNAVAILABLE"},
		{
			"overloaded",
			registrarAnswer{"503 Service Unavailable", []string{"Retry-After: 30"}},
			15, "MSGR_E_SERVER_TOO_BUSY",
		},
		{"out of service", registrarAnswer{Status: "503 Service Unavailable"}, 16, "MSGR_E_SERVER_UNAVAILABLE"},
	} {
		t.Run(test.behaviour, func(t *testing.T) {
			registrar := startSIPp(t, test.answer)
			s := startSignin(t, "alice@ocs.test", password, "--transport", "tcp", "--server", registrar.address)

			require.Equal(t, test.exit, s.wait(t))
			failed := s.first(t, "OnSignin")
			require.Equal(t, test.code, failed.Code)
			require.Equal(t, "register", failed.Stage)
			require.Zero(t, s.first(t, "Report").Report.Authentication)
			require.Equal(t, []string{register}, registrar.registers(t), "a refusal is not asked for again")
		})
	}
}

func TestSIPpRedirectIsFollowed(t *testing.T) {
	home := startSIPp(t, accepted)
	contact := "sip:" + home.address + ";transport=tcp"
	director := startSIPp(t, registrarAnswer{"302 Moved Temporarily", []string{"Contact: <" + contact + ">"}})
	s := startSignin(t, "alice@ocs.test", password, "--transport", "tcp", "--server", director.address)

	require.Equal(t, 0, s.wait(t))
	require.Equal(t, signedIn, s.events())
	require.Equal(t, []string{register}, director.registers(t))
	require.Equal(t, []string{register, unregister}, home.registers(t))

	type redirect struct {
		From    string `json:"from"`
		Status  int    `json:"status"`
		Contact string `json:"contact"`
	}
	var last struct {
		Report struct {
			Redirects []redirect `json:"redirects"`
		} `json:"report"`
	}
	lines := strings.Split(strings.TrimSpace(s.stdout.String()), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	require.Equal(t, []redirect{{director.address, 302, contact}}, last.Report.Redirects)
}
