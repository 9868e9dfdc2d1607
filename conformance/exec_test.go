package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// programUnderTest is this test binary as a program under test of a kind (see TestMain).
func programUnderTest(t *testing.T, kind string) Client {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	t.Setenv(shimVariable, kind)
	names := ErrorNames{
		"wrong-secret": string(ocserr.CausePasswordRejected),
		"E_DENIED":     ocserr.InvalidPassword.Name(),
		"E_GONE":       ocserr.InvalidPassword.StatusChange().Name(),
	}
	return Exec(names, self)
}

// throughExec runs an attempt on ground S with such a program.
func throughExec(t *testing.T, kind string, a Attempt) Result {
	t.Helper()
	r := Runner{Client: programUnderTest(t, kind)}
	return r.Case(t.Context(), Case{ID: "area/case", Level: Must, Grounds: []Ground{Simulator}, Attempts: []Attempt{a}})
}

func TestAProgramIsJudgedAsOurEngineIs(t *testing.T) {
	succeeds := throughExec(t, "engine", Attempt{Expect: []Outcome{{}}})
	require.Equal(t, Pass, succeeds.Verdict, succeeds.Actual())
	fails := throughExec(t, "engine", Attempt{
		Client: Settings{Password: WrongPassword}, Expect: []Outcome{{Code: ocserr.InvalidPassword, Cause: ocserr.CausePasswordRejected}},
	})
	require.Equal(t, Pass, fails.Verdict, fails.Actual())
}

func TestAProgramThatCannotIsUnimplemented(t *testing.T) {
	require.Equal(t, Unimplemented, throughExec(t, "lacking", Attempt{}).Verdict)
}

func TestAProgramThatDoesNotRunIsAnError(t *testing.T) {
	babbling := throughExec(t, "babbling", Attempt{})
	require.Equal(t, Error, babbling.Verdict)
	require.Contains(t, babbling.Reason, "signing in")
	broken := throughExec(t, "broken", Attempt{})
	require.Equal(t, Error, broken.Verdict)
	require.Contains(t, broken.Reason, "no such device", "what it said is quoted")
	_, err := Exec(nil, "/no/such/program")(t.Context(), Settings{}, func(Event) {})
	require.Error(t, err)
}

func TestAProgramsWordsAreTranslated(t *testing.T) {
	result := throughExec(t, "foreign", Attempt{Expect: []Outcome{{Code: ocserr.InvalidPassword, Cause: ocserr.CausePasswordRejected}}})
	require.Equal(t, Pass, result.Verdict, result.Actual())
}

func TestAnEventWithoutACodeThatWeKnowIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		`{"event":"onSignin"}`:                                  "without hr",
		`{"event":"onSignin","code":"E_DENIED"}`:                "E_DENIED",
		`{"event":"onSignin","hr":0,"detail":"NOSUCH"}`:         "NOSUCH",
		`{"event":"onMyStatusChange","code":"S_OK"}`:            "without status",
		`{"event":"onNothing"}`:                                 "unknown event",
		`{"event":"onMyStatusChange","hr":0,"status":"online"}`: "not an event",
	} {
		_, err := parseEvent([]byte(line), nil)
		require.ErrorContains(t, err, want, line)
	}
}

func TestAProgramThatFloodsIsStoppedAtABound(t *testing.T) {
	for kind, bound := range map[string]string{
		"flooding":  "more than 10000 events",
		"verbose":   "more than 16777216 bytes",
		"endless":   "a line of more than 1048576 bytes",
		"breathing": "more than 16777216 bytes",
	} {
		result := throughExec(t, kind, Attempt{Expect: []Outcome{{}}})
		require.Equal(t, Fail, result.Axis(AxisContract).Verdict, kind)
		require.Contains(t, result.Axis(AxisContract).Actual[0], bound, kind)
		require.Equal(t, Fail, result.Verdict, kind)
	}
}

func TestAProgramThatLeavesAnotherBehindHasEnded(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	_, err = Exec(nil, shell, "-c", `echo '{"event":"ready"}'; sleep 60 & exit 0`)(t.Context(), Settings{}, func(Event) {})
	require.NoError(t, err)
}

func TestShimRefusesWhatIsNoSettings(t *testing.T) {
	for _, input := range []string{"", "not JSON\n", strings.Repeat("x", 2*maxLine)} {
		var out, errs bytes.Buffer
		require.Equal(t, 1, Shim(context.Background(), Engine, strings.NewReader(input), &out, &errs))
		require.NotEmpty(t, errs.String())
		require.Empty(t, out.String())
	}
}
