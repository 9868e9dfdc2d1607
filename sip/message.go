package sip

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// The message types are sipgo's. Read and write their headers with Value, Values, Add, Set and Del only: sipgo's typed
// accessors (From, Contact, ...) corrupt quoted parameters and remember what has been replaced since.

type (
	// Message is a Request or a Response.
	Message = sipgo.Message
	// Request is a SIP request.
	Request = sipgo.Request
	// Response is a SIP response.
	Response = sipgo.Response
	// Header is one header line.
	Header = sipgo.Header
	// Uri is a SIP URI taken apart.
	Uri = sipgo.Uri
	// RequestMethod is a method's name.
	RequestMethod = sipgo.RequestMethod
)

// longName maps a one-letter header name to the long one (RFC 3261 section 7.3.3 and the registry it opened).
func longName(name string) string {
	if len(name) != 1 {
		return name
	}
	switch name[0] | 0x20 {
	case 'a':
		return "Accept-Contact"
	case 'b':
		return "Referred-By"
	case 'c':
		return "Content-Type"
	case 'e':
		return "Content-Encoding"
	case 'f':
		return "From"
	case 'i':
		return "Call-ID"
	case 'k':
		return "Supported"
	case 'l':
		return "Content-Length"
	case 'm':
		return "Contact"
	case 'o':
		return "Event"
	case 'r':
		return "Refer-To"
	case 's':
		return "Subject"
	case 't':
		return "To"
	case 'u':
		return "Allow-Events"
	case 'v':
		return "Via"
	}
	return name
}

// sameName reports whether two header names mean the same header: case is ignored and a compact form equals its
// long one.
func sameName(a, b string) bool {
	return strings.EqualFold(longName(a), longName(b))
}

// NewRequest returns a request with no headers. The URI goes on the wire byte for byte.
func NewRequest(method, uri string) (*Request, error) {
	if !isToken(method) {
		return nil, fmt.Errorf("sip: method %q is not a token", method)
	}
	u, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	return sipgo.NewRequest(RequestMethod(method), u), nil
}

// parseURI reads a Request-URI without loss. sipgo's own form changes some (it lowers the scheme, drops leading zeros
// of a port, corrupts quoted parameters); those keep their text beside the fields.
func parseURI(s string) (Uri, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	if !isToken(scheme) || rest == "" || !printable(s) || strings.ContainsAny(s, " <>") {
		return Uri{}, fmt.Errorf("sip: %q is not a URI", s)
	}
	var u Uri
	if strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips") {
		if err := sipgo.ParseUri(s, &u); err != nil {
			return Uri{}, fmt.Errorf("sip: %q is not a URI: %w", s, err)
		}
		if u.String() == s {
			return u, nil
		}
	}
	// The text of a foreign scheme is kept as it is, whatever the scheme is called afterwards.
	var exact Uri
	if err := sipgo.ParseUri("x:"+rest, &exact); err != nil {
		return Uri{}, fmt.Errorf("sip: %q is not a URI: %w", s, err)
	}
	exact.Scheme, exact.User, exact.Password, exact.Host, exact.Port = scheme, u.User, u.Password, u.Host, u.Port
	return exact, nil
}

// NewResponse returns a response to req that repeats every Via, Record-Route, From, To, Call-ID and CSeq line
// exactly as received and in that order. It adds no tag to To and no Content-Length (sending does the latter).
func NewResponse(req *Request, status int, reason string) *Response {
	res := sipgo.NewResponse(status, reason)
	for _, h := range req.Headers() {
		switch strings.ToLower(longName(h.Name())) {
		case "via", "record-route", "from", "to", "call-id", "cseq":
			Add(res, h.Name(), h.Value())
		}
	}
	return res
}

// Add appends a header line.
func Add(m Message, name, value string) {
	m.AppendHeader(sipgo.NewHeader(name, value))
}

// Set replaces the first header line of that name, in its place, and leaves further ones; it appends one if there
// was none.
func Set(m Message, name, value string) {
	lines := headers(m)
	for i, h := range lines {
		if sameName(h.Name(), name) {
			lines[i] = sipgo.NewHeader(h.Name(), value)
			return
		}
	}
	Add(m, name, value)
}

// Del removes every header of that name.
func Del(m Message, name string) {
	for {
		found := ""
		for _, h := range headers(m) {
			if sameName(h.Name(), name) {
				found = h.Name()
				break
			}
		}
		if found == "" {
			return
		}
		switch m := m.(type) {
		case *Request:
			m.RemoveHeader(found)
		case *Response:
			m.RemoveHeader(found)
		}
	}
}

// SetBody sets the body with its Content-Type and Content-Length, in the place of earlier ones. A nil body makes
// Content-Length 0 and no Content-Type.
func SetBody(m Message, contentType string, body []byte) {
	m.SetBody(body)
	Del(m, "Content-Type")
	Del(m, "Content-Length")
	if body != nil && contentType != "" {
		Add(m, "Content-Type", contentType)
	}
	Add(m, "Content-Length", strconv.Itoa(len(body)))
}

// Value returns the value of the first header of that name as it stands, "" if there is none. Case is ignored and
// compact forms are found under their long name and the other way round.
func Value(m Message, name string) string {
	for _, h := range headers(m) {
		if sameName(h.Name(), name) {
			return h.Value()
		}
	}
	return ""
}

// Values returns the values of every header line of that name, in order. A line is not split at its commas.
func Values(m Message, name string) []string {
	var values []string
	for _, h := range headers(m) {
		if sameName(h.Name(), name) {
			values = append(values, h.Value())
		}
	}
	return values
}

func headers(m Message) []Header {
	switch m := m.(type) {
	case *Request:
		return m.Headers()
	case *Response:
		return m.Headers()
	}
	return nil
}

func startLine(m Message) string {
	switch m := m.(type) {
	case *Request:
		return m.StartLine()
	case *Response:
		return m.StartLine()
	}
	return ""
}

// Parse reads one whole message, as a datagram would carry it: without Content-Length everything after the empty line
// is the body. Header values are kept as they stand, apart from blanks at both ends and folded lines, which are joined
// with one blank. A failure is a *ParseError.
func Parse(raw []byte) (Message, error) {
	end := bytes.Index(raw, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, &ParseError{Err: ErrTruncated}
	}
	if err := checkLines(raw[:end+4], 0); err != nil {
		return nil, err
	}
	length, err := scanHeader(raw[:end+2])
	if err != nil {
		return nil, err
	}
	total := len(raw)
	if length >= 0 {
		total = end + 4 + length
	}
	if total > len(raw) {
		return nil, &ParseError{Err: ErrTruncated}
	}
	return parse(raw[:total])
}

// parse reads one message whose header scanHeader has accepted. sipgo's own error is not passed on: it quotes the
// line it failed on, and that line may hold credentials.
func parse(raw []byte) (Message, error) {
	uri, raw := requestURI(raw)
	p := sipgo.Parser{MaxMessageLength: math.MaxInt} // with no typed headers: every value stays as received
	m, err := p.ParseSIP(raw)
	if err != nil {
		return nil, &ParseError{Err: ErrStartLine, Line: 1}
	}
	if req, ok := m.(*Request); ok {
		if req.Recipient, err = parseURI(uri); err != nil {
			return nil, &ParseError{Err: ErrStartLine, Line: 1}
		}
	}
	return m, nil
}

// requestURI returns what stands where a request has its URI, and the message with one that sipgo reads: of other
// schemes than SIP's it takes letters alone.
func requestURI(raw []byte) (uri string, readable []byte) {
	method, rest, _ := bytes.Cut(raw, []byte(" "))
	text, rest, found := bytes.Cut(rest, []byte(" "))
	scheme, _, _ := bytes.Cut(text, []byte(":"))
	response := len(method) >= 4 && bytes.EqualFold(method[:4], []byte("SIP/"))
	if response || !found || bytes.EqualFold(scheme, []byte("sip")) || bytes.EqualFold(scheme, []byte("sips")) {
		return string(text), raw
	}
	return string(text), slices.Concat(method, []byte(" x:y "), rest)
}

// WellFormed tells what is wrong with a request so that it cannot be answered as what it is: From, To or Call-ID is
// missing, or CSeq is not a number and its method (RFC 3261 section 8.1.1). nil: nothing.
func WellFormed(req *Request) error {
	for _, name := range []string{"From", "To"} {
		if Value(req, name) == "" {
			return errors.New("sip: request without " + name)
		}
	}
	key, err := keyOf(req)
	if err == nil && !strings.EqualFold(key.method, string(req.Method)) {
		err = fmt.Errorf("sip: CSeq names %s in a %s request", key.method, req.Method)
	}
	return err
}

// Bytes returns the message as it goes on the wire.
func Bytes(m Message) []byte {
	if len(headers(m)) == 0 { // of which sipgo would make one empty line too many
		return append([]byte(startLine(m)+"\r\n\r\n"), m.Body()...)
	}
	var b bytes.Buffer
	b.Grow(1024 + len(m.Body()))
	m.StringWrite(&b)
	return b.Bytes()
}

// encode returns the message as it goes on the wire, or refuses one that would not arrive as it is meant: a line end
// inside a line, a Content-Length that is missing (RFC 3261 section 18.3) or lies.
func encode(m Message) ([]byte, error) {
	length := Value(m, "Content-Length")
	if length != strconv.Itoa(len(m.Body())) {
		return nil, fmt.Errorf("sip: Content-Length %q, but the body has %d bytes", length, len(m.Body()))
	}
	for _, h := range headers(m) {
		if strings.ContainsAny(h.Value(), "\r\n") || !isToken(h.Name()) {
			return nil, fmt.Errorf("sip: header %q cannot be sent: it is not one line", h.Name())
		}
	}
	if err := checkStartLine(startLine(m)); err != nil {
		return nil, fmt.Errorf("sip: message cannot be sent: %w", err)
	}
	return Bytes(m), nil
}
