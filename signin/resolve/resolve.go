// Package resolve finds out where to sign in: it turns a SIP domain, or a server that the user named,
// into a Plan of candidates in the order in which they are to be tried, and explains every question
// asked on the way. It opens no connection to a SIP server.
//
// The files, in the order in which a name passes them:
//
//	resolve.go       how to ask (Config); discovery by domain (Discover)
//	plan.go          what a plan is, and how it is made of the answers under each policy
//	naming.go        which names servers may have
//	manual.go        a server named by the user (Manual)
//	name.go          which names may be asked at all
//	autodiscover.go  Lync's autodiscover service over HTTPS; autodocument.go: what it answers
//	lookup.go        the records of one service, and the addresses of one name: hosts file, A and AAAA
//	nothing.go       why there is nothing to try
//	ask.go           one question to DNS: servers, retries, aliases, what an answer means
//	exchange.go      one query and its answer as bytes over UDP or TCP
//	system.go        the system's DNS servers, hosts file and resolver
//	srv.go           SRV records by priority and weight (RFC 2782)
//
// This is the one package on the client's side that imports miekg/dns.
package resolve

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

	// OnlyTCP asks for servers that speak SIP over TCP without TLS, and expects the host names to listen on port
	// 5060. Otherwise such servers are found and refused: nothing falls from TLS to clear TCP by itself.
	OnlyTCP bool

	// Policy selects among what was found. Empty: Resilient.
	Policy Policy

	// Autodiscover also asks Lync's autodiscover service, whose servers come first, as Lync's own clients
	// have it. Nil: it is not asked, since OCS 2007 has none and a firewall in its way costs seconds. It is
	// not for the policy Communicator, which knows none either, nor for OnlyTCP.
	Autodiscover *Autodiscover

	// ByName tells whether a proxy on the way to a server looks its name up. Then a server without an
	// address here is a candidate all the same, by name: the target of an SRV record, the server given to
	// Manual, and, if nothing else was found, the host names of the domain. Nil: there is no proxy.
	ByName func(host string, port int) bool

	// Naming says which names servers that DNS or autodiscover name may have. Empty: NamingAny.
	Naming Naming

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

// service is an SRV name and what its records promise.
type service struct {
	name      string
	transport Transport
}

// services returns the SRV names of a domain in order of preference (contract 4.3, [DNS-R2b]). Those of TCP are asked
// for where TLS is demanded too: a domain that publishes nothing else is not one that publishes nothing.
func (c Config) services(domain string) []service {
	list := []service{
		{"_sipinternaltls._tcp." + domain, TLS},
		{"_sipinternal._tcp." + domain, TCP},
		{"_sip._tls." + domain, TLS},
		{"_sip._tcp." + domain, TCP},
	}
	if c.OnlyTCP {
		list = slices.DeleteFunc(list, func(s service) bool { return s.transport == TLS })
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
// _sipinternaltls._tcp, _sipinternal._tcp, _sip._tls, _sip._tcp (those of TCP only with Config.OnlyTCP), then
// sipinternal, sip and sipexternal, each on 5061 and then 443. The records of one SRV name are ordered
// by RFC 2782.
//
// The error is an *ocserr.Error. DNS did not say, and so may know a server: "dns-failure", "dns-timeout",
// "dns-unreachable", "dns-bad-answer". What was found may not be tried: "strict-naming-refused", "srv-record-invalid",
// "insecure-transport". DNS knows no server: "no-server-found", "srv-target-not-found", "service-not-offered",
// "autodiscover-failed". The service of web tickets did not accept the user: "password-rejected". A domain that cannot
// be one: "invalid-sign-in-name"; such a DNS server: "invalid-config". ctx is done: "cancelled", wrapping its cause.
// The plan is never nil: it holds what was asked until then.
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
		wg.Go(func() { offers[i] = r.offer(asking, cfg, domain, s) })
	}
	for i, name := range names {
		wg.Go(func() { lookups[i] = r.addresses(asking, name) })
	}
	var auto autodiscovered
	wg.Go(func() { auto = r.autodiscover(asking, cfg, domain) })
	wg.Wait()

	plan.Questions = questions(auto, offers, lookups)
	switch {
	case ctx.Err() != nil:
		return plan, cancelled(ctx)
	case auto.rejected != nil:
		return plan, auto.rejected
	}
	plan.candidates(cfg, auto, offers, names, lookups)
	if len(plan.Candidates) > 0 {
		return plan, nil
	}
	return plan, plan.nothing(auto, offers, lookups)
}
