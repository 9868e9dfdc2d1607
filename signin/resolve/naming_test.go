package resolve

import (
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestNamingAllows(t *testing.T) {
	for _, test := range []struct {
		domain, host      string
		any, below, exact bool
	}{
		{"contoso.com", "contoso.com", true, true, true},
		{"contoso.com", "sip.contoso.com", true, true, true},
		{"contoso.com", "SIP.Contoso.COM.", true, true, true},
		{"bücher.test", "sip.xn--bcher-kva.test", true, true, true},
		{"contoso.com", "pool.contoso.com", true, true, false},
		{"contoso.com", "sip.pool.contoso.com", true, true, false},
		{"contoso.com", "evilcontoso.com", true, false, false},
		{"contoso.com", "contoso.com.example.test", true, false, false},
		{"contoso.com", "com", true, false, false},
		{"contoso.com", "192.0.2.1", true, false, false},
		{"contoso.com", "", true, false, false},
	} {
		t.Run(test.host, func(t *testing.T) {
			require.Equal(t, test.any, NamingAny.Check(test.domain, test.host) == nil)
			require.Equal(t, test.below, NamingDomain.Check(test.domain, test.host) == nil)
			require.Equal(t, test.exact, NamingStrict.Check(test.domain, test.host) == nil)
			require.Equal(t, test.exact, Naming("nonsense").Check(test.domain, test.host) == nil)
		})
	}
}

func TestNamingCheckSaysWhatIsAllowed(t *testing.T) {
	e := requireCause(t, ocserr.CauseStrictNamingRefused, NamingStrict.Check("contoso.com", "pool.contoso.com"))
	require.ErrorContains(t, e, `"pool.contoso.com" may not serve "contoso.com": allowed are contoso.com and sip.contoso.com`)
	require.Equal(t, ocserr.StageResolve, e.Stage)
	require.Equal(t, ocserr.Connect, e.Code)
}

func TestDiscoverRefusesNames(t *testing.T) {
	foreign := []string{
		"_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 pool.example.test.", "_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.",
		"pool.example.test. A 192.0.2.66", "edge.contoso.com. A 192.0.2.1",
	}
	for name, test := range map[string]struct {
		naming  Naming
		policy  Policy
		records []string
		tcp     bool
		want    []string
		refused []string
		cause   ocserr.Cause
	}{
		"any": {NamingAny, Resilient, foreign, false, []string{"tls pool.example.test:5061 [192.0.2.66]", "tls edge.contoso.com:443 [192.0.2.1]"}, nil, ""},
		"domain": {
			NamingDomain, Resilient, foreign, false,
			[]string{"tls edge.contoso.com:443 [192.0.2.1]"},
			[]string{"pool.example.test"},
			"",
		},
		"strict": {NamingStrict, Resilient, foreign, false, []string{}, []string{"pool.example.test", "edge.contoso.com"}, ocserr.CauseStrictNamingRefused},
		"strict goes on to the host names": {
			NamingStrict, Resilient, append(foreign, "sipinternal.contoso.com. A 10.0.0.1"), false,
			[]string{"tls sipinternal.contoso.com:5061 [10.0.0.1]", "tls sipinternal.contoso.com:443 [10.0.0.1]"},
			[]string{"pool.example.test", "edge.contoso.com"},
			"",
		},
		"Communicator tries no second service": {
			NamingDomain, Communicator, append(foreign, "sip.contoso.com. A 10.0.0.1"), false,
			[]string{},
			[]string{"pool.example.test"},
			ocserr.CauseStrictNamingRefused,
		},
		"TCP proves no name": {
			NamingStrict, Resilient,
			[]string{"_sip._tcp.contoso.com. SRV 0 0 5060 pool.example.test.", "pool.example.test. A 192.0.2.66"},
			true,
			[]string{"tcp pool.example.test:5060 [192.0.2.66]"},
			nil, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newZone(t, test.records...).config()
			cfg.Naming, cfg.Policy, cfg.OnlyTCP = test.naming, test.policy, test.tcp
			plan, err := Discover(t.Context(), cfg, "contoso.com")
			if test.cause == "" {
				require.NoError(t, err)
			} else {
				requireCause(t, test.cause, err)
			}
			require.Equal(t, test.want, brief(plan))
			var refused []string
			for _, r := range plan.Refused {
				require.Equal(t, ocserr.CauseStrictNamingRefused, r.Cause)
				require.Contains(t, r.Reason, "allowed are")
				refused = append(refused, r.Host)
			}
			require.Equal(t, test.refused, refused)
		})
	}
}

func TestALabels(t *testing.T) {
	for domain, want := range map[string]string{
		"Bücher.test": "xn--bcher-kva.test", "Contoso.com": "Contoso.com", "contoso.com.": "contoso.com.", "bü cher.test": "bü cher.test",
	} {
		require.Equal(t, want, ALabels(domain))
	}
}
