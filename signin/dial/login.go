package dial

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip/auth/digest"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// login is the authentication with an HTTP proxy. The password goes out, or is proved, once, in one scheme:
// NTLM if it is offered, else Digest, else Basic.
type login struct {
	proxy  *Proxy
	target string // host:port
	logins *Logins
	tell   func(verdict) // to logins; nil before the password is shown

	scheme      string // chosen; empty before the proxy has asked
	credentials string // value of Proxy-Authorization for the next request
	proved      bool   // they prove the password
	renewed     bool   // a nonce that was too old has been replaced

	digest *digest.Client
	ntlm   *ntlm.StreamClient
}

// begun tells whether what follows must come on the same connection.
func (l *login) begun() bool { return l.ntlm != nil && l.proved }

// judged notes the proxy's verdict on the password, if it was shown.
func (l *login) judged(v verdict) {
	if l.tell != nil {
		l.tell(v)
	}
}

// challenged takes the proxy's demand for credentials, and makes the next ones; or gives the cause for which
// there are none.
func (l *login) challenged(ctx context.Context, offered []challenge) (ocserr.Cause, error) {
	cause, err := l.answer(ctx, offered)
	if err != nil || !l.proved || l.tell != nil {
		return cause, err
	}
	if l.tell, err = l.logins.show(ctx, l.proxy); err != nil {
		return ocserr.CauseProxyPassword, err
	}
	return "", nil
}

// answer makes the next credentials.
func (l *login) answer(ctx context.Context, offered []challenge) (ocserr.Cause, error) {
	switch {
	case l.scheme == "" && l.proxy.User == "":
		return ocserr.CauseProxyAuthRequired, fmt.Errorf("it demands %s", demand(offered))
	case l.scheme == "":
		return l.choose(ctx, offered)
	case l.ntlm != nil && !l.proved:
		return l.prove(ctx, offered)
	case l.digest != nil && !l.renewed:
		if ch, ok := digestOf(offered); ok && ch.Stale {
			l.renewed = true
			return l.answerDigest(ch)
		}
	}
	l.judged(rejected)
	return ocserr.CauseProxyPassword, fmt.Errorf("it rejects the credentials of %q (%s)", l.proxy.User, l.scheme)
}

// choose begins the strongest scheme that is offered.
func (l *login) choose(ctx context.Context, offered []challenge) (ocserr.Cause, error) {
	if _, ok := find(offered, "NTLM"); ok {
		user, domain := l.proxy.User, ""
		if before, after, ok := strings.Cut(user, `\`); ok {
			domain, user = before, after
		}
		l.scheme = "NTLM"
		l.ntlm = &ntlm.StreamClient{User: user, Domain: domain, Password: l.proxy.Password, Target: "HTTP/" + l.proxy.Host}
		return l.stepNTLM(ctx, "")
	}
	if ch, ok := digestOf(offered); ok {
		l.scheme = "Digest"
		l.digest = &digest.Client{User: l.proxy.User, Password: l.proxy.Password}
		return l.answerDigest(ch)
	}
	if _, ok := find(offered, "Basic"); ok && !strings.Contains(l.proxy.User, ":") {
		l.scheme, l.credentials, l.proved = "Basic", basic(l.proxy.User, l.proxy.Password), true
		return "", nil
	}
	return ocserr.CauseProxyAuthUnsupported, fmt.Errorf("it demands %s", demand(offered))
}

func (l *login) answerDigest(ch digest.Challenge) (ocserr.Cause, error) {
	c, err := l.digest.Authorize("CONNECT", l.target, ch)
	if err != nil {
		return ocserr.CauseProxyAuthFailed, err
	}
	l.credentials, l.proved = c.String(), true
	return "", nil
}

// prove answers the proxy's NTLM challenge.
func (l *login) prove(ctx context.Context, offered []challenge) (ocserr.Cause, error) {
	ch, ok := find(offered, "NTLM")
	if !ok || ch.token == "" {
		return ocserr.CauseProxyAuthFailed, errors.New("it does not go on with NTLM")
	}
	l.proved = true
	return l.stepNTLM(ctx, ch.token)
}

func (l *login) stepNTLM(ctx context.Context, token string) (ocserr.Cause, error) {
	in, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return ocserr.CauseProxyAuthFailed, errors.New("its NTLM token is not base64")
	}
	out, _, err := l.ntlm.Step(ctx, in)
	if err != nil {
		return ocserr.CauseProxyAuthFailed, err
	}
	l.credentials = "NTLM " + base64.StdEncoding.EncodeToString(out)
	return "", nil
}

// find returns the first challenge of a scheme.
func find(offered []challenge, scheme string) (challenge, bool) {
	i := slices.IndexFunc(offered, func(c challenge) bool { return strings.EqualFold(c.scheme, scheme) })
	if i < 0 {
		return challenge{}, false
	}
	return offered[i], true
}

// digestOf returns the first Digest challenge that can be answered.
func digestOf(offered []challenge) (digest.Challenge, bool) {
	for _, c := range offered {
		if !strings.EqualFold(c.scheme, "Digest") {
			continue
		}
		if ch, err := digest.ParseChallenge(c.param); err == nil && ch.Usable() == nil {
			return ch, true
		}
	}
	return digest.Challenge{}, false
}

// demand says in words what a proxy demands.
func demand(offered []challenge) string {
	names := schemesOf(offered)
	if len(names) == 0 {
		return "credentials, and does not say in which scheme"
	}
	return strings.Join(names, " or ")
}
