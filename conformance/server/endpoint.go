package server

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// endpoint is one binding of a user: a client that is signed in. It ends with its connection, at once.
// Guarded by Server.mu.
type endpoint struct {
	user       *user
	connection *connection
	epid       string
	instance   string // +sip.instance as text, in lower case where it is a UUID; empty: none
	contact    string // URI of the Contact, with the server's view of it
	gruu       string // empty: none
	from       string // From of the last REGISTER, to write to
	callID     string // of the last REGISTER
	registered int    // its CSeq
	expires    time.Time
	timer      *time.Timer
	cseq       int // of the server's own requests outside subscriptions

	subscriptions []*subscription
}

// contactValue is the endpoint's binding as a 200 lists it.
func (e *endpoint) contactValue() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s>;expires=%d", e.contact, int(time.Until(e.expires).Round(time.Second).Seconds()))
	if e.instance != "" {
		fmt.Fprintf(&b, `;+sip.instance="%s"`, e.instance)
	}
	if e.gruu != "" {
		fmt.Fprintf(&b, `;gruu="%s"`, e.gruu)
	}
	return b.String()
}

// endpointOf finds the endpoint of a user on a connection. Server.mu is held.
func (s *Server) endpointOf(c *connection, address, epid string) *endpoint {
	u := s.users[address]
	if u == nil {
		return nil
	}
	i := slices.IndexFunc(u.endpoints, func(e *endpoint) bool { return e.connection == c && e.epid == epid })
	if i < 0 {
		return nil
	}
	return u.endpoints[i]
}

// remove ends bindings, with their subscriptions and what they published, and tells the others.
// Server.mu is held.
func (s *Server) remove(gone ...*endpoint) {
	for _, e := range gone {
		u := e.user
		before := len(u.endpoints)
		u.endpoints = slices.DeleteFunc(u.endpoints, func(have *endpoint) bool { return have == e })
		if len(u.endpoints) == before {
			continue
		}
		e.timer.Stop()
		for _, sub := range e.subscriptions {
			sub.target.unwatch(sub)
		}
		e.subscriptions = nil
		if changed := u.presence.leave(e, len(u.endpoints) == 0); len(changed) > 0 {
			s.published(u, changed)
		}
	}
}

// disconnected ends what lived on a connection.
func (s *Server) disconnected(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
	if s.closed {
		return
	}
	for _, u := range s.users {
		for _, e := range slices.Clone(u.endpoints) {
			if e.connection == c {
				s.remove(e)
			}
		}
	}
}

// Endpoint is a client that is signed in.
type Endpoint struct {
	User     string    `json:"user"` // "alice@ocs.test"
	Epid     string    `json:"epid"`
	Instance string    `json:"instance,omitempty"`
	GRUU     string    `json:"gruu,omitempty"`
	Contact  string    `json:"contact"`
	Conn     int       `json:"conn"` // number of the connection in the history
	Expires  time.Time `json:"expires"`
}

// Endpoints returns who is signed in, by user and in the order of registration.
func (s *Server) Endpoints() []Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Endpoint{}
	for _, address := range sortedKeys(s.users) {
		for _, e := range s.users[address].endpoints {
			out = append(out, Endpoint{
				User: address, Epid: e.epid, Instance: e.instance, GRUU: e.gruu,
				Contact: e.contact, Conn: e.connection.id, Expires: e.expires,
			})
		}
	}
	return out
}

// Removal is why the server ends a registration, in the words of the notice that tells the client
// (MS-SIPREGE 4.1.3).
type Removal string

// The reasons.
const (
	RemovedUnregistered Removal = "unregistered" // 4140: logged out by another endpoint or an administrator
	RemovedRejected     Removal = "rejected"     // 4141: the user is disabled
	RemovedDeactivated  Removal = "deactivated"  // 4142: the user was moved
)

// diagnostic is the value of ms-diagnostics-public beside the notice.
func (why Removal) diagnostic() (string, bool) {
	switch why {
	case RemovedUnregistered:
		return `4140;reason="User logged out"`, true
	case RemovedRejected:
		return `4141;reason="User disabled"`, true
	case RemovedDeactivated:
		return `4142;reason="User moved"`, true
	}
	return "", false
}

// RemoveEndpoint ends the registration of every endpoint with an epid and tells it so with a NOTIFY of the
// event registration-notify, signed. The connection stays. It returns how many there were.
func (s *Server) RemoveEndpoint(epid string, why Removal) (removed int, err error) {
	diagnostic, ok := why.diagnostic()
	if !ok {
		return 0, fmt.Errorf("server: unknown removal %q; known: %s, %s, %s", why, RemovedUnregistered, RemovedRejected, RemovedDeactivated)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		for _, e := range slices.Clone(u.endpoints) {
			if e.epid != epid {
				continue
			}
			s.deregister(e, why, diagnostic)
			removed++
		}
	}
	return removed, nil
}

// deregister tells an endpoint that its registration is over, and ends it. Server.mu is held.
func (s *Server) deregister(e *endpoint, why Removal, diagnostic string) {
	e.cseq++
	s.notify(e, notification{
		method: "NOTIFY", target: e.contact, from: "<" + e.user.uri + ">;tag=" + e.connection.toTag, to: e.from,
		callID: e.callID, cseq: e.cseq, event: "registration-notify", state: "terminated;expires=0",
		headers:     [][2]string{{"ms-diagnostics-public", diagnostic}},
		contentType: typeRegistration, body: "deregistered;event=" + string(why),
	})
	s.remove(e)
}

// crowdedOut ends the oldest of a user's endpoints while there are more than Config.MaxEndpoints. Server.mu is held.
func (s *Server) crowdedOut(u *user) {
	for s.config.MaxEndpoints > 0 && len(u.endpoints) > s.config.MaxEndpoints {
		diagnostic, _ := RemovedUnregistered.diagnostic() // no document has a number for it alone
		s.deregister(u.endpoints[0], RemovedUnregistered, diagnostic)
	}
}
