package server

import (
	"strings"

	"github.com/miekg/dns"
)

// unsolicitedDNS is what a fault lets come before the answer to a query: NXDOMAIN, as by somebody who had to guess the
// query's id and did not. nil: nothing.
func (s *Server) unsolicitedDNS(q *dns.Msg) *dns.Msg {
	if len(q.Question) != 1 {
		return nil
	}
	is := facts{name: strings.TrimSuffix(q.Question[0].Name, "."), qtype: dns.TypeToString[q.Question[0].Qtype]}
	f, hit := s.faults.takeOf(groupBytes, StageDNS, onAnswer, is)
	if !hit {
		return nil
	}
	s.recordFault(f, 0)
	forged := s.zone.refusal(q, dns.RcodeNameError)
	forged.Id++
	return forged
}
