package signin

import (
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
	defer func() { a.report.Tries, a.stage = r.snapshot() }()
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
			return nil, context.Cause(ctx)
		}
	}
}

// begin starts the try at the next candidate.
func (r *race) begin(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := len(r.tries)
	r.tries = append(r.tries, newTry(r.candidates[index]))
	go func() {
		start := time.Now()
		l, report, err := r.open(ctx, index)
		r.mu.Lock()
		try := &r.tries[index]
		try.TLS, try.Duration = report, sinceMS(start)
		if err != nil {
			try.Error = coded(err, try.Stage)
		}
		r.mu.Unlock()
		r.results <- tried{index, l, err}
	}()
}

// open goes from a candidate to a link.
func (r *race) open(ctx context.Context, index int) (*link, *secure.Report, error) {
	c, cfg := r.candidates[index], r.attempt.cfg
	nc, err := dial.Dial(ctx, dial.Config{Dial: cfg.Dial}, c.Host, c.Port, c.Addrs)
	if err != nil {
		return nil, nil, err
	}
	if c.Transport == resolve.TCP {
		return &link{conn: nc, candidate: c}, nil, nil
	}
	r.mu.Lock()
	r.tries[index].Stage = ocserr.StageSecure
	r.mu.Unlock()
	conn, report, err := secure.Handshake(ctx, nc, secure.Config{
		ServerName: c.Host, Roots: cfg.Roots, InsecureSkipVerify: cfg.InsecureSkipVerify, KeyLog: cfg.KeyLog,
	})
	if err != nil {
		return nil, report, err
	}
	return &link{conn: conn, candidate: c}, report, nil
}

// snapshot is the tries as they stand, and the furthest stage that one has reached.
func (r *race) snapshot() ([]Try, ocserr.Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stage := ocserr.StageDial
	for _, t := range r.tries {
		stage = later(stage, t.Stage)
	}
	return slices.Clone(r.tries), stage
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
