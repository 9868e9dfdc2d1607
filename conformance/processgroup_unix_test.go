//go:build unix

package conformance

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shellScript is a script as a program under test, which is killed soon.
func shellScript(text string) Client {
	return program{path: "/bin/sh", args: []string{"-c", text}, killAfter: 200 * time.Millisecond}.run
}

// begins tells of a first event: from then on the time to the order to stop counts.
const begins = `echo '{"event":"onMyStatusChange","hr":0,"status":256}'; `

func TestTheOrderToStopWaitsForAProgramToBegin(t *testing.T) {
	const after = 100 * time.Millisecond
	r := Runner{Client: shellScript("sleep 0.4; " + begins + "cat >/dev/null")}
	result := r.Case(t.Context(), Case{ID: "a/slow", Grounds: []Ground{Simulator}, Attempts: []Attempt{{StopAfter: after}}})
	require.Len(t, result.Records, 1, result.Reason)
	record := result.Records[0]
	require.Len(t, record.Events, 1)
	require.GreaterOrEqual(t, record.Stopped.Sub(record.Events[0].At), after)
}

func TestAProgramThatDoesNotEndWhenToldFails(t *testing.T) {
	r := Runner{Client: shellScript(begins + "exec sleep 1000")}
	result := r.Case(t.Context(), Case{ID: "a/hangs", Level: Info, Grounds: []Ground{Simulator}, Attempts: []Attempt{{StopAfter: time.Millisecond}}})
	require.Equal(t, Fail, result.Verdict, result.Reason)
	require.Contains(t, result.Axis(AxisContract).Actual[0], "did not end")
}

func TestWhatAProgramHasStartedEndsWithIt(t *testing.T) {
	for name, text := range map[string]string{
		"it hangs":      begins + "sleep 1000 & wait",
		"it ends":       "sleep 1000 >/dev/null 2>&1 & exit 0",
		"it cannot run": "sleep 1000 >/dev/null & exit 1",
		"it babbles":    "sleep 1000 & echo signing in; wait",
	} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
		held, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		require.NoError(t, err)
		defer held.Close()
		t.Setenv("FIFO", fifo)
		r := Runner{Client: shellScript("exec 9>$FIFO; " + text)}
		r.Case(t.Context(), Case{ID: "a/leaves", Grounds: []Ground{Simulator}, Attempts: []Attempt{{StopAfter: 200 * time.Millisecond}}})
		require.NoError(t, held.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, err = io.ReadAll(held)
		require.NoErrorf(t, err, "%s: its child still has the pipe open", name)
	}
}
