package resolve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	ocserr "github.com/ocsgo/ocs/errors"
)

// resolvConf is where resolv.conf(5) lists the system's DNS servers.
const resolvConf = "/etc/resolv.conf"

// useSystem asks the servers listed in a resolv.conf file and applies its search list to names that
// the user typed. Without such a file, or with none in it, Go's own resolver is asked.
func (r *resolver) useSystem(file string) {
	conf, err := dns.ClientConfigFromFile(file)
	if err != nil || len(conf.Servers) == 0 {
		r.system = net.DefaultResolver
		return
	}
	for _, s := range conf.Servers {
		r.servers = append(r.servers, net.JoinHostPort(s, conf.Port))
	}
	r.search = func(name string) []string {
		return slices.DeleteFunc(conf.NameList(name), func(n string) bool {
			_, err := hostname(n)
			return err != nil
		})
	}
}

// askSystem asks Go's resolver, which keeps its own order of servers and its own retries.
func (r *resolver) askSystem(ctx context.Context, name string, qtype uint16) (*dns.Msg, Question, *failure) {
	q := Question{Name: strings.TrimSuffix(name, "."), Type: dns.TypeToString[qtype], Server: "system resolver"}
	header := dns.RR_Header{Name: name, Rrtype: qtype, Class: dns.ClassINET}
	answer := new(dns.Msg)
	fqdn := dns.Fqdn(name)
	start := time.Now()
	var err error
	switch qtype {
	case dns.TypeSRV:
		var records []*net.SRV
		_, records, err = r.system.LookupSRV(ctx, "", "", fqdn)
		for _, s := range records {
			answer.Answer = append(answer.Answer, &dns.SRV{
				Hdr: header, Priority: s.Priority, Weight: s.Weight, Port: s.Port, Target: s.Target,
			})
		}
	case dns.TypeA:
		var addrs []netip.Addr
		addrs, err = r.system.LookupNetIP(ctx, "ip4", fqdn)
		for _, a := range addrs {
			answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: a.Unmap().AsSlice()})
		}
	case dns.TypeAAAA:
		var addrs []netip.Addr
		addrs, err = r.system.LookupNetIP(ctx, "ip6", fqdn)
		for _, a := range addrs {
			answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: header, AAAA: a.AsSlice()})
		}
	}
	q.Duration = time.Since(start)

	if len(answer.Answer) > 0 { // an error beside records speaks of other, malformed ones
		q.Answer = describe(answer)
		return answer, q, nil
	}
	var dnsErr *net.DNSError
	switch {
	case ctx.Err() != nil:
		return nil, q, q.late(ctx)
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		q.Answer = "not found" // that resolver does not tell NXDOMAIN from an empty answer
		return answer, q, nil
	case errors.As(err, &dnsErr) && dnsErr.IsTimeout:
		return nil, q, q.fail(ocserr.CauseDNSTimeout, "timeout", err)
	case err != nil:
		return nil, q, q.fail(ocserr.CauseDNSFailure, "failure", err)
	}
	q.Answer = describe(answer)
	return answer, q, nil
}

// readHosts reads a hosts(5) file, the system's if path is empty. One that cannot be read is empty.
func readHosts(path string) map[string][]netip.Addr {
	if path == "" {
		path = "/etc/hosts"
		if runtime.GOOS == "windows" {
			path = filepath.Join(os.Getenv("SystemRoot"), `System32\drivers\etc\hosts`)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	const maxFile = 1 << 20
	return parseHosts(io.LimitReader(f, maxFile))
}

// parseHosts reads the lines of a hosts(5) file.
func parseHosts(r io.Reader) map[string][]netip.Addr {
	hosts := map[string][]netip.Addr{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if addr = addr.Unmap(); err != nil || !usable(addr) {
			continue
		}
		for _, name := range fields[1:] {
			if key := fold(name); !slices.Contains(hosts[key], addr) {
				hosts[key] = append(hosts[key], addr)
			}
		}
	}
	for name, addrs := range hosts {
		hosts[name] = alternate(addrs)
	}
	return hosts
}
