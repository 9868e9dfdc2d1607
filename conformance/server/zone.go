package server

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// fqdn is the whole name of the server.
func (c Config) fqdn() string { return c.Host + "." + c.Domain }

// hostNames are the server's name, those by which a client looks for it when it finds no service record, its
// proxy's, and those of its autodiscover service.
func (c Config) hostNames() []string {
	names := []string{c.fqdn(), "sip." + c.Domain, "sipinternal." + c.Domain, "sipexternal." + c.Domain, "proxy." + c.Domain}
	if c.Autodiscover != nil {
		names = append(names, "lyncdiscoverinternal."+c.Domain, "lyncdiscover."+c.Domain)
	}
	return names
}

// defaultZone is the zone of a server at ip that listens on ports: the service names of each transport
// that is served, the KDC's if that listens, and the host names.
func defaultZone(config Config, ip netip.Addr, ports [2]int, kdc netip.AddrPort) string {
	var b strings.Builder
	server, domain := config.fqdn(), config.Domain
	fmt.Fprintf(&b, "$TTL 60\n%s. SOA %s. hostmaster.%s. 1 3600 600 86400 60\n%s. NS %s.\n", domain, server, domain, domain, server)
	for _, name := range config.hostNames() {
		fmt.Fprintf(&b, "%s. %s %s\n", name, addressType(ip), ip)
	}
	for t, services := range [2][]string{
		transportTLS: {"_sipinternaltls._tcp", "_sip._tls"},
		transportTCP: {"_sipinternal._tcp", "_sip._tcp"},
	} {
		if ports[t] == 0 {
			continue
		}
		for _, service := range services {
			fmt.Fprintf(&b, "%s.%s. SRV 0 0 %d %s.\n", service, domain, ports[t], server)
		}
	}
	if kdc.IsValid() { // it may have an address of its own, and speaks TCP only
		at := kdc.Addr().Unmap()
		if at.IsUnspecified() {
			at = ip
		}
		fmt.Fprintf(&b, "kdc.%s. %s %s\n", domain, addressType(at), at)
		fmt.Fprintf(&b, "_kerberos._tcp.%s. SRV 0 0 %d kdc.%s.\n", domain, kdc.Port(), domain)
	}
	return b.String()
}

func addressType(ip netip.Addr) string {
	if ip.Is6() {
		return "AAAA"
	}
	return "A"
}

// zone is the data of the one zone that the server answers for.
type zone struct {
	origin  string // in lower case, with its final dot
	records map[string][]dns.RR
	soa     dns.RR
}

// parseZone reads a zone file (RFC 1035 section 5). Every record must be of the domain.
func parseZone(domain, text string) (*zone, error) {
	z := &zone{origin: dns.CanonicalName(domain), records: map[string][]dns.RR{}}
	parser := dns.NewZoneParser(strings.NewReader(text), z.origin, "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		if !dns.IsSubDomain(z.origin, name) {
			return nil, fmt.Errorf("server: zone: %s is not in %s", name, z.origin)
		}
		if rr.Header().Rrtype == dns.TypeSOA {
			z.soa = rr
		}
		z.records[name] = append(z.records[name], rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("server: zone: %w", err)
	}
	if z.soa == nil {
		return nil, errors.New("server: zone: no SOA record")
	}
	return z, nil
}

// maxAliases bounds a chain of CNAME records.
const maxAliases = 8

// lookup finds the records of a name and type, through CNAMEs, which it returns as well. exists says
// whether the last name of the chain is in the zone with whatever type.
func (z *zone) lookup(name string, rrtype uint16) (records []dns.RR, exists bool) {
	name = dns.CanonicalName(name)
	for range maxAliases {
		alias := ""
		for _, rr := range z.records[name] {
			switch cname, isAlias := rr.(*dns.CNAME); {
			case rr.Header().Rrtype == rrtype || rrtype == dns.TypeANY:
				records = append(records, rr)
			case isAlias:
				records = append(records, rr)
				alias = dns.CanonicalName(cname.Target)
			}
		}
		if alias == "" {
			break
		}
		if name = alias; !dns.IsSubDomain(z.origin, name) {
			return records, true
		}
	}
	return records, z.exists(name)
}

// exists tells whether there is a record at a name or below it (RFC 8020).
func (z *zone) exists(name string) bool {
	if len(z.records[name]) > 0 {
		return true
	}
	for owner := range z.records {
		if dns.IsSubDomain(name, owner) {
			return true
		}
	}
	return false
}

// address finds the first address of a host name.
func (z *zone) address(host string) (netip.Addr, bool) {
	for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		records, _ := z.lookup(host, rrtype)
		for _, rr := range records {
			if ip, ok := addressOf(rr); ok {
				return ip, true
			}
		}
	}
	return netip.Addr{}, false
}

// publishes tells whether some host of the zone has the address.
func (z *zone) publishes(ip netip.Addr) bool {
	for _, records := range z.records {
		for _, rr := range records {
			if have, ok := addressOf(rr); ok && have == ip.Unmap() {
				return true
			}
		}
	}
	return false
}

func addressOf(rr dns.RR) (netip.Addr, bool) {
	var ip netip.Addr
	var ok bool
	switch rr := rr.(type) {
	case *dns.A:
		ip, ok = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		ip, ok = netip.AddrFromSlice(rr.AAAA)
	}
	return ip.Unmap(), ok
}
