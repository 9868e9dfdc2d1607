package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// handshake is the client's side of a token handshake in progress (MS-SIPAE 3.1): challenge by challenge it
// carries gssapi-data between the server and a Mechanism.
type handshake struct {
	*association        // as far as it is known: its keys are the Mechanism, and work once done
	token        []byte // for the next REGISTER; nil: no gssapi-data
	fresh        bool   // what proves the user was obtained for this handshake
	done         bool   // with that token the handshake is complete
	sentIn       string // transaction of the REGISTER that carried the token; "" until it is sent
}

// newHandshake makes the handshake that answers a challenge, and its first message.
func newHandshake(ctx context.Context, cfg *ClientConfig, o offer) (*handshake, error) {
	i := slices.IndexFunc(schemes(), func(s scheme) bool { return s.name == o.scheme })
	keys, fresh, err := schemes()[i].mechanism(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	h := &handshake{association: &association{scheme: o.scheme, keys: keys}, fresh: fresh}
	if err := h.step(ctx, o); err != nil {
		discard(keys)
		return h, err
	}
	return h, nil
}

// errMalformed marks a challenge that cannot be understood.
var errMalformed = errors.New("auth: malformed challenge")

// step takes a challenge into the handshake.
func (h *handshake) step(ctx context.Context, o offer) error {
	version := 2
	if v, ok := o.params.Get("version"); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 99 {
			return fmt.Errorf("%w: version %q", errMalformed, v)
		}
		version = n
	}
	// Clones, for an association outlives the header with its token by hours.
	h.realm, h.targetName, h.version = strings.Clone(o.get("realm")), strings.Clone(o.get("targetname")), version
	if h.realm == "" || h.targetName == "" {
		return fmt.Errorf("%w: realm or targetname is missing", errMalformed)
	}
	if opaque := o.get("opaque"); opaque != "" {
		h.opaque = strings.Clone(opaque)
	}
	in, err := base64.StdEncoding.DecodeString(o.get("gssapi-data"))
	if err != nil {
		return fmt.Errorf("%w: gssapi-data is not base64", errMalformed)
	}
	h.token, h.done, err = h.keys.Step(ctx, in)
	h.sentIn = ""
	return err
}

// authorize returns the handshake form of the credentials for a REGISTER. From version 4 on the REGISTER that
// completes the handshake is signed by the keys it completes; one without a token could say nothing else.
func (h *handshake) authorize(m sip.Message, random string) (sip.Credentials, error) {
	c := sip.Credentials{Scheme: h.scheme, Params: h.identity()}
	if h.token != nil {
		c.Params = append(c.Params, quoted("gssapi-data", base64.StdEncoding.EncodeToString(h.token)))
	}
	if h.version > 2 {
		c.Params = append(c.Params, sip.Param{Name: "version", Value: strconv.Itoa(h.version)})
	}
	if h.done && (h.version > 3 || h.token == nil) {
		signature, err := h.signature(m, random)
		if err != nil {
			return c, err
		}
		c.Params = append(c.Params, signature...)
	}
	h.sentIn = transactionKey(m)
	return c, nil
}

// identity are the parameters with which every one of the client's credentials begins.
func (a *association) identity() sip.Params {
	p := sip.Params{quoted("qop", "auth")}
	if a.opaque != "" {
		p = append(p, quoted("opaque", a.opaque))
	}
	return append(p, quoted("realm", a.realm), quoted("targetname", a.targetName))
}

// signature are the parameters with which a client signs a message.
func (a *association) signature(m sip.Message, random string) (sip.Params, error) {
	num, mac, err := a.sign(m, random)
	return sip.Params{quoted("crand", random), quoted("cnum", num), quoted("response", mac)}, err
}
