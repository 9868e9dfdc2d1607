package server

import (
	"bytes"
	"slices"
	"strings"
)

// compactForms are the short names of headers (RFC 3261 section 7.3.3, RFC 6665).
func compactForms() map[string]string {
	return map[string]string{
		"call-id": "i", "contact": "m", "content-length": "l", "content-type": "c", "event": "o", "allow-events": "u",
		"from": "f", "subject": "s", "supported": "k", "to": "t", "via": "v",
	}
}

// vary writes a message as no real server does, and as every client has to read it (RFC 3261 section 7.3.1):
// the same header lines under names in another case or in their compact form, folded, with other blanks, in
// another order of names. Which of it is done depends on n alone.
func vary(message []byte, n int) []byte {
	head, body, found := bytes.Cut(message, []byte("\r\n\r\n"))
	if !found {
		return message
	}
	lines := strings.Split(string(head), "\r\n")
	start, headers := lines[0], turned(lines[1:], n)
	compact := compactForms()
	var b bytes.Buffer
	b.WriteString(start)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		separator := ": "
		switch n % 4 {
		case 1:
			name = strings.ToUpper(name)
		case 2:
			name = orDefault(compact[strings.ToLower(name)], strings.ToLower(name))
			separator = ":"
		case 3:
			separator = " :\t"
			value = strings.Replace(value, " ", "\r\n ", 1)
		}
		b.WriteString("\r\n" + name + separator + value)
	}
	b.WriteString("\r\n\r\n")
	b.Write(body)
	return b.Bytes()
}

// turned begins with another header than the first. Lines of the same name keep their order.
func turned(headers []string, n int) []string {
	if len(headers) == 0 {
		return headers
	}
	name := func(line string) string {
		before, _, _ := strings.Cut(line, ":")
		return strings.ToLower(before)
	}
	var names []string
	for _, line := range headers {
		names = note(names, name(line))
	}
	names = slices.Concat(names[n%len(names):], names[:n%len(names)])
	out := slices.Clone(headers)
	slices.SortStableFunc(out, func(a, b string) int {
		return slices.Index(names, name(a)) - slices.Index(names, name(b))
	})
	return out
}
