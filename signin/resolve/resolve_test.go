package resolve

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// everything is a domain that publishes all that can be asked for.
var everything = []string{
	"_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 pool.contoso.com.",
	"_sipinternal._tcp.contoso.com. SRV 0 0 5060 pool.contoso.com.",
	"_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.",
	"_sip._tcp.contoso.com. SRV 0 0 5060 edge.contoso.com.",
	"pool.contoso.com. A 10.0.0.1",
	"edge.contoso.com. A 192.0.2.1",
	"edge.contoso.com. AAAA 2001:db8::1",
	"sipinternal.contoso.com. A 10.0.0.1",
	"sip.contoso.com. A 10.0.0.2",
	"sipexternal.contoso.com. A 192.0.2.1",
}

func TestDiscoverOrder(t *testing.T) {
	hostNames := []string{
		"tls sipinternal.contoso.com:5061 [10.0.0.1]", "tls sipinternal.contoso.com:443 [10.0.0.1]",
		"tls sip.contoso.com:5061 [10.0.0.2]", "tls sip.contoso.com:443 [10.0.0.2]",
		"tls sipexternal.contoso.com:5061 [192.0.2.1]", "tls sipexternal.contoso.com:443 [192.0.2.1]",
	}
	for name, test := range map[string]struct {
		set  func(*Config)
		want []string
	}{
		"TLS alone": {
			func(*Config) {},
			append([]string{"tls pool.contoso.com:5061 [10.0.0.1]", "tls edge.contoso.com:443 [192.0.2.1, 2001:db8::1]"}, hostNames...),
		},
		"TCP allowed": {
			func(c *Config) { c.AllowTCP = true },
			append([]string{
				"tls pool.contoso.com:5061 [10.0.0.1]", "tcp pool.contoso.com:5060 [10.0.0.1]",
				"tls edge.contoso.com:443 [192.0.2.1, 2001:db8::1]", "tcp edge.contoso.com:5060 [192.0.2.1, 2001:db8::1]",
			}, hostNames...),
		},
		"TCP only": {
			func(c *Config) { c.OnlyTCP = true },
			[]string{
				"tcp pool.contoso.com:5060 [10.0.0.1]", "tcp edge.contoso.com:5060 [192.0.2.1, 2001:db8::1]",
				"tcp sipinternal.contoso.com:5060 [10.0.0.1]", "tcp sip.contoso.com:5060 [10.0.0.2]",
				"tcp sipexternal.contoso.com:5060 [192.0.2.1]",
			},
		},
		"Communicator": {
			func(c *Config) { c.Policy = Communicator },
			[]string{"tls pool.contoso.com:5061 [10.0.0.1]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newZone(t, everything...).config()
			test.set(&cfg)
			require.Equal(t, test.want, brief(discover(t, cfg)))
		})
	}
}

func TestDiscoverDoesNotAskForTCPUnlessAllowed(t *testing.T) {
	z := newZone(t, everything...)
	discover(t, z.config())
	require.Zero(t, z.count("SRV _sipinternal._tcp.contoso.com"))
	require.Zero(t, z.count("SRV _sip._tcp.contoso.com"))
}

func TestDiscoverListsEveryQuestionInListOrder(t *testing.T) {
	z := newZone(t, "_sip._tls.contoso.com. SRV 10 5 443 sip.contoso.com.", "sip.contoso.com. A 10.0.0.2")
	plan := discover(t, z.config())
	require.Equal(t, []string{
		"SRV _sipinternaltls._tcp.contoso.com: NXDOMAIN",
		"SRV _sip._tls.contoso.com: 10 5 443 sip.contoso.com",
		"A sip.contoso.com: 10.0.0.2",
		"AAAA sip.contoso.com: NOERROR, no data",
		"A sipinternal.contoso.com: NXDOMAIN",
		"AAAA sipinternal.contoso.com: NXDOMAIN",
		"A sipexternal.contoso.com: NXDOMAIN",
		"AAAA sipexternal.contoso.com: NXDOMAIN",
	}, answered(plan))
	for _, q := range plan.Questions {
		require.Equal(t, "192.0.2.53:53", q.Server)
		require.Equal(t, "udp", q.Network)
	}
}

func TestDiscoverAsksASharedNameOnce(t *testing.T) {
	z := newZone(t, "_sip._tls.contoso.com. SRV 0 0 443 SIP.contoso.com.", "sip.contoso.com. A 10.0.0.2")
	plan := discover(t, z.config())
	require.Equal(t, 1, z.count("A sip.contoso.com"))
	require.Equal(t, []string{
		"tls SIP.contoso.com:443 [10.0.0.2]", "tls sip.contoso.com:5061 [10.0.0.2]",
	}, brief(plan), "one candidate for host and port, whatever the case")
}

func TestDiscoverUsesAdditionalRecords(t *testing.T) {
	z := newZone(t, everything...)
	z.glue = true
	plan := discover(t, z.config())
	require.Equal(t, "tls edge.contoso.com:443 [192.0.2.1, 2001:db8::1]", brief(plan)[1])
	require.Zero(t, z.count("A pool.contoso.com"))
	require.Zero(t, z.count("AAAA edge.contoso.com"))
}

func TestDiscoverExplainsCandidates(t *testing.T) {
	z := newZone(t, "_sip._tls.contoso.com. SRV 7 0 443 edge.contoso.com.", "edge.contoso.com. A 192.0.2.1", "sip.contoso.com. A 10.0.0.2")
	plan := discover(t, z.config())
	require.Equal(t, "SRV _sip._tls.contoso.com, priority 7", plan.Candidates[0].Why)
	require.Equal(t, "A sip.contoso.com", plan.Candidates[1].Why)
}

func TestDiscoverAsksForAnInternationalDomainInALabels(t *testing.T) {
	z := newZone(t, "_sip._tls.xn--bcher-kva.test. SRV 0 0 443 edge.xn--bcher-kva.test.", "edge.xn--bcher-kva.test. A 192.0.2.1")
	plan, err := Discover(t.Context(), z.config(), "Bücher.test")
	require.NoError(t, err)
	require.Equal(t, []string{"tls edge.xn--bcher-kva.test:443 [192.0.2.1]"}, brief(plan))
	require.Equal(t, "Bücher.test", plan.Domain)
}

func TestDiscoverOrdersRecordsOfOneNameByPriority(t *testing.T) {
	z := newZone(
		t,
		"_sipinternaltls._tcp.contoso.com. SRV 20 100 5061 b.contoso.com.",
		"_sipinternaltls._tcp.contoso.com. SRV 10 1 5061 a.contoso.com.",
		"a.contoso.com. A 10.0.0.1", "b.contoso.com. A 10.0.0.2",
	)
	require.Equal(t, []string{"tls a.contoso.com:5061 [10.0.0.1]", "tls b.contoso.com:5061 [10.0.0.2]"}, brief(discover(t, z.config())))
}

func TestDiscoverSkipsTargets(t *testing.T) {
	for name, record := range map[string]string{
		"root":                 "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 .",
		"port 0":               "_sipinternaltls._tcp.contoso.com. SRV 0 0 0 pool.contoso.com.",
		"not a host name":      `_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 ev\027il.contoso.com.`,
		"unknown":              "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 nowhere.contoso.com.",
		"unspecified address":  "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 blocked.contoso.com.",
		"an address as target": "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 10.0.0.1.",
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(
				t, record, "_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.", "edge.contoso.com. A 192.0.2.1",
				"blocked.contoso.com. A 0.0.0.0", "pool.contoso.com. A 10.0.0.1",
			)
			require.Equal(t, []string{"tls edge.contoso.com:443 [192.0.2.1]"}, brief(discover(t, z.config())))
		})
	}
}

func TestDiscoverUnderCommunicatorStopsAtTheFirstOffer(t *testing.T) {
	z := newZone(t, append(everything[2:], "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 nowhere.contoso.com.")...)
	cfg := z.config()
	cfg.Policy = Communicator
	plan, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseSRVTargetNotFound, err)
	require.Empty(t, plan.Candidates)
	require.Equal(t, Communicator, plan.Policy)
}

func TestDiscoverUnderCommunicatorUsesHostNamesWithoutAnyOffer(t *testing.T) {
	z := newZone(t, "sip.contoso.com. A 10.0.0.2", "_sip._tls.contoso.com. SRV 0 0 443 .")
	cfg := z.config()
	cfg.Policy = Communicator
	require.Equal(t, []string{"tls sip.contoso.com:5061 [10.0.0.2]", "tls sip.contoso.com:443 [10.0.0.2]"}, brief(discover(t, cfg)))
}

func TestDiscoverTreatsNoDataAsNXDOMAIN(t *testing.T) {
	z := newZone(
		t, "_sipinternaltls._tcp.contoso.com. TXT x", "_sip._tls.contoso.com. TXT x", "sip.contoso.com. A 10.0.0.2",
	)
	plan := discover(t, z.config())
	require.Equal(t, "SRV _sip._tls.contoso.com: NOERROR, no data", answered(plan)[1])
	require.Len(t, plan.Candidates, 2)
}

func TestDiscoverWithoutCandidates(t *testing.T) {
	for name, test := range map[string]struct {
		records []string
		fault   func(*zone)
		cause   ocserr.Cause
		text    string
	}{
		"nothing known": {nil, nil, ocserr.CauseNoServerFound, `"contoso.com"`},
		"not offered": {
			[]string{"_sip._tls.contoso.com. SRV 0 0 0 ."},
			nil,
			ocserr.CauseServiceNotOffered, "_sip._tls.contoso.com",
		},
		"target unknown": {
			[]string{"_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com."},
			nil,
			ocserr.CauseSRVTargetNotFound, "edge.contoso.com",
		},
		"server failure": {
			nil, func(z *zone) { z.rcodes["_sip._tls.contoso.com"] = dns.RcodeServerFailure },
			ocserr.CauseDNSFailure, "SERVFAIL",
		},
		"target's server failure": {
			[]string{"_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com."},
			func(z *zone) { z.rcodes["edge.contoso.com"] = dns.RcodeRefused },
			ocserr.CauseDNSFailure, "REFUSED",
		},
		"no way to the server": {
			nil, func(z *zone) { z.refuse["192.0.2.53:53"] = true },
			ocserr.CauseDNSUnreachable, "connection refused",
		},
		"garbage": {
			nil, func(z *zone) { z.raw = func(*dns.Msg) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") } },
			ocserr.CauseDNSBadAnswer, "answer to another question",
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, test.records...)
			if test.fault != nil {
				test.fault(z)
			}
			plan, err := Discover(t.Context(), z.config(), "contoso.com")
			e := requireCause(t, test.cause, err)
			require.Contains(t, err.Error(), test.text)
			require.Equal(t, ocserr.StageResolve, e.Stage)
			require.ErrorIs(t, err, ocserr.InvalidServerName)
			require.NotEmpty(t, plan.Questions, "the plan tells what was asked")
			require.Empty(t, plan.Candidates)
		})
	}
}

func TestDiscoverBelievesNXDOMAINOfOneTypeForTheName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t)
		z.silent["AAAA sip.contoso.com"] = true
		_, err := Discover(t.Context(), z.config(), "contoso.com")
		requireCause(t, ocserr.CauseNoServerFound, err)
	})
}

func TestDiscoverFailureIsANetDNSError(t *testing.T) {
	z := newZone(t)
	z.rcodes["_sip._tls.contoso.com"] = dns.RcodeServerFailure
	plan, err := Discover(t.Context(), z.config(), "contoso.com")
	var dnsErr *net.DNSError
	require.ErrorAs(t, err, &dnsErr)
	require.Equal(t, "_sip._tls.contoso.com", dnsErr.Name)
	require.Equal(t, "192.0.2.53:53", dnsErr.Server)
	require.False(t, dnsErr.IsNotFound)
	require.Equal(t, "SERVFAIL", plan.Questions[1].Answer)
	require.Error(t, plan.Questions[1].Err)
	require.NoError(t, plan.Questions[0].Err, "NXDOMAIN is an answer")
}

func TestDiscoverRefusesWhatCannotBeADomain(t *testing.T) {
	z := newZone(t)
	for _, domain := range []string{"", ".", "contoso..com", "con toso.com", "bü cher.test", "192.0.2.1", "contoso.com/path", "a\x00b.test", strings.Repeat("a.", 120) + "test"} {
		t.Run(domain, func(t *testing.T) {
			plan, err := Discover(t.Context(), z.config(), domain)
			e := requireCause(t, ocserr.CauseInvalidSignInName, err)
			require.Contains(t, err.Error(), fmt.Sprintf("%q", domain))
			require.Equal(t, ocserr.StageConfig, e.Stage)
			require.NotNil(t, plan)
		})
	}
	require.Empty(t, z.asked)
}

func TestDiscoverRefusesWhatCannotBeADNSServer(t *testing.T) {
	cfg := newZone(t).config()
	cfg.Server = "192.0.2.53:dns"
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseInvalidConfig, err)
	require.Contains(t, err.Error(), `"192.0.2.53:dns"`)
}

func TestDiscoverBoundsWhatAnAnswerCanCause(t *testing.T) {
	z := newZone(t)
	for i := range 200 {
		for _, text := range []string{
			fmt.Sprintf("_sip._tls.contoso.com. SRV 0 0 443 h%d.contoso.com.", i),
			fmt.Sprintf("h0.contoso.com. A 10.0.1.%d", i),
			fmt.Sprintf("h%d.contoso.com. A 10.0.0.%d", i, i+1),
		} {
			rr, err := dns.NewRR(text)
			require.NoError(t, err)
			z.records = append(z.records, rr)
		}
	}
	plan := discover(t, z.config())
	require.Len(t, plan.Candidates, maxRecords)
	require.Len(t, plan.Candidates[0].Addrs, maxAddresses)
	require.Contains(t, plan.Questions[1].Answer, "184 more")
}

func TestPlanJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.", "edge.contoso.com. A 192.0.2.1")
		z.glue, z.delay = true, 1500*time.Microsecond
		z.rcodes["sip.contoso.com"] = dns.RcodeServerFailure
		plan := discover(t, z.config())
		plan.Questions = append(plan.Questions[1:2], plan.Questions[4])
		got, err := json.Marshal(plan)
		require.NoError(t, err)
		require.JSONEq(t, `{
			"domain": "contoso.com", "policy": "resilient",
			"questions": [
				{"name": "_sip._tls.contoso.com", "type": "SRV", "server": "192.0.2.53:53", "network": "udp",
				 "answer": "0 0 443 edge.contoso.com", "duration_ms": 1.5},
				{"name": "sip.contoso.com", "type": "A", "server": "192.0.2.53:53", "network": "udp",
				 "answer": "SERVFAIL", "duration_ms": 1.5,
				 "error": "lookup sip.contoso.com on 192.0.2.53:53: A: server failure: SERVFAIL"}
			],
			"candidates": [
				{"host": "edge.contoso.com", "port": 443, "transport": "tls", "addrs": ["192.0.2.1"],
				 "why": "SRV _sip._tls.contoso.com, priority 0"}
			]}`, string(got))
	})
}
