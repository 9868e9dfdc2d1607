package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	ocserr "github.com/ocsgo/ocs/errors"
)

// lookup is what is known about the addresses of one name.
type lookup struct {
	addrs     []netip.Addr
	questions []Question
	notThere  bool     // NXDOMAIN
	failure   *failure // why there is no address, if it is not that DNS said so

	done chan struct{}
}

// addresses looks up the name of a candidate.
func (r *resolver) addresses(ctx context.Context, name string) *lookup {
	return r.find(ctx, name, r.found)
}

// find looks a name up: in the hosts file, else A and AAAA at once. However many share a name, it is asked
// for once. Found is called with the first address.
func (r *resolver) find(ctx context.Context, name string, found func()) *lookup {
	key := strings.ToLower(name)
	r.mu.Lock()
	l, known := r.lookups[key]
	if !known {
		l = &lookup{done: make(chan struct{})}
		r.lookups[key] = l
	}
	r.mu.Unlock()
	if known {
		<-l.done
		if len(l.addrs) > 0 {
			found()
		}
		return l
	}
	defer close(l.done)

	if addrs := r.hosts[fold(name)]; len(addrs) > 0 {
		l.addrs = addrs
		l.questions = []Question{{Name: fold(name), Type: "A, AAAA", Server: "hosts file", Answer: join(addrs)}}
		found()
		return l
	}
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	replies, asked := make([]reply, len(types)), make([][]Question, len(types))
	var wg sync.WaitGroup
	for i, qtype := range types {
		wg.Go(func() {
			replies[i], asked[i] = r.ask(ctx, name, qtype)
			if len(addressesOf(replies[i].records)) > 0 {
				found()
			}
		})
	}
	wg.Wait()
	for i, got := range replies {
		l.questions = append(l.questions, asked[i]...)
		l.addrs = append(l.addrs, addressesOf(got.records)...)
		l.notThere = l.notThere || got.notThere
		if l.failure == nil {
			l.failure = got.failure
		}
	}
	l.addrs = alternate(l.addrs)
	// NXDOMAIN speaks for every type (RFC 8020), but there are load balancers that give it for AAAA alone (RFC 4074 4.2).
	if len(l.addrs) > 0 || replies[0].notThere {
		l.failure = nil
	}
	return l
}

// missing says why a host has no address; no is the cause where DNS says that it has none.
func (l *lookup) missing(host string, no ocserr.Cause) (ocserr.Cause, string) {
	if l.failure != nil {
		return l.failure.cause, l.failure.err.Error()
	}
	return no, "DNS has no address for " + host
}

// offer is what DNS says of one service.
type offer struct {
	service
	targets   []target // in the order in which to try them
	declined  bool     // a record with the target ".": the service is decidedly not offered (RFC 2782)
	questions []Question
	failure   *failure
}

// made tells whether the domain offers the service, be its records right or wrong. One that may not be used is none.
func (o *offer) made() bool {
	return len(o.targets) > 0 && o.targets[0].cause != ocserr.CauseInsecureTransport
}

// target is a server that an SRV record or autodiscover names.
type target struct {
	host     string
	port     int
	priority int
	lookup   *lookup      // of its addresses; empty where it is not tried
	cause    ocserr.Cause // why it is not tried, with a reason in words; "" where it is
	reason   string
}

func (t *target) refuse(cause ocserr.Cause, reason string) { t.cause, t.reason = cause, reason }

// offer asks for a service and for the addresses of its targets. Addresses that come along with the answer are not used:
// few servers send those of both families, and the other one would have to be asked for anyway.
func (r *resolver) offer(ctx context.Context, cfg Config, domain string, s service) offer {
	got, asked := r.ask(ctx, s.name, dns.TypeSRV)
	o := offer{service: s, questions: asked, failure: got.failure}
	var records []*dns.SRV
	for _, rr := range got.records {
		srv, ok := rr.(*dns.SRV)
		switch {
		case ok && srv.Target == ".":
			o.declined = true
		case ok:
			records = append(records, srv)
		}
	}
	order(records, r.intn)
	o.targets = make([]target, min(len(records), maxRecords))
	var wg sync.WaitGroup
	for i := range o.targets {
		t := &o.targets[i]
		*t = cfg.judge(domain, s, records[i])
		if t.cause == "" {
			wg.Go(func() { t.lookup = r.addresses(ctx, t.host) })
		}
	}
	wg.Wait()
	return o
}

// judge makes a target of a record, and says whether it is to be tried.
func (c Config) judge(domain string, s service, srv *dns.SRV) target {
	host, reason := serverOf(srv)
	t := target{host: host, port: int(srv.Port), priority: int(srv.Priority), lookup: &lookup{}}
	switch {
	case s.transport == TCP && !c.OnlyTCP:
		t.refuse(ocserr.CauseInsecureTransport, fmt.Sprintf("the SRV record of %s leads to %s over TCP without TLS", s.name, joinHostPort(host, t.port)))
	case reason != "":
		t.refuse(ocserr.CauseSRVRecordInvalid, fmt.Sprintf("the SRV record of %s: %s", s.name, reason))
	case s.transport == TLS:
		c.Naming.judge(domain, &t)
	}
	return t
}

// serverOf is the host that a record names, or the reason why it cannot be one.
func serverOf(srv *dns.SRV) (host, reason string) {
	target := shown(srv.Target)
	host, err := hostname(target)
	_, notAddress := netip.ParseAddr(target)
	switch {
	case notAddress == nil:
		return target, fmt.Sprintf("its target %s is an address and not the name of a host", target)
	case err != nil:
		return target, fmt.Sprintf("its target %v", err)
	case srv.Port == 0:
		return host, "its port is 0"
	}
	return host, ""
}

// addressesOf returns the usable addresses in a set of records, the families in turn. A filtering DNS
// server answers with the unspecified address, which would mean this machine.
func addressesOf(records []dns.RR) []netip.Addr {
	var list []netip.Addr
	for _, rr := range records {
		var addr netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if addr = addr.Unmap(); usable(addr) && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
		if len(list) == maxAddresses {
			break
		}
	}
	return alternate(list)
}

// alternate puts the address families in turn, so that a network without one of them costs one try and not one for
// each address (RFC 8305 section 4). IPv4 is first: most of these servers have nothing else.
func alternate(addrs []netip.Addr) []netip.Addr {
	var v4, v6, list []netip.Addr
	for _, addr := range addrs {
		if addr.Is4() {
			v4 = append(v4, addr)
		} else {
			v6 = append(v6, addr)
		}
	}
	for i := range max(len(v4), len(v6)) {
		if i < len(v4) {
			list = append(list, v4[i])
		}
		if i < len(v6) {
			list = append(list, v6[i])
		}
	}
	return list
}

func usable(addr netip.Addr) bool {
	return addr.IsValid() && !addr.IsUnspecified() && !addr.IsMulticast()
}

// join lists addresses for people.
func join(addrs []netip.Addr) string {
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	return strings.Join(list, ", ")
}
