package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Exchange answers one DNS query without a socket; it fits signin.Config.Exchange. The network is "udp"
// or "tcp": an answer that does not fit a UDP query comes truncated. The server argument does not matter:
// every query reaches this server.
//
// A query that a fault leaves unanswered returns when ctx ends, with its cause; a query that cannot be
// read is an error, as a real server would not answer it.
func (s *Server) Exchange(ctx context.Context, network, _ string, query []byte) ([]byte, error) {
	select {
	case <-s.closing:
		return nil, net.ErrClosed
	default:
	}
	var q dns.Msg
	if err := q.Unpack(query); err != nil {
		return nil, fmt.Errorf("server: DNS query: %w", err)
	}
	if q.Response {
		return nil, errors.New("server: DNS query: the message is an answer")
	}
	reply := s.answer(ctx, &q, strings.HasPrefix(network, "udp"))
	if reply == nil {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-s.closing:
			return nil, net.ErrClosed
		}
	}
	out, err := reply.Pack()
	if err != nil {
		return nil, fmt.Errorf("server: DNS answer: %w", err)
	}
	return out, nil
}

// answer answers a query and keeps it in the history. It returns nil where a fault wants silence, or when
// ctx ends while a fault delays the answer.
func (s *Server) answer(ctx context.Context, q *dns.Msg, udp bool) *dns.Msg {
	reply := s.zone.reply(q)
	rec := record{kind: KindQuery}
	if len(q.Question) == 1 {
		rec.name = strings.TrimSuffix(q.Question[0].Name, ".")
		rec.qtype = dns.TypeToString[q.Question[0].Qtype]
	}
	s.watch(atDNS, 0).saw([]byte(rec.name))
	f, hit := s.faults.take(StageDNS, facts{name: rec.name, qtype: rec.qtype})
	if hit {
		s.recordFault(f, 0)
		switch f.Action {
		case ActionSilent:
			reply = nil
		case ActionNXDomain:
			reply = s.zone.refusal(q, dns.RcodeNameError)
		case ActionServFail:
			reply = s.zone.refusal(q, dns.RcodeServerFailure)
		case ActionRefuse:
			reply = s.zone.refusal(q, dns.RcodeRefused)
		}
	}
	rec.answer = string(ActionSilent)
	if reply != nil {
		rec.answer = dns.RcodeToString[reply.Rcode]
		if reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 0 {
			rec.answer += ", no data"
		}
	}
	s.history.add(rec)
	if hit && f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil
		}
	}
	if reply != nil && udp {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		reply.Truncate(size)
	}
	return reply
}

// reply answers a query from the zone's data.
func (z *zone) reply(q *dns.Msg) *dns.Msg {
	switch {
	case q.Opcode != dns.OpcodeQuery:
		return z.refusal(q, dns.RcodeNotImplemented)
	case len(q.Question) != 1:
		return z.refusal(q, dns.RcodeFormatError)
	case q.Question[0].Qclass != dns.ClassINET || !dns.IsSubDomain(z.origin, dns.CanonicalName(q.Question[0].Name)):
		return z.refusal(q, dns.RcodeRefused)
	}
	records, exists := z.lookup(q.Question[0].Name, q.Question[0].Qtype)
	reply := z.refusal(q, dns.RcodeSuccess)
	if !exists {
		reply.Rcode = dns.RcodeNameError
	}
	reply.Authoritative = true
	reply.Answer = records
	if len(records) == 0 {
		reply.Ns = []dns.RR{z.soa}
	}
	return reply
}

// refusal is an answer without records.
func (z *zone) refusal(q *dns.Msg, rcode int) *dns.Msg {
	reply := new(dns.Msg).SetRcode(q, rcode)
	reply.Compress = true
	if opt := q.IsEdns0(); opt != nil {
		reply.SetEdns0(dns.DefaultMsgSize, false)
	}
	return reply
}

// listenDNS serves DNS on one port of UDP and TCP.
func (s *Server) listenDNS(address string) error {
	packets, listener, err := listenBoth(address)
	if err != nil {
		return err
	}
	s.dnsAddr = packets.LocalAddr()
	for _, srv := range []*dns.Server{{PacketConn: packets}, {Listener: listener}} {
		udp := srv.PacketConn != nil
		srv.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			if udp {
				if forged := s.unsolicitedDNS(q); forged != nil {
					_ = w.WriteMsg(forged) // the answer itself fails likewise
				}
			}
			if reply := s.answer(context.Background(), q, udp); reply != nil {
				if err := w.WriteMsg(reply); err != nil {
					s.log.Debug("DNS answer not sent", "error", err)
				}
			}
		})
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		s.goroutines.Go(func() {
			if err := srv.ActivateAndServe(); err != nil {
				s.log.Error("DNS ended", "error", err)
			}
		})
		<-started
		s.closers = append(s.closers, srv.Shutdown)
	}
	return nil
}

// listenBoth takes the same port of UDP and TCP. A free port is looked for a few times, since what is free
// in one may be taken in the other.
func listenBoth(address string) (packets net.PacketConn, listener net.Listener, err error) {
	for range 8 {
		if packets, err = net.ListenPacket("udp", address); err != nil {
			return nil, nil, fmt.Errorf("server: DNS: %w", err)
		}
		if listener, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, listener, nil
		}
		_ = packets.Close()
	}
	return nil, nil, fmt.Errorf("server: DNS: %w", err)
}
