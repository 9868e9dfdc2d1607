package conformance

import (
	"fmt"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
)

// tidy is how long a server on a busy machine may take to notice that a connection is closed. On ground V, where it has
// noticed when nothing moves any more, nothing is waited for.
const tidy = 10 * time.Second

// look takes down what the world shows after the client has ended. told counts the events so far.
func (w *World) look(r *Record, label string, told func() int) {
	w.settle()
	if w.Server == nil {
		return
	}
	deadline := time.Now()
	if w.Ground != Virtual {
		deadline = deadline.Add(tidy)
	}
	for ; ; time.Sleep(10 * time.Millisecond) {
		left := append(openConnections(w.Server), goroutines(label)...)
		if len(left) == 0 || !time.Now().Before(deadline) {
			r.Left = append(r.Left, left...)
			break
		}
	}
	ended, events, asked := time.Now(), told(), w.asked.Load()
	if w.Ground == Virtual {
		time.Sleep(24 * time.Hour) // what a client that has ended does now is by a timer that it has left behind
		w.settle()
	}
	r.History = w.Server.History()
	if w.Ground == Virtual {
		if n := told() - events; n > 0 {
			r.Left = append(r.Left, fmt.Sprintf("events told after the end: %d", n))
		}
		if n := w.asked.Load() - asked; n > 0 {
			r.Left = append(r.Left, fmt.Sprintf("connections and DNS answers asked for after the end: %d", n))
		}
		if n := actsAfter(r.History, ended); n > 0 {
			r.Left = append(r.Left, fmt.Sprintf("acts that the server saw after the end: %d", n))
		}
	}
}

// actsAfter counts what clients have done to a server after a moment.
func actsAfter(history []server.Record, moment time.Time) (n int) {
	for _, h := range history {
		switch h.Kind {
		case server.KindClose, server.KindFault: // the server's own
		default:
			if !h.Sent && h.Time.After(moment) {
				n++
			}
		}
	}
	return n
}

// openConnections names the connections that the server sees as open.
func openConnections(srv *server.Server) []string {
	open := map[int]server.Record{}
	for _, h := range srv.History(server.KindConnect, server.KindClose) {
		if h.Kind == server.KindConnect {
			open[h.Conn] = h
		} else {
			delete(open, h.Conn)
		}
	}
	var out []string
	for n, h := range open {
		out = append(out, fmt.Sprintf("connection %d from %s is still open", n, h.Remote))
	}
	return out
}

// goroutineLabel marks the goroutines of a client in this process with the sign-in that they belong to;
// goroutines inherit it.
const goroutineLabel = "conformance"

// goroutines tells of goroutines in this process that a sign-in has left running.
func goroutines(label string) []string {
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return nil
	}
	var out []string
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(stack, `"`+goroutineLabel+`":"`+label+`"`) {
			continue
		}
		where := "goroutine"
		for line := range strings.Lines(stack) {
			if _, frame, ok := strings.Cut(line, "ocs/"); ok {
				where, _, _ = strings.Cut(strings.TrimSpace(frame), "+")
				break
			}
		}
		out = append(out, "a goroutine is still running at "+where)
	}
	return out
}
