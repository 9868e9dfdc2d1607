package main

import (
	"errors"
	"fmt"
	"io"

	ocserr "github.com/ocsgo/ocs/errors"
)

// The exit statuses that are not those of a code; ocserr.Code.ExitStatus has the others.
const (
	exitFailure   = 1   // an internal error
	exitUsage     = 2   // the command line or the configuration
	exitNotOnline = 3   // accepted by the server, but not ONLINE
	exitCancelled = 130 // SIGINT or SIGTERM, as a shell reports the former
)

// exitHelp is the table of exit statuses in the help of the commands that sign in.
const exitHelp = `Exit status:

    0    signed in and ONLINE
    1    MSGR_E_UNEXPECTED, a lost session, or an internal error
    2    usage or configuration; nothing was sent
    3    accepted by the server, but not ONLINE
    10   MSGR_E_INVALID_SERVER_NAME: no server found
    11   MSGR_E_CONNECT: no connection, or TLS failed
    12   MSGR_E_LOGON_TIMEOUT: no answer within 15 seconds
    13   MSGR_E_SERVER_VERSION: versions do not fit
    14   MSGR_E_INVALID_PASSWORD: wrong password or unknown user
    15   MSGR_E_SERVER_TOO_BUSY: the server is overloaded
    16   MSGR_E_SERVER_UNAVAILABLE: the server cannot serve now
    130  MSGR_E_CANCEL: interrupted before the server had accepted`

// exitStatus ends the program with a status whose reason has been told.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is an error in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef makes a usageError. It names the value that is wrong, and what would be right.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitStatusOf picks the exit status for what a command returned.
func exitStatusOf(err error) int {
	var status exitStatus
	var usage usageError
	var coded *ocserr.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &coded):
		return coded.ExitStatus()
	}
	return exitFailure
}

// tell tells a person of what a command returned, unless it has been told.
func tell(w io.Writer, err error) {
	var status exitStatus
	if err == nil || errors.As(err, &status) {
		return
	}
	fmt.Fprintf(w, "ocs: %s\n", inWords(err))
}

// inWords is an error on one line. For a fault of the configuration the text that names the value says it
// all; for others code, stage, cause and remedy belong to it.
func inWords(err error) string {
	var coded *ocserr.Error
	if errors.As(err, &coded) && coded.Stage == ocserr.StageConfig && coded.Err != nil {
		return coded.Err.Error()
	}
	return err.Error()
}
