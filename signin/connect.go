package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
)

// link is a connection that is ready for SIP.
type link struct {
	conn      net.Conn
	candidate resolve.Candidate
	proxy     *dial.Proxy    // nil: straight
	tls       *secure.Report // nil: over TCP
}

// Close ends the connection.
func (l *link) Close() error { return l.conn.Close() }

// route is a candidate at one of its addresses, straight; or behind a proxy, which is told them all.
type route struct {
	resolve.Candidate
	proxy *dial.Proxy
	err   error // there is no telling which proxy
}

// routes lists what is tried, in order: every address of a candidate before the next candidate (RFC 2782).
func (c *Config) routes(candidates []resolve.Candidate) []route {
	var list []route
	for _, candidate := range candidates {
		proxy, err := c.proxyFor(candidate)
		if proxy != nil || err != nil || len(candidate.Addrs) < 2 {
			list = append(list, route{candidate, proxy, err})
			continue
		}
		for _, addr := range candidate.Addrs {
			one := candidate
			one.Addrs = []netip.Addr{addr}
			list = append(list, route{Candidate: one})
		}
	}
	return list
}

// names says in an error of TLS which server it is of: among many the reader has to know.
func (r *route) names(err error) error {
	failed := *coded(err, ocserr.StageSecure)
	failed.Err = fmt.Errorf("%s: %w", net.JoinHostPort(r.Host, strconv.Itoa(r.Port)), failed.Err)
	return &failed
}

// tries are the tries at the routes of one race.
type tries struct {
	cfg    *Config
	routes []route

	mu  sync.Mutex
	all []Try // of each route
}

// connect tries the routes of the candidates in order (dial.Race), and returns the first that is connected and, over
// TLS, verified. Where all fail the error is the one of the route that came furthest, the first among equals, and at
// the limit of those that were still being waited for; it wraps all, in order.
func (a *attempt) connect(ctx context.Context, candidates []resolve.Candidate) (*link, error) {
	defer a.enter(ocserr.StageDial)()
	t := &tries{cfg: a.cfg, routes: a.cfg.routes(candidates)}
	for _, r := range t.routes {
		t.all = append(t.all, newTry(r, len(a.report.Redirects)))
	}
	before := a.report.Tries // of candidates that redirected
	defer func() {
		var begun []Try
		begun, a.stage = t.snapshot()
		a.report.Tries = slices.Concat(before, begun)
	}()
	l, failed := dial.Race(ctx, len(t.routes), t.try)
	if failed != nil {
		return nil, cmp.Or(furthest(failed, a.untried()), context.Cause(ctx))
	}
	a.report.Connection = connection(l)
	return l, nil
}

// untried are the reasons why discovery left servers out; of a redirect there are none.
func (a *attempt) untried() []error {
	if a.report.Discovery == nil || len(a.report.Redirects) > 0 {
		return nil
	}
	return a.report.Discovery.Untried()
}

// try goes from a route to a link, and notes how.
func (t *tries) try(ctx context.Context, i int) (*link, error) {
	t.note(i, func(try *Try) { try.began = time.Now() })
	l, err := t.open(ctx, i)
	t.note(i, func(try *Try) {
		try.end()
		if err != nil {
			try.Error = coded(err, try.Stage)
		}
	})
	return l, err
}

func (t *tries) open(ctx context.Context, i int) (*link, error) {
	r, cfg := t.routes[i], t.cfg
	if r.err != nil {
		return nil, r.err
	}
	start := time.Now()
	nc, via, err := dial.Dial(ctx, cfg.dialing(r.proxy), r.Host, r.Port, r.Addrs)
	t.note(i, func(try *Try) { try.Via, try.Dial = via, sinceMS(start) })
	if err != nil {
		return nil, err
	}
	if r.Transport == resolve.TCP {
		return &link{nc, r.Candidate, r.proxy, nil}, nil
	}
	t.note(i, func(try *Try) { try.Stage = ocserr.StageSecure })
	start = time.Now()
	conn, report, err := secure.Handshake(ctx, nc, cfg.policy(r.Host))
	t.note(i, func(try *Try) { try.TLS, try.Secure = report, sinceMS(start) })
	if err != nil {
		return nil, r.names(err)
	}
	return &link{report.Heed(conn), r.Candidate, r.proxy, report}, nil
}

// note writes into a try.
func (t *tries) note(i int, f func(*Try)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.all[i])
}

// snapshot is the tries begun so far, and the furthest stage that one of them has reached. Those that have not ended are
// given up.
func (t *tries) snapshot() ([]Try, ocserr.Stage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	begun, stage := []Try{}, ocserr.StageDial
	for _, try := range t.all {
		if try.began.IsZero() {
			continue
		}
		stage = later(stage, try.Stage)
		if !try.ended {
			try.end()
			try.GivenUp = true
		}
		begun = append(begun, try)
	}
	return begun, stage
}

// furthest picks the failure that came furthest, and keeps the others behind it, those of the servers that were not tried
// last. One by the limit on connecting, which ends the attempt, comes before all that had happened until then.
func furthest(failed, untried []error) error {
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil }) // those given up
	if len(failed) == 0 {
		return nil
	}
	var best *ocserr.Error
	for _, err := range failed {
		e := coded(err, ocserr.StageDial)
		late := func(e *ocserr.Error) bool { return e.Code == ocserr.LogonTimeout }
		if best == nil || late(e) && !late(best) || late(e) == late(best) && later(best.Stage, e.Stage) != best.Stage {
			best = e
		}
	}
	if all := slices.Concat(failed, untried); len(all) > 1 {
		joined := *best
		joined.Err = errors.Join(all...)
		return &joined
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
