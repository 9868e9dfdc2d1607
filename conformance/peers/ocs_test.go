//go:build peers

package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ocsProgram is the ocs program under test, built by TestMain.
var ocsProgram string

// TestMain builds ocs anew, so that no test sees an old one, and runs the tests.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ocs-peers-")
	if err != nil {
		log.Fatal(err)
	}
	ocsProgram = filepath.Join(dir, "ocs")
	status := 1
	if out, err := exec.Command("go", "build", "-o", ocsProgram, "github.com/ocsgo/ocs/cmd/ocs").CombinedOutput(); err != nil {
		log.Printf("building ocs: %v\n%s", err, out)
	} else {
		status = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	os.Exit(status)
}

// line is one line of `ocs signin --output json`.
type line struct {
	Schema string  `json:"schema"`
	Event  string  `json:"event"`
	T      float64 `json:"t_ms"`
	Code   string  `json:"code"`
	Status string  `json:"status"`
	Stage  string  `json:"stage"`
	Detail string  `json:"detail"`
	Report report  `json:"report"`
}

// report is the part of the Report that the tests read.
type report struct {
	Error struct {
		Cause   string `json:"cause"`
		Message string `json:"message"`
	} `json:"error"`
	Tries []struct {
		TLS *tlsReport `json:"tls"`
	} `json:"tries"`
	Authentication authentication `json:"authentication"`
}

type tlsReport struct {
	Version  string   `json:"version"`
	Verified bool     `json:"verified"`
	Legacy   []string `json:"legacy"`
}

type authentication struct {
	Challenged     bool   `json:"challenged"`
	Scheme         string `json:"scheme"`
	PasswordTested bool   `json:"password_tested"`
	ServerVerified bool   `json:"server_verified"`
}

// String is the event with its code and status, the part of a line that a test can foretell.
func (l line) String() string {
	return strings.Join(strings.Fields(l.Event+" "+l.Code+" "+l.Status), " ")
}

// signin is one run of `ocs signin --output json`.
type signin struct {
	cmd            *exec.Cmd
	password       string
	lines          *bufio.Scanner // of stdout
	stdout, stderr bytes.Buffer   // what was read until now
	transcript     string         // the file
	read           []line
}

// startSignin runs `ocs signin` with a sign-in name, the password in the environment (empty: none), and flags.
func startSignin(t *testing.T, name, password string, flags ...string) *signin {
	t.Helper()
	s := &signin{password: password, transcript: filepath.Join(scratch(t), "transcript")}
	args := append([]string{"signin", name, "--output", "json", "--transcript", s.transcript}, flags...)
	s.cmd = exec.Command(ocsProgram, args...)
	s.cmd.Env = append(os.Environ(), "OCS_PASSWORD="+password)
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.lines = bufio.NewScanner(io.TeeReader(stdout, &s.stdout))
	s.lines.Buffer(nil, 1<<20)
	require.NoError(t, s.cmd.Start())
	limit := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	t.Cleanup(func() {
		limit.Stop()
		_ = s.cmd.Process.Kill() // it has ended, unless the test failed
		_ = s.cmd.Wait()
		if t.Failed() {
			transcript, _ := os.ReadFile(s.transcript)
			t.Logf("ocs %q said:\n%s%stranscript:\n%s", args, &s.stdout, &s.stderr, transcript)
		}
	})
	return s
}

// readTo reads lines up to the wanted event; an empty one means all.
func (s *signin) readTo(t *testing.T, event string) {
	t.Helper()
	for s.lines.Scan() {
		var l line
		require.NoErrorf(t, json.Unmarshal(s.lines.Bytes(), &l), "%q", s.lines.Text())
		require.Equal(t, "ocs/1", l.Schema)
		s.read = append(s.read, l)
		if l.String() == event {
			return
		}
	}
	require.NoError(t, s.lines.Err())
	require.Emptyf(t, event, "ocs ended before it said so; it said %q", s.events())
}

// interrupt sends SIGINT, as Ctrl-C does.
func (s *signin) interrupt(t *testing.T) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
}

// wait reads the rest and returns the exit status. Whatever came out, the password must not be in it.
func (s *signin) wait(t *testing.T) int {
	t.Helper()
	s.readTo(t, "")
	_ = s.cmd.Wait() // a failing exit status is an answer here
	transcript, err := os.ReadFile(s.transcript)
	require.NoError(t, err)
	for _, output := range []string{s.stdout.String(), s.stderr.String(), string(transcript)} {
		if s.password != "" {
			require.NotContains(t, output, s.password)
		}
	}
	return s.cmd.ProcessState.ExitCode()
}

// events are the lines as a test can foretell them.
func (s *signin) events() []string {
	var events []string
	for _, l := range s.read {
		events = append(events, l.String())
	}
	return events
}

// first returns the first line of an event.
func (s *signin) first(t *testing.T, event string) line {
	t.Helper()
	i := slices.IndexFunc(s.read, func(l line) bool { return l.Event == event })
	require.NotEqualf(t, -1, i, "no %s in %q", event, s.events())
	return s.read[i]
}
