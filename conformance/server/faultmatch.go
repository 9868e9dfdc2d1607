package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// check tells of a value that nothing has at a stage, so that the fault would never strike.
func (m Match) check(stage FaultStage, action Action) error {
	unknown := func(field, value string, known ...string) error {
		return fmt.Errorf("fault: unknown %s %q at stage %q; known: %s", field, value, stage, list(known))
	}
	if m.Transport != "" {
		known := transports(stage, action)
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, m.Transport) }) {
			return unknown("transport", m.Transport, known...)
		}
	}
	if _, ok := dns.StringToType[strings.ToUpper(m.Type)]; m.Type != "" && !ok {
		return unknown("type", m.Type, "A", "AAAA", "CNAME", "NS", "SOA", "SRV", "TXT", "and the other types of DNS")
	}
	if m.Method != "" && stageOf(strings.ToUpper(m.Method)) != stage {
		for _, method := range []string{"REGISTER", "SUBSCRIBE", "SERVICE"} {
			if stageOf(method) == stage {
				return unknown("method", m.Method, method)
			}
		}
		return unknown("method", m.Method, "any but REGISTER, SUBSCRIBE and SERVICE, which are stages of their own")
	}
	if m.Name != "" && stage == StageWeb && (!strings.HasPrefix(m.Name, "/") || strings.Contains(m.Name, "?")) {
		return fmt.Errorf("fault: name %q at stage %q is not the path of a request, such as \"/Autodiscover/AutodiscoverService.svc/root\"", m.Name, stage)
	}
	least, most := 100, 699
	if (Fault{Action: action}).rules().group == groupSequel {
		least, most = 200, 299
	}
	if m.Status != 0 && (m.Status < least || m.Status > most) {
		return fmt.Errorf("fault: action %q strikes answers of status %d to %d, not %d", action, least, most, m.Status)
	}
	return nil
}

// transports are those that an action strikes at a stage.
func transports(stage FaultStage, action Action) []string {
	switch {
	case stage == StageAccept:
		return []string{transportTLS.String(), transportTCP.String()}
	case action == ActionStatus || action == ActionChallenge: // they are answers of HTTP
		return []string{"http", "https"}
	}
	return []string{"http", "https", "socks4", "socks4a", "socks5"}
}

// normalise writes names as those are written that they are compared with: users with their domain, hosts without a
// final dot.
func (m Match) normalise(c Config) Match {
	m.Name = strings.TrimSuffix(m.Name, ".")
	if m.User != "" {
		m.User = c.address(strings.TrimPrefix(m.User, "sip:"))
	}
	return m
}
