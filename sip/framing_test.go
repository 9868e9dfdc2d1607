package sip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// lines joins header lines as they go on the wire, with the empty line behind them.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }

func newFramer(r io.Reader) *framer {
	return &framer{
		r:         r,
		deadline:  func(time.Time) {},
		blanks:    func([]byte) {},
		maxHeader: defaultMaxHeader,
		maxBody:   defaultMaxBody,
		timeout:   defaultTimeout,
	}
}

// frames reads every message, and the error that ends the stream.
func frames(f *framer) ([]string, error) {
	var all []string
	for {
		raw, err := f.next()
		if err != nil {
			return all, err
		}
		all = append(all, string(raw))
	}
}

func TestFramerFindsTheSameMessagesInEveryPartitionOfTheStream(t *testing.T) {
	want := []string{
		lines("SIP/2.0 200 OK", "Call-ID: 1", "Content-Length: 5") + "hello",
		lines("OPTIONS sip:a@b SIP/2.0", "Subject: folded", "\tover", "  lines", "l:0"),
		lines("NOTIFY sip:a@b SIP/2.0", "Content-Length:", " 4") + "\r\n\r\n",
		lines("BENOTIFY sip:a@b SIP/2.0", "CSeq: 1 BENOTIFY"), // no Content-Length: no body
		lines("SIP/2.0 200 ", "Content-Length: 3000") + strings.Repeat("\x00ab\n\r\n", 500),
	}
	stream := "\r\n\r\n" + want[0] + want[1] + "\r\n" + want[2] + want[3] + want[4] + "\r\n\r\n"
	readers := map[string]io.Reader{
		"all at once":  strings.NewReader(stream),
		"byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
		"halves":       iotest.HalfReader(strings.NewReader(stream)),
		"data and EOF": iotest.DataErrReader(strings.NewReader(stream)),
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			got, err := frames(newFramer(r))
			require.Equal(t, want, got)
			require.Equal(t, io.EOF, err)
		})
	}
	for cut := range len(stream) {
		r := io.MultiReader(strings.NewReader(stream[:cut]), strings.NewReader(stream[cut:]))
		got, err := frames(newFramer(r))
		require.Equal(t, want, got, "cut at %d", cut)
		require.Equal(t, io.EOF, err)
	}
}

func TestFramerReportsTheEndInsideAMessage(t *testing.T) {
	whole := lines("SIP/2.0 200 OK", "Content-Length: 2") + "ab"
	for cut := 1; cut < len(whole); cut++ {
		_, err := newFramer(strings.NewReader(whole[:cut])).next()
		require.Equal(t, io.ErrUnexpectedEOF, err, "cut at %d", cut)
	}
}

func TestFramerRefusesWhatIsNotSIP(t *testing.T) {
	long := strings.Repeat("x", defaultMaxHeader)
	tests := []struct {
		name, stream string
		want         error
		line         int
	}{
		{"LF line ends", "OPTIONS sip:a@b SIP/2.0\nCall-ID: 1\n\n", ErrLineEnd, 0},
		{"LF in a header", "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\nA: b\r\n\r\n", ErrLineEnd, 0},
		{"CR alone", "OPTIONS sip:a@b SIP/2.0\rCall-ID: 1", ErrLineEnd, 0},
		{"HTTP answer", "HTTP/1.1 400 Bad Request\r\n", ErrNotSIP, 1},
		{"HTTP request", "GET / HTTP/1.1\r\n", ErrNotSIP, 1},
		{"TLS alert", "\x15\x03\x01\x00\x02\x02\x46", ErrNotSIP, 1},
		{"control byte later in the start line", "OPTIONS\x00", ErrNotSIP, 1},
		{"SMTP greeting", "220 mail.contoso.com ESMTP\r\n", ErrNotSIP, 1},
		{"other version of SIP", "OPTIONS sip:a@b SIP/3.0\r\n", ErrStartLine, 1},
		{"status of two digits", "SIP/2.0 20 OK\r\n", ErrStartLine, 1},
		{"status above 699", "SIP/2.0 700 OK\r\n", ErrStartLine, 1},
		{"status line without a blank behind the code", "SIP/2.0 200\r\n", ErrStartLine, 1},
		{"method that is no token", "OPT<IONS sip:a@b SIP/2.0\r\n", ErrStartLine, 1},
		{"header without a colon", lines("SIP/2.0 200 OK", "A: b", "Content-Length"), ErrHeaderLine, 3},
		{"header without a name", lines("SIP/2.0 200 OK", ": b"), ErrHeaderLine, 2},
		{"continuation of nothing", lines("SIP/2.0 200 OK", " b"), ErrHeaderLine, 2},
		{"two lengths that differ", lines("SIP/2.0 200 OK", "Content-Length: 3", "l: 5"), ErrContentLength, 3},
		{"negative length", lines("SIP/2.0 200 OK", "Content-Length: -1"), ErrContentLength, 2},
		{"signed length", lines("SIP/2.0 200 OK", "Content-Length: +1"), ErrContentLength, 2},
		{"empty length", lines("SIP/2.0 200 OK", "Content-Length:", "A: b"), ErrContentLength, 2},
		{"length that wraps", lines("SIP/2.0 200 OK", "Content-Length: 18446744073709551617"), ErrContentLength, 2},
		{"list of lengths", lines("SIP/2.0 200 OK", "Content-Length: 1, 1"), ErrContentLength, 2},
		{"folded length that changes", lines("SIP/2.0 200 OK", "Content-Length: 1", " 0"), ErrContentLength, 3},
		{"body over the limit", lines("SIP/2.0 200 OK", "Content-Length: 104857600"), ErrTooLarge, 0},
		{"header over the limit", "SIP/2.0 200 OK\r\nA: " + long, ErrTooLarge, 0},
		{"start line over the limit", "OPTIONS " + long, ErrTooLarge, 0},
	}
	for _, tt := range tests {
		for name, r := range map[string]io.Reader{
			"at once":      strings.NewReader(tt.stream),
			"byte by byte": iotest.OneByteReader(strings.NewReader(tt.stream)),
		} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				_, err := newFramer(r).next()
				var pe *ParseError
				require.ErrorAs(t, err, &pe)
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.line, pe.Line)
			})
		}
	}
}

func TestFramerAcceptsTwoEqualLengths(t *testing.T) {
	want := lines("SIP/2.0 200 OK", "Content-Length: 2", "CONTENT-LENGTH: 2") + "ab"
	got, err := newFramer(strings.NewReader(want)).next()
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func TestParseErrorsDoNotQuoteTheMessage(t *testing.T) {
	const secret = "hunter2"
	for _, raw := range []string{
		lines("SIP/2.0 200 OK", "Authorization "+secret),
		lines(secret+" SIP/2.0", "A: b"),
		lines("OPTIONS "+secret+" SIP/2.0", "A: b"),
		lines("OPTIONS sip:a:"+secret+"@b:port SIP/2.0", "A: b"),
		lines("SIP/2.0 200 OK", "Content-Length: "+secret),
	} {
		_, err := Parse([]byte(raw))
		require.Error(t, err)
		require.NotContains(t, err.Error(), secret)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%+v", e), secret)
		}
	}
}

func TestFramerAllocatesWhatArrivesAndNotWhatIsAnnounced(t *testing.T) {
	f := newFramer(strings.NewReader(lines("SIP/2.0 200 OK", "Content-Length: 1048576") + "x"))
	_, err := f.next()
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.LessOrEqual(t, len(f.buf), firstGrowth)
}

func TestFramerKeepsASmallBufferBetweenMessages(t *testing.T) {
	big := lines("SIP/2.0 200 OK", "Content-Length: 100000") + strings.Repeat("x", 100000)
	f := newFramer(strings.NewReader(big))
	_, err := f.next()
	require.NoError(t, err)
	require.Greater(t, len(f.buf), 100000)
	_, err = f.next()
	require.Equal(t, io.EOF, err)
	require.Len(t, f.buf, idleBuffer)
}

func TestFramerTimesAMessageFromItsFirstByte(t *testing.T) {
	var set []bool // whether each call set a deadline or removed it
	whole := lines("SIP/2.0 200 OK", "A: b")
	f := newFramer(io.MultiReader(strings.NewReader("\r\n\r\n"+whole), strings.NewReader(whole[:9]), strings.NewReader(whole[9:20]), strings.NewReader(whole[20:])))
	f.deadline = func(at time.Time) { set = append(set, !at.IsZero()) }
	_, err := f.next()
	require.NoError(t, err)
	require.Empty(t, set, "a message that comes in one piece needs no deadline")
	_, err = f.next()
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, set, "one deadline for the whole message, removed behind it")
}

func TestFramerNamesTheTimeLimit(t *testing.T) {
	f := newFramer(io.MultiReader(strings.NewReader("SIP/2.0"), iotest.ErrReader(os.ErrDeadlineExceeded)))
	_, err := f.next()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.EqualError(t, err, "message not whole after 30s: i/o timeout")
}

func TestFramerTellsOfKeepAlives(t *testing.T) {
	var got bytes.Buffer
	f := newFramer(iotest.OneByteReader(strings.NewReader("\r\n\r\n\n" + lines("SIP/2.0 200 OK", "A: b") + "\r\n")))
	f.blanks = func(b []byte) { got.Write(b) }
	_, err := frames(f)
	require.Equal(t, io.EOF, err)
	require.Equal(t, "\r\n\r\n\n\r\n", got.String())
}
