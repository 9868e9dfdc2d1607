package sip

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// fold is what may stand between the parts of a header: blanks, and a line end if a blank follows.
const fold = `(?:[ \t]|\r\n[ \t])*`

// gap is the same where something has to be.
const gap = `(?:[ \t]|\r\n[ \t])+`

var (
	endOfHead = regexp.MustCompile(`\r?\n\r?\n`)

	// secretParam is a parameter whose value gives a secret away or lets a password be guessed off line. A quoted value
	// that does not end is taken to the end of its header, folded lines included.
	secretParam = regexp.MustCompile(`(?i)\b(?:gssapi-data|response|rspauth|cnonce|password|passwd|pwd|secret|ticket)` + fold + `=` + fold +
		`(?:"((?:\\.|[^"\\\r\n]|\r\n[ \t])*)|([^\s,;"]+))`)
	// header is a header, folded lines included, or what looks like one in a body.
	header = regexp.MustCompile(`(?im)^[ \t]*([a-z][\w-]*)[ \t]*:((?:[^\n]|\n[ \t])*)`)
	// secretHeader is the name of a header whose value is a secret as a whole.
	secretHeader = regexp.MustCompile(`(?i)^(?:set-)?cookie2?$|(?:ticket|token|password|passwd|pwd|secret|api-key)$`)
	// credentials is the value of a header with which somebody authenticates, whatever the scheme: its token is secret,
	// its parameters are as secretParam has them.
	credentials = regexp.MustCompile(`(?i)^[\w-]+` + gap + `(?:[\w.!#$%&'*+^|~-]+` + fold + `=` + fold + `(?:"|[^=\s"])|([^,]+)$)`)
	// bareScheme is one that has nothing to say yet.
	bareScheme = regexp.MustCompile(`(?i)^(?:basic|bearer|digest|kerberos|negotiate|ntlm|tls-dsk)$`)
	// secretUserinfo is the password of sip:user:password@host.
	secretUserinfo = regexp.MustCompile(`(?i)\bsips?:[^\s@:;<>"]+:([^\s@:;?<>"]+)@`)
	// secretAttribute is a secret in a body, as an attribute, a form field or JSON, whatever its name begins with.
	secretAttribute = regexp.MustCompile(`(?i)(?:password|passwd|pwd|secret|ticket|token|gssapi-data)["']?\s*[=:]\s*` +
		`(?:"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|([^\s"'&<>;,]+))`)
	// masked is what stands for a secret already.
	masked = regexp.MustCompile(`^\*\*\*\(\d+\)$`)
	// secretElement is the begin or end tag of an XML element whose content is a password, a ticket or a key.
	secretElement = regexp.MustCompile(`(?i)<(/?)(?:[\w.-]+:)?(?:password|secret|ticket|token|pin|assertion|encryptedassertion|` +
		`encrypteddata|ciphervalue|binarysecuritytoken|binarysecret|requestedsecuritytoken|requestedprooftoken|` +
		`privatekey)(?:\s[^>]*?)?(/?)>`)
)

// Redact returns a copy of a message for transcripts and histories, in which passwords, cookies, tickets, assertions,
// handshake tokens (gssapi-data) and what is computed from keys (response, rspauth, cnonce) are replaced by "***" and their
// length in bytes. Everything else stays, so Content-Length may be wrong afterwards. Any bytes are accepted.
func Redact(raw []byte) []byte {
	head, body := raw, []byte(nil)
	if end := endOfHead.FindIndex(raw); end != nil {
		head, body = raw[:end[1]], raw[end[1]:]
	}
	out := maskHeaders(head)
	out = mask(out, secretParam)
	out = mask(out, secretUserinfo)
	body = maskElements(body)
	body = maskHeaders(body)
	body = mask(body, secretAttribute)
	body = mask(body, secretUserinfo)
	return append(out, body...)
}

// mask replaces what the groups of re matched.
func mask(b []byte, re *regexp.Regexp) []byte {
	var out []byte
	done := 0
	for _, m := range re.FindAllSubmatchIndex(b, -1) {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] < m[g+1] && !masked.Match(b[m[g]:m[g+1]]) { // matched, and not empty: an empty value tells something and hides nothing
				out = append(append(out, b[done:m[g]]...), stars(m[g+1]-m[g])...)
				done = m[g+1]
			}
		}
	}
	return append(out, b[done:]...)
}

// maskHeaders replaces the values of headers that are secret as a whole, and the tokens of credentials.
func maskHeaders(b []byte) []byte {
	var out []byte
	done := 0
	for _, m := range header.FindAllSubmatchIndex(b, -1) {
		name, value := string(b[m[2]:m[3]]), bytes.TrimSpace(b[m[4]:m[5]])
		at := m[4] + bytes.Index(b[m[4]:m[5]], value)
		start, end := secretOf(name, value)
		if start < end {
			out = append(append(out, b[done:at+start]...), stars(end-start)...)
			done = at + end
		}
	}
	return append(out, b[done:]...)
}

// secretOf says which part of a header's value is secret; nothing where start is end.
func secretOf(name string, value []byte) (start, end int) {
	if secretHeader.MatchString(name) {
		return 0, len(value)
	}
	authorization := false
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		authorization = true
	case "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info":
	default:
		return 0, 0
	}
	switch m := credentials.FindSubmatchIndex(value); {
	case m != nil && m[2] >= 0:
		return m[2], m[3]
	case m == nil && authorization && !bareScheme.Match(value): // no scheme, or none that we know
		return 0, len(value)
	}
	return 0, 0
}

// maskElements replaces the content of secret elements, and the rest of the body where one does not end.
func maskElements(b []byte) []byte {
	var out []byte
	depth, done, start := 0, 0, 0
	for _, m := range secretElement.FindAllSubmatchIndex(b, -1) {
		closing, empty := m[2] < m[3], m[4] < m[5]
		switch {
		case empty:
		case !closing:
			if depth == 0 {
				start = m[1]
			}
			depth++
		case depth > 0:
			depth--
			if depth == 0 && start < m[0] {
				out = append(append(out, b[done:start]...), stars(m[0]-start)...)
				done = m[0]
			}
		}
	}
	if depth > 0 && start < len(b) {
		out = append(append(out, b[done:start]...), stars(len(b)-start)...)
		done = len(b)
	}
	return append(out, b[done:]...)
}

func stars(n int) string { return fmt.Sprintf("***(%d)", n) }
