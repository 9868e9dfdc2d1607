package resolve

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// hostname returns s without its trailing dot if it can be a host name (RFC 1123 2.1, the underscore
// of old Windows networks allowed), else an error that begins with the quoted name. An international
// name becomes its A-labels (RFC 5891). Names that servers answer pass here too, so nothing strange
// gets into a certificate check, a log or a terminal.
func hostname(s string) (string, error) {
	const most = 4 * 253 // bytes, of names in UTF-8
	if len(s) > most {
		return "", fmt.Errorf("%q is longer than the 253 characters of a DNS name", s[:32]+"...")
	}
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%q is not a DNS name: it is not UTF-8", s)
	}
	name := s
	if strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) {
		var err error
		if name, err = idna.Lookup.ToASCII(s); err != nil {
			return "", fmt.Errorf("%q is not a DNS name: %w", s, err)
		}
	}
	name = strings.TrimSuffix(name, ".")
	switch {
	case name == "":
		return "", fmt.Errorf("%q is empty", s)
	case len(name) > 253:
		return "", fmt.Errorf("%q is longer than the 253 characters of a DNS name", name[:32]+"...")
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("%q is not a DNS name: its labels must have 1 to 63 characters", s)
		}
		for _, c := range label {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			default:
				return "", fmt.Errorf("%q is not a DNS name: it must not contain %q", s, c)
			}
		}
	}
	if strings.Trim(label, "0123456789") == "" {
		return "", fmt.Errorf("%q is not a DNS name: its last label is a number", s)
	}
	return name, nil
}

// ALabels returns a domain as it goes over the wire: an international one in A-labels (RFC 5891), any other as it is.
func ALabels(domain string) string {
	if name, err := hostname(domain); err == nil && strings.Contains(name, "xn--") {
		return name
	}
	return domain
}

// fold makes names comparable: DNS ignores case (RFC 4343) and a trailing dot is only notation.
func fold(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
