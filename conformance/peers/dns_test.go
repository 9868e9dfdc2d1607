//go:build peers

package peers

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/resolve"
)

// dnsZones are the zones that the DNS servers have: each a way in which a domain publishes its servers, or fails to.
var dnsZones = map[string]string{
	"order.test": `
_sipinternaltls._tcp SRV 20 65000 5061 last
_sipinternaltls._tcp SRV 10     0 5063 light
_sipinternaltls._tcp SRV 10   100 5062 heavy
_sip._tls            SRV  0     0  443 edge
light A 10.0.0.1
heavy A 10.0.0.2
last  A 10.0.0.3
edge  A 10.0.0.4
edge  AAAA fd00::4
sip   A 10.0.0.5
`,
	"declined.test": "_sipinternaltls._tcp SRV 0 0 0 .\n_sip._tls SRV 0 0 0 .\n",
	"halfway.test":  "_sipinternaltls._tcp SRV 0 0 0 .\n_sip._tls SRV 0 0 443 edge\nedge A 10.0.0.1\n",
	"alias.test":    "_sip._tls SRV 0 0 443 edge\nedge CNAME farm\nfarm CNAME one\none A 10.0.0.1\n",
	"circle.test":   "_sip._tls SRV 0 0 443 edge\nedge CNAME farm\nfarm CNAME edge\n",
	"missing.test":  "_sip._tls SRV 0 0 443 gone\n",
	"foreign.test":  "_sip._tls SRV 0 0 443 edge.order.test.\n",
	"many.test":     manyRecords() + "target A 10.0.0.1\n",
	"empty.test":    "sip TXT \"nothing to connect to\"\n",
}

// manyRecords is a record set of 40, which no packet of UDP takes.
func manyRecords() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "_sip._tls SRV %d 0 %d target\n", i, 4000+i)
	}
	return b.String()
}

// discovery is one domain to discover, and what comes of it.
type discovery struct {
	domain, what string
	candidates   []string
	cause        ocserr.Cause
	answers      []string // some of the questions, with their answers or without
}

// discoveries returns those of dnsZones. The two kinds of DNS server make something different of a
// circle of aliases.
func discoveries(circle ocserr.Cause) []discovery {
	return []discovery{
		{
			"order.test", "priority, then weight, then the next service, then host names",
			[]string{
				"light.order.test:5063 [10.0.0.1]", "heavy.order.test:5062 [10.0.0.2]", "last.order.test:5061 [10.0.0.3]",
				"edge.order.test:443 [10.0.0.4 fd00::4]", "sip.order.test:5061 [10.0.0.5]", "sip.order.test:443 [10.0.0.5]",
			},
			"",
			[]string{"udp SRV _sip._tls.order.test: 0 0 443 edge.order.test", "udp A sipinternal.order.test: NXDOMAIN"},
		},
		{
			"declined.test", `the target "."`, nil, ocserr.CauseServiceNotOffered,
			[]string{"udp SRV _sip._tls.declined.test: 0 0 0 ."},
		},
		{"halfway.test", `the target "." of one service`, []string{"edge.halfway.test:443 [10.0.0.1]"}, "", nil},
		{"alias.test", "a target that is an alias", []string{"edge.alias.test:443 [10.0.0.1]"}, "", nil},
		{"circle.test", "a circle of aliases", nil, circle, nil},
		{
			"missing.test", "a target without address", nil, ocserr.CauseSRVTargetNotFound,
			[]string{"udp A gone.missing.test: NXDOMAIN"},
		},
		{"foreign.test", "a target in another domain", []string{"edge.order.test:443 [10.0.0.4 fd00::4]"}, "", nil},
		{
			"many.test", "a truncated answer", manyCandidates(), "",
			[]string{"udp SRV _sip._tls.many.test: truncated", "tcp SRV _sip._tls.many.test"},
		},
		{
			"empty.test", "NXDOMAIN and empty answers", nil, ocserr.CauseNoServerFound,
			[]string{"udp SRV _sip._tls.empty.test: NXDOMAIN", "udp A sip.empty.test: NOERROR, no data"},
		},
		{"broken.test", "SERVFAIL", nil, ocserr.CauseDNSFailure, []string{"udp SRV _sip._tls.broken.test: SERVFAIL"}},
	}
}

// run asks the DNS server at an address.
func (d discovery) run(t *testing.T, address string) {
	t.Run(d.what, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		plan, err := resolve.Discover(ctx, resolve.Config{
			Server: address, HostsFile: filepath.Join(t.TempDir(), "none"), Timeout: patience, Intn: func(int) int { return 0 },
		}, d.domain)
		if d.cause != "" {
			var coded *ocserr.Error
			require.ErrorAs(t, err, &coded)
			require.Equal(t, d.cause, coded.Cause, err.Error())
		} else {
			require.NoError(t, err)
		}
		var got []string
		for _, c := range plan.Candidates {
			got = append(got, fmt.Sprintf("%s:%d %v", c.Host, c.Port, c.Addrs))
		}
		require.Equal(t, d.candidates, got)
		var answers []string
		for _, q := range plan.Questions {
			question := q.Network + " " + q.Type + " " + q.Name
			answers = append(answers, question, question+": "+q.Answer)
		}
		require.Subset(t, answers, d.answers)
	})
}

// manyCandidates are those of many.test: the first 16 of the records, which is all that a plan takes.
func manyCandidates() []string {
	var list []string
	for i := range 16 {
		list = append(list, fmt.Sprintf("target.many.test:%d [10.0.0.1]", 4000+i))
	}
	return list
}
