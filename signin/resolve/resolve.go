// Package resolve finds out where to sign in: it turns a SIP domain, or a server that the user named,
// into a Plan of candidates in the order in which they are to be tried, and explains every question
// asked on the way. It opens no connection to a SIP server.
//
// The files, in the order in which a name passes them:
//
//	resolve.go   what a plan is; discovery by domain (Discover)
//	manual.go    a server named by the user (Manual)
//	name.go      which names may be asked at all
//	lookup.go    the addresses of one name: hosts file, additional records, A and AAAA
//	ask.go       one question to DNS: servers, retries, aliases, what an answer means
//	exchange.go  one query and its answer as bytes over UDP or TCP
//	system.go    the system's DNS servers, hosts file and resolver
//	srv.go       SRV records by priority and weight (RFC 2782)
//
// This is the one package on the client's side that imports miekg/dns.
package resolve

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Transport is how SIP reaches a candidate.
type Transport string

// The transports. These servers know no UDP.
const (
	TLS Transport = "tls"
	TCP Transport = "tcp"
)

// Policy says how much of what discovery found goes into the plan.
type Policy string

const (
	// Resilient plans every candidate found, in order of preference.
	Resilient Policy = "resilient"
	// Communicator plans what Office Communicator 2007 would try: the first SRV name that DNS offers
	// and no other, even if its target has no address; host names only where no SRV name is offered.
	Communicator Policy = "communicator"
)

// Limits of discovery.
const (
	// DefaultTimeout bounds discovery as a whole.
	DefaultTimeout = 10 * time.Second
	// tryTimeout bounds the wait for one answer; the next server is asked after it.
	tryTimeout = 2 * time.Second
	// patience is how long open questions are waited for once one candidate has an address: enough for
	// one lost packet, so that a server that drops AAAA questions does not cost the whole timeout.
	patience = 3 * time.Second

	maxRecords   = 16 // SRV records used of one name
	maxAddresses = 16 // addresses used of one name
	maxAliases   = 8  // CNAME records followed from one name

	// maxDomain leaves room for the longest service name within the 253 characters of a DNS name.
	maxDomain = 253 - len("_sipinternaltls._tcp.")
)

// Config says how to ask. The zero value asks the system's DNS servers for TLS servers.
type Config struct {
	// Server is the DNS server to ask, host[:port], port 53 by default. Empty: the servers of
	// /etc/resolv.conf; on a system without them Go's net.Resolver.
	Server string

	// AllowTCP also asks for the service names of servers that speak SIP over TCP without TLS.
	AllowTCP bool

	// OnlyTCP asks for those alone, and expects the host names to listen on TCP port 5060.
	OnlyTCP bool

	// Policy selects among what was found. Empty: Resilient.
	Policy Policy

	// Timeout bounds discovery as a whole. 0: DefaultTimeout.
	Timeout time.Duration

	// HostsFile is the hosts(5) file that is looked into before DNS is asked for an address. Empty: the
	// system's.
	HostsFile string

	// Exchange sends one DNS query, in wire form, and returns the answer. The network is "udp" or
	// "tcp" (without the length prefix); the server is host:port, or empty where Server is. It must
	// return once ctx is done. Nil: over the network. If it is set, the system's servers are not asked.
	Exchange func(ctx context.Context, network, server string, query []byte) ([]byte, error)

	// Intn returns a random number in [0,n), which orders SRV records of one priority by weight.
	// Nil: math/rand/v2.
	Intn func(n int) int
}

// Plan is where to try to sign in, and why. It is made for reports: it marshals to JSON.
type Plan struct {
	Domain     string      `json:"domain,omitempty"` // the SIP domain; empty for a server named by the user
	Policy     Policy      `json:"policy,omitempty"` // empty for a server named by the user
	Questions  []Question  `json:"questions"`        // in list order, not in order of time: they went out together
	Candidates []Candidate `json:"candidates"`       // in the order in which to try them
}

// Candidate is one server to try.
type Candidate struct {
	Host      string       `json:"host"` // the name that its certificate must carry; no trailing dot; or an IP literal
	Port      int          `json:"port"`
	Transport Transport    `json:"transport"`
	Addrs     []netip.Addr `json:"addrs"` // IPv4 first: most of these servers have nothing else
	Why       string       `json:"why"`   // "SRV _sipinternaltls._tcp.contoso.com, priority 0", "A sip.contoso.com", "configured server"
}

// Question is one question put to one server.
type Question struct {
	Name     string        // as asked, without trailing dot
	Type     string        // "SRV", "A", "AAAA"; "A, AAAA" of the hosts file
	Server   string        // who was asked: host:port, "hosts file", "system resolver"
	Network  string        // "udp", "tcp"; empty if no packet was sent by this package
	Answer   string        // the records, "NXDOMAIN", "NOERROR, no data", "SERVFAIL", "timeout" ...
	Duration time.Duration // from question to answer
	Err      error         // why there is no answer: a *net.DNSError; nil for an answer, "no" included
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

// service is an SRV name and what its records promise.
type service struct {
	name      string
	transport Transport
}

// services returns the SRV names of a domain in order of preference (contract 4.3, [DNS-R2b]).
func (c Config) services(domain string) []service {
	var list []service
	for _, s := range []service{
		{"_sipinternaltls._tcp." + domain, TLS},
		{"_sipinternal._tcp." + domain, TCP},
		{"_sip._tls." + domain, TLS},
		{"_sip._tcp." + domain, TCP},
	} {
		if s.transport == TLS && !c.OnlyTCP || s.transport == TCP && (c.AllowTCP || c.OnlyTCP) {
			list = append(list, s)
		}
	}
	return list
}

// hosts returns the host names of a domain in order of preference ([DNS-R2]).
func hosts(domain string) []string {
	return []string{"sipinternal." + domain, "sip." + domain, "sipexternal." + domain}
}

// endpoints returns what a host name without an SRV record may listen on: 5061 inside, 443 at the edge.
func (c Config) endpoints() (Transport, []int) {
	if c.OnlyTCP {
		return TCP, []int{5060}
	}
	return TLS, []int{5061, 443}
}

// Discover finds the servers of a SIP domain, the part of a sign-in name after the @.
//
// All SRV names and host names are asked for at once; the answers are used in list order:
// _sipinternaltls._tcp, _sipinternal._tcp, _sip._tls, _sip._tcp (those of TCP only if allowed), then
// sipinternal, sip and sipexternal, each on 5061 and then 443. The records of one SRV name are ordered
// by RFC 2782.
//
// The error is an *ocserr.Error. DNS knows no server: "no-server-found", "srv-target-not-found",
// "service-not-offered". DNS did not say: "dns-failure", "dns-timeout", "dns-unreachable",
// "dns-bad-answer". A domain that cannot be one: "invalid-sign-in-name"; such a DNS server:
// "invalid-config". ctx is done: "cancelled", wrapping its cause. The plan is never nil: it holds what
// was asked until then.
func Discover(ctx context.Context, cfg Config, domain string) (*Plan, error) {
	plan := &Plan{
		Domain: domain, Policy: cmp.Or(cfg.Policy, Resilient),
		Questions: []Question{}, Candidates: []Candidate{},
	}
	domain, err := hostname(domain)
	if err == nil && len(domain) > maxDomain {
		err = fmt.Errorf("%q is too long to have service names", domain)
	}
	if err != nil {
		return plan, ocserr.New(ocserr.CauseInvalidSignInName, fmt.Errorf("the SIP domain %w", err))
	}
	r, asking, err := newResolver(ctx, cfg)
	if err != nil {
		return plan, err
	}
	defer r.close()

	services, names := cfg.services(domain), hosts(domain)
	offers, lookups := make([]offer, len(services)), make([]*lookup, len(names))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { offers[i] = r.offer(asking, s) })
	}
	for i, name := range names {
		wg.Go(func() { lookups[i] = r.addresses(asking, name) })
	}
	wg.Wait()

	plan.Questions = questions(offers, lookups)
	if ctx.Err() != nil {
		return plan, cancelled(ctx)
	}
	plan.Candidates = cfg.candidates(offers, names, lookups)
	if len(plan.Candidates) == 0 {
		return plan, nothingFound(domain, offers, lookups)
	}
	return plan, nil
}

// candidates lists what the answers offer, in order and without repetition.
func (c Config) candidates(offers []offer, names []string, lookups []*lookup) []Candidate {
	list := []Candidate{}
	seen := map[string]bool{}
	add := func(host string, port int, transport Transport, addrs []netip.Addr, why string) {
		key := fmt.Sprintf("%s %s %d", transport, fold(host), port)
		if len(addrs) > 0 && !seen[key] {
			seen[key] = true
			list = append(list, Candidate{host, port, transport, addrs, why})
		}
	}
	for _, o := range offers {
		for _, t := range o.targets {
			add(t.host, t.port, o.transport, t.lookup.addrs, fmt.Sprintf("SRV %s, priority %d", o.name, t.priority))
		}
		if len(o.targets) > 0 && c.Policy == Communicator {
			return list
		}
	}
	transport, ports := c.endpoints()
	for i, name := range names {
		for _, port := range ports {
			add(name, port, transport, lookups[i].addrs, "A "+name)
		}
	}
	return list
}

// questions puts every question into list order; an address asked for by two is listed once.
func questions(offers []offer, lookups []*lookup) []Question {
	list := []Question{}
	seen := map[*lookup]bool{}
	add := func(l *lookup) {
		if !seen[l] {
			seen[l] = true
			list = append(list, l.questions...)
		}
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
