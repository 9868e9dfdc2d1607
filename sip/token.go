package sip

import (
	"crypto/rand"
	"encoding/hex"
)

// branchCookie begins every branch of RFC 3261 (section 8.1.1.7).
const branchCookie = "z9hG4bK"

// NewTag returns a random tag for From or To: 10 hexadecimal digits (RFC 3261 section 19.3 asks for 32 bits).
func NewTag() string { return token(5) }

// NewCallID returns a random Call-ID: 32 hexadecimal digits, the form Communicator uses.
func NewCallID() string { return token(16) }

// NewBranch returns a random Via branch with the cookie of RFC 3261 section 8.1.1.7.
func NewBranch() string { return branchCookie + token(16) }

// token returns 2n hexadecimal digits. crypto/rand.Read never fails.
func token(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
