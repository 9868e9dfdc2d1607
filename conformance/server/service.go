package server

import (
	"errors"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// service answers a SERVICE: what it is about is in its Content-Type.
func (r *request) service() {
	if r.connection.server.config.PlainRegistrar {
		r.answer(501, "Not Implemented")
		return
	}
	mediaType, _, _ := strings.Cut(sip.Value(r.Request, "Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(mediaType)) {
	case typePublish:
		r.publish()
	case typeSetMembers:
		r.setMembers()
	case typeSetSubscriber:
		if parseSetSubscribers(r.Body()) != nil {
			r.malformed(nil)
			return
		}
		r.answer(200, "OK")
	default:
		r.answer(415, "Unsupported Media Type")
	}
}

// malformed answers a body that cannot be taken.
func (r *request) malformed(err error) {
	if errors.Is(err, errTooMuch) {
		r.refuse(413, "Request Entity Too Large", 4008, "Input data too large")
		return
	}
	r.refuse(400, "Bad Request", 4001, "XML parse failure")
}

// publish answers a publication of categories with all live publications of those it mentions, and tells
// the user's endpoints of them (MS-PRES).
func (r *request) publish() {
	uri, operations, err := parsePublish(r.Body())
	if err != nil {
		r.malformed(err)
		return
	}
	if uri != "" && addressOfURI(uri) != r.user.address {
		r.refuse(403, "Forbidden", 4004, "Credentials provided are not authorized to act as specified from URI")
		return
	}
	s := r.connection.server
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpointOf(r.connection, r.address, r.epid)
	if e == nil {
		r.answer(403, "Forbidden") // not registered
		return
	}
	if r.overtaken {
		s.published(r.user, r.user.presence.overtake(e, operations))
	}
	changed, conflicts, err := r.user.presence.publish(e, operations)
	switch {
	case err != nil:
		r.malformed(err)
	case len(conflicts) > 0:
		r.conflict(conflicts)
	default:
		body := r.user.presence.roamingXML(r.user.uri, []string{"categories"}, changed)
		r.send(r.response(200, "OK"), typeRoamingSelf, []byte(body))
		if len(changed) > 0 {
			s.published(r.user, changed)
		}
	}
}

// conflict answers operations on versions that are not the current ones. None of the request was done.
func (r *request) conflict(conflicts []conflict) {
	res := r.response(409, "Conflict")
	sip.Add(res, "ms-diagnostics", `2141;reason="Version conflict";source="`+r.connection.server.config.fqdn()+`"`)
	r.send(res, typeFault, []byte(faultXML(conflicts)))
}

// setMembers answers a change to the containers' members.
func (r *request) setMembers() {
	changes, err := parseSetMembers(r.Body())
	if err != nil {
		r.malformed(err)
		return
	}
	s := r.connection.server
	s.mu.Lock()
	defer s.mu.Unlock()
	conflicts, err := r.user.presence.setMembers(changes)
	switch {
	case err != nil:
		r.malformed(err)
	case len(conflicts) > 0:
		r.conflict(conflicts)
	default:
		r.answer(200, "OK")
		s.tellSelf(r.user, "containers", nil)
	}
}

// methods are those that the server knows.
const methods = "REGISTER, SUBSCRIBE, SERVICE, OPTIONS, INVITE, MESSAGE, INFO, BYE, ACK, CANCEL, NOTIFY, BENOTIFY, REFER"

// other answers what is no part of signing in. The server carries no calls and no messages.
func (r *request) other() {
	s := r.connection.server
	to, err := sip.ParseNameAddr(sip.Value(r.Request, "To"))
	if err != nil {
		r.answer(400, "Bad Request")
		return
	}
	_, inDialog := to.Params.Get("tag")
	switch r.method {
	case "OPTIONS":
		res := r.response(200, "OK")
		sip.Add(res, "Allow", methods)
		sip.Add(res, "Contact", r.connection.contact())
		r.send(res, "", nil)
	case "INVITE", "MESSAGE", "INFO", "REFER", "BYE":
		switch {
		case inDialog || r.method == "BYE":
			r.answer(481, "Call/Transaction Does Not Exist")
		case s.users[addressOfURI(to.URI)] == nil:
			r.refuse(404, "Not Found", 1003, "User does not exist")
		default:
			r.answer(488, "Not Acceptable Here")
		}
	default:
		r.answer(501, "Not Implemented")
	}
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
