package dial

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// verdictLimit is how long a proxy's verdict on a password is waited for before the password is shown to it again.
// One that rejects says so sooner; later the proxy is taken to be busy with the server.
const verdictLimit = 5 * time.Second

// Logins remembers what proxies think of their passwords, over all dialogues of one attempt to sign in. As long as there
// is no verdict, one dialogue shows a password and the others wait; one that was rejected is not shown again, for
// accounts are locked for that. The zero value is ready; it is safe for concurrent use.
type Logins struct {
	mu     sync.Mutex
	proofs map[Proxy]*proof
}

// Forget begins a new attempt: a password may be shown again.
func (l *Logins) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proofs = nil
}

// verdict is what a proxy thinks of a password.
type verdict int

const (
	noVerdict verdict = iota
	accepted
	rejected
)

// proof is one password that is shown to a proxy.
type proof struct {
	verdict verdict
	since   time.Time     // when a dialogue began to show it
	pending chan struct{} // closed when that one has ended; nil: there is none
}

// show waits until the password of a proxy may be shown; an error: it was rejected, or ctx has ended. The dialogue
// must tell what came of it, where only its first word counts. Where ctx ends it may not: nobody would hear the
// verdict.
func (l *Logins) show(ctx context.Context, proxy *Proxy) (tell func(verdict), err error) {
	if l == nil {
		return func(verdict) {}, nil
	}
	for {
		tell, wait, left := l.begin(*proxy)
		switch {
		case tell != nil:
			return tell, nil
		case wait == nil:
			return nil, fmt.Errorf("it has rejected the credentials of %q before, and is not shown them again", proxy.User)
		}
		timer := time.NewTimer(left)
		select {
		case <-wait:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		timer.Stop()
	}
}

// begin lets a dialogue show a password, or says for whose end it must wait, and how long at most; with neither the
// password was rejected.
func (l *Logins) begin(proxy Proxy) (tell func(verdict), wait <-chan struct{}, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proofs == nil {
		l.proofs = map[Proxy]*proof{}
	}
	p := l.proofs[proxy]
	if p == nil {
		p = &proof{}
		l.proofs[proxy] = p
	}
	left = verdictLimit - time.Since(p.since)
	switch {
	case p.verdict == rejected:
		return nil, nil, 0
	case p.verdict == accepted:
		return func(verdict) {}, nil, 0
	case p.pending != nil && left > 0:
		return nil, p.pending, left
	}
	mine := make(chan struct{})
	p.since, p.pending = time.Now(), mine
	var once sync.Once
	return func(v verdict) { once.Do(func() { l.end(p, mine, v) }) }, nil, 0
}

// end notes what came of a dialogue.
func (l *Logins) end(p *proof, mine chan struct{}, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v != noVerdict {
		p.verdict = v
	}
	if p.pending == mine {
		p.pending = nil
	}
	close(mine)
}
