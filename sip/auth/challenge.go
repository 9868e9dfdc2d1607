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

// canonical spells the name of a scheme as above; others stay as they are.
func canonical(scheme string) string {
	for _, s := range schemes() {
		if strings.EqualFold(s.name, scheme) {
			return s.name
		}
	}
	return scheme
}

// Schemes returns the schemes that a Client speaks, in its order of preference.
func Schemes() []string {
	var names []string
	for _, s := range schemes() {
		names = append(names, s.name)
	}
	return names
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

// among returns the offers of a scheme: of several Digest challenges those with a known algorithm, in the server's order
// (RFC 8760 section 2.4).
func among(all []offer, scheme string) []offer {
	var found []offer
	for _, o := range all {
		if o.scheme == scheme && o.unusable() == nil {
			found = append(found, o)
		}
	}
	return found
}

// unusable is why an offer cannot be taken up whatever the credentials are, or nil; with errMalformed where it makes no
// sense.
func (o offer) unusable() error {
	if o.scheme != Digest {
		return nil
	}
	c, err := digest.ParseChallenge(o.params.Get)
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return c.Usable()
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing usable"
	}
	return strings.Join(names, ", ")
}

// addSchemes appends the schemes of the offers that known does not hold yet.
func addSchemes(known []string, all []offer) []string {
	for _, o := range all {
		if !slices.Contains(known, o.scheme) {
			known = append(known, o.scheme)
		}
	}
	return known
}
