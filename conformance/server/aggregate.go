package server

import (
	"fmt"
	"strings"
	"time"
)

// state is what a publication of the category "state" says.
type state struct {
	kind         string // xsi:type without its prefix: "machineState", "userState", "phoneState", ..., "aggregateState"
	availability int
	activity     string // token
}

// aggregateInstance is the instance under which the server publishes what a user's states come to.
const aggregateInstance = 1

// aggregateContainers are the containers in which it does so: the user's own, and each level of access.
func aggregateContainers() []int { return []int{2, 3, 100, 200, 300, 400} }

// aggregate publishes anew what the user's states come to, if that has changed.
func (p *presence) aggregate(now time.Time) (changed bool) {
	total, online := p.total()
	have := p.find(key{"state", aggregateInstance, aggregateContainers()[0]})
	switch {
	case !online && have == nil, online && have != nil && have.state == total:
		return false
	case !online:
		p.remove(func(pub *publication) bool { return pub.owner == nil })
		return true
	}
	version := uint64(1)
	if have != nil {
		version = have.version + 1
	}
	content := aggregateXML(total, now)
	for _, id := range aggregateContainers() {
		p.put(publication{
			key: key{"state", aggregateInstance, id}, version: version, expireType: "user",
			published: now, content: content, state: total,
		})
	}
	return true
}

// total reckons a user's state from those of all endpoints (MS-PRES gives the outline; the weights are
// ours): the most available machine, unless the user chose something else than to be available, or an
// endpoint is in a call or meeting that makes the user busier. Without a machine the user is offline.
func (p *presence) total() (total state, online bool) {
	var machine, user, busy state
	var chosen time.Time
	for _, pub := range p.publications {
		switch s := pub.state; {
		case pub.container != 2 || s.availability < 3000:
		case s.kind == "machineState":
			if machine.availability == 0 || s.availability < machine.availability {
				machine = s
			}
		case s.kind == "userState":
			if !pub.published.Before(chosen) {
				user, chosen = s, pub.published
			}
		case s.kind != "aggregateState" && s.availability >= 6000 && s.availability < 12000:
			if s.availability > busy.availability {
				busy = s
			}
		}
	}
	if machine.availability == 0 {
		return state{kind: "aggregateState", availability: 18500}, false
	}
	total = machine
	if user.availability >= 4500 {
		total = user
	}
	if total.availability < 12000 && busy.availability > total.availability {
		total = busy
	}
	total.kind = "aggregateState"
	return total, true
}

// aggregateXML is the content of the aggregate's publication.
func aggregateXML(s state, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<state xsi:type="%s" lastActive="%s" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`+
		` xmlns="http://schemas.microsoft.com/2006/09/sip/state"><availability>%d</availability>`,
		s.kind, now.Format("2006-01-02T15:04:05"), s.availability)
	if s.activity != "" {
		fmt.Fprintf(&b, `<activity token="%s"/>`, escape(s.activity))
	}
	b.WriteString(`<endpointLocation/></state>`)
	return b.String()
}
