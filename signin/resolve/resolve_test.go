package resolve

import (
	"encoding/json"
	"fmt"
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

func TestDiscoverRefusesServicesOfTCPUnlessChosen(t *testing.T) {
	z := newZone(t, append(everything[1:], "clear.contoso.com. A 10.0.0.5",
		"_sipinternal._tcp.contoso.com. SRV 1 0 5060 clear.contoso.com.")...)
	plan := discover(t, z.config())
	require.Equal(t, []string{
		"insecure-transport tcp pool.contoso.com:5060: the SRV record of _sipinternal._tcp.contoso.com leads to pool.contoso.com:5060 over TCP without TLS",
		"insecure-transport tcp clear.contoso.com:5060: the SRV record of _sipinternal._tcp.contoso.com leads to clear.contoso.com:5060 over TCP without TLS",
		"insecure-transport tcp edge.contoso.com:5060: the SRV record of _sip._tcp.contoso.com leads to edge.contoso.com:5060 over TCP without TLS",
	}, refused(plan))
	require.Zero(t, z.count("A clear.contoso.com"), "what is not tried needs no address")
}

func TestDiscoverUnderCommunicatorPassesOverServicesOfTCP(t *testing.T) {
	cfg := newZone(t, everything[1:]...).config()
	cfg.Policy = Communicator
	require.Equal(t, []string{"tls edge.contoso.com:443 [192.0.2.1, 2001:db8::1]"}, brief(discover(t, cfg)))
}

func TestDiscoverListsEveryQuestionInListOrder(t *testing.T) {
	z := newZone(t, "_sip._tls.contoso.com. SRV 10 5 443 sip.contoso.com.", "sip.contoso.com. A 10.0.0.2")
	plan := discover(t, z.config())
	require.Equal(t, []string{
		"SRV _sipinternaltls._tcp.contoso.com: NXDOMAIN",
		"SRV _sipinternal._tcp.contoso.com: NXDOMAIN",
		"SRV _sip._tls.contoso.com: 10 5 443 sip.contoso.com",
		"A sip.contoso.com: 10.0.0.2",
		"AAAA sip.contoso.com: NOERROR, no data",
		"SRV _sip._tcp.contoso.com: NXDOMAIN",
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

func TestDiscoverAsksForBothFamiliesWhateverComesAlong(t *testing.T) {
	z := newZone(t, everything...)
	z.mangle = func(q, a *dns.Msg, _ int) {
		if q.Question[0].Qtype == dns.TypeSRV && len(a.Answer) > 0 {
			a.Extra = append(a.Extra, z.records[6]) // the AAAA record of edge.contoso.com
		}
	}
	require.Equal(t, "tls edge.contoso.com:443 [192.0.2.1, 2001:db8::1]", brief(discover(t, z.config()))[1])
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

func TestDiscoverListsInvalidRecords(t *testing.T) {
	for name, test := range map[string]struct{ record, want string }{
		"port 0": {
			"SRV 0 0 0 pool.contoso.com.",
			"srv-record-invalid tls pool.contoso.com:0: the SRV record of _sip._tls.contoso.com: its port is 0",
		},
		"an address as target": {
			"SRV 0 0 443 10.0.0.1.",
			"srv-record-invalid tls 10.0.0.1:443: the SRV record of _sip._tls.contoso.com: its target 10.0.0.1 is an address and not the name of a host",
		},
		"not a host name": {
			`SRV 0 0 443 ev\027il.contoso.com.`,
			`srv-record-invalid tls ev\027il.contoso.com:443: the SRV record of _sip._tls.contoso.com: its target "ev\\027il.contoso.com" is not a DNS name: it must not contain '\\'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, "_sip._tls.contoso.com. "+test.record, "pool.contoso.com. A 10.0.0.1", "sip.contoso.com. A 10.0.0.2")
			plan := discover(t, z.config())
			require.Equal(t, []string{test.want}, refused(plan))
			require.Equal(t, "SRV _sip._tls.contoso.com, priority 0", plan.Refused[0].Why)
			require.Equal(t, []string{"tls sip.contoso.com:5061 [10.0.0.2]", "tls sip.contoso.com:443 [10.0.0.2]"}, brief(plan))
		})
	}
}

func TestDiscoverUnderCommunicatorTakesAnInvalidRecordForAnOffer(t *testing.T) {
	z := newZone(t, append(everything[2:], "_sipinternaltls._tcp.contoso.com. SRV 0 0 0 pool.contoso.com.")...)
	cfg := z.config()
	cfg.Policy = Communicator
	plan, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseSRVRecordInvalid, err)
	require.Empty(t, plan.Candidates)
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
	require.Equal(t, "SRV _sip._tls.contoso.com: NOERROR, no data", answered(plan)[2])
	require.Len(t, plan.Candidates, 2)
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
	require.Contains(t, plan.Questions[2].Answer, "184 more")
}

func TestPlanJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.", "edge.contoso.com. A 192.0.2.1")
		z.delay = 1500 * time.Microsecond
		z.rcodes["sip.contoso.com"] = dns.RcodeServerFailure
		plan := discover(t, z.config())
		plan.Questions = append(plan.Questions[2:3], plan.Questions[8])
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
