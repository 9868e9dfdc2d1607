package cases

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
)

// virtual runs a case on ground V: in a bubble of its own. The bubble fails where a goroutine is left in it, so
// after is time for those that a mutant leaves.
func virtual(t *testing.T, c conformance.Case, r conformance.Runner, after time.Duration) (result conformance.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r.Ground, r.Settle = conformance.Virtual, synctest.Wait
		result = r.Case(t.Context(), c)
		time.Sleep(after)
	})
	return result
}

// explain is what a person needs to see of a result that is not as it should be.
func explain(r conformance.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\nexpected: %s\nactual: %s\n", r.Verdict, r.Case.ID, r.Reason, strings.Join(r.Case.Expected(), "\n          "), strings.Join(r.Actual(), "\n        "))
	for _, record := range r.Records {
		fmt.Fprintf(&b, "%s: %s\n", record.Attempt, strings.Join(record.Course(), " "))
		for _, e := range record.Events {
			if e.Text != "" {
				fmt.Fprintln(&b, "  ", e.Text)
			}
		}
		for _, note := range record.Notes {
			fmt.Fprintln(&b, "   note:", note)
		}
	}
	return b.String()
}

// engineDeviations are what our own engine is known not to do strictly.
var engineDeviations = conformance.Deviations{
	"rob/no-content-length": "an answer without Content-Length is read as one without a body, which RFC 3261 18.3 wants discarded",
}

// What virtual time cannot show is shown over sockets.
func TestEngineOverSockets(t *testing.T) {
	var cases []conformance.Case
	for _, c := range All() {
		if c.On(conformance.Simulator) && !c.On(conformance.Virtual) {
			cases = append(cases, c)
		}
	}
	r := &conformance.Runner{Strict: true}
	for _, result := range r.Run(t.Context(), cases, nil) {
		require.Truef(t, result.AsExpected(), "%s", explain(result))
	}
}

func TestEngineInVirtualTime(t *testing.T) {
	for _, c := range All() {
		if !c.On(conformance.Virtual) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			result := virtual(t, c, conformance.Runner{Strict: true, Deviations: engineDeviations}, 0)
			switch {
			case result.Deviation != "":
				require.Falsef(t, result.Bad(), "%s", explain(result))
			case c.Level == conformance.Info:
				require.Truef(t, result.AsExpected(), "what our engine does has changed\n%s", explain(result))
			default:
				require.Equalf(t, conformance.Pass, result.Verdict, "%s", explain(result))
			}
		})
	}
}
