package resolve

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestPlanUnder(t *testing.T) {
	for name, records := range map[string][]string{
		"services and host names": everything,
		"host names alone":        {"sip.contoso.com. A 10.0.0.2", "sipexternal.contoso.com. A 192.0.2.1"},
		"first service without address": {
			"_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 gone.contoso.com.", "sip.contoso.com. A 10.0.0.2",
		},
		"nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			plans := map[Policy]*Plan{}
			for _, policy := range []Policy{Resilient, Communicator} {
				cfg := newZone(t, records...).config()
				cfg.Policy = policy
				plans[policy], _ = Discover(t.Context(), cfg, "contoso.com")
			}
			for _, asked := range plans {
				for policy, plan := range plans {
					require.ElementsMatch(t, plan.Candidates, asked.Under(policy), "%s of a plan of %s", policy, asked.Policy)
				}
			}
		})
	}
}

func TestPlanUnderOfAServerNamedByTheUser(t *testing.T) {
	plan, err := Manual(t.Context(), Config{}, "192.0.2.1", TLS)
	require.NoError(t, err)
	require.Equal(t, plan.Candidates, plan.Under(Communicator))
	require.Equal(t, plan.Candidates, plan.Under(Resilient))
}

func TestPlanJSONTellsOfTheOtherPolicy(t *testing.T) {
	type line struct {
		Candidates []Candidate
		Other      *struct {
			Policy     Policy
			Candidates []Candidate
		}
	}
	read := func(policy Policy, records ...string) line {
		cfg := newZone(t, records...).config()
		cfg.Policy = policy
		text, err := json.Marshal(discover(t, cfg))
		require.NoError(t, err)
		var l line
		require.NoError(t, json.Unmarshal(text, &l))
		return l
	}
	resilient, communicator := read(Resilient, everything...), read(Communicator, everything...)
	require.Len(t, resilient.Candidates, 8)
	require.Equal(t, Communicator, resilient.Other.Policy)
	require.Equal(t, communicator.Candidates, resilient.Other.Candidates)
	require.Equal(t, Resilient, communicator.Other.Policy)
	require.Equal(t, resilient.Candidates, communicator.Other.Candidates)
	require.Nil(t, read(Resilient, "sip.contoso.com. A 10.0.0.2").Other, "where both policies try the same")
}

func TestPlanJSONOfARefusedServer(t *testing.T) {
	cfg := newZone(t, "_sip._tls.contoso.com. SRV 0 0 443 fe.fabrikam.test.").config()
	cfg.Naming = NamingStrict
	plan, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseStrictNamingRefused, err)
	got, err := json.Marshal(plan.Refused)
	require.NoError(t, err)
	require.JSONEq(t, `[{"host": "fe.fabrikam.test", "port": 443, "transport": "tls", "addrs": [],
		"why": "SRV _sip._tls.contoso.com, priority 0", "cause": "strict-naming-refused",
		"reason": "\"fe.fabrikam.test\" may not serve \"contoso.com\": allowed are contoso.com and sip.contoso.com"}]`, string(got))
}
