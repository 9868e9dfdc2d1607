package resolve

import (
	"context"
	"errors"
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
	if len(l.addrs) > 0 || l.notThere {
		l.failure = nil
	}
	return l
}

// offer is what DNS says of one service.
type offer struct {
	service
	targets   []target // in the order in which to try them
	declined  bool     // a record with the target ".": the service is decidedly not offered (RFC 2782)
	questions []Question
	failure   *failure
}

// target is one SRV record with the addresses of the host that it names.
type target struct {
	host     string
	port     int
	priority int
	lookup   *lookup
}

// offer asks for a service and for the addresses of its targets that the answer did not bring along.
func (r *resolver) offer(ctx context.Context, s service) offer {
	got, asked := r.ask(ctx, s.name, dns.TypeSRV)
	o := offer{service: s, questions: asked, failure: got.failure}
	var records []*dns.SRV
	for _, rr := range got.records {
		srv, ok := rr.(*dns.SRV)
		if !ok {
			continue
		}
		if srv.Target == "." {
			o.declined = true
			continue
		}
		if host, err := hostname(srv.Target); err == nil && srv.Port != 0 {
			srv.Target = host
			records = append(records, srv)
		}
	}
	order(records, r.intn)
	records = records[:min(len(records), maxRecords)]
	o.targets = make([]target, len(records))
	var wg sync.WaitGroup
	for i, srv := range records {
		t := &o.targets[i]
		*t = target{host: srv.Target, port: int(srv.Port), priority: int(srv.Priority)}
		if addrs := brought(got.extra, t.host); len(addrs) > 0 && r.hosts[fold(t.host)] == nil {
			t.lookup = &lookup{addrs: addrs}
			r.found()
			continue
		}
		wg.Go(func() { t.lookup = r.addresses(ctx, t.host) })
	}
	wg.Wait()
	return o
}

// brought returns the addresses of a host among the additional records of an answer.
func brought(extra []dns.RR, host string) []netip.Addr {
	var own []dns.RR
	for _, rr := range extra {
		if fold(rr.Header().Name) == fold(host) {
			own = append(own, rr)
		}
	}
	return addressesOf(own)
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

// nothingFound is the error of a discovery without a candidate: the most telling thing that happened.
func nothingFound(domain string, auto autodiscovered, offers []offer, lookups []*lookup) error {
	// A name that could not be asked for comes before one that is said not to exist: it may be the one.
	var failures []*failure
	var homeless, declined []string
	for _, t := range auto.targets {
		homeless = append(homeless, t.host)
	}
	for _, o := range offers {
		if o.failure != nil {
			failures = append(failures, o.failure)
		}
		if o.declined {
			declined = append(declined, o.name)
		}
		for _, t := range o.targets {
			if t.lookup.failure != nil {
				failures = append(failures, t.lookup.failure)
			}
			homeless = append(homeless, t.host)
		}
	}
	for _, l := range lookups {
		if l.failure != nil {
			failures = append(failures, l.failure)
		}
	}
	switch {
	case len(failures) > 0:
		errs := make([]error, len(failures))
		for i, f := range failures {
			errs[i] = f.err
		}
		return ocserr.New(failures[0].cause, errors.Join(errs...))
	case len(homeless) > 0:
		return ocserr.New(ocserr.CauseSRVTargetNotFound, fmt.Errorf("DNS has no address for %s", strings.Join(homeless, ", ")))
	case len(declined) > 0:
		return ocserr.New(ocserr.CauseServiceNotOffered, fmt.Errorf("the target of %s is \".\"", strings.Join(declined, ", ")))
	case auto.failure != nil:
		return ocserr.New(ocserr.CauseAutodiscoverFailed, auto.failure)
	}
	return ocserr.New(ocserr.CauseNoServerFound, fmt.Errorf("DNS has no SRV record and no address for the servers of %q", domain))
}

// cancelled is the error of a plan that the caller gave up.
func cancelled(ctx context.Context) error {
	return ocserr.New(ocserr.CauseCancelled, context.Cause(ctx)).At(ocserr.StageResolve)
}
