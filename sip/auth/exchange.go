package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// maxRounds bounds the challenges that are answered until one answer is accepted. TLS-DSK, the longest
// handshake, needs four.
const maxRounds = 8

// exchange is the client's conversation with one challenger, the registrar (401) or a proxy (407): from the
// first challenge over the handshake to the security association, and again when the server asks anew.
type exchange struct {
	cfg    *ClientConfig
	status int    // of its challenges: 401 or 407
	scheme string // chosen; "" before the first challenge
	rounds int

	hand *handshake   // from the first challenge to the server's verdict, else nil
	sa   *association // what messages are signed with, or nil
	old  *association // the one before it, until the server has switched too

	digest *digestClient // instead of the three above, with Digest

	bare     bool  // REGISTER goes out without credentials until the next challenge
	tested   bool  // the server has judged the password, this way or that
	rejected error // it was found wrong: no credentials are sent any more
}

// challenge digests a 401 or 407. Nil means that the request is to be sent again.
func (x *exchange) challenge(ctx context.Context, res *sip.Response) error {
	all := offers(res)
	switch {
	case x.rejected != nil:
		return x.rejected
	case x.hand != nil && x.hand.sentIn != transactionKey(res), x.digest != nil && !x.digest.pending(res):
		return nil // the answer to a request from before the last challenge
	case x.hand != nil && x.hand.done, x.digest != nil && !x.digest.renews(all):
		return x.reject(res)
	}
	if x.rounds++; x.rounds > maxRounds {
		return fail(ocserr.CauseChallengeLoop, res, fmt.Errorf("auth: %d challenges answered in vain", maxRounds))
	}
	if x.hand != nil {
		return x.proceed(ctx, res, all)
	}
	return x.begin(ctx, res, all)
}

// begin answers a challenge that begins a handshake.
func (x *exchange) begin(ctx context.Context, res *sip.Response, all []offer) error {
	if x.cfg.Password.User == "" {
		return fail(ocserr.CauseNoCredentials, res, errors.New("auth: no user name is configured"))
	}
	o, err := choose(all, x.cfg.Schemes)
	if err != nil {
		return fail(ocserr.CauseNoCommonScheme, res, err)
	}
	x.scheme, x.bare = o.scheme, false
	if o.scheme == Digest {
		return x.digestChallenge(res, o)
	}
	user, domain := SplitUser(x.cfg.Password.User)
	x.digest = nil
	x.hand = &handshake{association: &association{scheme: o.scheme, keys: &ntlm.Client{
		User: user, Domain: domain, Password: string(x.cfg.Password.Secret),
		Workstation: strings.ToUpper(x.cfg.Hostname), Rand: x.cfg.Rand,
	}}}
	return x.step(ctx, res, o)
}

// proceed answers a challenge in the middle of a handshake. It must carry the scheme's next token.
func (x *exchange) proceed(ctx context.Context, res *sip.Response, all []offer) error {
	i := slices.IndexFunc(all, func(o offer) bool { return o.scheme == x.scheme })
	if i < 0 || all[i].get("gssapi-data") == "" {
		x.hand = nil
		if e := sip.StatusError(res, false); e.Cause == ocserr.CauseClockSkew {
			return e
		}
		return fail(ocserr.CauseSchemeFailed, res, fmt.Errorf("auth: the server broke off the %s handshake", x.scheme))
	}
	return x.step(ctx, res, all[i])
}

func (x *exchange) step(ctx context.Context, res *sip.Response, o offer) error {
	err := x.hand.step(ctx, o)
	if err == nil {
		return nil
	}
	x.hand = nil
	if errors.Is(err, errMalformed) {
		return fail(ocserr.CauseBadChallenge, res, err)
	}
	return fail(ocserr.CauseSchemeFailed, res, err)
}

// reject ends the exchange: the server has turned down complete credentials. They are never sent again, since
// repeated attempts lock accounts.
func (x *exchange) reject(res *sip.Response) error {
	e := sip.StatusError(res, true)
	x.tested = x.tested || e.Cause == ocserr.CausePasswordRejected
	x.hand, x.digest, x.rejected = nil, nil, e
	return e
}

// accept notes that the server has switched to the association, or has accepted Digest credentials: it has
// judged the password and found it right.
func (x *exchange) accept() {
	x.hand, x.old, x.rounds, x.tested = nil, nil, 0, true
}

// reset makes the next REGISTER go out without credentials. What has been agreed stays in force for all other
// messages until a new handshake replaces it.
func (x *exchange) reset() {
	x.hand, x.digest, x.rounds, x.bare = nil, nil, 0, true
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
		x.sa, x.old = x.hand.association, x.sa
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
			if sa == x.sa && (x.hand == nil || x.hand.association == sa) {
				x.accept()
			}
			return true, nil
		}
	}
	return false, nil
}

// fail makes the error of a challenge that cannot be answered.
func fail(cause ocserr.Cause, res *sip.Response, err error) error {
	e := ocserr.New(cause, err)
	e.Status, e.Diagnostics = res.StatusCode, sip.Diagnostics(res)
	return e
}
