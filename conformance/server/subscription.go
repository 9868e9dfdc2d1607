package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ocsgo/ocs/sip"
)

// subscriptionLife is what the server grants a subscription, from each notification on for a client that
// asked for com.microsoft.autoextend.
const subscriptionLife = 31000 * time.Second

// subscription is one subscription dialog of an endpoint. Guarded by Server.mu.
type subscription struct {
	endpoint *endpoint
	event    string // in lower case
	target   *user  // whose data
	groups   []string
	types    []string // roaming types

	callID, remoteTag string
	local, remote     string // From and To of the server's requests
	contact           string // URI to send them to
	cseq              int    // of the last of them, the piggybacked ones included

	bestEffort bool // BENOTIFY instead of NOTIFY
	autoextend bool
	until      time.Time
}

// The events that can be subscribed to, in lower case.
const (
	eventContacts      = "vnd-microsoft-roaming-contacts"
	eventProvisioning2 = "vnd-microsoft-provisioning-v2"
	eventProvisioning  = "vnd-microsoft-provisioning"
	eventRoamingSelf   = "vnd-microsoft-roaming-self"
	eventACL           = "vnd-microsoft-roaming-acl"
	eventWatchers      = "presence.wpending"
	eventPresence      = "presence"
)

// subscribe answers a SUBSCRIBE (RFC 6665, with MS-SIP's piggybacked first NOTIFY).
func (r *request) subscribe() {
	s := r.connection.server
	event := strings.ToLower(eventOf(r.Request))
	to, err := sip.ParseNameAddr(sip.Value(r.Request, "To"))
	if err != nil {
		r.answer(400, "Bad Request")
		return
	}
	known := []string{eventContacts, eventProvisioning2, eventProvisioning, eventRoamingSelf, eventACL, eventWatchers, eventPresence}
	if s.config.PlainRegistrar || !slices.Contains(known, event) {
		r.answer(489, "Bad Event")
		return
	}
	life := subscriptionLife
	if wanted := sip.Value(r.Request, "Expires"); wanted != "" {
		seconds, err := strconv.ParseUint(wanted, 10, 32)
		if err != nil {
			r.answer(400, "Bad Request")
			return
		}
		life = min(life, time.Duration(seconds)*time.Second)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpointOf(r.connection, r.address, r.epid)
	target := s.users[addressOfURI(to.URI)]
	tag, _ := r.from.Params.Get("tag")
	callID := sip.Value(r.Request, "Call-ID")
	var sub *subscription
	if _, inDialog := to.Params.Get("tag"); inDialog && e != nil {
		i := slices.IndexFunc(e.subscriptions, func(have *subscription) bool {
			return have.callID == callID && have.remoteTag == tag && have.event == event
		})
		if i < 0 {
			r.answer(481, "Call/Transaction Does Not Exist")
			return
		}
		sub = e.subscriptions[i]
	}
	switch {
	case e == nil:
		r.answer(403, "Forbidden") // not registered
		return
	case target == nil:
		r.refuse(404, "Not Found", 1003, "User does not exist")
		return
	case target != r.user && event != eventPresence:
		r.answer(403, "Forbidden") // somebody else's own data
		return
	case sub == nil:
		sub = &subscription{
			endpoint: e, event: event, target: target, callID: callID, remoteTag: tag,
			local:  sip.Value(r.Request, "To") + ";tag=" + r.connection.toTag,
			remote: sip.Value(r.Request, "From"),
		}
	}
	if err := sub.read(r); err != nil {
		r.refuse(400, "Bad Request", 4001, "XML parse failure")
		return
	}
	if !s.config.PlainRegistrar && !e.reaches(sub.contact) {
		r.answer(400, "Invalid Contact information")
		return
	}
	sub.until = time.Now().Add(life)
	e.subscriptions = slices.DeleteFunc(e.subscriptions, func(have *subscription) bool { return have == sub })
	target.unwatch(sub)
	if life > 0 {
		e.subscriptions = append(e.subscriptions, sub)
		if event == eventPresence {
			target.watchers = append(target.watchers, sub)
		}
	}
	r.subscribed(sub)
}

// read takes from a SUBSCRIBE what it says of notifications.
func (sub *subscription) read(r *request) (err error) {
	supported := tokens(sip.Values(r.Request, "Supported"))
	sub.bestEffort = slices.Contains(supported, "ms-benotify")
	sub.autoextend = slices.Contains(supported, "com.microsoft.autoextend")
	sub.contact = sub.endpoint.contact
	if contacts, err := sip.ParseNameAddrs(sip.Values(r.Request, "Contact")...); err == nil && len(contacts) > 0 {
		sub.contact = contacts[0].URI
	}
	body := r.Body()
	switch sub.event {
	case eventProvisioning2, eventProvisioning:
		if len(body) > 0 || sub.groups == nil {
			sub.groups, err = provisioningGroups(body)
		}
	case eventRoamingSelf:
		if len(body) > 0 || sub.types == nil {
			sub.types, err = roamingTypes(body)
		}
	}
	return err
}

// subscribed answers a SUBSCRIBE with 200, and with what the first NOTIFY would carry: in the answer where
// the client can take it so, else in a NOTIFY behind it. Server.mu is held.
func (r *request) subscribed(sub *subscription) {
	piggyback := !r.separate && slices.Contains(tokens(sip.Values(r.Request, "Supported")), "ms-piggyback-first-notify")
	contentType, body := sub.document()
	state, seconds := sub.state()
	res := r.response(200, "OK")
	sip.Add(res, "Contact", r.connection.contact())
	sip.Add(res, "Expires", seconds)
	sip.Add(res, "Event", sip.Value(r.Request, "Event"))
	sip.Add(res, "subscription-state", state)
	switch {
	case r.early:
		sub.send(contentType, body)
		r.send(res, "", nil)
		return
	case !piggyback:
		r.send(res, "", nil)
		sub.send(contentType, body)
		return
	}
	sub.cseq++
	sip.Add(res, "ms-piggyback-cseq", strconv.Itoa(sub.cseq))
	r.send(res, contentType, []byte(body))
}

// contact is the server's own Contact: where requests inside a dialog go.
func (c *connection) contact() string {
	return fmt.Sprintf("<sip:%s:%d;transport=%s>", c.server.config.fqdn(), c.server.ports[c.transport], c.transport)
}

// state is the value of subscription-state, and the seconds left.
func (sub *subscription) state() (state, seconds string) {
	left := time.Until(sub.until).Round(time.Second)
	if left <= 0 {
		return "terminated;expires=0", "0"
	}
	seconds = strconv.Itoa(int(left.Seconds()))
	return "active;expires=" + seconds, seconds
}

// document is what the subscription is about, whole.
func (sub *subscription) document() (contentType, body string) {
	u := sub.target
	switch sub.event {
	case eventContacts:
		return typeContacts, contactsXML
	case eventProvisioning2:
		return typeProvisioning2, provisioningXML(u.uri, sub.groups)
	case eventProvisioning:
		return typeProvisioning, provisioningXML(u.uri, sub.groups)
	case eventRoamingSelf:
		return typeRoamingSelf, u.presence.roamingXML(u.uri, sub.types, nil)
	case eventACL:
		return typeACL, aclXML
	case eventWatchers:
		return typeWatchers, watchersXML
	default:
		return typeCategories, u.presence.watchedXML(u.uri)
	}
}

// send notifies the subscriber. Server.mu is held.
func (sub *subscription) send(contentType, body string) {
	if sub.autoextend && time.Now().Before(sub.until) {
		sub.until = time.Now().Add(subscriptionLife)
	}
	state, _ := sub.state()
	method := "NOTIFY"
	if sub.bestEffort {
		method = "BENOTIFY"
	}
	sub.cseq++
	sub.endpoint.connection.server.notify(sub.endpoint, notification{
		method: method, target: sub.contact, from: sub.local, to: sub.remote, callID: sub.callID, cseq: sub.cseq,
		event: sub.event, state: state, contentType: contentType, body: body,
	})
}

// published tells everybody who subscribed of categories of a user that changed. Server.mu is held.
func (s *Server) published(u *user, categories []string) {
	s.tellSelf(u, "categories", categories)
	if len(u.watchers) == 0 || !slices.Contains(categories, "state") {
		return
	}
	body := u.presence.watchedXML(u.uri)
	for _, sub := range u.watchers {
		if time.Now().Before(sub.until) {
			sub.send(typeCategories, body)
		}
	}
}

// tellSelf sends a part of the user's own data to each endpoint of the user. Server.mu is held.
func (s *Server) tellSelf(u *user, part string, categories []string) {
	body := ""
	for _, e := range u.endpoints {
		for _, sub := range e.subscriptions {
			if sub.event != eventRoamingSelf || !slices.Contains(sub.types, part) || !time.Now().Before(sub.until) {
				continue
			}
			if body == "" {
				body = u.presence.roamingXML(u.uri, []string{part}, categories)
			}
			sub.send(typeRoamingSelf, body)
		}
	}
}

// unwatch takes a subscription off the list of those to the user's presence.
func (u *user) unwatch(sub *subscription) {
	u.watchers = slices.DeleteFunc(u.watchers, func(have *subscription) bool { return have == sub })
}

// notification is a NOTIFY or BENOTIFY to send.
type notification struct {
	method, target, from, to, callID string
	cseq                             int
	event, state                     string
	headers                          [][2]string
	contentType, body                string
}

// notify sends a request of the server's to an endpoint, unless a fault keeps it. Server.mu is held.
func (s *Server) notify(e *endpoint, n notification) {
	c := e.connection
	when := occasion{StageLive, facts{
		user: e.user.address, epid: e.epid, method: n.method, event: n.event, registered: true, authenticated: true, own: true,
	}}
	f := s.strike(groupDeed, onAnswer, when, c.id)
	switch f.Action {
	case ActionSilent:
		return
	case ActionClose:
		after(f.Delay, c.close)
		return
	case ActionReset:
		after(f.Delay, c.link.reset)
		return
	}
	req, err := sip.NewRequest(n.method, n.target)
	if err != nil {
		s.log.Warn("the client's Contact cannot be written to", "conn", c.id, "error", err)
		return
	}
	sip.Add(req, "Via", fmt.Sprintf("SIP/2.0/%s %s;branch=%s", strings.ToUpper(c.transport.String()), c.link.LocalAddr(), sip.NewBranch()))
	sip.Add(req, "Max-Forwards", "70")
	sip.Add(req, "From", n.from)
	sip.Add(req, "To", n.to)
	sip.Add(req, "Call-ID", n.callID)
	sip.Add(req, "CSeq", strconv.Itoa(n.cseq)+" "+n.method)
	sip.Add(req, "Contact", c.contact())
	sip.Add(req, "Event", n.event)
	sip.Add(req, "subscription-state", n.state)
	for _, h := range n.headers {
		sip.Add(req, h[0], h[1])
	}
	sip.SetBody(req, n.contentType, []byte(n.body))
	change := s.strike(groupContent, onAnswer, when, c.id)
	edit(req, change)
	after(f.Delay+change.Delay, func() { c.send(req, when) })
}
