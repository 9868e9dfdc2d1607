package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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
	case "foreign":
		fmt.Println(`{"event":"onMyStatusChange","code":"S_OK","status":256}
{"event":"onMyStatusChange","hr":0,"status":512}
{"event":"onSignin","code":"E_DENIED","cause":"wrong-secret"}
{"event":"onMyStatusChange","code":"E_GONE","status":1}`)
		os.Exit(0)
	case "flooding":
		forever(`{"event":"ready"}` + "\n")
	case "verbose":
		forever(`{"event":"ready","message":"` + strings.Repeat("x", 10<<10) + `"}` + "\n")
	case "endless":
		forever("x")
	case "breathing":
		forever(strings.Repeat("\n", 1<<10))
	case "broken":
		fmt.Fprintln(os.Stderr, errors.New("no such device"))
		os.Exit(1)
	}
}

// forever writes a text again and again, until nobody reads it.
func forever(text string) {
	for out := bufio.NewWriter(os.Stdout); ; {
		if _, err := out.WriteString(text); err != nil {
			os.Exit(1)
		}
	}
}
