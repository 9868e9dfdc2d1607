package sip

import (
	"bytes"
	"fmt"
	"regexp"
)

// fold is what may stand between the parts of a header: blanks, and a line end if a blank follows.
const fold = `(?:[ \t]|\r\n[ \t])*`

var (
	// secretParam is a parameter whose value gives a secret away or lets a password be guessed off line. A quoted value
	// that does not end is taken to the end of its header, folded lines included.
	secretParam = regexp.MustCompile(`(?i)\b(?:gssapi-data|response|rspauth|cnonce|password|passwd|pwd|secret|ticket)` + fold + `=` + fold +
		`(?:"((?:\\.|[^"\\\r\n]|\r\n[ \t])*)|([^\s,;"]+))`)
	// secretToken is the value of a scheme that carries no parameters: Basic, Bearer, Negotiate as HTTP knows them.
	secretToken = regexp.MustCompile(`(?im)^(?:proxy-)?authorization[ \t]*:` + fold + `(?:basic|bearer|negotiate)[ \t]` + fold + `([\w.~+/-]+=*)\s*$`)
	// secretUserinfo is the password of sip:user:password@host.
	secretUserinfo = regexp.MustCompile(`(?i)\bsips?:[^\s@:;<>"]+:([^\s@:;?<>"]+)@`)
	// secretAttribute is a password in a body, as an attribute, a form field or JSON.
	secretAttribute = regexp.MustCompile(`(?i)\b(?:password|passwd|pwd|secret)["']?\s*[=:]\s*(?:"([^"]+)|'([^']+)|([^\s"'&<>;,]+))`)
	// secretElement is the begin or end tag of an XML element whose content is a password, a ticket or a key.
	secretElement = regexp.MustCompile(`(?i)<(/?)(?:[\w.-]+:)?(?:password|secret|ticket|token|pin|assertion|encryptedassertion|` +
		`encrypteddata|ciphervalue|binarysecuritytoken|binarysecret|requestedsecuritytoken|requestedprooftoken|` +
		`privatekey)(?:\s[^>]*?)?(/?)>`)
)

// Redact returns a copy of a message for transcripts and histories, in which passwords, tickets, assertions, handshake
// tokens (gssapi-data) and what is computed from keys (response, rspauth, cnonce) are replaced by "***" and their
// length in bytes. Everything else stays, so Content-Length may be wrong afterwards. Any bytes are accepted.
func Redact(raw []byte) []byte {
	head, body := raw, []byte(nil)
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		head, body = raw[:i+4], raw[i+4:]
	}
	out := mask(head, secretParam)
	out = mask(out, secretToken)
	out = mask(out, secretUserinfo)
	body = maskElements(body)
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
			if m[g] < m[g+1] { // matched, and not empty: an empty value tells something and hides nothing
				out = append(append(out, b[done:m[g]]...), stars(m[g+1]-m[g])...)
				done = m[g+1]
			}
		}
	}
	return append(out, b[done:]...)
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
