package resolve

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Manual plans the one server that the user named: host, host:port, an IPv4 address or an IPv6 address
// in brackets, each with or without port. The port defaults to 5061 for TLS (also if the transport is
// empty) and 5060 for TCP. No SRV record is asked for (contract 4.1, ConfigurationMode 1).
//
// A host name is looked up in the hosts file and then by the same servers as in Discover; a name
// without a trailing dot also with the search list of the system's configuration.
//
// Where DNS gives no address, Config.ByName can leave the name to a proxy.
//
// The error is an *ocserr.Error: "no-server-address" and "invalid-server-address" for text that names
// no server, "host-not-found" if the name has no address, "dns-failure", "dns-timeout" and the like if
// that could not be found out, "cancelled" once ctx is done. The plan is never nil.
func Manual(ctx context.Context, cfg Config, server string, transport Transport) (*Plan, error) {
	plan := &Plan{Questions: []Question{}, Candidates: []Candidate{}}
	if server == "" {
		return plan, ocserr.New(ocserr.CauseNoServerAddress, nil)
	}
	candidate := Candidate{Transport: cmp.Or(transport, TLS), Why: "configured server"}
	standard := 5061
	if candidate.Transport == TCP {
		standard = 5060
	}
	host, port, err := splitHostPort(server, standard)
	if err != nil {
		return plan, ocserr.New(ocserr.CauseInvalidServerAddress, err)
	}
	candidate.Host, candidate.Port = strings.TrimSuffix(host, "."), port

	if addr, err := netip.ParseAddr(host); err == nil {
		candidate.Addrs = []netip.Addr{addr}
		plan.Candidates = []Candidate{candidate}
		return plan, nil
	}

	r, asking, err := newResolver(ctx, cfg)
	if err != nil {
		return plan, err
	}
	defer r.close()
	var found *lookup
	found, plan.Questions = r.addressesOfAny(asking, host)
	switch {
	case ctx.Err() != nil:
		return plan, cancelled(ctx)
	case len(found.addrs) > 0:
		candidate.Addrs = found.addrs
		plan.Candidates = []Candidate{candidate}
		return plan, nil
	case candidate.leave(cfg.ByName):
		plan.Candidates = []Candidate{candidate}
		return plan, nil
	case found.failure != nil:
		e := ocserr.New(found.failure.cause, found.failure.err)
		e.Detail = ocserr.DNSAResFail // no SRV record was asked for
		return plan, e
	case found.notThere:
		return plan, ocserr.New(ocserr.CauseHostNotFound, fmt.Errorf("DNS knows no %q", candidate.Host))
	}
	return plan, ocserr.New(ocserr.CauseHostNotFound, fmt.Errorf("DNS has no address for %q", candidate.Host))
}

// addressesOfAny looks up the names that a name typed by the user may stand for, until one has an address. Where none has,
// the failure is that of the first that could not be looked up: it may be the one.
func (r *resolver) addressesOfAny(ctx context.Context, host string) (found *lookup, asked []Question) {
	var unknown *failure
	for _, name := range r.search(host) {
		l := r.addresses(ctx, name)
		asked = append(asked, l.questions...)
		if unknown = cmp.Or(unknown, l.failure); len(l.addrs) > 0 {
			return l, asked
		}
		found = &lookup{notThere: l.notThere, failure: unknown}
		if ctx.Err() != nil {
			break
		}
	}
	return found, asked
}

// splitHostPort reads host[:port]. The host comes without brackets, in A-labels, and with its trailing
// dot: that says that a name is complete. An error begins with the quoted value.
func splitHostPort(s string, standard int) (string, int, error) {
	lower := strings.ToLower(s)
	if strings.Contains(s, "://") || strings.HasPrefix(lower, "sip:") || strings.HasPrefix(lower, "sips:") {
		return "", 0, fmt.Errorf("%q is a URI: write host or host:port alone", s)
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().String(), standard, nil
	}
	host, port := s, standard
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		n, err := strconv.ParseUint(s[i+1:], 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q has no valid port: %q is not a number from 1 to 65535", s, s[i+1:])
		}
		host, port = s[:i], int(n)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !ok || err != nil || !addr.Is6() {
			return "", 0, fmt.Errorf("%q has no IPv6 address in its brackets", s)
		}
		return addr.Unmap().String(), port, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Is6() {
			return "", 0, fmt.Errorf("%q is ambiguous: write an IPv6 address with port as [address]:port", s)
		}
		return addr.String(), port, nil
	}
	name, err := hostname(host)
	switch {
	case err != nil && host == s:
		return "", 0, err
	case err != nil:
		return "", 0, fmt.Errorf("%q names no server: %w", s, err)
	case strings.HasSuffix(host, "."):
		name += "."
	}
	return name, port, nil
}

// CheckServer tells, without asking anybody, whether text can name a server for Manual. The error is that of
// Manual: "invalid-server-address".
func CheckServer(server string) error {
	if _, _, err := splitHostPort(server, 0); err != nil {
		return ocserr.New(ocserr.CauseInvalidServerAddress, err)
	}
	return nil
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
