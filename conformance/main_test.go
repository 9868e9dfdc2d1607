package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// shimVariable makes this test binary a program under test: the tests of Exec run it.
const shimVariable = "OCS_CONFORMANCE_TEST_SHIM"

func TestMain(m *testing.M) {
	switch os.Getenv(shimVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "engine":
		os.Exit(Shim(context.Background(), Engine, os.Stdin, os.Stdout, os.Stderr))
	case "lacking":
		os.Exit(exitUnimplemented)
	case "babbling":
		fmt.Println("signing in ...")
		os.Exit(0)
	case "broken":
		fmt.Fprintln(os.Stderr, errors.New("no such device"))
		os.Exit(1)
	}
}
