package dial

import (
	"context"
	"io"
	"time"
)

// AttemptDelay is how long an attempt at one address or server is waited for before the next begins beside it (RFC 8305
// section 5, Connection Attempt Delay).
const AttemptDelay = 250 * time.Millisecond

// grace is how long attempts are waited for once the context is over: they end at once, and know best what they
// waited for. Only a Config.Dial that does not heed its context takes longer.
const grace = 50 * time.Millisecond

// Race makes n attempts, 0 first, the next one when one has failed or AttemptDelay after the last began, and returns what the
// first that succeeds has made. The others are given up: their context ends, and what they still make is closed.
//
// Where none succeeds the failures are returned, by attempt; nil stands for one that was not begun, or had not ended
// when ctx was over. They are not nil as a whole then, and nil after a success.
func Race[T io.Closer](ctx context.Context, n int, attempt func(ctx context.Context, i int) (T, error)) (won T, failed []error) {
	type result struct {
		i    int
		made T
		err  error
	}
	racing, giveUp := context.WithCancel(ctx)
	results := make(chan result, n) // every attempt can end without a reader
	begun, pending := 0, 0
	defer func() {
		giveUp()
		go func(pending int) { // it ends when the last of them has: their context is over
			for range pending {
				if r := <-results; r.err == nil {
					_ = r.made.Close()
				}
			}
		}(pending)
	}()

	failed = make([]error, n)
	over := ctx.Done()
	var lost <-chan time.Time // once ctx is over
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case r := <-results:
			pending--
			failed[r.i] = r.err
			switch {
			case r.err == nil && lost == nil:
				return r.made, nil
			case r.err == nil:
				_ = r.made.Close()
			}
			if pending == 0 && (lost != nil || begun == n) {
				return won, failed
			}
			delay.Reset(0)
		case <-delay.C:
			if begun == n || lost != nil {
				continue
			}
			i := begun
			begun, pending = begun+1, pending+1
			go func() {
				made, err := attempt(racing, i)
				results <- result{i, made, err}
			}()
			delay.Reset(AttemptDelay)
		case <-over:
			if pending == 0 {
				return won, failed
			}
			over, lost = nil, time.After(grace)
		case <-lost:
			return won, failed
		}
	}
}
