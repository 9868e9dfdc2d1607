package auth

import (
	"context"
	"fmt"
	"slices"
	"sync"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

// maxRounds bounds the challenges that are answered until one answer is accepted. TLS-DSK, the longest
// handshake, needs four.
const maxRounds = 8

// exchange is the client's conversation with one challenger, the registrar (401) or a proxy (407): from the
// first challenge over the handshake to the security association, and again when the server asks anew.
type exchange struct {
	cfg    *ClientConfig
	mu     *sync.Mutex // the Client's, held by every method; begin lets it go while a third party is asked
	status int         // of its challenges: 401 or 407
	scheme string      // chosen; "" before the first challenge
	rounds int         // of challenges that this scheme has answered

	hand *handshake   // from the first challenge to the server's verdict, else nil
	sa   *association // what messages are signed with, or nil
	old  *association // the one before it, until the server has switched too

	digest *digestClient // instead of the three above, with Digest

	offered []offer   // by the challenge that began all this: what there is to fall back to; nil once it is over
	failed  []Failure // schemes not to be tried again
	dropped bool      // the certificate for TLS-DSK, so that a new one was obtained

	bare     bool  // REGISTER goes out without credentials until the next challenge
	sent     bool  // a message was signed with something derived from the password
	tested   bool  // somebody has judged the password, this way or that
	rejected error // it was found wrong: no credentials are sent any more
}

// challenge digests a 401 or 407. Nil means that the request is to be sent again.
func (x *exchange) challenge(ctx context.Context, res *sip.Response) error {
	err := x.answer(ctx, res, offers(res))
	if err != nil {
		x.offered, x.rounds = nil, 0 // the next challenge finds everything untried
	}
	return err
}

func (x *exchange) answer(ctx context.Context, res *sip.Response, all []offer) error {
	switch {
	case x.rejected != nil:
		return x.rejected
	case x.hand != nil && x.hand.sentIn != transactionKey(res), x.digest != nil && !x.digest.pending(res):
		return nil // the answer to a request from before the last challenge
	case x.hand != nil && x.hand.done && !provesPassword(x.scheme):
		return x.change(ctx, res, all, &refusedError{x.scheme})
	case x.hand != nil && x.hand.done, x.digest != nil && !x.digest.renews(all):
		return x.reject(sip.StatusError(res, true))
	}
	if x.rounds++; x.rounds > maxRounds {
		return fail(ocserr.CauseChallengeLoop, res, fmt.Errorf("auth: %d challenges answered in vain", maxRounds))
	}
	if x.hand != nil {
		return x.proceed(ctx, res, all)
	}
	if x.offered == nil {
		x.offered, x.failed, x.dropped = all, nil, false
	}
	return x.begin(ctx, res, all)
}

// proceed answers a challenge in the middle of a handshake. It must carry the scheme's next token.
func (x *exchange) proceed(ctx context.Context, res *sip.Response, all []offer) error {
	i := slices.IndexFunc(all, func(o offer) bool { return o.scheme == x.scheme })
	if i < 0 || all[i].get("gssapi-data") == "" {
		return x.change(ctx, res, all, fmt.Errorf("auth: the server broke off the %s handshake", x.scheme))
	}
	if err := x.hand.step(ctx, all[i]); err != nil {
		return x.change(ctx, res, all, err)
	}
	return nil
}

// reject ends the exchange: the user's credentials have been turned down. They are never sent again, since
// repeated attempts lock accounts.
func (x *exchange) reject(e *ocserr.Error) error {
	x.tested = x.tested || e.Cause == ocserr.CausePasswordRejected
	x.hand, x.digest, x.rejected = nil, nil, e
	return e
}

// accept notes that the server has switched to the association, or has accepted Digest credentials.
func (x *exchange) accept() {
	x.tested = x.tested || provesPassword(x.scheme)
	x.hand, x.old, x.rounds, x.offered = nil, nil, 0, nil
}

// reset makes the next REGISTER go out without credentials. What has been agreed stays in force for all other
// messages until a new handshake replaces it.
func (x *exchange) reset() {
	x.close()
	x.hand, x.digest, x.rounds, x.offered, x.bare = nil, nil, 0, nil, true
}

// close releases a handshake in progress.
func (x *exchange) close() {
	if x.hand != nil && x.hand.association != x.sa {
		discard(x.hand.keys)
	}
}

// authorize returns the credentials for a message, "" if it carries none.
func (x *exchange) authorize(m sip.Message) (string, error) {
	req, isRequest := m.(*sip.Request)
	switch isRegister := isRequest && req.Method == "REGISTER"; {
	case x.rejected != nil || x.bare && isRegister:
		return "", nil //nolint:nilerr // the rejection was told when it came
	case x.digest != nil:
		if !isRequest {
			return "", nil
		}
		x.sent = true
		return x.digest.authorize(req)
	case isRegister && x.hand != nil && x.hand.sentIn == "":
		return x.sendToken(m)
	case x.sa == nil || isRegister && x.hand != nil && !x.hand.done:
		return "", nil
	}
	random, err := randomHex(x.cfg.Rand)
	if err != nil {
		return "", err
	}
	signature, err := x.sa.signature(m, random)
	c := sip.Credentials{Scheme: x.sa.scheme, Params: append(x.sa.identity(), signature...)}
	return c.String(), err
}

// sendToken returns the handshake form of the credentials, and puts the association in force with the token
// that completes it.
func (x *exchange) sendToken(m sip.Message) (string, error) {
	random := ""
	if x.hand.done {
		var err error
		if random, err = randomHex(x.cfg.Rand); err != nil {
			return "", err
		}
		x.sent = x.sent || provesPassword(x.scheme)
		x.sa, x.old = x.hand.association, x.sa
		x.sa.begin()
	}
	c, err := x.hand.authorize(m, random)
	return c.String(), err
}

// verify checks what a received message says about itself in its Authentication-Info values. signed means that
// a signature was found and is good; proved, that it shows the sender to know the password.
func (x *exchange) verify(m sip.Message, infos []sip.Credentials) (signed bool, err error) {
	if x.digest != nil {
		return x.digestVerify(m, infos)
	}
	for _, info := range infos {
		for _, sa := range []*association{x.sa, x.old} {
			if sa == nil || !sa.owns(info) {
				continue
			}
			if err := sa.verify(m, info, serverNames); err != nil {
				return false, err
			}
			if sa.opaque == "" {
				sa.opaque, _ = info.Params.Get("opaque")
			}
			if sa == x.sa && (x.hand == nil || x.hand.association == sa) {
				x.accept()
			}
			return true, nil
		}
	}
	return false, nil
}

// fail makes the error of a challenge that cannot be answered.
func fail(cause ocserr.Cause, res *sip.Response, err error) *ocserr.Error {
	e := ocserr.New(cause, err)
	e.Status, e.Diagnostics = res.StatusCode, sip.Diagnostics(res)
	return e
}
