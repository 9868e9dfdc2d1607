package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/ocsgo/ocs/sip/auth"
)

// maxPassword bounds what is read as a password. Windows allows 256 characters.
const maxPassword = 4096

// readPassword finds the password of the user name: in file ("-" is the standard input), else in
// $OCS_PASSWORD, else by asking at the terminal. Only a file that was given may say that it is empty: an
// empty variable is mostly one that somebody forgot to set, and a rejected attempt counts towards lock-out.
func readPassword(ctx context.Context, std *streams, file, name string) (auth.Secret, error) {
	if file != "" {
		return passwordFile(std, file)
	}
	if value, _ := std.env("OCS_PASSWORD"); value != "" {
		return auth.Secret(value), nil
	}
	if std.prompt == nil {
		return "", errors.New("no password: give --password-file FILE, or --password-file - with the password on standard input, or set $OCS_PASSWORD, or run at a terminal to be asked")
	}
	text, err := std.prompt(ctx, "Password for "+name+": ")
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("password prompt: %w", err)
	case text == "":
		return "", errors.New("no password was entered; an empty one needs --password-file with an empty file")
	}
	return auth.Secret(text), nil
}

// passwordFile reads a password from a file, without the line break at its end.
func passwordFile(std *streams, file string) (auth.Secret, error) {
	in := std.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPassword+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("--password-file %q: %w", file, err)
	case len(raw) > maxPassword:
		return "", fmt.Errorf("--password-file %q: longer than %d bytes, which is no password", file, maxPassword)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if strings.ContainsAny(password, "\r\n") {
		return "", fmt.Errorf("--password-file %q: more than one line; it holds the password alone", file)
	}
	return auth.Secret(password), nil
}

// promptOnTerminal asks on the standard error and reads from the standard input, without echo. When ctx
// ends it gives up and leaves the terminal as it was.
func promptOnTerminal(ctx context.Context, question string) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, question)
	defer fmt.Fprintln(os.Stderr)
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1) // a read that nobody answers ends with the program
	go func() {
		text, err := term.ReadPassword(fd)
		answered <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(fd, before))
	case a := <-answered:
		return string(a.text), a.err
	}
}
