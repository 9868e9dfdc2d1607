package sip

import (
	"errors"
	"fmt"
	"strings"
)

// Param is one parameter of a header value: name, name=value or name="value".
type Param struct {
	Name   string
	Value  string // without the quotes, quoted pairs resolved; "" for a parameter without a value
	Quoted bool   // also for an empty value: name= is taken for name=""
}

// Params are parameters in the order received, unknown and repeated ones included.
type Params []Param

// Get returns the value of the first parameter of that name; case is ignored.
func (p Params) Get(name string) (string, bool) {
	for _, q := range p {
		if strings.EqualFold(q.Name, name) {
			return q.Value, true
		}
	}
	return "", false
}

// join composes the parameters.
func (p Params) join(sep string) string {
	var b strings.Builder
	for i, q := range p {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(q.Name)
		switch {
		case q.Quoted:
			b.WriteByte('=')
			b.WriteString(quote(q.Value))
		case q.Value != "":
			b.WriteByte('=')
			b.WriteString(q.Value)
		}
	}
	return b.String()
}

// quote writes a quoted-string (RFC 3261 section 25.1).
func quote(s string) string {
	if strings.ContainsAny(s, `\"`) { // rare, and a Replacer is dear
		s = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
	}
	return `"` + s + `"`
}

// unquote reads the quoted-string at the start of s and returns its content and what follows it.
// RFC 3261 escapes any character with a backslash; Microsoft's headers escape nothing. So a backslash counts as an
// escape only before a quote or another backslash, where the two cannot agree, and stands for itself elsewhere:
// "CONTOSO\alice" is CONTOSO\alice.
func unquote(s string) (value, rest string, ok bool) {
	end := 1
	escaped := false
	for end < len(s) && s[end] != '"' {
		if s[end] == '\\' && end+1 < len(s) && (s[end+1] == '"' || s[end+1] == '\\') {
			escaped = true
			end++
		}
		end++
	}
	if end >= len(s) {
		return s[1:], "", false
	}
	value, rest = s[1:end], s[end+1:]
	if escaped {
		value = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(value)
	}
	return value, rest, true
}

var (
	errQuote = errors.New("sip: a quoted value does not end")
	errParam = errors.New("sip: invalid parameter")
)

// parseParams reads name[=value] items separated by sep up to the end of s or to stop, which it leaves in rest; stop
// equal to sep means none. Blanks around names, values and separators are dropped, empty items are skipped. An unquoted
// value ends at sep or stop only, so it may contain =, quotes and blanks. On an error what was read before is returned
// with it.
func parseParams(s string, sep, stop byte) (p Params, rest string, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s != "" && s[0] == sep {
			s = s[1:]
			continue
		}
		if s == "" || s[0] == stop {
			return p, s, nil
		}
		n := 0
		for n < len(s) && s[n] != '=' && s[n] != sep && s[n] != stop {
			n++
		}
		q := Param{Name: strings.TrimRight(s[:n], " \t")}
		s = s[n:]
		if q.Name == "" || strings.ContainsAny(q.Name, "\"<>") {
			return p, s, errParam
		}
		if s != "" && s[0] == '=' {
			s = strings.TrimLeft(s[1:], " \t")
			if s != "" && s[0] == '"' {
				var ok bool
				q.Quoted = true
				q.Value, s, ok = unquote(s)
				if !ok {
					return append(p, q), "", errQuote
				}
				s = strings.TrimLeft(s, " \t")
				if s != "" && s[0] != sep && s[0] != stop {
					return append(p, q), s, errParam
				}
			} else {
				n = 0
				for n < len(s) && s[n] != sep && s[n] != stop {
					n++
				}
				q.Value = strings.TrimRight(s[:n], " \t")
				q.Quoted = q.Value == ""
				s = s[n:]
			}
		}
		p = append(p, q)
	}
}

// Credentials are the value of WWW-Authenticate, Authorization, Authentication-Info and their Proxy forms
// (RFC 3261 section 20.7, MS-SIPAE 2.2): NTLM realm="SIP Communications Service", version=4.
type Credentials struct {
	Scheme string // as received; "" where the value has none (RFC 7615 Authentication-Info)
	Params Params
}

// ParseCredentials reads one value of one header line.
func ParseCredentials(value string) (Credentials, error) {
	var c Credentials
	s := strings.Trim(value, " \t")
	n := 0
	for n < len(s) && isToken(s[n:n+1]) {
		n++
	}
	if n == 0 {
		return c, fmt.Errorf("sip: credentials without a scheme")
	}
	if rest := strings.TrimLeft(s[n:], " \t"); rest == "" || rest[0] != '=' {
		c.Scheme = s[:n]
		if rest != "" && rest == s[n:] {
			return c, errParam
		}
		s = rest
	}
	var err error
	c.Params, _, err = parseParams(s, ',', ',')
	return c, err
}

// String composes the value; ParseCredentials reads it back to the same.
func (c Credentials) String() string {
	if c.Scheme == "" || len(c.Params) == 0 {
		return c.Scheme + c.Params.join(", ")
	}
	return c.Scheme + " " + c.Params.join(", ")
}

// NameAddr is an address with parameters: the value of From, To, Contact, Route, P-Asserted-Identity (RFC 3261 section
// 20.10).
type NameAddr struct {
	Display string // unquoted
	URI     string // without angle brackets, byte for byte; "*" is a Contact's wildcard
	Params  Params // of the header; those inside the brackets belong to the URI
}

// ParseNameAddr reads one address.
func ParseNameAddr(value string) (NameAddr, error) {
	all, err := ParseNameAddrs(value)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("sip: %d addresses where one is expected", len(all))
	}
	if err != nil {
		return NameAddr{}, err
	}
	return all[0], nil
}

// ParseNameAddrs reads every address of several header lines, each of which may hold a list.
// Real peers leave out the brackets, glue the display name to them, and write a comma in a name without quoting it.
func ParseNameAddrs(values ...string) ([]NameAddr, error) {
	var all []NameAddr
	for _, s := range values {
		for {
			s = strings.TrimLeft(s, " \t,")
			if s == "" {
				break
			}
			var a NameAddr
			var err error
			a, s, err = parseNameAddr(s)
			if err != nil {
				return nil, err
			}
			all = append(all, a)
		}
	}
	return all, nil
}

// parseNameAddr reads the address at the start of s and returns what follows its comma.
func parseNameAddr(s string) (a NameAddr, rest string, err error) {
	if s[0] == '"' {
		var ok bool
		if a.Display, s, ok = unquote(s); !ok {
			return a, "", errQuote
		}
		if s = strings.TrimLeft(s, " \t"); s == "" || s[0] != '<' {
			return a, "", errors.New("sip: a display name without an address")
		}
	}
	// A colon before the bracket is a URI's, so the bracket is another address's.
	if i := strings.IndexByte(s, '<'); i >= 0 && strings.IndexByte(s[:i], ':') < 0 {
		end := strings.IndexByte(s[i:], '>')
		if end < 0 {
			return a, "", errors.New("sip: an angle bracket does not close")
		}
		if i > 0 {
			a.Display = strings.TrimRight(s[:i], " \t")
		}
		a.URI, s = strings.Trim(s[i+1:i+end], " \t"), s[i+end+1:]
	} else {
		n := 0
		for n < len(s) && strings.IndexByte(";, \t", s[n]) < 0 {
			n++
		}
		a.URI, s = s[:n], s[n:]
	}
	if a.URI == "" || a.URI != "*" && strings.IndexByte(a.URI, ':') < 0 {
		return a, "", errors.New("sip: an address without a URI")
	}
	s = strings.TrimLeft(s, " \t")
	if s != "" && s[0] != ';' && s[0] != ',' {
		return a, "", errors.New("sip: an address with something behind it")
	}
	a.Params, rest, err = parseParams(s, ';', ',')
	return a, strings.TrimPrefix(rest, ","), err
}
