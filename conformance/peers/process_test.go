//go:build peers

package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds each wait for another program: to listen, to answer, to end. A program that is
// well needs a small part of it.
const patience = 30 * time.Second

// process is a program that one test started and owns.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // the file its output goes to
	done chan struct{} // closed when it has ended
}

// scratch makes a folder that lives as long as the test. Its path is short, unlike t.TempDir's,
// because a Unix socket's path may have 107 bytes only.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ocs-peers-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// program finds an installed program, in the administrator's folder too, which is not in every
// user's PATH.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	require.NoErrorf(t, err, "%s must be installed: see the package comment", name)
	return path
}

// start runs a program, by name or path, in the folder dir until the test ends. Its output is shown if the test fails.
func start(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	path := program(t, name)
	name = filepath.Base(path)
	p := &process{
		name: name,
		cmd:  exec.Command(path, args...),
		log:  filepath.Join(dir, name+".log"),
		done: make(chan struct{}),
	}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A group of its own can be killed as a whole; and a test binary that is killed leaves nothing behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // how it ended is in p.cmd.ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said(t))
		}
	})
	return p
}

// stop ends the program by its process id, after a look that the id still is that program's.
func (p *process) stop(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
		t.Errorf("%s ended before the test did: %s", p.name, p.cmd.ProcessState)
		return
	default:
	}
	pid := p.cmd.Process.Pid
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || strings.TrimSpace(string(comm)) != p.name {
		t.Errorf("process %d is not %s: %q %v", pid, p.name, comm, err)
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stopping %s: %v", p.name, err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Errorf("%s ignored SIGTERM", p.name)
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-p.done
	}
}

// said returns what the program has written until now.
func (p *process) said(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(p.log)
	require.NoError(t, err)
	return string(b)
}

// waitListening returns when the program accepts connections at every address.
func (p *process) waitListening(t *testing.T, addresses ...string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for _, address := range addresses {
		for {
			nc, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				require.NoError(t, nc.Close())
				break
			}
			select {
			case <-p.done:
				require.FailNowf(t, "not started", "%s: %s", p.name, p.cmd.ProcessState)
			case <-time.After(20 * time.Millisecond):
			}
			require.Truef(t, time.Now().Before(deadline), "%s does not listen at %s: %v", p.name, address, err)
		}
	}
}

// freePort returns a TCP port of loopback that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
