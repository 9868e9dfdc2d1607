package server

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ocsgo/ocs/sip"
)

// allowEvents is what Allow-Events lists. Clients split it at the commas without trimming.
const allowEvents = "vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence," +
	"presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2"

// maxEpid is the length of an epid that the server takes (MS-OCER: 4012).
const maxEpid = 16

// binding is what a REGISTER asks for.
type binding struct {
	contact   sip.NameAddr // URI "": none was given; "*": all
	epid      string
	instance  string
	expires   time.Duration
	wantsGRUU bool
}

// register answers a REGISTER whose sender is who they say (RFC 3261 10.3, MS-SIPREGE 3.1.2.5.1).
func (r *request) register() {
	s := r.connection.server
	supported := tokens(sip.Values(r.Request, "Supported"))
	to, err := sip.ParseNameAddr(sip.Value(r.Request, "To"))
	b, bindingErr := r.binding()
	plain := s.config.PlainRegistrar
	switch {
	case err != nil || bindingErr != nil:
		r.answer(400, "Bad Request")
		return
	case addressOfURI(to.URI) != r.user.address:
		r.refuse(403, "Forbidden", 4004, "Credentials provided are not authorized to act as specified from URI")
		return
	case plain:
	case len(sip.Values(r.Request, "Event")) > 0 && !strings.EqualFold(eventOf(r.Request), "registration"):
		r.refuse(489, "Bad Event", 4055, "Event is not registration")
		return
	case b.epid == "" && b.instance == "":
		r.refuse(400, "Bad Request", 4010, "Missing endpoint identifier")
		return
	case len(b.epid) > maxEpid:
		r.refuse(400, "Bad Request", 4012, "Epid too long")
		return
	case slices.Contains(supported, "msrtc-event-categories") && !slices.Contains(supported, "gruu-10"):
		r.refuse(421, "Extension Required", 2057, "Supported lacks gruu-10")
		return
	}
	b.wantsGRUU = !plain && slices.Contains(supported, "gruu-10")

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	e := r.user.bound(b)
	number, _ := cseqOf(r.Request)
	if e != nil && e.callID == sip.Value(r.Request, "Call-ID") && number <= e.registered {
		r.answer(500, "Stale CSeq") // RFC 3261 section 10.3, step 7
		return
	}
	action := ""
	switch {
	case b.expires == 0 && b.contact.URI == "*":
		s.remove(slices.Clone(r.user.endpoints)...)
		e = nil
	case b.expires == 0:
		if e != nil {
			s.remove(e)
		}
		e = nil
	case b.contact.URI == "": // a query
	default:
		if e != nil && e.connection != r.connection { // the client is back before its old connection was missed
			s.remove(e)
			e = nil
		}
		action = "refreshed"
		if e == nil {
			action = "added"
			e = &endpoint{user: r.user, connection: r.connection, epid: b.epid, instance: b.instance}
			r.user.endpoints = append(r.user.endpoints, e)
		}
		r.bind(e, b)
		s.crowdedOut(r.user)
	}
	r.registered(e, b, action)
}

// binding reads what the REGISTER asks for.
func (r *request) binding() (binding, error) {
	s := r.connection.server
	b := binding{epid: r.epid, expires: s.config.Expires}
	contacts, err := sip.ParseNameAddrs(sip.Values(r.Request, "Contact")...)
	if err != nil {
		return b, err
	}
	wanted := sip.Value(r.Request, "Expires")
	if len(contacts) > 0 {
		b.contact = contacts[0]
		if v, ok := b.contact.Params.Get("expires"); ok {
			wanted = v
		}
		b.instance, _ = b.contact.Params.Get("+sip.instance")
		if id, ok := parseInstance(b.instance); ok {
			b.instance = "<urn:uuid:" + id.String() + ">"
		}
	}
	if wanted != "" {
		seconds, err := strconv.ParseUint(strings.TrimSpace(wanted), 10, 32)
		if err != nil {
			return b, fmt.Errorf("expires: %w", err)
		}
		b.expires = min(b.expires, time.Duration(seconds)*time.Second)
	}
	return b, nil
}

// bound finds the endpoint that a REGISTER is about: the same epid and instance, or the same Contact
// where there is neither.
func (u *user) bound(b binding) *endpoint {
	i := slices.IndexFunc(u.endpoints, func(e *endpoint) bool {
		if b.epid == "" && b.instance == "" {
			return e.epid == "" && e.instance == "" && e.contact == b.contact.URI
		}
		return e.epid == b.epid && (e.instance == b.instance || b.contact.URI == "")
	})
	if i < 0 {
		return nil
	}
	return u.endpoints[i]
}

// bind makes or renews the binding. Server.mu is held.
func (r *request) bind(e *endpoint, b binding) {
	s := r.connection.server
	e.contact = b.contact.URI
	if !s.config.PlainRegistrar {
		if proxy, _ := b.contact.Params.Get("proxy"); strings.EqualFold(proxy, "replace") {
			e.contact = replaceHost(e.contact, r.connection.link.RemoteAddr())
		}
		e.contact += fmt.Sprintf(";ms-received-cid=%X", r.connection.cid())
	}
	if b.wantsGRUU {
		id, ok := parseInstance(b.instance)
		if !ok {
			id = instanceOf(b.epid)
		}
		e.gruu = gruu(r.user.uri, id)
	}
	e.from, e.callID = sip.Value(r.Request, "From"), sip.Value(r.Request, "Call-ID")
	e.registered, _ = cseqOf(r.Request)
	e.expires = time.Now().Add(b.expires)
	if e.timer != nil {
		e.timer.Stop()
	}
	until := e.expires
	e.timer = time.AfterFunc(b.expires, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.expires.Equal(until) && !s.closed { // not renewed meanwhile
			s.remove(e)
		}
	})
}

// registered answers a REGISTER with 200 in the shape of OCS 2007 R2. own is the endpoint's binding, nil
// when it is gone. Server.mu is held.
func (r *request) registered(own *endpoint, b binding, action string) {
	s := r.connection.server
	plain := s.config.PlainRegistrar
	res := r.response(200, "OK")
	if !plain && own != nil {
		prepend(res, "ms-keep-alive", fmt.Sprintf("UAS; tcp=no; hop-hop=yes; end-end=no; timeout=%d", int(s.config.KeepAlive.Seconds())))
	}
	if own != nil {
		sip.Add(res, "Contact", own.contactValue())
	}
	for _, e := range r.user.endpoints {
		if e != own {
			sip.Add(res, "Contact", e.contactValue())
		}
	}
	if own != nil || b.expires == 0 {
		sip.Add(res, "Expires", strconv.Itoa(int(b.expires.Seconds())))
	}
	if !plain {
		if action != "" {
			sip.Add(res, "presence-state", `register-action="`+action+`"`)
		}
		sip.Add(res, "Allow-Events", allowEvents)
		sip.Add(res, "Supported", "adhoclist")
	}
	sip.Add(res, "Server", s.config.Server)
	if !plain {
		sip.Add(res, "Supported", "msrtc-event-categories")
	}
	r.send(res, "", nil)
}

// replaceHost puts an address in the place of a URI's host and port (Contact parameter proxy=replace).
func replaceHost(uri string, with net.Addr) string {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return uri
	}
	end := strings.IndexAny(rest, ";?")
	if end < 0 {
		end = len(rest)
	}
	return scheme + ":" + rest[:strings.LastIndexByte(rest[:end], '@')+1] + with.String() + rest[end:]
}

// tokens splits comma-separated header lines and lowers their case.
func tokens(lines []string) []string {
	var out []string
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}
