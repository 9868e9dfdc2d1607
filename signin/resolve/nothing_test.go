package resolve

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

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
		"invalid record": {
			[]string{"_sip._tls.contoso.com. SRV 0 0 443 10.0.0.1."},
			nil,
			ocserr.CauseSRVRecordInvalid, "is an address",
		},
		"server failure beside an invalid record": {
			[]string{"_sip._tls.contoso.com. SRV 0 0 443 10.0.0.1."},
			func(z *zone) { z.rcodes["_sipinternaltls._tcp.contoso.com"] = dns.RcodeServerFailure },
			ocserr.CauseDNSFailure, "SERVFAIL",
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

func TestDiscoverWithNothingButTCP(t *testing.T) {
	for name, test := range map[string]struct {
		records []string
		cause   ocserr.Cause
	}{
		"alone":                        {nil, ocserr.CauseInsecureTransport},
		"beside what is not offered":   {[]string{"_sip._tls.contoso.com. SRV 0 0 0 ."}, ocserr.CauseInsecureTransport},
		"beside a host that is gone":   {[]string{"_sip._tls.contoso.com. SRV 0 0 443 gone.contoso.com."}, ocserr.CauseSRVTargetNotFound},
		"beside a record that is none": {[]string{"_sip._tls.contoso.com. SRV 0 0 0 edge.contoso.com."}, ocserr.CauseSRVRecordInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := Discover(t.Context(), newZone(t, append(test.records, everything[1], everything[4])...).config(), "contoso.com")
			e := requireCause(t, test.cause, err)
			require.Equal(t, ocserr.StageResolve, e.Stage)
			require.Equal(t, ocserr.CauseInsecureTransport, plan.Refused[0].Cause)
		})
	}
}

func TestDiscoverBelievesNXDOMAINOfAForTheName(t *testing.T) {
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
	require.Equal(t, "SERVFAIL", plan.Questions[2].Answer)
	require.Error(t, plan.Questions[2].Err)
	require.NoError(t, plan.Questions[0].Err, "NXDOMAIN is an answer")
}

// Communicator looks no further than the first offer, so nothing after it explains the failure.
func TestDiscoverUnderCommunicatorBlamesNothingBehindTheFirstOffer(t *testing.T) {
	z := newZone(t, "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 gone.contoso.com.")
	z.rcodes["sip.contoso.com"] = dns.RcodeServerFailure
	cfg := z.config()
	cfg.Policy = Communicator
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseSRVTargetNotFound, err)
}

func TestAutodiscoverNamesAServerWithoutAddress(t *testing.T) {
	for name, test := range map[string]struct {
		rcode  int
		cause  ocserr.Cause
		text   string
		remedy string
	}{
		"NXDOMAIN": {
			dns.RcodeNameError, ocserr.CauseAutodiscoverFailed,
			"lyncdiscoverinternal.contoso.com names pool.contoso.com, and DNS has no address for it", "autodiscover",
		},
		"SERVFAIL": {dns.RcodeServerFailure, ocserr.CauseDNSFailure, "pool.contoso.com", "zone's health"},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, webZone[0])
			z.rcodes["pool.contoso.com"] = test.rcode
			cfg := z.config()
			w := newWeb(t, map[string]http.HandlerFunc{"lyncdiscoverinternal.contoso.com/": inXML("internal", userInXML)})
			cfg.Autodiscover = &Autodiscover{Dial: w.Dial}
			_, err := Discover(t.Context(), cfg, "contoso.com")
			e := requireCause(t, test.cause, err)
			require.Contains(t, err.Error(), test.text)
			require.Contains(t, e.Remedy, test.remedy)
		})
	}
}

func TestAutodiscoverThatDNSDoesNotLocateIsNotAbsent(t *testing.T) {
	z := newZone(t)
	z.rcodes["lyncdiscover.contoso.com"] = dns.RcodeServerFailure
	cfg := z.config()
	cfg.Autodiscover = &Autodiscover{Dial: newWeb(t, nil).Dial}
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseDNSFailure, err)
}
