package signin

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
)

// stagger is the delay between the starts of attempts at two candidates while the first is still pending
// (RFC 8305 section 5, Connection Attempt Delay).
const stagger = 250 * time.Millisecond

// grace is how long tries are waited for once the context is over: they end at once, and know best what they
// waited for. Only a Config.Dial that does not heed its context takes longer.
const grace = 50 * time.Millisecond

// link is a connection that is ready for SIP.
type link struct {
	conn      net.Conn
	candidate resolve.Candidate
}

// race is the tries at the candidates of one attempt.
type race struct {
	attempt    *attempt
	candidates []resolve.Candidate
	results    chan tried // every try can end without a reader

	mu    sync.Mutex
	tries []Try // of those begun, in order
}

// tried is the end of one try.
type tried struct {
	index int
	link  *link
	err   error
}

// connect tries the candidates in order, the next one when the one before has failed or after stagger, and
// returns the first that is connected and, over TLS, verified. The others are given up. Where all fail the
// error is the one of the candidate that came furthest, the first among equals; it wraps all, in order.
func (a *attempt) connect(ctx context.Context, candidates []resolve.Candidate) (*link, error) {
	defer a.enter(ocserr.StageDial)()
	r := &race{attempt: a, candidates: candidates, results: make(chan tried, len(candidates))}
	before := a.report.Tries // of candidates that redirected
	defer func() {
		var tries []Try
		tries, a.stage = r.snapshot()
		a.report.Tries = slices.Concat(before, tries)
	}()
	racing, cancel := context.WithCancel(ctx)
	pending := 0
	defer func() {
		cancel()
		go discard(r.results, pending)
	}()

	failed := make([]error, len(candidates))
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case t := <-r.results:
			pending--
			if t.err == nil {
				a.report.Connection = connection(t.link)
				return t.link, nil
			}
			failed[t.index] = t.err
			if final(t.err) {
				return nil, furthest(failed)
			}
			if len(r.tries) < len(candidates) {
				delay.Reset(0)
			} else if pending == 0 {
				return nil, furthest(failed)
			}
		case <-delay.C:
			if len(r.tries) < len(candidates) {
				pending++
				r.begin(racing)
				delay.Reset(stagger)
			}
		case <-ctx.Done():
			for lost := time.After(grace); pending > 0; pending-- {
				select {
				case t := <-r.results:
					failed[t.index] = t.err
					if t.link != nil {
						t.link.conn.Close()
					}
				case <-lost:
					return nil, context.Cause(ctx)
				}
			}
			return nil, cmp.Or(furthest(failed), context.Cause(ctx))
		}
	}
}

// begin starts the try at the next candidate.
func (r *race) begin(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := len(r.tries)
	r.tries = append(r.tries, newTry(r.candidates[index], len(r.attempt.report.Redirects)))
	go func() {
		start := time.Now()
		l, err := r.open(ctx, index)
		r.mu.Lock()
		try := &r.tries[index]
		try.Duration, try.ended = sinceMS(start), true
		if err != nil {
			try.Error = coded(err, try.Stage)
		}
		r.mu.Unlock()
		r.results <- tried{index, l, err}
	}()
}

// open goes from a candidate to a link.
func (r *race) open(ctx context.Context, index int) (*link, error) {
	c, cfg := r.candidates[index], r.attempt.cfg
	proxy, err := cfg.proxyFor(c)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	nc, via, err := dial.Dial(ctx, dial.Config{Dial: cfg.Dial, Proxy: proxy, Roots: cfg.Roots}, c.Host, c.Port, c.Addrs)
	r.note(index, func(t *Try) { t.Via, t.Dial = via, sinceMS(start) })
	if err != nil {
		return nil, err
	}
	if c.Transport == resolve.TCP {
		return &link{conn: nc, candidate: c}, nil
	}
	r.note(index, func(t *Try) { t.Stage = ocserr.StageSecure })
	start = time.Now()
	conn, report, err := secure.Handshake(ctx, nc, cfg.policy(c.Host))
	r.note(index, func(t *Try) { t.TLS, t.Secure = report, sinceMS(start) })
	if err != nil {
		return nil, err
	}
	return &link{conn: conn, candidate: c}, nil
}

// note writes into a try.
func (r *race) note(index int, f func(*Try)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.tries[index])
}

// snapshot is the tries as they stand, and the furthest stage that one has reached.
func (r *race) snapshot() ([]Try, ocserr.Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tries, stage := slices.Clone(r.tries), ocserr.StageDial
	for i := range tries {
		t := &tries[i]
		stage, t.GivenUp = later(stage, t.Stage), !t.ended
	}
	return tries, stage
}

// final tells whether a failure is one that the next candidate would have too, at a price: a proxy that turned the
// password down would be given it again, and accounts are locked for that.
func final(err error) bool {
	e, ok := errors.AsType[*ocserr.Error](err)
	return ok && slices.Contains([]ocserr.Cause{
		ocserr.CauseProxyPassword, ocserr.CauseProxyAuthRequired, ocserr.CauseProxyAuthUnsupported,
	}, e.Cause)
}

// discard closes what comes of the tries that nobody waits for any more. It ends when the last of them has:
// their context is over.
func discard(results <-chan tried, pending int) {
	for range pending {
		if t := <-results; t.link != nil {
			t.link.conn.Close()
		}
	}
}

// furthest picks the failure that came furthest, and keeps the others behind it.
func furthest(failed []error) error {
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil }) // those given up
	if len(failed) == 0 {
		return nil
	}
	var best *ocserr.Error
	for _, err := range failed {
		e := coded(err, ocserr.StageDial)
		if best == nil || later(best.Stage, e.Stage) != best.Stage {
			best = e
		}
	}
	if len(failed) > 1 {
		all := *best
		all.Err = errors.Join(failed...)
		return &all
	}
	return best
}

// later is the one of two stages of connecting that comes later in a sign-in.
func later(a, b ocserr.Stage) ocserr.Stage {
	if a == ocserr.StageDial {
		return b
	}
	return a
}
