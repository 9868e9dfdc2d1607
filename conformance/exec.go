package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/ocsgo/ocs/signin"
)

// The shim protocol lets any program be the program under test. The runner starts it once for a sign-in:
//
//   - its standard input gets the Settings as one line of JSON, and then stays open; its end is the order to
//     stop: to cancel before a server accepted, to sign out after;
//   - on its standard output it writes each event as one line of JSON, as soon as it happens:
//     {"event":"onMyStatusChange","hr":0,"status":256}, {"event":"onSignin","hr":-2130705663},
//     {"event":"ready"}, {"event":"onSignout"}; hr is a signed number, or instead of it "code" is a name; "stage",
//     "cause", "detail" and "message" may say more. Words of its own are translated by ErrorNames;
//   - its exit status is 0 when it ran to the end, whatever the sign-in came to; 89 when it does not have
//     what the settings ask for; anything else when it could not run. What it writes to standard error is
//     quoted then.
//
// A program that does not end when it is told to, or writes more than the bounds below, is killed with all that
// it has started: its case fails.
const (
	exitRan           = 0
	exitUnimplemented = 89
)

// The bounds of what one sign-in may write: a program that goes beyond them is stopped, and its case fails.
const (
	maxLine   = 1 << 20 // of an event
	maxEvents = 10_000
	maxOutput = 16 << 20 // all events together
)

// maxErrors is how much of the end of standard error is kept, to be quoted.
const maxErrors = 4 << 10

// killAfter is how long a program has to end once it is told to stop; it is longer than any limit of a
// sign-out.
const killAfter = 40 * time.Second

// abandonAfter is how long output is waited for that something else keeps open when the program has ended.
const abandonAfter = 2 * time.Second

// Exec returns a Client that runs a program with arguments, once for each sign-in. What the program starts ends
// with it. names translate its words.
func Exec(names ErrorNames, path string, args ...string) Client {
	return program{path, args, names, killAfter}.run
}

// program is a program under test.
type program struct {
	path      string
	args      []string
	names     ErrorNames
	killAfter time.Duration
}

func (p program) run(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
	order, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.WaitDelay = abandonAfter
	leadGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	events, stdout := io.Pipe()
	said := &tail{limit: maxErrors}
	cmd.Stdout, cmd.Stderr = stdout, said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var overdue atomic.Bool
	ended := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() {
		_ = stdin.Close()
		select {
		case <-time.After(p.killAfter):
			overdue.Store(true)
			killGroup(cmd)
		case <-ended:
		}
	})
	heard := make(chan error, 1)
	go func() {
		err := p.readEvents(events, tell)
		if err != nil {
			killGroup(cmd)
		}
		_ = events.Close()
		heard <- err
	}()
	_, wrote := stdin.Write(append(order, '\n'))
	err = cmd.Wait()
	close(ended)
	stopped()
	killRest(cmd)
	_ = stdin.Close()
	_ = stdout.Close()
	read := <-heard
	if overdue.Load() {
		read = fmt.Errorf("%w: it did not end within %s of being told to stop, and was killed", ErrRunaway, p.killAfter)
	}
	return nil, shimError(p.path, cmd.ProcessState.ExitCode(), read, errors.Join(wrote, err), said.String())
}

// shimError makes an error of how a program ended; nil where it ran to the end.
func shimError(path string, status int, read, other error, said string) error {
	if said != "" {
		said = ": " + said
	}
	switch {
	case read != nil:
		return fmt.Errorf("%s: %w%s", path, read, said)
	case status == exitRan:
		return nil
	case status == exitUnimplemented:
		return fmt.Errorf("%s: %w%s", path, ErrUnimplemented, said)
	}
	return fmt.Errorf("%s: %w%s", path, other, said)
}

// readEvents reads a program's events to their end, or to a bound.
func (p program) readEvents(from io.Reader, tell func(Event)) error {
	limited := &io.LimitedReader{R: from, N: maxOutput}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	told := 0
	for lines.Scan() && limited.N > 0 {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if told++; told > maxEvents {
			return fmt.Errorf("%w: it told of more than %d events", ErrRunaway, maxEvents)
		}
		e, err := parseEvent(lines.Bytes(), p.names)
		if err != nil {
			return fmt.Errorf("%.200q: %w", lines.Text(), err)
		}
		e.At = time.Now()
		tell(e)
	}
	switch {
	case limited.N <= 0:
		return fmt.Errorf("%w: it wrote more than %d bytes of events", ErrRunaway, maxOutput)
	case errors.Is(lines.Err(), bufio.ErrTooLong):
		return fmt.Errorf("%w: it wrote a line of more than %d bytes", ErrRunaway, maxLine)
	}
	return lines.Err()
}

// tail keeps the end of what is written to it.
type tail struct {
	limit int
	data  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - t.limit; over > 0 {
		t.data = t.data[over:]
	}
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.TrimSpace(t.data)) }
