package dial

import "strings"

// challenge is one demand for credentials (RFC 9110 section 11.3).
type challenge struct {
	scheme string            // as spelled
	token  string            // the token68 form: what NTLM has
	params map[string]string // by name in lower case, values without quotes
}

// param looks up a parameter by its name in lower case.
func (c challenge) param(name string) (string, bool) {
	value, ok := c.params[name]
	return value, ok
}

// schemesOf lists the schemes that are offered, each once.
func schemesOf(all []challenge) []string {
	var names []string
	seen := map[string]bool{}
	for _, c := range all {
		if key := strings.ToLower(c.scheme); !seen[key] {
			seen[key] = true
			names = append(names, c.scheme)
		}
	}
	return names
}

// parseChallenges reads the values of Proxy-Authenticate or WWW-Authenticate, each of which may hold several
// challenges. It passes over what it cannot read.
func parseChallenges(values []string) []challenge {
	var all []challenge
	for _, text := range values {
		current := -1 // index of the challenge that parameters belong to
		for text = skip(text); text != ""; text = skip(text) {
			word := token(text)
			rest := strings.TrimLeft(text[len(word):], " \t")
			switch {
			case word == "":
				text = text[1:]
			case strings.HasPrefix(rest, "="):
				var value string
				value, text = parameter(strings.TrimLeft(rest[1:], " \t"))
				if current >= 0 {
					all[current].params[strings.ToLower(word)] = value
				}
			default:
				all = append(all, challenge{scheme: word, params: map[string]string{}})
				current = len(all) - 1
				all[current].token, text = token68(rest)
			}
		}
	}
	return all
}

// skip passes over what separates the elements of a list.
func skip(s string) string { return strings.TrimLeft(s, " \t,") }

// token is the token (RFC 9110 section 5.6.2) that s begins with.
func token(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
	if end < 0 {
		return s
	}
	return s[:end]
}

// token68 takes off a token68, if s begins with one that is a whole element of the list.
func token68(s string) (value, rest string) {
	element, _, _ := strings.Cut(s, ",")
	value = strings.TrimRight(element, " \t")
	letters := strings.TrimRight(value, "=")
	if letters == "" || strings.ContainsFunc(letters, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/", r))
	}) {
		return "", s
	}
	return value, s[len(element):]
}

// parameter takes off the value of a parameter: a token, or a quoted-string.
func parameter(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
