package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

// firstTry bounds the wait for a third party, a KDC or a web service, while there is a scheme that needs none.
const firstTry = 5 * time.Second

// begin answers a challenge that begins a handshake, with the best scheme that gets as far as its first message.
func (x *exchange) begin(ctx context.Context, res *sip.Response, all []offer) error {
	x.bare = false
	for {
		o, err := x.choose(res, all)
		if err != nil {
			return err
		}
		x.scheme = o.scheme
		if o.scheme == Digest {
			return x.digestChallenge(res, o)
		}
		x.digest = nil
		h, err := x.firstMessage(ctx, o, all)
		if err == nil {
			x.hand = h
			return nil
		}
		if err := x.abandon(ctx, res, err); err != nil {
			return err
		}
	}
}

// firstMessage makes the handshake of one of the offers and its first message. KDCs and web services may be asked: the
// connection goes on meanwhile.
func (x *exchange) firstMessage(ctx context.Context, o offer, all []offer) (*handshake, error) {
	asksNobody := func(o offer) bool { return provesPassword(o.scheme) }
	if slices.ContainsFunc(x.candidates(all), asksNobody) {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, firstTry)
		defer stop()
	}
	x.mu.Unlock()
	h, err := newHandshake(ctx, x.cfg, o)
	x.mu.Lock()
	x.tested = x.tested || h.passwordTested(x.cfg)
	return h, err
}

// change goes on with another scheme: at once if this challenge offers one, else with a REGISTER without credentials,
// which brings a challenge that offers all.
func (x *exchange) change(ctx context.Context, res *sip.Response, all []offer, reason error) error {
	if err := x.abandon(ctx, res, reason); err != nil {
		return err
	}
	switch {
	case len(x.candidates(all)) > 0:
		return x.begin(ctx, res, all)
	case len(x.candidates(x.offered)) > 0:
		x.bare = true
		return nil
	}
	return x.failed[0].Err
}

// abandon drops the scheme that failed. It returns an error if no other may be tried: somebody has judged the user's
// credentials, or the time is over.
func (x *exchange) abandon(ctx context.Context, res *sip.Response, reason error) error {
	cause, final := causeOf(reason)
	e := fail(cause, res, reason)
	if said := sip.StatusError(res, false); said.Cause == ocserr.CauseClockSkew {
		e = said
	}
	h := x.hand
	x.hand, x.rounds = nil, 0
	if h != nil {
		discard(h.keys)
		if x.sa == h.association {
			x.sa, x.old = x.old, nil // the server has not switched
		}
		if x.scheme == TLSDSK && x.dropCertificate(h) {
			return nil // once more, with a new one
		}
	}
	x.failed = append(x.failed, Failure{x.scheme, e})
	switch {
	case final:
		return x.reject(e)
	case ctx.Err() != nil:
		return e
	}
	return nil
}

// dropCertificate forgets the certificate of a TLS-DSK handshake that failed: whatever it was, it may have been the
// certificate. It reports whether a new one is worth a try, which is once, and if that one was from the cache.
func (x *exchange) dropCertificate(h *handshake) bool {
	err := x.cfg.Certificates.Drop(h.targetName)
	worth := err == nil && !h.fresh && !x.dropped
	x.dropped = true
	return worth
}

// choose takes the best scheme of a challenge that can be used.
func (x *exchange) choose(res *sip.Response, all []offer) (offer, error) {
	candidates := x.candidates(all)
	wantsPassword := x.cfg.allows(NTLM) && len(among(all, NTLM)) > 0 || x.cfg.allows(Digest) && len(among(all, Digest)) > 0
	switch {
	case len(candidates) > 0:
		return candidates[0], nil
	case len(x.failed) > 0:
		return offer{}, x.failed[0].Err
	case wantsPassword:
		return offer{}, fail(ocserr.CauseNoCredentials, res, errors.New("auth: neither name and password nor a ticket is configured"))
	}
	var may []string
	for _, s := range schemes() {
		if x.cfg.allows(s.name) && s.possible(x.cfg) {
			may = append(may, s.name)
		}
	}
	for _, o := range all {
		if err := o.unusable(); err != nil && slices.Contains(may, o.scheme) {
			cause := ocserr.CauseNoCommonScheme
			if errors.Is(err, errMalformed) {
				cause = ocserr.CauseBadChallenge
			}
			return offer{}, fail(cause, res, fmt.Errorf("auth: the server offers %s in a form that cannot be used: %w", o.scheme, err))
		}
	}
	return offer{}, fail(ocserr.CauseNoCommonScheme, res,
		fmt.Errorf("auth: the server offers %s; the client may use %s", list(addSchemes(nil, all)), list(may)))
}

// candidates are the offers that can be taken up, best first: the scheme is allowed, has what it needs, and has not
// failed in this handshake.
func (x *exchange) candidates(all []offer) []offer {
	var found []offer
	for _, s := range schemes() {
		failed := slices.ContainsFunc(x.failed, func(f Failure) bool { return f.Scheme == s.name })
		if x.cfg.allows(s.name) && s.possible(x.cfg) && !failed {
			found = append(found, among(all, s.name)...)
		}
	}
	return found
}

// allows tells whether a scheme may be used.
func (cfg *ClientConfig) allows(scheme string) bool {
	is := func(s string) bool { return canonical(s) == scheme }
	return cfg.Schemes == nil || slices.ContainsFunc(cfg.Schemes, is)
}
