package resolve

import (
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestDiscoverLeavesNamesToTheProxy(t *testing.T) {
	hostNames := []string{
		"tls sipinternal.contoso.com:5061 []", "tls sipinternal.contoso.com:443 []", "tls sip.contoso.com:5061 []",
		"tls sip.contoso.com:443 []", "tls sipexternal.contoso.com:5061 []", "tls sipexternal.contoso.com:443 []",
	}
	everyPort := func(string, int) bool { return true }
	for name, test := range map[string]struct {
		records []string
		policy  Policy
		byName  func(string, int) bool
		want    []string
	}{
		"DNS knows nothing":   {nil, Resilient, everyPort, hostNames},
		"as Communicator":     {nil, Communicator, everyPort, hostNames},
		"not for every name":  {nil, Resilient, func(host string, port int) bool { return host == "sip.contoso.com" && port == 443 }, hostNames[3:4]},
		"DNS knows a server":  {[]string{"sip.contoso.com. A 10.0.0.2"}, Resilient, everyPort, fromDNS},
		"DNS knows a service": {[]string{"_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com."}, Resilient, everyPort, []string{"tls edge.contoso.com:443 []"}},
		"the targets that it does not know keep their place": {
			[]string{
				"_sip._tls.contoso.com. SRV 0 0 443 edge.contoso.com.", "_sip._tls.contoso.com. SRV 1 0 443 other.contoso.com.",
				"other.contoso.com. A 10.0.0.3",
			},
			Resilient, everyPort,
			[]string{"tls edge.contoso.com:443 []", "tls other.contoso.com:443 [10.0.0.3]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newZone(t, test.records...).config()
			cfg.Policy, cfg.ByName = test.policy, test.byName
			plan := discover(t, cfg)
			require.Equal(t, test.want, brief(plan))
			for _, c := range plan.Candidates {
				require.NotNil(t, c.Addrs)
				if len(c.Addrs) == 0 {
					require.Contains(t, c.Why, ", by name through the proxy")
				}
			}
		})
	}
}

func TestDiscoverWithoutProxyForAnyNameFails(t *testing.T) {
	cfg := newZone(t).config()
	cfg.ByName = func(string, int) bool { return false }
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseNoServerFound, err)
}

func TestManualLeavesItsNameToTheProxy(t *testing.T) {
	cfg := newZone(t).config()
	cfg.ByName = func(host string, port int) bool { return host == "pool.contoso.com" && port == 5061 }
	plan, err := Manual(t.Context(), cfg, "pool.contoso.com", TLS)
	require.NoError(t, err)
	require.Equal(t, []string{"tls pool.contoso.com:5061 []"}, brief(plan))
	_, err = Manual(t.Context(), cfg, "pool.contoso.com:443", TLS)
	requireCause(t, ocserr.CauseHostNotFound, err)
}
