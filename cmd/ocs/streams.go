package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// streams is what the program reads and writes.
type streams struct {
	in  io.Reader
	out *output
	err io.Writer
	env func(name string) (value string, set bool)

	// prompt asks a person for a secret; nil where there is no terminal to ask at.
	prompt func(ctx context.Context, question string) (string, error)
}

// output is the standard output. It remembers a failure to write, which is the program's failure too.
type output struct {
	io.Writer
	terminal bool // lines can be rewritten in place
	colour   bool
	width    func() int // of the terminal, in characters

	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("standard output: %w", err)
	}
	return n, err
}

// warn tells of something that does not end the program.
func (s *streams) warn(format string, args ...any) {
	fmt.Fprintf(s.err, "ocs: warning: "+format+"\n", args...)
}

// standardStreams are those of the process.
func standardStreams() *streams {
	std := &streams{
		in: os.Stdin, err: os.Stderr, env: os.LookupEnv,
		out: &output{Writer: os.Stdout, width: func() int { return 80 }},
	}
	if term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb" {
		std.out.terminal = true
		std.out.colour = os.Getenv("NO_COLOR") == ""
		std.out.width = func() int {
			if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
				return width
			}
			return 80
		}
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		std.prompt = promptOnTerminal
	}
	return std
}
