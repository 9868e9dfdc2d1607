package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Shim is the other side of the shim protocol, with client as the program: our own engine can be run as a
// foreign program is, and whoever writes a shim has one to look at. It returns the exit status.
func Shim(ctx context.Context, client Client, in io.Reader, out, errs io.Writer) int {
	input := bufio.NewReaderSize(in, maxLine)
	line, err := input.ReadSlice('\n')
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		fmt.Fprintf(errs, "no settings on standard input: %v\n", err)
		return 1
	}
	var s Settings
	if err := json.Unmarshal(line, &s); err != nil {
		fmt.Fprintf(errs, "the settings on standard input: %v\n", err)
		return 1
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the process, or with its input
		_, _ = io.Copy(io.Discard, input)
		stop()
	}()
	started := time.Now()
	var mu sync.Mutex
	encoder := json.NewEncoder(out)
	_, err = client(ctx, s, func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.At.IsZero() {
			e.At = time.Now()
		}
		if err := encoder.Encode(e.line(started)); err != nil { // nobody listens any more
			stop()
		}
	})
	switch {
	case errors.Is(err, ErrUnimplemented):
		fmt.Fprintln(errs, err)
		return exitUnimplemented
	case err != nil:
		fmt.Fprintln(errs, err)
		return 1
	}
	return exitRan
}
