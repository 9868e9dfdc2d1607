package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/digest"
)

// The authentication schemes, as they stand in headers.
const (
	TLSDSK   = "TLS-DSK"
	Kerberos = "Kerberos"
	NTLM     = "NTLM"
	Digest   = "Digest"
)

// preference is the order in which a client takes what a server offers. TLS-DSK and Kerberos are recognized
// and reported, not yet spoken.
func preference() []string { return []string{TLSDSK, Kerberos, NTLM, Digest} }

// canonical spells the name of a scheme as above; others stay as they are.
func canonical(scheme string) string {
	for _, s := range preference() {
		if strings.EqualFold(s, scheme) {
			return s
		}
	}
	return scheme
}

func spoken(scheme string) bool { return scheme == NTLM || scheme == Digest }

// Schemes returns the schemes that a Client speaks, in its order of preference.
func Schemes() []string {
	return slices.DeleteFunc(preference(), func(s string) bool { return !spoken(s) })
}

// headerPair is where a challenge comes from and where its answer goes: the registrar's pair with status 401,
// a proxy's with 407 (RFC 3261 section 22).
type headerPair struct{ challenge, credentials string }

func headersOf(status int) headerPair {
	if status == 407 {
		return headerPair{"Proxy-Authenticate", "Proxy-Authorization"}
	}
	return headerPair{"WWW-Authenticate", "Authorization"}
}

// offer is one challenge line.
type offer struct {
	scheme string // canonical
	params sip.Params
}

func (o offer) get(name string) string {
	value, _ := o.params.Get(name)
	return value
}

// offers reads the challenge lines of a 401 or 407 in order. A line that cannot be parsed is passed over: the
// others may do.
func offers(res *sip.Response) []offer {
	var all []offer
	for _, value := range sip.Values(res, headersOf(res.StatusCode).challenge) {
		c, err := sip.ParseCredentials(value)
		if err != nil || c.Scheme == "" {
			continue
		}
		all = append(all, offer{canonical(c.Scheme), c.Params})
	}
	return all
}

// choose takes the best scheme that the server offers, the caller allows (nil: all) and we speak. Of several
// Digest challenges it takes the first with a known algorithm (RFC 8760 section 2.4).
func choose(all []offer, allowed []string) (offer, error) {
	may := slices.DeleteFunc(Schemes(), func(scheme string) bool {
		isScheme := func(s string) bool { return canonical(s) == scheme }
		return allowed != nil && !slices.ContainsFunc(allowed, isScheme)
	})
	for _, scheme := range may {
		for _, o := range all {
			if o.scheme == scheme && (scheme != Digest || usableDigest(o)) {
				return o, nil
			}
		}
	}
	return offer{}, fmt.Errorf("auth: the server offers %s; the client may use %s", list(schemes(nil, all)), list(may))
}

func usableDigest(o offer) bool {
	c, err := digest.ParseChallenge(o.params.Get)
	return err == nil && c.Usable() == nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing usable"
	}
	return strings.Join(names, ", ")
}

// schemes appends the schemes of the offers that known does not hold yet.
func schemes(known []string, all []offer) []string {
	for _, o := range all {
		if !slices.Contains(known, o.scheme) {
			known = append(known, o.scheme)
		}
	}
	return known
}
