package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
)

// request is a request being answered.
type request struct {
	*sip.Request
	connection *connection
	method     string
	from       sip.NameAddr
	address    string // of the user in From, "alice@ocs.test"
	epid       string
	user       *user // once authenticated
	occasion

	// What faults want.
	delay     time.Duration // of the answer
	struck    bool          // the answer is a fault's
	trusted   bool          // without a look at credentials
	overtaken bool          // another endpoint has published first
	separate  bool          // the first notification is a request of its own
	early     bool          // which goes before the answer
}

// handle answers one request.
func (c *connection) handle(req *sip.Request) {
	r := &request{Request: req, connection: c, method: string(req.Method)}
	var err error
	if r.from, err = sip.ParseNameAddr(sip.Value(req, "From")); err != nil {
		r.answer(400, "Bad Request")
		return
	}
	r.address = addressOfURI(r.from.URI)
	r.epid, _ = r.from.Params.Get("epid")
	r.occasion = occasion{stageOf(r.method), r.facts()}
	if r.strike(onArrival) {
		return
	}
	switch r.method {
	case "ACK", "BENOTIFY": // have no answer
		return
	case "CANCEL": // is never challenged; no request of a client stays unanswered for long enough
		r.answer(481, "Call/Transaction Does Not Exist")
		return
	case "REGISTER":
		if c.server.config.RevealUnknownUsers && c.server.users[r.address] == nil {
			r.refuse(404, "Not Found", 1003, "User does not exist")
			return
		}
	}
	if err := r.wellFormed(); err != nil {
		r.refuse(400, "Bad Request", 17001, "Invalid request: "+err.Error())
		return
	}
	if !r.authenticate() {
		return
	}
	switch r.method {
	case "REGISTER":
		r.register()
	case "SUBSCRIBE":
		r.subscribe()
	case "SERVICE":
		r.service()
	default:
		r.other()
	}
}

// authenticate finds out who sent the request; false: it has been answered, or is not to be.
func (r *request) authenticate() bool {
	s := r.connection.server
	if r.trusted {
		if r.user = s.users[r.address]; r.user == nil {
			r.refuse(404, "Not Found", 1003, "User does not exist")
		}
		return r.user != nil
	}
	verdict := r.connection.auth.Authenticate(context.Background(), r.Request)
	r.is.authenticated = verdict.OK
	if r.strike(onJudged) {
		return false
	}
	if !verdict.OK {
		if verdict.Err != nil && signs(r.Request) {
			r.connection.distrusted(r.Request, verdict.Err)
		}
		r.deny(verdict)
		return false
	}
	r.user = s.users[addressOfURI(verdict.Account.URI)]
	return true
}

// signs tells whether a request carries a signature instead of a token of a handshake.
func signs(req *sip.Request) bool {
	c, err := sip.ParseCredentials(sip.Value(req, "Authorization"))
	_, signature := c.Params.Get("response")
	_, handshake := c.Params.Get("gssapi-data")
	return err == nil && signature && !handshake && !strings.EqualFold(c.Scheme, "Digest")
}

// stageOf is the stage at which faults meet a request.
func stageOf(method string) FaultStage {
	switch method {
	case "REGISTER":
		return StageRegister
	case "SUBSCRIBE":
		return StageSubscribe
	case "SERVICE":
		return StagePublish
	}
	return StageLive
}

func (r *request) facts() facts {
	s := r.connection.server
	s.mu.Lock()
	defer s.mu.Unlock()
	return facts{
		user: r.address, epid: r.epid, method: r.method, event: eventOf(r.Request),
		registered: s.endpointOf(r.connection, r.address, r.epid) != nil,
	}
}

// eventOf is the Event of a message without its parameters.
func eventOf(m sip.Message) string {
	event, _, _ := strings.Cut(sip.Value(m, "Event"), ";")
	return strings.TrimSpace(event)
}

// deny answers a request whose sender has not proved to be who they say: mostly 401, unsigned, with one
// challenge for each scheme. The Date lets a client see a clock that is wrong (MS-SIPAE 3.2).
func (r *request) deny(v auth.Verdict) {
	s := r.connection.server
	if v.Err != nil {
		s.log.Debug("request denied", "conn", r.connection.id, "method", r.method, "user", r.address, "reason", v.Err)
	}
	if v.Drop() {
		return
	}
	if v.Status == 401 && v.Diagnostic != "" {
		s.history.add(record{kind: KindRejected, conn: r.connection.id, user: r.address})
	}
	r.send(r.denial(v), "", nil)
}

// denial is the answer to such a request.
func (r *request) denial(v auth.Verdict) *sip.Response {
	res := r.response(v.Status, orDefault(reasonOf(v.Status), "Server Internal Error"))
	if v.Status == 401 {
		sip.Add(res, "Date", time.Now().UTC().Format(http.TimeFormat))
	}
	for _, value := range v.Challenges {
		sip.Add(res, "WWW-Authenticate", value)
	}
	if v.Diagnostic != "" {
		sip.Add(res, "ms-diagnostics", v.Diagnostic)
	}
	return res
}

// reasonOf is the reason phrase of the statuses that authentication ends with, "" of others.
func reasonOf(status int) string {
	switch status {
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 407:
		return "Proxy Authentication Required"
	}
	return ""
}

// response begins an answer: the headers of the request that every answer repeats, byte for byte, in the
// order of OCS. To gets the connection's tag where it has none, and the topmost Via what the server saw.
func (r *request) response(status int, reason string) *sip.Response {
	res := sip.NewResponse(new(sip.Request), status, reason) // of no request: the order is ours
	to := sip.Value(r.Request, "To")
	if addr, err := sip.ParseNameAddr(to); err == nil {
		if _, tagged := addr.Params.Get("tag"); !tagged {
			to += ";tag=" + r.connection.toTag
		}
	}
	sip.Add(res, "From", sip.Value(r.Request, "From"))
	sip.Add(res, "To", to)
	sip.Add(res, "Call-ID", sip.Value(r.Request, "Call-ID"))
	sip.Add(res, "CSeq", sip.Value(r.Request, "CSeq"))
	for i, via := range sip.Values(r.Request, "Via") {
		if i == 0 {
			via = r.connection.received(via)
		}
		sip.Add(res, "Via", via)
	}
	for _, route := range sip.Values(r.Request, "Record-Route") {
		sip.Add(res, "Record-Route", route)
	}
	return res
}

// received adds to a Via where the request came from (RFC 3261 18.2.1, and Microsoft's own parameters).
func (c *connection) received(via string) string {
	remote, ok := c.link.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return via
	}
	sentBy, _, _ := strings.Cut(via, ";")
	if i := strings.LastIndexAny(strings.TrimSpace(sentBy), " \t"); i >= 0 {
		sentBy = strings.TrimSpace(sentBy[i:])
	}
	if host, _, err := net.SplitHostPort(sentBy); err == nil {
		sentBy = host
	}
	if ip := net.ParseIP(strings.Trim(sentBy, "[]")); ip == nil || !ip.Equal(remote.IP) {
		via += ";received=" + remote.IP.String()
	}
	return fmt.Sprintf("%s;ms-received-port=%d;ms-received-cid=%X", via, remote.Port, c.cid())
}

// cid is the number by which the server knows the connection in Via and Contact.
func (c *connection) cid() int { return 0xFF + c.id }

// send ends an answer with its body and sends it, after the delay that a fault wants.
func (r *request) send(res *sip.Response, contentType string, body []byte) {
	if sip.Value(res, "Server") == "" {
		sip.Add(res, "Server", r.connection.server.config.Server)
	}
	sip.SetBody(res, contentType, body)
	r.is.status = res.StatusCode
	if r.strike(onAnswer) {
		return
	}
	r.changed(res)
	when := r.occasion
	after(r.delay, func() { r.connection.send(res, when) })
}

// answer sends an answer that says nothing but its status.
func (r *request) answer(status int, reason string) { r.send(r.response(status, reason), "", nil) }

// refuse sends an answer with ms-diagnostics (MS-OCER 2.2.1).
func (r *request) refuse(status int, reason string, id int, why string) {
	res := r.response(status, reason)
	sip.Add(res, "ms-diagnostics", fmt.Sprintf(`%d;reason="%s";source="%s"`, id, why, r.connection.server.config.fqdn()))
	r.send(res, "", nil)
}
