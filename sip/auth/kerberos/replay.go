package kerberos

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxReplays bounds the tokens remembered. With the ten minutes for which one is remembered it allows a hundred
// handshakes a second.
const maxReplays = 1 << 16

// ReplayCache remembers the tokens that servers have accepted for as long as they could be accepted again
// (RFC 4120 3.2.3). All Servers with the same keytab share one. The zero value is ready; it is safe for
// concurrent use. A full cache refuses: a flood must not make it forget.
type ReplayCache struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]time.Time // until when
}

// add remembers an authenticator until a time. It reports whether it is new, and whether there was room.
func (c *ReplayCache) add(authenticator []byte, until time.Time) (fresh, room bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	sum := sha256.Sum256(authenticator)
	if t, ok := c.seen[sum]; ok && !t.Before(now) {
		return false, true
	}
	if len(c.seen) >= maxReplays {
		for s, t := range c.seen {
			if t.Before(now) {
				delete(c.seen, s)
			}
		}
		if len(c.seen) >= maxReplays {
			return true, false
		}
	}
	if c.seen == nil {
		c.seen = map[[sha256.Size]byte]time.Time{}
	}
	c.seen[sum] = until
	return true, true
}
