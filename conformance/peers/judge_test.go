//go:build peers

package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// judge is another implementation of a token mechanism, spoken to through a script: a command a line, answered
// with a line each.
type judge struct {
	in  io.Writer
	out *bufio.Scanner
}

// newJudge starts the script, which lives as long as the test.
func newJudge(t *testing.T, script string) *judge {
	t.Helper()
	in, out := converse(t, exec.Command("/usr/bin/python3", script)) // Debian's python, which has Debian's modules
	return &judge{in, out}
}

// converse starts a program that answers each line with one. It ends when its input does, at the end of the test.
func converse(t *testing.T, cmd *exec.Cmd) (in io.Writer, out *bufio.Scanner) {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoErrorf(t, cmd.Wait(), "%s: %s", cmd, &said)
	})
	return stdin, bufio.NewScanner(stdout)
}

// ask returns the judge's answer, or its error.
func (j *judge) ask(command string, operands ...string) (string, error) {
	if _, err := fmt.Fprintln(j.in, command, strings.Join(operands, " ")); err != nil {
		return "", err
	}
	if !j.out.Scan() {
		return "", fmt.Errorf("the judge is gone: %w", j.out.Err())
	}
	verdict, answer, _ := strings.Cut(j.out.Text(), " ")
	if verdict != "ok" {
		return "", errors.New(answer)
	}
	return answer, nil
}

// mechanism is the part of a Client or Server that signs.
type mechanism interface {
	Sign(buffer []byte) ([]byte, error)
	Verify(buffer, signature []byte) error
}
