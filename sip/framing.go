package sip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a peer can send that is not a message. Every one comes wrapped in a *ParseError.
var (
	ErrNotSIP        = errors.New("not SIP")
	ErrStartLine     = errors.New("invalid start line")
	ErrHeaderLine    = errors.New("invalid header line")
	ErrLineEnd       = errors.New("a line does not end in CRLF")
	ErrContentLength = errors.New("invalid or contradicting Content-Length")
	ErrTooLarge      = errors.New("too large")
	ErrTruncated     = errors.New("message is not whole")
)

// ParseError says why received bytes are not a message. It never quotes them: they may hold credentials.
type ParseError struct {
	Err    error  // one of the errors above
	Line   int    // line of the message, from 1; 0 if it is not one line's fault
	Detail string // numbers and limits, or ""
}

// Error returns one line.
func (e *ParseError) Error() string {
	s := "sip: " + e.Err.Error()
	if e.Line > 0 {
		s += " (line " + strconv.Itoa(e.Line) + ")"
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns Err.
func (e *ParseError) Unwrap() error { return e.Err }

const (
	idleBuffer  = 256     // bytes kept by a connection at rest
	firstGrowth = 2 << 10 // size of the first larger buffer
)

// framer cuts a stream into messages (RFC 3261 sections 7.5 and 18.3).
type framer struct {
	r         io.Reader
	deadline  func(time.Time) // sets the read deadline; the zero time removes it
	blanks    func([]byte)    // told of line ends between messages: keep-alives
	maxHeader int             // bytes of start line and headers
	maxBody   int
	timeout   time.Duration // from the first byte of a message to its last

	buf        []byte
	start, end int // the bytes of buf received and not yet handed out
	timed      bool
}

// next returns the next whole message. The bytes are valid until the next call.
// Between messages it waits without limit; a *ParseError leaves the stream unusable.
func (f *framer) next() ([]byte, error) {
	if err := f.skipBlanks(); err != nil {
		return nil, err
	}
	raw, err := f.message()
	if f.timed {
		f.timed = false
		f.deadline(time.Time{})
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return raw, err
}

// empty tells that nothing has arrived beyond what was handed out.
func (f *framer) empty() bool { return f.start == f.end }

// skipBlanks passes the line ends before a start line, which are keep-alives, and returns once a message has begun.
func (f *framer) skipBlanks() error {
	for {
		data := f.buf[f.start:f.end]
		n := 0
		for n < len(data) && (data[n] == '\r' || data[n] == '\n') {
			n++
		}
		if n > 0 {
			f.blanks(data[:n])
			f.start += n
		}
		if n < len(data) {
			return nil
		}
		f.start, f.end = 0, 0
		if len(f.buf) != idleBuffer {
			f.buf = make([]byte, idleBuffer) // lets a large one go before a wait that may be long
		}
		if err := f.fill(); err != nil {
			return err
		}
	}
}

// message reads up to the end of the message that begins at start.
func (f *framer) message() ([]byte, error) {
	seen := 0 // bytes already examined
	headerEnd := -1
	for {
		data := f.buf[f.start:f.end]
		header := data
		from := max(0, seen-3)
		if i := bytes.Index(data[from:], []byte("\r\n\r\n")); i >= 0 {
			headerEnd = from + i + 4
			header = data[:headerEnd]
		}
		if err := checkLines(header, seen); err != nil {
			return nil, err
		}
		if len(header) > f.maxHeader {
			return nil, &ParseError{Err: ErrTooLarge, Detail: fmt.Sprintf("header of more than %d bytes", f.maxHeader)}
		}
		if headerEnd >= 0 {
			break
		}
		seen = len(data)
		if err := f.more(); err != nil {
			return nil, err
		}
	}

	length, err := scanHeader(f.buf[f.start : f.start+headerEnd-2])
	if err != nil {
		return nil, err
	}
	length = max(length, 0) // without Content-Length there is no body
	if length > f.maxBody {
		return nil, &ParseError{Err: ErrTooLarge, Detail: fmt.Sprintf("body of %d bytes, limit %d", length, f.maxBody)}
	}
	total := headerEnd + length
	for f.end-f.start < total {
		if err := f.more(); err != nil {
			return nil, err
		}
	}
	raw := f.buf[f.start : f.start+total]
	f.start += total
	return raw, nil
}

// more reads on inside a message, which must be whole in time.
func (f *framer) more() error {
	if !f.timed {
		f.timed = true
		f.deadline(time.Now().Add(f.timeout))
	}
	err := f.fill()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("message not whole after %v: %w", f.timeout, err)
	}
	return err
}

// fill reads once. The buffer grows with what has arrived, not with what was announced.
func (f *framer) fill() error {
	if f.end == len(f.buf) {
		if f.start > 0 {
			f.end = copy(f.buf, f.buf[f.start:f.end])
			f.start = 0
		} else {
			larger := make([]byte, max(firstGrowth, 2*len(f.buf)))
			f.end = copy(larger, f.buf[:f.end])
			f.buf = larger
		}
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil // an error that came with bytes will come again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// checkLines looks at header bytes as they come, so that a peer that does not speak SIP is refused at its first bytes
// and not after the time limit: the start line is printable, and lines end in CRLF.
// The bytes before from have passed already.
func checkLines(header []byte, from int) error {
	for i := from; i < len(header); i++ {
		switch c := header[i]; {
		case c == '\n' && (i == 0 || header[i-1] != '\r'):
			return &ParseError{Err: ErrLineEnd}
		case c != '\n' && i > 0 && header[i-1] == '\r':
			return &ParseError{Err: ErrLineEnd}
		}
	}
	line, _, whole := bytes.Cut(header, []byte("\r"))
	switch {
	case from > len(line): // it was whole before
	case whole:
		return checkStartLine(string(line))
	case !printable(string(line[from:])):
		return &ParseError{Err: ErrNotSIP, Line: 1}
	}
	return nil
}

// printable reports whether s has no control bytes.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// checkStartLine accepts a request line or a status line of SIP/2.0 (RFC 3261 sections 7.1 and 7.2).
func checkStartLine(line string) error {
	if !printable(line) {
		return &ParseError{Err: ErrNotSIP, Line: 1}
	}
	first, rest, _ := strings.Cut(line, " ")
	second, third, ok := strings.Cut(rest, " ")
	if len(first) >= 4 && strings.EqualFold(first[:4], "SIP/") {
		code, err := strconv.Atoi(second)
		if !ok || !strings.EqualFold(first, "SIP/2.0") || err != nil || len(second) != 3 || code < 100 || code > 699 {
			return &ParseError{Err: ErrStartLine, Line: 1}
		}
		return nil
	}
	if len(third) < 4 || !strings.EqualFold(third[:4], "SIP/") {
		return &ParseError{Err: ErrNotSIP, Line: 1}
	}
	if !isToken(first) || second == "" || !strings.EqualFold(third, "SIP/2.0") {
		return &ParseError{Err: ErrStartLine, Line: 1}
	}
	return nil
}

// scanHeader checks the header lines of a section that checkLines has passed, each with its CRLF, and returns its
// Content-Length, or -1 if there is none.
func scanHeader(header []byte) (int, error) {
	_, rest, _ := bytes.Cut(header, []byte("\r\n"))
	length := -1
	var name, value []byte
	number := 1
	field := func() error { // the header line that is now whole, continuations included
		if !sameName(string(name), "Content-Length") {
			return nil
		}
		n, err := parseLength(string(bytes.TrimSpace(value)))
		if err != nil || length >= 0 && n != length {
			return &ParseError{Err: ErrContentLength, Line: number}
		}
		length = n
		return nil
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if name == nil {
				return 0, &ParseError{Err: ErrHeaderLine, Line: number + 1}
			}
			value = append(append(slices.Clip(value), ' '), bytes.TrimSpace(line)...)
			number++
			continue
		}
		if err := field(); err != nil {
			return 0, err
		}
		number++
		n, v, ok := bytes.Cut(line, []byte(":"))
		n = bytes.TrimRight(n, " \t")
		if !ok || !isToken(string(n)) {
			return 0, &ParseError{Err: ErrHeaderLine, Line: number}
		}
		name, value = n, v
	}
	if err := field(); err != nil {
		return 0, err
	}
	return length, nil
}

// parseLength reads digits only: no sign, and no number so large that it wraps.
func parseLength(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// isToken reports whether s is a token of RFC 3261 section 25.1.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
