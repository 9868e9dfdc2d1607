package dial

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// made is what an attempt makes.
type made struct {
	by     int
	closed chan struct{}
}

func (m *made) Close() error {
	close(m.closed)
	return nil
}

// runner is one attempt: it ends after a time, with an error or without.
type runner struct {
	after time.Duration
	err   error
	deaf  bool // it goes on when its context has ended
}

// run races attempts, and tells when each of them began (-1: not at all) and how long the race took.
func run(ctx context.Context, attempts []runner) (won *made, failed []error, begun []time.Duration, took time.Duration) {
	start := time.Now()
	begun = make([]time.Duration, len(attempts))
	for i := range begun {
		begun[i] = -1
	}
	won, failed = Race(ctx, len(attempts), func(ctx context.Context, i int) (*made, error) {
		begun[i] = time.Since(start)
		a := attempts[i]
		timer := time.NewTimer(a.after)
		defer timer.Stop()
		over := ctx.Done()
		if a.deaf {
			over = nil
		}
		select {
		case <-timer.C:
		case <-over:
			return nil, context.Cause(ctx)
		}
		if a.err != nil {
			return nil, a.err
		}
		return &made{by: i, closed: make(chan struct{})}, nil
	})
	took = time.Since(start)
	time.Sleep(time.Hour)
	synctest.Wait() // all have ended
	return won, failed, begun, took
}

func TestRaceBeginsTheNextAfterAFailureOrADelay(t *testing.T) {
	const never = time.Hour
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		attempts []runner
		won      int
		took     time.Duration
		begun    []time.Duration
	}{
		"the first answers at once":      {[]runner{{}, {}}, 0, 0, []time.Duration{0, -1}},
		"the first answers in time":      {[]runner{{after: 249 * time.Millisecond}, {}}, 0, 249 * time.Millisecond, []time.Duration{0, -1}},
		"the first fails":                {[]runner{{err: broken}, {}}, 1, 0, []time.Duration{0, 0}},
		"the first fails late":           {[]runner{{after: 100 * time.Millisecond, err: broken}, {}}, 1, 100 * time.Millisecond, []time.Duration{0, 100 * time.Millisecond}},
		"the first is silent":            {[]runner{{after: never}, {}}, 1, AttemptDelay, []time.Duration{0, AttemptDelay}},
		"two are silent":                 {[]runner{{after: never}, {after: never}, {}}, 2, 2 * AttemptDelay, []time.Duration{0, AttemptDelay, 2 * AttemptDelay}},
		"the first is slow and wins":     {[]runner{{after: 300 * time.Millisecond}, {after: never}}, 0, 300 * time.Millisecond, []time.Duration{0, AttemptDelay}},
		"the second fails, nobody waits": {[]runner{{after: never}, {err: broken}, {}}, 2, AttemptDelay, []time.Duration{0, AttemptDelay, AttemptDelay}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				won, failed, begun, took := run(t.Context(), test.attempts)
				require.Nil(t, failed)
				require.Equal(t, test.won, won.by)
				require.Equal(t, test.took, took)
				require.Equal(t, test.begun, begun)
			})
		})
	}
}

func TestRaceReturnsEveryFailure(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	synctest.Test(t, func(t *testing.T) {
		_, failed, _, _ := run(t.Context(), []runner{{after: time.Second, err: one}, {err: two}})
		require.Equal(t, []error{one, two}, failed)
	})
}

func TestRaceClosesWhatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &made{closed: make(chan struct{})}
		won, failed := Race(t.Context(), 2, func(ctx context.Context, i int) (*made, error) {
			if i == 0 {
				<-ctx.Done() // it succeeds when it is given up
				return late, nil
			}
			return &made{by: i, closed: make(chan struct{})}, nil
		})
		require.Nil(t, failed)
		require.Equal(t, 1, won.by)
		<-late.closed
	})
}

func TestRaceThatIsCancelledWaitsForWhatItsAttemptsSay(t *testing.T) {
	reason := errors.New("enough")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		_, failed, _, took := run(ctx, []runner{{after: time.Hour}, {after: time.Hour}})
		require.Equal(t, time.Second, took)
		require.Equal(t, []error{reason, reason}, failed)
	})
}

func TestRaceDoesNotWaitForAnAttemptThatIsDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, failed, _, took := run(ctx, []runner{{after: time.Minute, deaf: true}})
		require.Equal(t, time.Second+grace, took)
		require.Equal(t, []error{nil}, failed)
	})
}
