package resolve

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// ask puts one A question for contoso.com to the zone.
func ask(t *testing.T, cfg Config, servers ...string) (reply, []Question) {
	t.Helper()
	r, ctx, err := newResolver(t.Context(), cfg)
	require.NoError(t, err)
	defer r.close()
	if len(servers) > 0 {
		r.servers = servers
	}
	return r.ask(ctx, "contoso.com", dns.TypeA)
}

// outcomes puts questions into words: "one udp SERVFAIL".
func outcomes(asked []Question) []string {
	var list []string
	for _, q := range asked {
		list = append(list, q.Server+" "+q.Network+" "+q.Answer)
	}
	return list
}

func TestAskRepeatsATruncatedAnswerOverTCP(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	network := ""
	z.network = func(n string, _ *dns.Msg) { network = n }
	z.mangle = func(_, a *dns.Msg, _ int) {
		if network == "udp" {
			a.Truncated, a.Answer = true, nil
		}
	}
	got, asked := ask(t, z.config(), "one")
	require.Len(t, got.records, 1)
	require.Equal(t, []string{"one udp truncated", "one tcp 10.0.0.1"}, outcomes(asked))
}

func TestAskReadsATruncatedAnswerThatIsCutInARecord(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	whole, network := z.answer, ""
	z.network = func(n string, _ *dns.Msg) { network = n }
	z.raw = func(q *dns.Msg) []byte {
		a := whole(q)
		a.Truncated = network == "udp"
		packed, err := a.Pack()
		require.NoError(t, err)
		if a.Truncated {
			packed = packed[:len(packed)-2]
		}
		return packed
	}
	got, asked := ask(t, z.config(), "one")
	require.Len(t, got.records, 1)
	require.Equal(t, []string{"one udp truncated", "one tcp 10.0.0.1"}, outcomes(asked))
}

func TestAskOffersEDNSAndDoesWithout(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	edns := false
	z.network = func(_ string, q *dns.Msg) { edns = q.IsEdns0() != nil }
	z.mangle = func(_, a *dns.Msg, _ int) {
		if edns {
			a.Rcode, a.Answer = dns.RcodeFormatError, nil
		}
	}
	got, asked := ask(t, z.config(), "one")
	require.Len(t, got.records, 1)
	require.Equal(t, []string{"one udp FORMERR", "one udp 10.0.0.1"}, outcomes(asked))
}

func TestAskDoesWithoutEDNSAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, everything...)
		cfg := z.config()
		cfg.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
			q := new(dns.Msg)
			if err := q.Unpack(query); err != nil {
				return nil, err
			}
			if q.IsEdns0() != nil {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return z.Exchange(ctx, network, server, query)
		}
		start := time.Now()
		plan := discover(t, cfg)
		require.Equal(t, tryTimeout, time.Since(start), "and the addresses of the targets are asked for without from the start")
		require.Len(t, plan.Candidates, 8)
	})
}

func TestAskGoesOnToTheNextServer(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(*zone)
		took  time.Duration
		want  string
	}{
		"silent":      {func(z *zone) { z.silent["@one"] = true }, tryTimeout, "one udp timeout"},
		"unreachable": {func(z *zone) { z.refuse["one"] = true }, 0, "one udp unreachable"},
		"SERVFAIL": {func(z *zone) {
			z.mangle = func(_, a *dns.Msg, n int) {
				if n == 1 {
					a.Rcode = dns.RcodeServerFailure
				}
			}
		}, 0, "one udp SERVFAIL"},
		"wrong id": {func(z *zone) {
			z.mangle = func(_, a *dns.Msg, n int) {
				if n == 1 {
					a.Id++
				}
			}
		}, 0, "one udp bad answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				z := newZone(t, "contoso.com. A 10.0.0.1")
				test.fault(z)
				start := time.Now()
				got, asked := ask(t, z.config(), "one", "two")
				require.Equal(t, test.took, time.Since(start))
				require.Len(t, got.records, 1)
				require.Equal(t, []string{test.want, "two udp 10.0.0.1"}, outcomes(asked))
			})
		})
	}
}

func TestAskBelievesNXDOMAIN(t *testing.T) {
	got, asked := ask(t, newZone(t).config(), "one", "two")
	require.True(t, got.notThere)
	require.Nil(t, got.failure)
	require.Equal(t, []string{"one udp NXDOMAIN"}, outcomes(asked))
}

func TestAskDoesNotReturnToAServerThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t)
		z.refuse["one"], z.silent["@two"] = true, true
		got, asked := ask(t, z.config(), "one", "two")
		require.Equal(t, ocserr.CauseDNSTimeout, got.failure.cause)
		require.Equal(t, []string{
			"one udp unreachable", "two udp timeout", "two udp timeout", "two udp timeout", "two udp timeout", "two udp timeout",
		}, outcomes(asked))
	})
}

func TestAskTakesAnExchangeThatFailsWithATimeoutAtOnceForAFailure(t *testing.T) {
	cfg := newZone(t).config()
	cfg.Exchange = func(context.Context, string, string, []byte) ([]byte, error) { return nil, context.DeadlineExceeded }
	got, asked := ask(t, cfg)
	require.Equal(t, ocserr.CauseDNSUnreachable, got.failure.cause)
	require.Len(t, asked, 1)
}

func TestAskFollowsAliases(t *testing.T) {
	chain := []string{
		"contoso.com. CNAME a.contoso.com.", "a.contoso.com. CNAME b.contoso.com.", "b.contoso.com. A 10.0.0.1",
	}
	for name, test := range map[string]struct {
		mangle func(z *zone)
		asked  []string
	}{
		"one answer a link": {
			func(*zone) {},
			[]string{"A contoso.com", "A a.contoso.com", "A b.contoso.com"},
		},
		"all in one answer": {
			func(z *zone) { z.mangle = func(_, a *dns.Msg, _ int) { a.Answer = z.records } },
			[]string{"A contoso.com"},
		},
		"in any order": {
			func(z *zone) {
				z.mangle = func(_, a *dns.Msg, _ int) { a.Answer = []dns.RR{z.records[2], z.records[1], z.records[0]} }
			},
			[]string{"A contoso.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, chain...)
			test.mangle(z)
			got, _ := ask(t, z.config())
			require.Len(t, got.records, 1)
			require.Equal(t, test.asked, z.asked)
		})
	}
}

func TestAskEndsAnAliasLoop(t *testing.T) {
	loop := []string{"contoso.com. CNAME a.contoso.com.", "a.contoso.com. CNAME contoso.com."}
	for name, mangle := range map[string]func(z *zone){
		"one answer a link": func(*zone) {},
		"in one answer":     func(z *zone) { z.mangle = func(_, a *dns.Msg, _ int) { a.Answer = z.records } },
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, loop...)
			mangle(z)
			got, asked := ask(t, z.config())
			require.Equal(t, ocserr.CauseDNSBadAnswer, got.failure.cause)
			require.LessOrEqual(t, len(asked), maxAliases+1)
			require.Error(t, asked[len(asked)-1].Err)
		})
	}
}

func TestAskIgnoresRecordsOfOtherNames(t *testing.T) {
	z := newZone(t, "contoso.com. TXT x", "evil.test. A 192.0.2.66")
	z.mangle = func(_, a *dns.Msg, _ int) { a.Answer = append(a.Answer, z.records[1]) }
	got, _ := ask(t, z.config())
	require.Empty(t, got.records)
}

func TestAnswersMatchesIDAndQuestion(t *testing.T) {
	query := new(dns.Msg).SetQuestion("contoso.com.", dns.TypeSRV)
	query.SetEdns0(packetSize, false)
	packed, err := query.Pack()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(*dns.Msg)
		want   bool
	}{
		"same":                     {func(*dns.Msg) {}, true},
		"other case":               {func(m *dns.Msg) { m.Question[0].Name = "CONTOSO.com." }, true},
		"other id":                 {func(m *dns.Msg) { m.Id++ }, false},
		"a query":                  {func(m *dns.Msg) { m.Response = false }, false},
		"other name":               {func(m *dns.Msg) { m.Question[0].Name = "contoso.net." }, false},
		"other type":               {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }, false},
		"no question":              {func(m *dns.Msg) { m.Question = nil }, false},
		"no question, but refusal": {func(m *dns.Msg) { m.Question, m.Rcode = nil, dns.RcodeRefused }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := new(dns.Msg).SetReply(query)
			test.change(m)
			packet, err := m.Pack()
			require.NoError(t, err)
			require.Equal(t, test.want, answers(packed, packet))
		})
	}
	for n := range packed {
		require.False(t, answers(packed, packed[:n]), "cut after %d octets", n)
	}
}

// FuzzAnswer feeds raw bytes as the answer to every question of a discovery.
func FuzzAnswer(f *testing.F) {
	seed := newZone(f, append(everything, "sip.contoso.com. CNAME sipinternal.contoso.com.")...)
	for _, question := range []struct {
		name  string
		qtype uint16
	}{
		{"_sip._tls.contoso.com.", dns.TypeSRV}, {"sip.contoso.com.", dns.TypeA}, {"nowhere.contoso.com.", dns.TypeAAAA},
	} {
		packed, err := seed.answer(new(dns.Msg).SetQuestion(question.name, question.qtype)).Pack()
		require.NoError(f, err)
		f.Add(packed[2:], true)
		f.Add(packed[2:len(packed)/2], false)
	}
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, rest []byte, fit bool) {
		cfg := Config{HostsFile: "testdata/hosts-empty"}
		cfg.Exchange = func(_ context.Context, _, _ string, query []byte) ([]byte, error) {
			answer := append([]byte{query[0], query[1]}, rest...)
			if fit && len(answer) >= 12 { // make it the answer to this question, so that its records are read
				end := 12
				for query[end] != 0 {
					end += 1 + int(query[end])
				}
				records := answer[min(len(answer), end+5):]
				answer = append(append([]byte{query[0], query[1], answer[2] | 0x80, answer[3]}, 0, 1), answer[6:12]...)
				answer = append(append(answer, query[12:end+5]...), records...)
			}
			return answer, nil
		}
		plan, err := Discover(t.Context(), cfg, "contoso.com")
		require.Equal(t, err == nil, len(plan.Candidates) > 0)
		for _, c := range plan.Candidates {
			_, err := hostname(c.Host)
			require.NoError(t, err)
			require.NotZero(t, c.Port)
			require.NotEmpty(t, c.Addrs)
		}
		var e *ocserr.Error
		require.True(t, err == nil || errors.As(err, &e))
	})
}
