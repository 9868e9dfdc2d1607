package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

// maxLifetime is how long a security association lives at most, whatever its mechanism says (8 hours on
// Microsoft's servers).
const maxLifetime = 8 * time.Hour

// association is one security association (MS-SIPAE 3.1): the keys that a handshake led to, and the counters
// of the messages signed with them.
type association struct {
	scheme     string
	realm      string
	targetName string
	opaque     string // the server's handle of it
	version    int
	keys       Mechanism
	sent       uint32 // the last number signed with
	received   window
	expires    time.Time // set by begin, as is
	renewal    time.Time // when a new handshake is due
}

// begin puts the association in force. It is to be renewed five minutes before its end, or at half of a life shorter
// than ten.
func (a *association) begin() {
	life := maxLifetime
	if end := a.keys.Expiry(); !end.IsZero() {
		life = min(life, time.Until(end))
	}
	a.expires = time.Now().Add(life)
	a.renewal = a.expires.Add(-min(5*time.Minute, life/2))
}

// Format keeps the keys out of every print and log.
func (a *association) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s association with %s", a.scheme, a.targetName)
}

// names are the parameters that carry a signature: different ones for either direction.
type names struct{ rand, num, signature string }

var (
	clientNames = names{"crand", "cnum", "response"}
	serverNames = names{"srand", "snum", "rspauth"}
)

// sign returns the number and the signature of a message, with the given random value.
func (a *association) sign(m sip.Message, random string) (num, signature string, err error) {
	a.sent++
	num = strconv.FormatUint(uint64(a.sent), 10)
	mac, err := a.keys.Sign(Buffer(m, Fields{a.scheme, random, num, a.realm, a.targetName, a.version}))
	if err != nil {
		return "", "", err
	}
	return num, strings.ToUpper(hex.EncodeToString(mac)), nil
}

// owns reports whether a header value belongs to this association (MS-SIPAE 3.2.5.2): scheme, realm and target
// name are its key, and a handle, where there is one, must be its own. The server of a handshake of one message tells
// the handle with its answer only.
func (a *association) owns(c sip.Credentials) bool {
	realm, _ := c.Params.Get("realm")
	targetName, _ := c.Params.Get("targetname")
	opaque, ok := c.Params.Get("opaque")
	return strings.EqualFold(c.Scheme, a.scheme) && strings.EqualFold(realm, a.realm) &&
		strings.EqualFold(targetName, a.targetName) && (!ok || a.opaque == "" || strings.EqualFold(opaque, a.opaque))
}

// verify checks the signature that a header value of the message carries, and that its number is fresh.
func (a *association) verify(m sip.Message, c sip.Credentials, n names) error {
	get := func(name string) string {
		value, _ := c.Params.Get(name)
		return value
	}
	signature, err := hex.DecodeString(get(n.signature))
	if err != nil || len(signature) == 0 {
		return fmt.Errorf("auth: %s is not a signature", n.signature)
	}
	num, err := strconv.ParseUint(get(n.num), 10, 32)
	if err != nil {
		return fmt.Errorf("auth: %s is not a number", n.num)
	}
	buffer := Buffer(m, Fields{c.Scheme, get(n.rand), get(n.num), get("realm"), get("targetname"), a.version})
	if err := a.keys.Verify(buffer, signature); err != nil {
		return err
	}
	if !a.received.accept(uint32(num)) {
		return fmt.Errorf("auth: %s %d was used before, or is too old", n.num, num)
	}
	return nil
}

// window guards against replay: a number is good once, gaps are allowed, the first may be any,
// and what is 256 or more behind the highest is too old.
type window struct {
	begun   bool
	highest uint32
	seen    [windowSize / 64]uint64 // the bit of number n is n modulo the size
}

const windowSize = 256

func (w *window) accept(n uint32) bool {
	switch {
	case !w.begun:
		w.begun, w.highest = true, n
	case n > w.highest:
		if n-w.highest >= windowSize {
			w.seen = [len(w.seen)]uint64{}
		} else {
			for i := w.highest + 1; i != n; i++ {
				w.seen[i%windowSize/64] &^= 1 << (i % 64)
			}
		}
		w.highest = n
	case w.highest-n >= windowSize || w.seen[n%windowSize/64]&(1<<(n%64)) != 0:
		return false
	}
	w.seen[n%windowSize/64] |= 1 << (n % 64)
	return true
}

// SignatureError is a message whose signature is wrong, used before, or missing where one is due.
type SignatureError struct {
	Cause   ocserr.Cause // CauseServerSignatureWrong or CauseServerSignatureMissing
	Message string       // the message meant: "200 REGISTER", "NOTIFY"
	Err     error        // what is wrong
}

func (e *SignatureError) Error() string { return fmt.Sprintf("auth: %s: %v", e.Message, e.Err) }

// Unwrap returns Err.
func (e *SignatureError) Unwrap() error { return e.Err }

var errUnsigned = errors.New("not signed")

// describe names a message for an error text, without anything of its content.
func describe(m sip.Message) string {
	_, method := cseq(m)
	if res, ok := m.(*sip.Response); ok {
		return strconv.Itoa(res.StatusCode) + " " + method
	}
	return method
}

// transactionKey is what a request and its responses have in common on one connection.
func transactionKey(m sip.Message) string {
	number, method := cseq(m)
	return sip.Value(m, "Call-ID") + " " + number + " " + method
}

// randomHex returns four random bytes in lower-case hexadecimal; a nil reader is crypto/rand.
func randomHex(r io.Reader) (string, error) {
	if r == nil {
		r = rand.Reader
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("auth: random bytes: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// quoted is a parameter in quotes, as all of them are but version.
func quoted(name, value string) sip.Param { return sip.Param{Name: name, Value: value, Quoted: true} }
