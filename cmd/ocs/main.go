// Command ocs signs in to Office Communications Server 2007/R2, Lync Server and Skype for Business Server
// and says what happened: as text for people, as JSON lines for programs, as an exit status for scripts.
//
// This package only wires: it reads the command line, makes the configuration of package signin or of the
// test server, shows what comes back, and picks the exit status. The files:
//
//	main.go         the commands, and what becomes of their errors
//	streams.go      the program's input, output and environment
//	exit.go         exit statuses, and errors in words
//	signin.go       ocs signin; signinconfig.go its configuration
//	demo.go         ocs demo
//	discover.go     ocs discover
//	serve.go        ocs serve; ready.go its ready file
//	conformance.go  ocs conformance list, explain and shim; conformancerun.go its run,
//	                conformanceserve.go its serve, conformancereport.go its diff and report
//	codes.go        ocs codes; near.go what a misspelt code may have meant
//	flags.go        flags that several commands have
//	attempt.go      one sign-in and the life of its session, shown as it goes
//	password.go     where a password comes from
//	files.go        certificates in, transcripts and key logs out
//	output.go       the two ways to show a sign-in
//	output_json.go  JSON lines
//	output_text.go  text: plain lines, the verdict; hints.go which flag a remedy means
//	progress.go     text on a terminal: a line for each step, rewritten in place
//	stages.go       text: the stages of a sign-in, in short and in full
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	ocserr "github.com/ocsgo/ocs/errors"
)

// commandLine is the grammar of the program.
type commandLine struct {
	Demo        demoCommand        `cmd:"" help:"Sign in to an embedded server and show every event. Needs nothing."`
	Signin      signinCommand      `cmd:"" help:"Test one sign-in: did it work, and if not, why not."`
	Discover    discoverCommand    `cmd:"" help:"Show which servers a domain's DNS leads to, and in which order."`
	Serve       serveCommand       `cmd:"" help:"Run an OCS-compatible test server."`
	Conformance conformanceCommand `cmd:"" help:"Judge a client, or a server, by a suite of cases with stable names."`
	Codes       codesCommand       `cmd:"" help:"Explain a result code: what it means, what causes it, what to do."`
}

const description = `Sign in to Office Communications Server, Lync Server and Skype for Business Server from anywhere,
and learn why a sign-in fails.

First use:

  ocs demo                            # a whole sign-in on this machine, nothing needed
  ocs signin alice@contoso.com        # a real one: asks for the password, says what happened
  ocs signin alice@contoso.com --output json --password-file secret.txt    # from a script
  ocs codes MSGR_E_INVALID_PASSWORD   # what a result means and what to do about it`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], standardStreams()))
}

// run is the program: it returns the exit status. The end of ctx is what an interrupt is.
func run(ctx context.Context, args []string, std *streams) int {
	err := execute(ctx, args, std)
	if err == nil {
		err = std.out.err
	}
	tell(std.err, err)
	return exitStatusOf(err)
}

func execute(ctx context.Context, args []string, std *streams) error {
	helped := false
	parser, err := kong.New(&commandLine{},
		kong.Name("ocs"), kong.Description(description),
		kong.Writers(std.out, std.err), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 110}),
		kong.Vars{"default_user": defaultUser + ":" + defaultPassword},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std),
	)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if _, err := parser.Parse([]string{"--help"}); !helped {
			return err
		}
		return exitStatus(exitUsage)
	}
	parsed, err := parser.Parse(negativeCodes(args))
	switch {
	case helped: // kong goes on after --help, and then misses what was not given
		return nil
	case err != nil:
		return parseError(err)
	}
	if err := nothingEmpty(parsed); err != nil {
		return err
	}
	return parsed.Run()
}

// nothingEmpty refuses flags and arguments that were given without a text: mostly of variables that nobody has set.
func nothingEmpty(parsed *kong.Context) error {
	for _, given := range parsed.Path {
		switch {
		case given.Flag != nil && empty(given.Flag.Target):
			return usagef("--%s is empty: give it a value, or leave it out", given.Flag.Name)
		case given.Positional != nil && empty(given.Positional.Target):
			return usagef("<%s> is empty: give it a value", given.Positional.Name)
		}
	}
	return nil
}

func empty(value reflect.Value) bool {
	if value.Kind() == reflect.Slice {
		for i := range value.Len() {
			if empty(value.Index(i)) {
				return true
			}
		}
		return false
	}
	return value.Kind() == reflect.String && value.String() == ""
}

// parseError makes kong's error one that says how to go on.
func parseError(err error) error {
	command := "ocs"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			command = node.FullPath()
		}
	}
	text := strings.ReplaceAll(err.Error(), `expected string value but got "EOL" (<EOL>)`, "a value must follow")
	return usagef("%s\nRun \"%s --help\" for what there is.", text, command)
}

// negativeCodes writes negative numbers after "codes" in hexadecimal: HRESULTs in decimal look like flags. One that is
// none is written as text, so that it is told as what it is.
func negativeCodes(args []string) []string {
	if args[0] != "codes" {
		return args
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if digits, ok := strings.CutPrefix(arg, "-"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			args[i] = " " + arg
			if code, err := ocserr.Parse(arg); err == nil {
				args[i] = code.Hex()
			}
		}
	}
	return args
}
