package resolve

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Plan is where to try to sign in, and why. It is made for reports: it marshals to JSON.
type Plan struct {
	Domain     string      `json:"domain,omitempty"`  // the SIP domain; empty for a server named by the user
	Policy     Policy      `json:"policy,omitempty"`  // empty for a server named by the user
	Questions  []Question  `json:"questions"`         // in list order, not in order of time: they went out together
	Candidates []Candidate `json:"candidates"`        // in the order in which to try them
	Refused    []Refusal   `json:"refused,omitempty"` // found, and not to be tried

	// What both policies would try: found is the list of Resilient, of which Communicator tries those at
	// the indexes in communicator, in that order.
	found        []Candidate
	communicator []int

	unanswered []*failure // of the questions for services
}

// Refusal is a server that was found and is not tried.
type Refusal struct {
	Candidate
	Cause  ocserr.Cause `json:"cause"`  // "strict-naming-refused", "srv-record-invalid", "insecure-transport", "srv-target-not-found", "dns-failure" ...
	Reason string       `json:"reason"` // one sentence
}

// Untried returns why servers that the domain publishes, or may publish, are not among the candidates, an *ocserr.Error
// each: when the candidates fail, they may have been the right ones.
func (p *Plan) Untried() []error {
	var list []error
	for _, f := range p.unanswered {
		list = append(list, ocserr.New(f.cause, f.err))
	}
	for _, r := range p.Refused {
		list = append(list, ocserr.New(r.Cause, fmt.Errorf("%s, %s", r.Why, r.Reason)).At(ocserr.StageResolve))
	}
	return list
}

// Under returns the candidates that a policy makes of the answers, in the order in which it
// tries them: those of the plan, or what the other policy would have done. For a server named by the
// user policies make no difference.
func (p *Plan) Under(policy Policy) []Candidate {
	switch {
	case p.Policy == "" || policy == p.Policy:
		return p.Candidates
	case policy == Communicator:
		list := make([]Candidate, len(p.communicator))
		for i, at := range p.communicator {
			list[i] = p.found[at]
		}
		return list
	}
	return p.found
}

// MarshalJSON adds what the other policy would have tried, where that differs.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan // without this method
	type other struct {
		Policy     Policy      `json:"policy"`
		Candidates []Candidate `json:"candidates"`
	}
	out := struct {
		plain
		Other *other `json:"other,omitempty"`
	}{plain: plain(p)}
	policy := Communicator
	if p.Policy == Communicator {
		policy = Resilient
	}
	if list := p.Under(policy); len(list) != len(p.Candidates) {
		out.Other = &other{policy, list}
	}
	return json.Marshal(out)
}

// Candidate is one server to try.
type Candidate struct {
	Host      string       `json:"host"` // the name that its certificate must carry; no trailing dot; or an IP literal
	Port      int          `json:"port"`
	Transport Transport    `json:"transport"`
	Addrs     []netip.Addr `json:"addrs"` // in the order in which to try them: IPv4 and IPv6 in turn; empty only by Config.ByName
	Why       string       `json:"why"`   // "SRV _sipinternaltls._tcp.contoso.com, priority 0", "A sip.contoso.com", "configured server"
}

// Question is one question put to one server.
type Question struct {
	Name     string        // as asked, without trailing dot; a URL without its query
	Type     string        // "SRV", "A", "AAAA"; "A, AAAA" of the hosts file; "GET" of a web service
	Server   string        // who was asked: host:port, "hosts file", "system resolver"
	Network  string        // "udp", "tcp", "https"; empty if no packet was sent by this package
	Answer   string        // the records, "NXDOMAIN", "NOERROR, no data", "SERVFAIL", "timeout" ...
	Duration time.Duration // from question to answer
	Err      error         // why there is no answer, of DNS a *net.DNSError; nil for an answer, "no" included
}

// MarshalJSON gives the duration in milliseconds and the error as text.
func (q Question) MarshalJSON() ([]byte, error) {
	out := struct {
		Name       string  `json:"name"`
		Type       string  `json:"type"`
		Server     string  `json:"server,omitempty"`
		Network    string  `json:"network,omitempty"`
		Answer     string  `json:"answer"`
		DurationMS float64 `json:"duration_ms"`
		Error      string  `json:"error,omitempty"`
	}{q.Name, q.Type, q.Server, q.Network, q.Answer, float64(q.Duration.Microseconds()) / 1000, ""}
	if q.Err != nil {
		out.Error = q.Err.Error()
	}
	return json.Marshal(out)
}

// builder collects the candidates of a plan, in order of preference and without repetition.
type builder struct {
	plan   *Plan
	byName func(host string, port int) bool
	seen   map[string]int // index in plan.found by transport, host and port
}

// offer takes a server whose name came from others; homeless is the cause where it has no address.
func (b *builder) offer(c Candidate, t target, communicator bool, homeless ocserr.Cause) {
	c.Host, c.Port, c.Addrs = t.host, t.port, t.lookup.addrs
	if t.cause == "" && b.add(c, communicator) {
		return
	}
	if t.cause == "" {
		t.refuse(t.lookup.missing(t.host, homeless))
	}
	c.Addrs = []netip.Addr{}
	b.plan.Refused = append(b.plan.Refused, Refusal{c, t.cause, t.reason})
}

// add takes a server if it has an address, or a proxy that finds one; else it returns false. Communicator says whether
// the policy of that name tries it.
func (b *builder) add(c Candidate, communicator bool) bool {
	if len(c.Addrs) == 0 && !c.leave(b.byName) {
		return false
	}
	key := fmt.Sprintf("%s %s %d", c.Transport, fold(c.Host), c.Port)
	at, known := b.seen[key]
	if !known {
		at = len(b.plan.found)
		b.seen[key] = at
		b.plan.found = append(b.plan.found, c)
	}
	if communicator && !slices.Contains(b.plan.communicator, at) {
		b.plan.communicator = append(b.plan.communicator, at)
	}
	return true
}

// leave leaves the name of a candidate without address to the proxy, if byName knows of one.
func (c *Candidate) leave(byName func(host string, port int) bool) bool {
	if byName == nil || !byName(c.Host, c.Port) {
		return false
	}
	c.Addrs = []netip.Addr{}
	c.Why += ", by name through the proxy"
	return true
}

// candidates lists what the answers offer under both policies.
func (p *Plan) candidates(cfg Config, auto autodiscovered, offers []offer, names []string, lookups []*lookup) {
	b := builder{plan: p, byName: cfg.ByName, seen: map[string]int{}}
	for _, t := range auto.targets {
		b.offer(Candidate{Transport: TLS, Why: "autodiscover " + auto.service}, t, false, ocserr.CauseAutodiscoverFailed)
	}
	first := true // no service was offered until now
	for _, o := range offers {
		if o.failure != nil {
			p.unanswered = append(p.unanswered, o.failure)
		}
		for _, t := range o.targets {
			b.offer(Candidate{Transport: o.transport, Why: fmt.Sprintf("SRV %s, priority %d", o.name, t.priority)}, t, first, ocserr.CauseSRVTargetNotFound)
		}
		first = first && !o.made()
	}
	transport, ports := cfg.endpoints()
	if len(p.found) > 0 || slices.ContainsFunc(lookups, func(l *lookup) bool { return len(l.addrs) > 0 }) {
		b.byName = nil
	}
	for i, name := range names {
		for _, port := range ports {
			b.add(Candidate{name, port, transport, lookups[i].addrs, "A " + name}, first)
		}
	}
	if p.Policy == Communicator {
		for _, at := range p.communicator {
			p.Candidates = append(p.Candidates, p.found[at])
		}
	} else if len(p.found) > 0 {
		p.Candidates = p.found
	}
}

// questions puts every question into list order; an address asked for by two is listed once.
func questions(auto autodiscovered, offers []offer, lookups []*lookup) []Question {
	list := []Question{}
	seen := map[*lookup]bool{}
	add := func(l *lookup) {
		if !seen[l] {
			seen[l] = true
			list = append(list, l.questions...)
		}
	}
	list = append(list, auto.questions...)
	for _, t := range auto.targets {
		add(t.lookup)
	}
	for _, o := range offers {
		list = append(list, o.questions...)
		for _, t := range o.targets {
			add(t.lookup)
		}
	}
	for _, l := range lookups {
		add(l)
	}
	return list
}
