package server

import (
	"bytes"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/sip"
)

// wire is what SIP is written to: the link, or TLS over it. It gives each message the treatment that a fault
// wants for it. SIP writes one message at a time, in the order in which they were sent.
type wire struct {
	net.Conn
	link *link

	out sync.Mutex // one message at a time goes out

	mu         sync.Mutex
	sent       int               // messages that were given their place
	written    int               // messages that have been written
	varied     bool              // see Config.Varied
	treatments map[int]treatment // by the number of the message, from 1
	held       []byte            // waits for the next message (coalesce)
}

// treatment is what is done to the bytes of one message.
type treatment struct {
	fault  Fault
	before []byte // goes out first
}

// next gives the next message its treatment, before it is sent; undo takes it back if it cannot be sent.
func (w *wire) next(t treatment) (undo func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	number := w.sent
	if t.fault.Action != "" {
		if w.treatments == nil {
			w.treatments = map[int]treatment{}
		}
		w.treatments[number] = t
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.treatments, number)
		w.sent--
	}
}

// Write writes one message.
func (w *wire) Write(message []byte) (int, error) {
	size := len(message)
	w.mu.Lock()
	w.written++
	t := w.treatments[w.written]
	delete(w.treatments, w.written)
	if w.varied {
		message = varied(message, w.written)
	}
	number := w.written
	out := w.held
	w.held = nil
	if t.fault.Action == ActionCoalesce {
		w.held = append(out, message...)
		w.mu.Unlock()
		time.AfterFunc(orDefault(t.fault.Delay, time.Second), w.release)
		return size, nil
	}
	w.mu.Unlock()
	out = append(out, t.apply(message, number)...)
	w.out.Lock()
	defer w.out.Unlock()
	for piece := range w.link.inPieces(out, &t.fault) {
		if _, err := w.Conn.Write(piece); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// inject writes bytes between messages.
func (w *wire) inject(raw []byte) error {
	w.out.Lock()
	defer w.out.Unlock()
	_, err := w.Conn.Write(raw)
	return err
}

// release writes what has waited for a next message for long enough.
func (w *wire) release() {
	w.out.Lock() // first, so that no message overtakes it
	defer w.out.Unlock()
	w.mu.Lock()
	held := w.held
	w.held = nil
	w.mu.Unlock()
	if len(held) > 0 {
		_, _ = w.Conn.Write(held) // the next message fails likewise
	}
}

// apply makes of a message, the n-th of its connection, what goes on the wire.
func (t treatment) apply(message []byte, n int) []byte {
	switch f := t.fault; f.Action {
	case ActionDuplicate:
		return bytes.Repeat(message, 2)
	case ActionUnsolicited:
		return append(bytes.Clone(t.before), message...)
	case ActionCorrupt:
		return damage(message, Damage(f.How), f.Bytes)
	case ActionVary:
		return vary(message, Form(f.How), n)
	}
	return message
}

// unsolicited is what comes before a message that a fault strikes: a text, or a copy of the message with
// changes.
func unsolicited(f Fault, m sip.Message) []byte {
	if f.Text != "" && f.Status == 0 && len(f.Headers) == 0 {
		return []byte(filled(f.Text, m))
	}
	double, err := sip.Parse(sip.Bytes(m))
	if err != nil {
		return nil
	}
	sip.Del(double, "Authentication-Info")
	rewrite(double, f)
	return sip.Bytes(double)
}

// filled puts the headers of a message in the place of their names in braces.
func filled(text string, m sip.Message) string {
	var pairs []string
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		pairs = append(pairs, "{"+name+"}", sip.Value(m, name))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// damage breaks a message.
func damage(message []byte, how Damage, n int) []byte {
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	end := len(head)
	length := bytes.LastIndex(bytes.ToLower(head), []byte("\r\ncontent-length:"))
	if length >= 0 {
		end = length + 2 + bytes.Index(append(head[length+2:len(head):len(head)], '\r'), []byte("\r"))
	} else {
		length = end
	}
	join := func(contentLength int, body []byte) []byte {
		var b bytes.Buffer
		b.Write(head[:length])
		if contentLength >= 0 {
			b.WriteString("\r\nContent-Length: " + strconv.Itoa(contentLength))
		}
		b.Write(head[end:])
		b.WriteString("\r\n\r\n")
		b.Write(body)
		return b.Bytes()
	}
	switch how {
	case DamageGarbage:
		return append(bytes.Repeat([]byte{0xFF, 0x00, 0x7F, 0x80}, orDefault(n, 512)/4), "\r\n\r\n"...)
	case DamageLonger:
		return join(len(body)+orDefault(n, 10), body)
	case DamageShorter:
		return join(len(body), append(bytes.Clone(body), bytes.Repeat([]byte{'.'}, orDefault(n, 10))...))
	case DamageNoLength:
		return join(-1, body)
	case DamageHeader:
		head = append(append(slices.Clip(head), "\r\nX-Padding: "...), bytes.Repeat([]byte{'.'}, orDefault(n, 256<<10))...)
		return append(append(head, "\r\n\r\n"...), body...)
	case DamageBody:
		body = bytes.Repeat([]byte{'.'}, orDefault(n, 8<<20))
		return join(len(body), body)
	}
	return message
}

// orDefault is a value, or what stands for none.
func orDefault[T comparable](value, other T) T {
	var none T
	if value == none {
		return other
	}
	return value
}
