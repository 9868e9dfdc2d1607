package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// failing is a client that fails with a code, as the contract has it.
func failing(code ocserr.Code) Client {
	return func(_ context.Context, _ Settings, tell func(Event)) (*signin.Report, error) {
		tell(Event{Kind: status.OnMyStatusChange, Status: status.FindingServer})
		tell(Event{Kind: status.OnMyStatusChange, Status: status.Connecting})
		tell(Event{Kind: status.OnSignin, HR: code})
		tell(Event{Kind: status.OnMyStatusChange, HR: code.StatusChange(), Status: status.Offline})
		return nil, nil
	}
}

// judged runs one case on ground V.
func judged(t *testing.T, r Runner, c Case) (result Result) {
	t.Helper()
	c.ID, c.Grounds = "area/case", []Ground{Virtual}
	synctest.Test(t, func(t *testing.T) {
		r.Ground, r.Settle = Virtual, synctest.Wait
		result = r.Case(t.Context(), c)
	})
	return result
}

func TestVerdictFollowsLevelAndStrictness(t *testing.T) {
	busy := []Outcome{{Code: ocserr.ServerTooBusy}, {Code: ocserr.ServerUnavailable, NonStrict: true}}
	for _, c := range []struct {
		name   string
		level  Level
		strict bool
		code   ocserr.Code
		want   Verdict
	}{
		{"the best outcome", Must, false, ocserr.ServerTooBusy, Pass},
		{"the best outcome, strictly", Must, true, ocserr.ServerTooBusy, Pass},
		{"an acceptable one", Must, false, ocserr.ServerUnavailable, NonStrict},
		{"an acceptable one, strictly", Must, true, ocserr.ServerUnavailable, Fail},
		{"another, of must", Must, false, ocserr.Unexpected, Fail},
		{"another, of should", Should, false, ocserr.Unexpected, NonStrict},
		{"another, of should, strictly", Should, true, ocserr.Unexpected, Fail},
		{"another, of info", Info, true, ocserr.Unexpected, Informational},
		{"the expected one, of info", Info, false, ocserr.ServerTooBusy, Informational},
	} {
		result := judged(t, Runner{Client: failing(c.code), Strict: c.strict}, Case{Level: c.level, Attempts: []Attempt{{Expect: busy}}})
		require.Equal(t, c.want, result.Verdict, c.name)
		expected := c.code != ocserr.Unexpected
		require.Equal(t, expected, result.AsExpected(), c.name)
	}
}

func TestTheWorstAxisAndTheWorstAttemptDecide(t *testing.T) {
	wrong := Check{Name: "silence", Of: func(*Record) string { return "there was a noise" }}
	expect := []Outcome{{Code: ocserr.Unexpected}}
	result := judged(t, Runner{Client: failing(ocserr.Unexpected)}, Case{Level: Must, Attempts: []Attempt{
		{Name: "good", Expect: expect}, {Name: "bad", Expect: expect, Wire: []Check{wrong}},
	}})
	require.Equal(t, Fail, result.Verdict)
	require.Equal(t, Pass, result.Axis(AxisContract).Verdict)
	require.Equal(t, Judgement{AxisWire, Fail, []string{"bad: silence: there was a noise"}}, result.Axis(AxisWire))
	require.True(t, result.Bad())
}

func TestInvariantsHoldForInformationalCasesToo(t *testing.T) {
	for name, client := range map[string]Client{
		"MSGR_E_USER_NOT_FOUND": failing(ocserr.UserNotFound),
		"a code of another event": func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
			return failing(ocserr.Disconnected)(ctx, s, tell)
		},
		"OnSignin twice": func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
			return failing(ocserr.Unexpected)(ctx, s, func(e Event) {
				tell(e)
				if e.Kind == status.OnSignin {
					tell(e)
				}
			})
		},
		"a password in a message": func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
			return failing(ocserr.Unexpected)(ctx, s, func(e Event) {
				e.Text = "tried " + s.Password
				tell(e)
			})
		},
		"ready before ONLINE": func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
			tell(Event{Kind: Ready})
			return failing(ocserr.Unexpected)(ctx, s, tell)
		},
	} {
		result := judged(t, Runner{Client: client}, Case{Level: Info, Attempts: []Attempt{{}}})
		require.Equal(t, Fail, result.Verdict, name)
	}
}

func TestWhatIsNotTheSubjectsFaultIsNotItsFailure(t *testing.T) {
	returning := func(err error) Client {
		return func(context.Context, Settings, func(Event)) (*signin.Report, error) { return nil, err }
	}
	any := Case{Level: Must, Attempts: []Attempt{{}}}
	require.Equal(t, Unimplemented, judged(t, Runner{Client: returning(ErrUnimplemented)}, any).Verdict)
	require.Equal(t, Error, judged(t, Runner{Client: returning(errors.New("cannot run"))}, any).Verdict)

	badZone := Case{Level: Must, Attempts: []Attempt{{Server: server.Config{Zone: "this is no zone\n"}}}}
	result := judged(t, Runner{}, badZone)
	require.Equal(t, Error, result.Verdict)
	require.False(t, result.Bad())
	failed, broken := Failed([]Result{result})
	require.False(t, failed)
	require.True(t, broken)
}

func TestAxesThatWereNotJudgedAreLeftOut(t *testing.T) {
	returning := func(err error) Client {
		return func(context.Context, Settings, func(Event)) (*signin.Report, error) { return nil, err }
	}
	for name, err := range map[string]error{"unimplemented": ErrUnimplemented, "error": errors.New("cannot run")} {
		result := judged(t, Runner{Client: returning(err)}, Case{Level: Must, Attempts: []Attempt{{}}})
		require.Empty(t, result.Axes, name)
	}
	first := true
	once := func(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
		if !first {
			return nil, ErrUnimplemented
		}
		first = false
		return failing(ocserr.Unexpected)(ctx, s, tell)
	}
	result := judged(t, Runner{Client: once}, Case{Level: Must, Attempts: []Attempt{{Expect: []Outcome{{}}}, {}}})
	require.Len(t, result.Axes, 1, "what was found is kept")
	require.Equal(t, Fail, result.Axes[0].Verdict)
}

func TestACaseIsSkippedWithItsReason(t *testing.T) {
	result := judged(t, Runner{Client: failing(ocserr.Unexpected)}, Case{Needs: []Need{NeedEngine}, Attempts: []Attempt{{}}})
	require.Equal(t, Skip, result.Verdict)
	require.Equal(t, "needs our own engine's Go API", result.Reason)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, Skip, (&Runner{}).Case(ended, Case{Grounds: []Ground{Simulator}}).Verdict)
	require.Equal(t, "not a case of ground S", (&Runner{}).Case(t.Context(), Case{Grounds: []Ground{Virtual}}).Reason)
}

func TestAKnownFailureIsNoneAndItsPassIs(t *testing.T) {
	known := Runner{Client: failing(ocserr.Unexpected), Deviations: Deviations{"area/*": "known"}}
	fails := judged(t, known, Case{Level: Must, Attempts: []Attempt{{Expect: []Outcome{{}}}}})
	require.Equal(t, Fail, fails.Verdict)
	require.False(t, fails.Bad())
	passes := judged(t, known, Case{Level: Must, Attempts: []Attempt{{Expect: []Outcome{{Code: ocserr.Unexpected}}}}})
	require.True(t, passes.Unexpected)
	require.True(t, passes.Bad())
}

func TestAClientThatDoesNotStopIsLeftBehind(t *testing.T) {
	var result Result
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		client := func(context.Context, Settings, func(Event)) (*signin.Report, error) {
			time.Sleep(3 * virtualLimit)
			close(gone)
			return nil, nil
		}
		r := Runner{Ground: Virtual, Settle: synctest.Wait, Client: client}
		result = r.Case(t.Context(), Case{ID: "a/b", Level: Must, Grounds: []Ground{Virtual}, Attempts: []Attempt{{StopAfter: time.Second}}})
		<-gone
	})
	require.Equal(t, Fail, result.Axis(AxisEnd).Verdict)
	require.Contains(t, strings.Join(result.Actual(), "\n"), "did not end")
}

func TestCasesRunSideBySideInTheirOrder(t *testing.T) {
	var cases []Case
	for _, id := range []string{"a/one", "a/two", "a/three"} {
		cases = append(cases, Case{ID: id, Level: Must, Grounds: []Ground{Simulator}, Attempts: []Attempt{{Expect: []Outcome{{Code: ocserr.Unexpected}}}}})
	}
	told := 0
	results := (&Runner{Client: failing(ocserr.Unexpected)}).Run(t.Context(), cases, func(Result) { told++ })
	require.Equal(t, 3, told)
	for i, r := range results {
		require.Equal(t, cases[i].ID, r.Case.ID)
		require.Equal(t, Pass, r.Verdict, r.Actual())
	}
}

func TestSlowCasesBeginFirst(t *testing.T) {
	order := slowestFirst([]Case{
		{Attempts: []Attempt{{}}},
		{Attempts: []Attempt{{Expect: []Outcome{{After: 15 * time.Second}}}}},
		{Attempts: []Attempt{{StopAfter: time.Second}, {StopAfter: time.Second}}},
	})
	require.Equal(t, []int{1, 2, 0}, order)
}
