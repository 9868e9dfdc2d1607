package signin

import (
	"strings"
	"sync"

	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/sip"
)

// maxQueued bounds the requests that wait for an embedder's handlers; the server is told 503 beyond it.
const maxQueued = 256

// Handle sets the handler of the server's requests of a method, such as MESSAGE. Handlers run one at a
// time, in the order of arrival, on a goroutine of their own; the response is sent for them, nil for a
// request that gets none. NOTIFY and BENOTIFY of the engine's own subscriptions, and OPTIONS, are answered
// by the engine. A nil handler takes the method back: such requests are then answered 501.
func (s *Session) Handle(method string, handler func(*sip.Request) *sip.Response) {
	s.requests.handle(strings.ToUpper(method), handler)
}

// handle takes a request of the server on the connection's reader; it does not block.
func (s *Session) handle(c *sip.Conn, req *sip.Request) {
	method := string(req.Method)
	switch method {
	case "NOTIFY", "BENOTIFY":
		reason, removed := register.Removal(req)
		s.mu.Lock()
		p := s.presence
		s.mu.Unlock()
		if !removed && (p == nil || !p.Notify(req)) && s.requests.queue(c, req) {
			return
		}
		if method == "NOTIFY" {
			s.answer(c, req, 200, "OK")
		}
		if removed {
			s.lost(reason)
		}
	case "ACK": // ends a transaction of ours: nothing to answer
	default:
		s.request(c, req)
	}
}

// request takes a request that is no notification.
func (s *Session) request(c *sip.Conn, req *sip.Request) {
	malformed := sip.WellFormed(req)
	switch {
	case malformed != nil:
		s.log.Debug("request refused", "method", req.Method, "error", malformed)
		s.answer(c, req, 400, "Bad Request")
	case req.Method == "OPTIONS":
		s.answer(c, req, 200, "OK")
	case !s.requests.queue(c, req):
		s.answer(c, req, 501, "Not Implemented")
	}
}

// answer sends a response without a body. A connection that cannot send is about to end by itself.
func (s *Session) answer(c *sip.Conn, req *sip.Request, status int, reason string) {
	res := sip.NewResponse(req, status, reason)
	if req.Method == "OPTIONS" && status == 200 {
		sip.Add(res, "Allow", register.Methods)
	}
	sip.Add(res, "Contact", s.endpoint.Contact())
	sip.Add(res, "User-Agent", s.endpoint.UserAgent)
	sip.SetBody(res, "", nil)
	if err := c.Respond(res); err != nil {
		s.log.Debug("answer not sent", "method", req.Method, "error", err)
	}
}

// requests runs an embedder's handlers: one goroutine while requests wait, none at rest.
type requests struct {
	mu       sync.Mutex
	handlers map[string]func(*sip.Request) *sip.Response
	waiting  []func()
	running  bool
}

func (r *requests) handle(method string, handler func(*sip.Request) *sip.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if handler == nil {
		delete(r.handlers, method)
		return
	}
	if r.handlers == nil {
		r.handlers = map[string]func(*sip.Request) *sip.Response{}
	}
	r.handlers[method] = handler
}

// queue hands req to its handler; false where the method has none.
func (r *requests) queue(c *sip.Conn, req *sip.Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	handler := r.handlers[string(req.Method)]
	if handler == nil {
		return false
	}
	if len(r.waiting) == maxQueued {
		res := sip.NewResponse(req, 503, "Service Unavailable")
		sip.SetBody(res, "", nil)
		_ = c.Respond(res)
		return true
	}
	r.waiting = append(r.waiting, func() {
		if res := handler(req); res != nil {
			_ = c.Respond(res) // a connection that cannot send is about to end by itself
		}
	})
	if !r.running {
		r.running = true
		go r.run()
	}
	return true
}

// run calls the handlers of what waits and ends when nothing does.
func (r *requests) run() {
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 {
			r.running, r.waiting = false, nil
			r.mu.Unlock()
			return
		}
		next := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.mu.Unlock()
		next()
	}
}
