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
	"time"

	"github.com/ocsgo/ocs/signin"
)

// The shim protocol lets any program be the program under test. The runner starts it once for a sign-in:
//
//   - its standard input gets the Settings as one line of JSON, and then stays open; its end is the order to
//     stop: to cancel before a server accepted, to sign out after;
//   - on its standard output it writes each event as one line of JSON, as soon as it happens:
//     {"event":"onMyStatusChange","hr":0,"status":256}, {"event":"onSignin","hr":-2130705663},
//     {"event":"ready"}, {"event":"onSignout"}; hr is a signed number, and "stage", "cause", "detail" and
//     "message" may say more;
//   - its exit status is 0 when it ran to the end, whatever the sign-in came to; 89 when it does not have
//     what the settings ask for; anything else when it could not run. What it writes to standard error is
//     quoted then.
const (
	exitRan           = 0
	exitUnimplemented = 89
)

const (
	maxLine   = 1 << 20 // of an event
	maxErrors = 4 << 10 // of standard error, which is quoted
)

// killAfter is how long a program has to end once it is told to stop; it is longer than any limit of a
// sign-out.
const killAfter = 40 * time.Second

// Exec returns a Client that runs a program with arguments, once for each sign-in.
func Exec(program string, args ...string) Client {
	return func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
		order, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(program, args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		said := &tail{limit: maxErrors}
		cmd.Stderr = said
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		kill := make(chan struct{})
		stopped := context.AfterFunc(ctx, func() {
			_ = stdin.Close()
			select {
			case <-time.After(killAfter):
				_ = cmd.Process.Kill()
			case <-kill:
			}
		})
		_, wrote := stdin.Write(append(order, '\n'))
		read := readEvents(stdout, tell)
		if read != nil {
			_ = cmd.Process.Kill()
		}
		err = cmd.Wait()
		close(kill)
		stopped()
		_ = stdin.Close()
		return nil, shimError(program, cmd.ProcessState.ExitCode(), read, errors.Join(wrote, err), said.String())
	}
}

// shimError makes an error of how a program ended; nil where it ran to the end.
func shimError(program string, status int, read, other error, said string) error {
	if said != "" {
		said = ": " + said
	}
	switch {
	case read != nil:
		return fmt.Errorf("%s: %w%s", program, read, said)
	case status == exitRan:
		return nil
	case status == exitUnimplemented:
		return fmt.Errorf("%s: %w%s", program, ErrUnimplemented, said)
	}
	return fmt.Errorf("%s: %w%s", program, other, said)
}

// readEvents reads a program's events to their end.
func readEvents(from io.Reader, tell func(Event)) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := parseEvent(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%.200q: %w", lines.Text(), err)
		}
		e.At = time.Now()
		tell(e)
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
