package auth

import (
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// Fields are the members of a signature buffer that come from the security association and from the header
// that carries the signature.
type Fields struct {
	Scheme     string
	Rand       string // crand or srand
	Num        string // cnum or snum
	Realm      string
	TargetName string
	Version    int // of the protocol: 2, 3 or 4
}

// Buffer returns the bytes that the signature of a message covers (MS-SIPAE 3.2.5.2; version 2: MS-SIP 3.1.4.2):
// each value between angle brackets exactly as the message spells it, a missing one as <>, the status code for
// responses only. From version 3 on, the To URI and the asserted identity are part of it. Bodies, Via, Contact and
// Route are not.
func Buffer(m sip.Message, f Fields) []byte {
	var b []byte
	put := func(values ...string) {
		for _, v := range values {
			b = append(b, '<')
			b = append(b, v...)
			b = append(b, '>')
		}
	}
	sequence, method := cseq(m)
	from, fromTag := address(m, "From")
	to, toTag := address(m, "To")

	put(f.Scheme, f.Rand, f.Num, f.Realm, f.TargetName)
	put(sip.Value(m, "Call-ID"), sequence, method, from, fromTag)
	if f.Version > 2 {
		sipURI, telURI := assertedIdentity(m)
		put(to, toTag, sipURI, telURI)
	} else {
		put(toTag)
	}
	put(sip.Value(m, "Expires"))
	if res, ok := m.(*sip.Response); ok {
		put(strconv.Itoa(res.StatusCode))
	}
	return b
}

// cseq returns the two parts of CSeq; for a response the method is the request's.
func cseq(m sip.Message) (number, method string) {
	parts := strings.Fields(sip.Value(m, "CSeq"))
	if len(parts) != 2 {
		return "", ""
	}
	return parts[0], parts[1]
}

// address returns URI and tag of From or To, empty if they cannot be read: such a message fails its signature.
func address(m sip.Message, name string) (uri, tag string) {
	a, err := sip.ParseNameAddr(sip.Value(m, name))
	if err != nil {
		return "", ""
	}
	tag, _ = a.Params.Get("tag")
	return a.URI, tag
}

// assertedIdentity returns the first SIP and the first telephone URI of P-Asserted-Identity, and of
// P-Preferred-Identity only if there is no such header.
func assertedIdentity(m sip.Message) (sipURI, telURI string) {
	value := sip.Value(m, "P-Asserted-Identity")
	if value == "" {
		value = sip.Value(m, "P-Preferred-Identity")
	}
	if hasScheme(value, "tel:") {
		return "", value // without brackets: what looks like header parameters belongs to the URI
	}
	all, err := sip.ParseNameAddrs(value)
	if err != nil {
		return "", ""
	}
	for _, a := range all {
		switch {
		case sipURI == "" && hasScheme(a.URI, "sip:"):
			sipURI = a.URI
		case telURI == "" && hasScheme(a.URI, "tel:"):
			telURI = a.URI
		}
	}
	return sipURI, telURI
}

func hasScheme(uri, scheme string) bool {
	return len(uri) >= len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme)
}
