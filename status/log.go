package status

import (
	"context"
	"iter"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Log is the ordered record of a client's events. Appending never blocks; every reader gets every
// event at its own pace; an event is freed once every reader has passed it. A log at rest holds its
// last event and no goroutine. It is safe for concurrent use.
//
// The events form a linked list of which the log keeps the end only. A reader keeps its own place in
// the list, and so keeps alive just what it has not read yet.
type Log struct {
	mu      sync.Mutex
	tail    *node         // the last event appended, or an empty node
	current Event         // the last OnMyStatusChange
	wake    chan struct{} // closed at the next change; nil while no reader waits
	closed  bool
}

type node struct {
	event Event
	next  *node
}

// NewLog returns an empty log: its current state is Offline.
func NewLog() *Log {
	return &Log{tail: new(node), current: Event{Kind: OnMyStatusChange, HR: ocserr.OK, Status: Offline}}
}

// Append adds events in order, with nothing of another Append between them. An event without a time
// gets the present one. A closed log drops them.
func (l *Log) Append(events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(events) == 0 {
		return
	}
	now := time.Now()
	for _, e := range events {
		if e.At.IsZero() {
			e.At = now
		}
		if e.Kind == OnMyStatusChange {
			l.current = e
		}
		l.tail.next = &node{event: e}
		l.tail = l.tail.next
	}
	l.wakeReaders()
}

// Close ends the log: each reader gets what it has not read yet, and then ends. Further calls do
// nothing.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wakeReaders()
}

// wakeReaders wakes every reader that waits. The caller holds mu.
func (l *Log) wakeReaders() {
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}

// Current returns the state that the last OnMyStatusChange announced; Offline if there was none.
func (l *Log) Current() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current.Status
}

// Events returns a reader. Its first event is the current state: the last OnMyStatusChange, or
// Offline. Then it gives every event appended after the call of Events, in order, and ends when ctx
// is done or the log is closed and read to its end.
//
// The reader is for one goroutine. A range that was left early is continued by the next range over
// the same reader.
func (l *Log) Events(ctx context.Context) iter.Seq[Event] {
	l.mu.Lock()
	// at is the node read last. It moves inside the closure, so that a reader does not keep alive
	// what it has read.
	at, first, begun := l.tail, l.current, false
	l.mu.Unlock()
	return func(yield func(Event) bool) {
		if !begun && ctx.Err() == nil {
			begun = true
			if !yield(first) {
				return
			}
		}
		for ctx.Err() == nil {
			next, wake := l.after(at)
			switch {
			case next != nil:
				at = next
				if !yield(at.event) {
					return
				}
			case wake == nil:
				return
			default:
				select {
				case <-wake:
				case <-ctx.Done():
				}
			}
		}
	}
}

// after returns the node that follows at; or, where there is none yet, the channel that is closed
// when there may be one; or neither, where none will come.
func (l *Log) after(at *node) (*node, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.next != nil {
		return at.next, nil
	}
	if l.closed {
		return nil, nil
	}
	if l.wake == nil {
		l.wake = make(chan struct{})
	}
	return nil, l.wake
}
