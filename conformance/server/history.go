package server

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/ocsgo/ocs/sip"
)

// Kind is what a record of the history is about.
type Kind string

// The kinds of records.
const (
	KindQuery     Kind = "query"      // a DNS question and how it was answered
	KindConnect   Kind = "connect"    // a connection was accepted
	KindTLS       Kind = "tls"        // a TLS handshake: the name asked for, and its failure
	KindMessage   Kind = "message"    // a SIP message
	KindKeepAlive Kind = "keep-alive" // CRLFs between messages
	KindRejected  Kind = "rejected"   // a rejected password or an unknown user, once for each attempt
	KindClose     Kind = "close"      // a connection ended
	KindWeb       Kind = "web"        // a request to the web services
	KindProxy     Kind = "proxy"      // an answer of the proxy

	KindDistrusted Kind = "distrusted" // a message of the client's with a signature that is wrong, or missing where one is due
	KindFault      Kind = "fault"      // a fault struck
	KindLeak       Kind = "leak"       // a client sent one of Config.Secrets: one record for each connection, request to the web server or query
)

// historyKinds are all kinds.
func historyKinds() []Kind {
	return []Kind{
		KindQuery, KindConnect, KindTLS, KindMessage, KindKeepAlive, KindRejected, KindClose, KindWeb, KindProxy,
		KindDistrusted, KindFault, KindLeak,
	}
}

// Record is one thing that happened, as the history tells it.
type Record struct {
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	Conn int       `json:"conn,omitempty"` // number of the connection, from 1; 0: none

	Name   string `json:"name,omitempty"`   // query: the name; web: method and path; tls: the name the client asked for (SNI); proxy: the target; fault: the stage; leak: how it was written
	Type   string `json:"type,omitempty"`   // query: the type; fault: the action
	Answer string `json:"answer,omitempty"` // query: "NOERROR", "NOERROR, no data", "NXDOMAIN", ..., "silent"; web: the status; proxy: the status, or in words

	Remote    string `json:"remote,omitempty"`    // connect: the client's address
	Transport string `json:"transport,omitempty"` // connect: "tls" or "tcp"; proxy: "http", "https", "socks4", "socks4a" or "socks5"; leak: "sip", "proxy", "web", "kdc" or "dns"
	Error     string `json:"error,omitempty"`     // tls: why it failed; close: what ended the connection; distrusted: what is wrong
	Bytes     int64  `json:"bytes,omitempty"`     // close: how many the server had sent, below TLS; fault: of the server behind the proxy's answer

	Sent   bool   `json:"sent,omitempty"`   // message: by the server
	Method string `json:"method,omitempty"` // message: of the request, or of the request answered
	Status int    `json:"status,omitempty"` // message: of a response
	CSeq   int    `json:"cseq,omitempty"`   // message
	CallID string `json:"call_id,omitempty"`
	Event  string `json:"event,omitempty"` // message: the Event header
	User   string `json:"user,omitempty"`  // message: address in From; rejected: the user, as "alice@ocs.test"
	Text   string `json:"text,omitempty"`  // message: as on the wire, secrets masked
}

// record is a Record as it is kept: a message as it came, to be read only when somebody asks.
type record struct {
	at                  time.Time
	kind                Kind
	conn                int
	sent                bool
	name, qtype, answer string
	remote, transport   string
	user, err           string
	bytes               int64
	raw                 []byte
}

// The bounds of the history: whichever is reached first drops the oldest records.
const (
	defaultHistory = 4096
	historyBytes   = 8 << 20
)

// history keeps what happened, in order and within bounds.
type history struct {
	mu       sync.Mutex
	limit    int // records; 0: none are kept
	records  []record
	first    int // index of the oldest record still held; those before it are cleared
	bytes    int // held in raw
	dropped  int
	rejected map[string]int // attempts by user; not bounded by the records, but by the users and maxStrangers
}

// maxStrangers bounds the names under which rejected attempts are counted.
const maxStrangers = 4096

func newHistory(limit int) *history {
	if limit == 0 {
		limit = defaultHistory
	}
	return &history{limit: max(limit, 0), rejected: map[string]int{}}
}

// add appends a record. It does not keep r.raw, but a copy.
func (h *history) add(r record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.kind == KindRejected {
		if _, known := h.rejected[r.user]; known || len(h.rejected) < maxStrangers {
			h.rejected[r.user]++
		}
	}
	if h.limit == 0 || len(r.raw) > historyBytes {
		h.dropped++
		return
	}
	r.at = time.Now()
	r.raw = bytes.Clone(r.raw)
	h.bytes += len(r.raw)
	h.records = append(h.records, r)
	for len(h.records)-h.first > h.limit || h.bytes > historyBytes {
		h.bytes -= len(h.records[h.first].raw)
		h.records[h.first] = record{}
		h.first++
		h.dropped++
	}
	if h.first > 64 && h.first > len(h.records)/2 {
		h.records = slices.Delete(h.records, 0, h.first)
		h.first = 0
	}
}

func (h *history) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records, h.first, h.bytes, h.dropped = nil, 0, 0, 0
	clear(h.rejected)
}

// snapshot returns what is held of the given kinds, all without one, and how many records were dropped.
func (h *history) snapshot(kinds []Kind) (held []record, dropped int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records[h.first:] {
		if len(kinds) == 0 || slices.Contains(kinds, r.kind) {
			held = append(held, r)
		}
	}
	return held, h.dropped
}

// History returns what happened since the start or the last Reset, oldest first: everything, or the
// records of the given kinds. Secrets are masked. It is bounded (Config.History); HistoryDropped tells
// how many records are gone.
func (s *Server) History(kinds ...Kind) []Record {
	held, _ := s.history.snapshot(kinds)
	out := make([]Record, len(held))
	for i, r := range held {
		out[i] = r.open()
	}
	return out
}

// Messages returns the SIP messages of the history for which which is true; nil: all of them.
func (s *Server) Messages(which func(Record) bool) []Record {
	all := s.History(KindMessage)
	if which == nil {
		return all
	}
	return slices.DeleteFunc(all, func(r Record) bool { return !which(r) })
}

// HistoryDropped returns how many records the bounds of the history have cost.
func (s *Server) HistoryDropped() int {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return s.history.dropped
}

// Rejected returns how many attempts of a user to sign in were rejected for the password, or because
// there is no such user. The user is "alice" or "alice@ocs.test". The count is exact whatever the
// history's bounds.
func (s *Server) Rejected(user string) int {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return s.history.rejected[s.config.address(user)]
}

// open makes a Record of a record.
func (r record) open() Record {
	out := Record{
		Time: r.at, Kind: r.kind, Conn: r.conn, Sent: r.sent,
		Name: r.name, Type: r.qtype, Answer: r.answer,
		Remote: r.remote, Transport: r.transport, User: r.user, Error: r.err, Bytes: r.bytes,
	}
	if len(r.raw) == 0 {
		return out
	}
	out.Text = string(sip.Redact(r.raw))
	m, err := sip.Parse(r.raw)
	if err != nil {
		return out
	}
	if res, ok := m.(*sip.Response); ok {
		out.Status = res.StatusCode
	}
	number, method := cseqOf(m)
	out.CSeq, out.Method = max(number, 0), method
	out.CallID = sip.Value(m, "Call-ID")
	out.Event = sip.Value(m, "Event")
	if from, err := sip.ParseNameAddr(sip.Value(m, "From")); err == nil {
		out.User = addressOfURI(from.URI)
	}
	return out
}
