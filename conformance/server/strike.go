package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/sip"
)

// strike finds the fault of a group that strikes a SIP message, and keeps it in the history. Without one its
// action is "".
func (s *Server) strike(g group, at moment, when occasion, conn int) Fault {
	f, _ := s.faults.takeOf(g, when.stage, at, when.is)
	s.recordFault(f, conn)
	return f
}

// recordFault keeps in the history that a fault has struck.
func (s *Server) recordFault(f Fault, conn int) {
	if f.Action != "" {
		s.history.add(record{kind: KindFault, conn: conn, name: string(f.Stage), qtype: string(f.Action)})
	}
}

// strike does what a fault wants at this moment. It returns true where nothing else is to be done with the
// request.
func (r *request) strike(at moment) (done bool) {
	if r.struck {
		return false // what is sent now is what a fault wants
	}
	f := r.connection.server.strike(groupDeed, at, r.occasion, r.connection.id)
	if f.Action == "" {
		return false
	}
	if f.Action != ActionProvisional {
		r.delay = f.Delay
	}
	r.struck = at == onAnswer
	c := r.connection
	switch f.Action {
	case ActionDelay:
		return false
	case ActionUnchallenged:
		r.trusted = true
		return false
	case ActionConflict:
		r.overtaken = true
		return false
	case ActionNoPiggyback, ActionNotifyFirst:
		r.separate, r.early = true, f.Action == ActionNotifyFirst
		return false
	case ActionClose:
		after(f.Delay, c.close)
	case ActionReset:
		after(f.Delay, c.link.reset)
	case ActionProvisional:
		r.provisional(f)
	case ActionStatus, ActionRedirect, ActionChallenge:
		r.struck = true
		r.instead(f)
	}
	return true
}

// instead answers what a fault wants in the place of the right answer.
func (r *request) instead(f Fault) {
	var res *sip.Response
	switch f.Action {
	case ActionRedirect:
		res = r.response(orDefault(f.Status, 301), orDefault(f.Reason, "Redirect request to Home Server"))
		contact := r.connection.contact()
		if f.To != "" {
			contact = "<sip:" + f.To + ">"
		}
		sip.Add(res, "Contact", contact)
	case ActionChallenge:
		res = r.challenge(f)
	default:
		res = r.response(f.Status, orDefault(f.Reason, "Fault"))
	}
	sip.SetBody(res, "", nil)
	rewrite(res, Fault{Status: f.Status, Reason: f.Reason, Headers: f.Headers, Text: f.Text})
	r.send(res, sip.Value(res, "Content-Type"), res.Body())
}

// challenge makes a 401 or 407 with new challenges, as if the request had come without credentials.
func (r *request) challenge(f Fault) *sip.Response {
	bare, err := sip.NewRequest(r.method, r.Recipient.String())
	if err != nil {
		return r.response(400, "Bad Request")
	}
	sip.Add(bare, "From", sip.Value(r.Request, "From"))
	res := r.denial(r.connection.auth.Authenticate(context.Background(), bare))
	if f.How == "stale" {
		for i, value := range sip.Values(res, "WWW-Authenticate") {
			if i == 0 {
				sip.Del(res, "WWW-Authenticate")
			}
			if strings.HasPrefix(value, "Digest ") {
				value += ", stale=true"
			}
			sip.Add(res, "WWW-Authenticate", value)
		}
	}
	return res
}

// provisional answers at once, and again after each of the fault's delays while the connection lasts.
func (r *request) provisional(f Fault) {
	res := r.response(orDefault(f.Status, 100), orDefault(f.Reason, "Trying"))
	sip.SetBody(res, "", nil)
	rewrite(res, Fault{Headers: f.Headers})
	if r.connection.send(res, r.occasion) {
		time.AfterFunc(f.Delay, func() { r.provisional(f) })
	}
}

// after does something after the delay that a fault wants, or now.
func after(delay time.Duration, do func()) {
	if delay == 0 {
		do()
		return
	}
	time.AfterFunc(delay, do)
}

// changed makes of the right answer what faults want it to be, and does what is to follow it.
func (r *request) changed(res *sip.Response) {
	s, c := r.connection.server, r.connection
	if f := s.strike(groupContent, onAnswer, r.occasion, c.id); f.Action != "" {
		edit(res, f)
		r.is.status = res.StatusCode
		r.delay += f.Delay
	}
	switch f := s.strike(groupSequel, onAnswer, r.occasion, c.id); f.Action {
	case ActionRemoveEndpoint:
		why := Removal(orDefault(f.How, string(RemovedUnregistered)))
		epid := r.epid
		time.AfterFunc(f.Delay, func() { _, _ = s.RemoveEndpoint(epid, why) })
	case ActionInject:
		time.AfterFunc(f.Delay, func() { c.inject([]byte(f.Text)) })
	}
}

// edit changes what a message says.
func edit(m sip.Message, f Fault) {
	if f.Action == ActionMutate {
		mutate(m, f)
		return
	}
	rewrite(m, f)
}

// rewrite changes in a message what a fault gives: status and reason of a response, headers, the body.
func rewrite(m sip.Message, f Fault) {
	if res, ok := m.(*sip.Response); ok {
		if f.Status != 0 && f.Status != res.StatusCode {
			res.StatusCode, res.Reason = f.Status, orDefault(reasonOf(f.Status), res.Reason)
		}
		res.Reason = orDefault(f.Reason, res.Reason)
		if res.StatusCode == 407 {
			for _, challenge := range sip.Values(m, "WWW-Authenticate") {
				sip.Add(m, "Proxy-Authenticate", challenge)
			}
			sip.Del(m, "WWW-Authenticate")
		}
	}
	for _, name := range sortedKeys(f.Headers) {
		setLines(m, name, f.Headers[name])
	}
	if f.Text != "" {
		sip.SetBody(m, orDefault(sip.Value(m, "Content-Type"), "text/plain"), []byte(f.Text))
	}
}

// setLines sets the lines of one header: one each line of value, where "{}" stands for those that there were.
func setLines(m sip.Message, name, value string) {
	before := sip.Values(m, name)
	sip.Del(m, name)
	if value == "" {
		return
	}
	for line := range strings.SplitSeq(value, "\n") {
		lines := []string{line}
		if line == "{}" {
			lines = before
		}
		for _, l := range lines {
			sip.Add(m, name, l)
		}
	}
}

// overtake publishes what a request wants to publish, as another endpoint would have just before it.
func (p *presence) overtake(owner *endpoint, operations []operation) (changed []string) {
	other := slices.Clone(operations)
	for i := range other {
		other[i].version, other[i].delete = 0, false
		if have := p.find(other[i].key); have != nil {
			other[i].version = have.version
		}
	}
	changed, _, _ = p.publish(owner, other) // too much of it conflicts with nothing
	return changed
}
