package ocauthws

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"strings"

	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// send repeats the request that was challenged, with credentials.
type send func(ctx context.Context, address, authorization string) (*answer, error)

// authenticate answers a 401. Negotiate comes first, where there is a token for it; then NTLM; then Basic, where
// that is allowed. A refused Kerberos ticket is no refused password, so NTLM may follow it; nothing follows a
// refused password.
func (x *exchange) authenticate(ctx context.Context, challenge *answer, request send) (*answer, error) {
	u, err := url.Parse(challenge.url)
	if err != nil {
		return nil, x.fail(err)
	}
	service := "HTTP/" + u.Hostname()
	offered := schemes(challenge.header)
	kerberosErr := error(nil)
	if x.c.Negotiate != nil && offered["negotiate"] {
		var token []byte
		if token, kerberosErr = x.c.Negotiate(ctx, service); kerberosErr == nil {
			a, err := request(ctx, challenge.url, "Negotiate "+base64.StdEncoding.EncodeToString(token))
			if err != nil || a.status != http.StatusUnauthorized {
				return a, err
			}
			kerberosErr = errors.New("the service refused the Kerberos ticket")
		}
	}
	if errors.Is(kerberosErr, ErrRejected) {
		return nil, x.fail(kerberosErr)
	}
	switch {
	case x.c.User == "":
	case offered["ntlm"]:
		return x.ntlm(ctx, "NTLM", service, challenge, request)
	case offered["negotiate"]:
		// Negotiate takes a bare NTLM token as well (MS-SPNG 3.2.5.2).
		return x.ntlm(ctx, "Negotiate", service, challenge, request)
	case offered["basic"] && x.c.Basic:
		return x.basic(ctx, challenge, request)
	}
	return nil, x.fail(errors.Join(ErrNoScheme, kerberosErr))
}

// ntlm goes through the two legs of NTLM over HTTP (MS-NTHT), which must share a connection.
func (x *exchange) ntlm(ctx context.Context, scheme, service string, challenge *answer, request send) (*answer, error) {
	mechanism := &ntlm.StreamClient{User: x.c.User, Domain: x.c.Domain, Password: x.c.Password, Target: service}
	token, _, err := mechanism.Step(ctx, nil)
	if err != nil {
		return nil, x.fail(err)
	}
	a, err := request(ctx, challenge.url, scheme+" "+base64.StdEncoding.EncodeToString(token))
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	in, err := tokenOf(a.header, scheme)
	if err != nil {
		return nil, x.fail(err)
	}
	mechanism.ChannelBinding = channelBinding(a)
	if token, _, err = mechanism.Step(ctx, in); err != nil {
		return nil, x.fail(fmt.Errorf("%w: %w", ErrAnswer, err))
	}
	b, err := request(ctx, a.url, scheme+" "+base64.StdEncoding.EncodeToString(token))
	switch {
	case err != nil:
		return nil, err
	case b.status != http.StatusUnauthorized:
		x.byPassword = true
		return b, nil
	case b.conn != a.conn:
		return nil, x.fail(fmt.Errorf("%w: the connection was closed in the middle of %s authentication", ErrAnswer, scheme))
	}
	return nil, x.fail(ErrRejected)
}

func (x *exchange) basic(ctx context.Context, challenge *answer, request send) (*answer, error) {
	login := x.c.User
	if x.c.Domain != "" {
		login = x.c.Domain + `\` + login
	}
	a, err := request(ctx, challenge.url, "Basic "+base64.StdEncoding.EncodeToString([]byte(login+":"+x.c.Password)))
	if err == nil && a.status == http.StatusUnauthorized {
		return nil, x.fail(ErrRejected)
	}
	x.byPassword = err == nil
	return a, err
}

// schemes are the names of the schemes in the challenges, in lower case. Parameters of a scheme look like
// schemes too, and do no harm.
func schemes(h http.Header) map[string]bool {
	names := map[string]bool{}
	for _, line := range h.Values("Www-Authenticate") {
		for challenge := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
			names[strings.ToLower(name)] = true
		}
	}
	return names
}

// tokenOf returns the token in the challenge of the scheme in progress; other challenges are not looked at.
func tokenOf(h http.Header, scheme string) ([]byte, error) {
	for _, line := range h.Values("Www-Authenticate") {
		name, token, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || !strings.EqualFold(name, scheme) {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
		if err != nil {
			return nil, fmt.Errorf("%w: the %s challenge is not base64", ErrAnswer, scheme)
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w: the service does not go on with %s authentication", ErrAnswer, scheme)
}

// channelBinding is tls-server-end-point of RFC 5929 section 4: the hash of the server's certificate, with the
// digest of its signature, but SHA-256 for MD5 and SHA-1. It is nil for a signature without a digest.
func channelBinding(a *answer) []byte {
	if a.tls == nil || len(a.tls.PeerCertificates) == 0 {
		return nil
	}
	cert := a.tls.PeerCertificates[0]
	var digest func() hash.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.DSAWithSHA256, x509.ECDSAWithSHA256:
		digest = sha256.New
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		digest = sha512.New384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		digest = sha512.New
	default:
		return nil
	}
	h := digest()
	h.Write(cert.Raw)
	return h.Sum([]byte("tls-server-end-point:"))
}
