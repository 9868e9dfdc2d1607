package server

import (
	"bytes"
	"slices"
	"strings"
)

// Form is how the header lines of a message are written (RFC 3261 section 7.3.1): what they say stays the same.
type Form string

// The forms.
const (
	FormCase    Form = "case"    // names in capitals, in small letters and mixed, by turns
	FormCompact Form = "compact" // names in their compact form where they have one, else in small letters; no blank behind the colon
	FormFold    Form = "fold"    // lines are folded: at each blank of the value, or where it begins if it has none
	FormBlanks  Form = "blanks"  // blanks and tabs around the colon and behind the value
	FormOrder   Form = "order"   // another header comes first
)

func forms() []Form { return []Form{FormOrder, FormCase, FormCompact, FormFold, FormBlanks} }

// compactForms are the short names of headers (RFC 3261 section 7.3.3, RFC 6665).
func compactForms() map[string]string {
	return map[string]string{
		"call-id": "i", "contact": "m", "content-length": "l", "content-type": "c", "event": "o", "allow-events": "u",
		"from": "f", "subject": "s", "supported": "k", "to": "t", "via": "v",
	}
}

// vary writes a message in one of the forms, as no real server does and as every client has to read it. n, the
// number of the message, says which header the form "order" begins with.
func vary(message []byte, form Form, n int) []byte {
	head, body, found := bytes.Cut(message, []byte("\r\n\r\n"))
	if !found {
		return message
	}
	lines := strings.Split(string(head), "\r\n")
	start, headers := lines[0], lines[1:]
	if form == FormOrder {
		headers = turned(headers, n)
	}
	compact := compactForms()
	var b bytes.Buffer
	b.WriteString(start)
	for i, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		separator := ": "
		switch form {
		case FormCase:
			name = recase(name, i)
		case FormCompact:
			name = orDefault(compact[strings.ToLower(name)], strings.ToLower(name))
			separator = ":"
		case FormFold:
			if value, separator = folded(value), ": "; !strings.Contains(value, "\n") {
				separator = ":\r\n\t"
			}
		case FormBlanks:
			separator = " \t:\t "
			value += " \t"
		case FormOrder:
		}
		b.WriteString("\r\n" + name + separator + value)
	}
	b.WriteString("\r\n\r\n")
	b.Write(body)
	return b.Bytes()
}

// varied writes the n-th message as Config.Varied has it: in the next form, and in the next order.
func varied(message []byte, n int) []byte {
	form := forms()[n%len(forms())]
	if form != FormOrder {
		message = vary(message, FormOrder, n)
	}
	return vary(message, form, n)
}

// recase changes the case of a name, in a way that goes by turns.
func recase(name string, turn int) string {
	switch turn % 3 {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToLower(name)
	}
	mixed := []byte(strings.ToLower(name))
	for i := 1; i < len(mixed); i += 2 {
		mixed[i] = strings.ToUpper(string(mixed[i]))[0]
	}
	return string(mixed)
}

// folded breaks a value at its blanks. Where two stand together it is left whole: folding makes one of them.
func folded(value string) string {
	parts := strings.Split(value, " ")
	for i := 1; i < len(parts); i++ {
		if parts[i-1] == "" || parts[i] == "" {
			parts[i] = " " + parts[i]
		} else {
			parts[i] = "\r\n " + parts[i]
		}
	}
	return strings.Join(parts, "")
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
