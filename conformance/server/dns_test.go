package server

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth"
)

// ask asks the server in process and returns its answer.
func ask(t testing.TB, s *Server, name string, qtype uint16) *dns.Msg {
	t.Helper()
	query, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).Pack()
	require.NoError(t, err)
	out, err := s.Exchange(t.Context(), "udp", "192.0.2.53:53", query)
	require.NoError(t, err)
	var reply dns.Msg
	require.NoError(t, reply.Unpack(out))
	return &reply
}

func TestZoneAnswers(t *testing.T) {
	s := startTest(t, Config{})
	for _, test := range []struct {
		name   string
		qtype  uint16
		rcode  int
		answer []string
	}{
		{"_sipinternaltls._tcp.ocs.test", dns.TypeSRV, dns.RcodeSuccess, []string{"_sipinternaltls._tcp.ocs.test.\t60\tIN\tSRV\t0 0 5061 server.ocs.test."}},
		{"_sip._tls.ocs.test", dns.TypeSRV, dns.RcodeSuccess, []string{"_sip._tls.ocs.test.\t60\tIN\tSRV\t0 0 5061 server.ocs.test."}},
		{"_sipinternal._tcp.ocs.test", dns.TypeSRV, dns.RcodeSuccess, []string{"_sipinternal._tcp.ocs.test.\t60\tIN\tSRV\t0 0 5060 server.ocs.test."}},
		{"_sip._tcp.ocs.test", dns.TypeSRV, dns.RcodeSuccess, []string{"_sip._tcp.ocs.test.\t60\tIN\tSRV\t0 0 5060 server.ocs.test."}},
		{"server.ocs.test", dns.TypeA, dns.RcodeSuccess, []string{"server.ocs.test.\t60\tIN\tA\t127.0.0.1"}},
		{"SIP.OCS.test", dns.TypeA, dns.RcodeSuccess, []string{"sip.ocs.test.\t60\tIN\tA\t127.0.0.1"}},
		{"server.ocs.test", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"_tcp.ocs.test", dns.TypeA, dns.RcodeSuccess, nil}, // there are names below it
		{"nobody.ocs.test", dns.TypeA, dns.RcodeNameError, nil},
		{"contoso.com", dns.TypeA, dns.RcodeRefused, nil},
		{"notocs.test", dns.TypeA, dns.RcodeRefused, nil},
	} {
		t.Run(test.name+" "+dns.TypeToString[test.qtype], func(t *testing.T) {
			reply := ask(t, s, test.name, test.qtype)
			require.Equal(t, dns.RcodeToString[test.rcode], dns.RcodeToString[reply.Rcode])
			require.Equal(t, test.rcode != dns.RcodeRefused, reply.Authoritative)
			var got []string
			for _, rr := range reply.Answer {
				got = append(got, rr.String())
			}
			require.Equal(t, test.answer, got)
			require.Equal(t, test.answer == nil && test.rcode != dns.RcodeRefused, len(reply.Ns) == 1, "SOA beside a negative answer")
		})
	}
}

func TestZoneIsConfiguration(t *testing.T) {
	s := startTest(t, Config{Domain: "contoso.com", Zone: `
@ 60 SOA ns admin 1 1 1 1 1
_sip._tls 60 SRV 10 5 443 edge
edge 60 CNAME front
front 60 A 127.0.0.1
`})
	reply := ask(t, s, "edge.contoso.com", dns.TypeA)
	require.Len(t, reply.Answer, 2)
	require.Equal(t, dns.TypeCNAME, reply.Answer[0].Header().Rrtype)
	require.Equal(t, dns.TypeA, reply.Answer[1].Header().Rrtype)
	require.Equal(t, dns.RcodeNameError, ask(t, s, "sip.contoso.com", dns.TypeA).Rcode)
	nc, err := s.Dial(t.Context(), "tcp", "edge.contoso.com:5061")
	require.NoError(t, err)
	require.NoError(t, nc.Close())
}

func TestZoneWithAFaultIsRefused(t *testing.T) {
	for name, zone := range map[string]string{
		"syntax":         "@ 60 SOA ns admin 1 1 1 1 1\nhost 60 A nonsense\n",
		"outside":        "@ 60 SOA ns admin 1 1 1 1 1\ncontoso.com. 60 A 127.0.0.1\n",
		"no SOA":         "host 60 A 127.0.0.1\n",
		"includes files": "$INCLUDE /etc/passwd\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(Config{Zone: zone})
			require.Error(t, err)
		})
	}
}

func TestDNSFaultsAreInTheHistory(t *testing.T) {
	for _, action := range []Action{ActionNXDomain, ActionServFail, ActionRefuse, ActionSilent, ActionDelay} {
		synctest.Test(t, func(t *testing.T) {
			s := startTest(t, Config{Faults: []Fault{{Stage: StageDNS, Action: action, Delay: time.Second}}})
			query, err := new(dns.Msg).SetQuestion("sip.ocs.test.", dns.TypeA).Pack()
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, _ = s.Exchange(ctx, "udp", "", query)
			struck := s.History(KindFault)
			require.Len(t, struck, 1, action)
			require.Equal(t, "dns", struck[0].Name)
			require.Equal(t, string(action), struck[0].Type)
		})
	}
}

func TestDNSFaults(t *testing.T) {
	for _, test := range []struct {
		action Action
		want   string
	}{
		{ActionNXDomain, "NXDOMAIN"},
		{ActionServFail, "SERVFAIL"},
		{ActionRefuse, "REFUSED"},
	} {
		t.Run(string(test.action), func(t *testing.T) {
			s := startTest(t, Config{Faults: []Fault{{Stage: StageDNS, Action: test.action, Match: Match{Name: "sip.ocs.test"}, Count: 1}}})
			require.Equal(t, dns.RcodeSuccess, ask(t, s, "server.ocs.test", dns.TypeA).Rcode)
			require.Equal(t, test.want, dns.RcodeToString[ask(t, s, "sip.ocs.test", dns.TypeA).Rcode])
			require.Equal(t, dns.RcodeSuccess, ask(t, s, "sip.ocs.test", dns.TypeA).Rcode)
			queries := s.History(KindQuery)
			require.Len(t, queries, 3)
			require.Equal(t, "sip.ocs.test", queries[1].Name)
			require.Equal(t, "A", queries[1].Type)
			require.Equal(t, test.want, queries[1].Answer)
		})
	}
}

func TestDNSSilenceEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTest(t, Config{Faults: []Fault{{Stage: StageDNS, Action: ActionSilent}}})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		query, err := new(dns.Msg).SetQuestion("sip.ocs.test.", dns.TypeA).Pack()
		require.NoError(t, err)
		begin := time.Now()
		_, err = s.Exchange(ctx, "udp", "", query)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(begin))
		require.Equal(t, "silent", s.History(KindQuery)[0].Answer)
	})
}

func TestDNSDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTest(t, Config{Faults: []Fault{{Stage: StageDNS, Action: ActionDelay, Delay: 3 * time.Second}}})
		begin := time.Now()
		require.Len(t, ask(t, s, "sip.ocs.test", dns.TypeA).Answer, 1)
		require.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestDNSOverSockets(t *testing.T) {
	s := startTest(t, Config{ListenTLS: "127.0.0.1:0", ListenDNS: "127.0.0.1:0"})
	_, port, err := net.SplitHostPort(s.TLSAddr())
	require.NoError(t, err)
	for _, network := range []string{"udp", "tcp"} {
		client := dns.Client{Net: network}
		reply, _, err := client.Exchange(new(dns.Msg).SetQuestion("_sipinternaltls._tcp.ocs.test.", dns.TypeSRV), s.DNSAddr())
		require.NoError(t, err)
		require.Equal(t, port, dns.Field(reply.Answer[0], 3))
		reply, _, err = client.Exchange(new(dns.Msg).SetQuestion("_sipinternal._tcp.ocs.test.", dns.TypeSRV), s.DNSAddr())
		require.NoError(t, err)
		require.Equal(t, dns.RcodeNameError, reply.Rcode, "TCP is not served")
	}
	require.Len(t, s.History(KindQuery), 4)
}

func TestDNSLongAnswerIsTruncatedOverUDPOnly(t *testing.T) {
	zone := "@ 60 SOA ns admin 1 1 1 1 1\n"
	for i := range 40 {
		zone += "many 60 SRV 0 " + string(rune('0'+i%10)) + " 506" + string(rune('0'+i/10)) + " a-long-name-of-a-host-to-fill-the-answer\n"
	}
	s := startTest(t, Config{Zone: zone})
	query, err := new(dns.Msg).SetQuestion("many.ocs.test.", dns.TypeSRV).Pack()
	require.NoError(t, err)
	for network, truncated := range map[string]bool{"udp": true, "tcp": false} {
		out, err := s.Exchange(t.Context(), network, "", query)
		require.NoError(t, err)
		var reply dns.Msg
		require.NoError(t, reply.Unpack(out))
		require.Equal(t, truncated, reply.Truncated)
		require.Equal(t, truncated, len(out) <= dns.MinMsgSize)
	}
}

func FuzzExchange(f *testing.F) {
	for _, q := range []*dns.Msg{
		new(dns.Msg).SetQuestion("_sipinternaltls._tcp.ocs.test.", dns.TypeSRV),
		new(dns.Msg).SetQuestion("nobody.ocs.test.", dns.TypeANY),
		new(dns.Msg).SetQuestion("contoso.com.", dns.TypeA).SetEdns0(4096, true),
		new(dns.Msg).SetNotify("ocs.test."),
		{},
	} {
		b, err := q.Pack()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte{})
	s := startTest(f, Config{History: -1})
	f.Fuzz(func(t *testing.T, query []byte) {
		out, err := s.Exchange(t.Context(), "udp", "", query)
		if err != nil {
			return
		}
		var q, reply dns.Msg
		require.NoError(t, q.Unpack(query))
		require.NoError(t, reply.Unpack(out))
		require.True(t, reply.Response)
		require.Equal(t, q.Id, reply.Id)
	})
}

func TestTheZoneNamesTheKDCThatListens(t *testing.T) {
	for _, test := range []struct {
		name, listen string
		want         int // SRV records
	}{
		{"listening", "127.0.0.1:0", 1},
		{"in process only", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := twoUsers()
			config.Schemes, config.ListenDNS, config.ListenKDC = []string{auth.Kerberos}, "127.0.0.1:0", test.listen
			s := startTest(t, config)

			query := new(dns.Msg).SetQuestion("_kerberos._tcp.ocs.test.", dns.TypeSRV)
			reply, _, err := new(dns.Client).Exchange(query, s.DNSAddr())
			require.NoError(t, err)
			require.Len(t, reply.Answer, test.want)
			for _, answer := range reply.Answer {
				srv := answer.(*dns.SRV)
				require.Equal(t, "kdc.ocs.test.", srv.Target)
				ip, ok := s.zone.address(srv.Target)
				require.True(t, ok)
				require.Equal(t, s.KDCAddr(), netip.AddrPortFrom(ip, srv.Port).String())
			}
		})
	}
}
