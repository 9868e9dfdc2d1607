package resolve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestManual(t *testing.T) {
	for _, test := range []struct {
		server    string
		transport Transport
		want      string
	}{
		{"fe.contoso.com", "", "tls fe.contoso.com:5061 [10.0.0.1]"},
		{"fe.contoso.com", TLS, "tls fe.contoso.com:5061 [10.0.0.1]"},
		{"fe.contoso.com", TCP, "tcp fe.contoso.com:5060 [10.0.0.1]"},
		{"fe.contoso.com:443", TLS, "tls fe.contoso.com:443 [10.0.0.1]"},
		{"FE.Contoso.com.", TLS, "tls FE.Contoso.com:5061 [10.0.0.1]"},
		{"fe.contoso.com.:443", TLS, "tls fe.contoso.com:443 [10.0.0.1]"},
		{"front_end", TLS, "tls front_end:5061 [10.0.0.2]"},
		{"Bücher.test", TLS, "tls xn--bcher-kva.test:5061 [10.0.0.3]"},
		{"bücher.test.:443", TLS, "tls xn--bcher-kva.test:443 [10.0.0.3]"},
		{"192.0.2.1", TLS, "tls 192.0.2.1:5061 [192.0.2.1]"},
		{"192.0.2.1:65535", TCP, "tcp 192.0.2.1:65535 [192.0.2.1]"},
		{"[2001:db8::1]", TLS, "tls [2001:db8::1]:5061 [2001:db8::1]"},
		{"[2001:db8::1]:443", TLS, "tls [2001:db8::1]:443 [2001:db8::1]"},
		{"2001:db8::1", TLS, "tls [2001:db8::1]:5061 [2001:db8::1]"},
		{"[fe80::1%eth0]:443", TLS, "tls [fe80::1%eth0]:443 [fe80::1%eth0]"},
		{"::ffff:192.0.2.1", TLS, "tls 192.0.2.1:5061 [192.0.2.1]"},
	} {
		t.Run(test.server, func(t *testing.T) {
			z := newZone(t, "fe.contoso.com. A 10.0.0.1", "front_end. A 10.0.0.2", "xn--bcher-kva.test. A 10.0.0.3")
			plan, err := Manual(t.Context(), z.config(), test.server, test.transport)
			require.NoError(t, err)
			require.Equal(t, []string{test.want}, brief(plan))
			require.Equal(t, "configured server", plan.Candidates[0].Why)
		})
	}
}

func TestManualAsksForNoSRVRecord(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	_, err := Manual(t.Context(), z.config(), "contoso.com", TLS)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"A contoso.com", "AAAA contoso.com"}, z.asked)
}

func TestManualAddressAsksNothing(t *testing.T) {
	z := newZone(t)
	plan, err := Manual(t.Context(), z.config(), "192.0.2.1", TLS)
	require.NoError(t, err)
	require.Empty(t, z.asked)
	got, err := json.Marshal(plan)
	require.NoError(t, err)
	require.JSONEq(t, `{"questions": [], "candidates": [
		{"host": "192.0.2.1", "port": 5061, "transport": "tls", "addrs": ["192.0.2.1"], "why": "configured server"}]}`, string(got))
}

func TestManualRefusesWhatNamesNoServer(t *testing.T) {
	for _, server := range []string{
		"https://fe.contoso.com", "sip:fe.contoso.com", "sips:fe.contoso.com:5061", ":5061", "fe.contoso.com:", "fe.contoso.com:0",
		"fe.contoso.com:65536", "fe.contoso.com:sip", "fe.contoso.com:-1", "fe.contoso.com:+1", "fe.contoso.com:5061:1", " fe.contoso.com",
		"fe.contoso.com\n", "fe contoso.com", "fe..contoso.com", ".", "[2001:db8::1", "[2001:db8::1]443", "[192.0.2.1]:443", "[]", "[fe.contoso.com]",
		"2001:db8:1:2:3:4:5:6:443", "256.0.0.1", "1.2.3", "bü cher.test", "bücher.test:x", "\u202ebücher.test", "a\xffb.test", "fe.contoso.com/path", "alice@contoso.com", "\x1b[2Jfe.contoso.com",
	} {
		t.Run(fmt.Sprintf("%q", server), func(t *testing.T) {
			z := newZone(t)
			plan, err := Manual(t.Context(), z.config(), server, TLS)
			e := requireCause(t, ocserr.CauseInvalidServerAddress, err)
			require.Contains(t, err.Error(), fmt.Sprintf("%q", server))
			require.Equal(t, ocserr.StageConfig, e.Stage)
			require.Empty(t, plan.Candidates)
			require.Empty(t, z.asked)
		})
	}
}

func TestCheckServer(t *testing.T) {
	require.NoError(t, CheckServer("fe.contoso.com:5061"))
	requireCause(t, ocserr.CauseInvalidServerAddress, CheckServer("fe.contoso.com:0"))
}

func TestManualWithoutServer(t *testing.T) {
	_, err := Manual(t.Context(), newZone(t).config(), "", TLS)
	requireCause(t, ocserr.CauseNoServerAddress, err)
}

func TestManualUnresolvable(t *testing.T) {
	for name, test := range map[string]struct {
		records []string
		rcode   int
		cause   ocserr.Cause
		text    string
	}{
		"NXDOMAIN": {nil, dns.RcodeNameError, ocserr.CauseHostNotFound, `DNS knows no "fe.contoso.com"`},
		"no data":  {[]string{"fe.contoso.com. TXT x"}, dns.RcodeSuccess, ocserr.CauseHostNotFound, `DNS has no address for "fe.contoso.com"`},
		"SERVFAIL": {nil, dns.RcodeServerFailure, ocserr.CauseDNSFailure, "SERVFAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, test.records...)
			if test.rcode != dns.RcodeSuccess {
				z.rcodes["fe.contoso.com"] = test.rcode
			}
			plan, err := Manual(t.Context(), z.config(), "fe.contoso.com", TLS)
			e := requireCause(t, test.cause, err)
			require.Equal(t, ocserr.InvalidServerName, e.Code)
			require.Equal(t, ocserr.DNSAResFail, e.Detail)
			require.Contains(t, err.Error(), test.text)
			require.Len(t, plan.Questions, 2)
		})
	}
}

func TestManualDoesNotBelieveNXDOMAINOfAAAAForTheName(t *testing.T) {
	z := newZone(t)
	z.rcodes["fe.contoso.com"] = dns.RcodeServerFailure
	z.mangle = func(q, a *dns.Msg, _ int) {
		if q.Question[0].Qtype == dns.TypeAAAA {
			a.Rcode = dns.RcodeNameError
		}
	}
	_, err := Manual(t.Context(), z.config(), "fe.contoso.com", TLS)
	requireCause(t, ocserr.CauseDNSFailure, err)
}

func TestManualRemembersAFailureOverTheSearchList(t *testing.T) {
	z := newZone(t)
	z.rcodes["fe.corp.contoso.com"] = dns.RcodeServerFailure
	r, ctx, err := newResolver(t.Context(), z.config())
	require.NoError(t, err)
	defer r.close()
	r.useSystem("testdata/resolv.conf")
	l, asked := r.addressesOfAny(ctx, "fe")
	require.Equal(t, "fe", asked[len(asked)-1].Name, "the search goes on to the end")
	require.Equal(t, ocserr.CauseDNSFailure, l.failure.cause)
}

func TestManualSilentDNSEndsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t)
		z.silent["fe.contoso.com"] = true
		start := time.Now()
		_, err := Manual(t.Context(), z.config(), "fe.contoso.com", TLS)
		require.Equal(t, DefaultTimeout, time.Since(start))
		requireCause(t, ocserr.CauseDNSTimeout, err)
	})
}

func TestManualCancelReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t)
		z.silent["fe.contoso.com"] = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := Manual(ctx, z.config(), "fe.contoso.com", TLS)
		require.Equal(t, time.Second, time.Since(start))
		requireCause(t, ocserr.CauseCancelled, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestManualPrefersTheHostsFile(t *testing.T) {
	z := newZone(t, "fe.contoso.com. A 10.0.0.1")
	cfg := z.config()
	cfg.HostsFile = "testdata/hosts"
	plan, err := Manual(t.Context(), cfg, "fe.contoso.com", TLS)
	require.NoError(t, err)
	require.Equal(t, []string{"tls fe.contoso.com:5061 [10.0.0.7, 2001:db8::7, 10.0.0.8]"}, brief(plan))
	require.Equal(t, []Question{{
		Name: "fe.contoso.com", Type: "A, AAAA", Server: "hosts file", Answer: "10.0.0.7, 2001:db8::7, 10.0.0.8",
	}}, plan.Questions)
	require.Empty(t, z.asked)
}

func TestManualPlanCarriesAddresses(t *testing.T) {
	plan, err := Manual(t.Context(), newZone(t, "fe.contoso.com. AAAA 2001:db8::1", "fe.contoso.com. A 10.0.0.1").config(), "fe.contoso.com", TLS)
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")}, plan.Candidates[0].Addrs)
}

func FuzzSplitHostPort(f *testing.F) {
	for _, s := range []string{"fe.contoso.com:5061", "[2001:db8::1]:443", "192.0.2.1", ":", "[", "]:1", "a:b:c", "bücher.test.", "xn--bcher-kva.test."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, port, err := splitHostPort(s, 5061)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, host)
		require.True(t, port > 0 && port < 65536)
		again, samePort, err := splitHostPort(joinHostPort(host, port), 1)
		require.NoError(t, err)
		require.Equal(t, host, again)
		require.Equal(t, port, samePort)
	})
}
