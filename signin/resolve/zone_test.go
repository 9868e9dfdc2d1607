package resolve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zone is a DNS server in process: its records, what it does instead of answering, and what it was asked.
type zone struct {
	records []dns.RR
	rcodes  map[string]int                   // by name: answer with this code
	silent  map[string]bool                  // by "name", "TYPE name", or "@server": say nothing
	refuse  map[string]bool                  // by server: no way there
	mangle  func(q, a *dns.Msg, n int)       // change the n-th answer
	raw     func(q *dns.Msg) []byte          // answer with these bytes
	delay   time.Duration                    // before every answer
	network func(network string, _ *dns.Msg) // sees every query

	mu    sync.Mutex
	asked []string
}

// newZone reads records in zone file form.
func newZone(t testing.TB, records ...string) *zone {
	t.Helper()
	z := &zone{rcodes: map[string]int{}, silent: map[string]bool{}, refuse: map[string]bool{}}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		require.NoError(t, err, text)
		z.records = append(z.records, rr)
	}
	return z
}

func (z *zone) Exchange(ctx context.Context, network, server string, query []byte) ([]byte, error) {
	q := new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		return nil, err
	}
	name, qtype := fold(q.Question[0].Name), dns.TypeToString[q.Question[0].Qtype]
	z.mu.Lock()
	z.asked = append(z.asked, qtype+" "+name)
	n := len(z.asked)
	if z.network != nil {
		z.network(network, q)
	}
	z.mu.Unlock()

	if z.refuse[server] {
		return nil, errors.New("connection refused")
	}
	if z.silent[name] || z.silent[qtype+" "+name] || z.silent["@"+server] {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if z.delay > 0 {
		select {
		case <-time.After(z.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if z.raw != nil {
		return z.raw(q), nil
	}
	a := z.answer(q)
	if z.mangle != nil {
		z.mangle(q, a, n)
	}
	return a.Pack()
}

// answer answers from the records alone: an alias is not followed.
func (z *zone) answer(q *dns.Msg) *dns.Msg {
	a := new(dns.Msg).SetReply(q)
	name, qtype := fold(q.Question[0].Name), q.Question[0].Qtype
	if rcode, ok := z.rcodes[name]; ok {
		a.Rcode = rcode
		return a
	}
	exists := false
	for _, rr := range z.records {
		if fold(rr.Header().Name) != name {
			continue
		}
		exists = true
		if h := rr.Header(); h.Rrtype == qtype || h.Rrtype == dns.TypeCNAME {
			a.Answer = append(a.Answer, rr)
		}
	}
	if !exists {
		a.Rcode = dns.RcodeNameError
	}
	return a
}

// count returns how often a question was asked.
func (z *zone) count(question string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	n := 0
	for _, q := range z.asked {
		if q == question {
			n++
		}
	}
	return n
}

// config asks the zone and no hosts file.
func (z *zone) config() Config {
	return Config{Server: "192.0.2.53", Exchange: z.Exchange, HostsFile: "testdata/hosts-empty", Intn: func(int) int { return 0 }}
}

// discover asks the zone for contoso.com and wants a plan.
func discover(t *testing.T, cfg Config) *Plan {
	t.Helper()
	plan, err := Discover(t.Context(), cfg, "contoso.com")
	require.NoError(t, err)
	return plan
}

// brief puts candidates into words: "tls pool.contoso.com:5061 [10.0.0.1]".
func brief(plan *Plan) []string {
	list := []string{}
	for _, c := range plan.Candidates {
		list = append(list, string(c.Transport)+" "+joinHostPort(c.Host, c.Port)+" ["+join(c.Addrs)+"]")
	}
	return list
}

// answered puts questions into words: "SRV _sip._tls.contoso.com: NXDOMAIN".
func answered(plan *Plan) []string {
	list := []string{}
	for _, q := range plan.Questions {
		list = append(list, q.Type+" "+q.Name+": "+q.Answer)
	}
	return list
}

// refused puts what is not tried into words: "srv-record-invalid tls pool.contoso.com:0: its port is 0".
func refused(plan *Plan) []string {
	list := []string{}
	for _, r := range plan.Refused {
		list = append(list, fmt.Sprintf("%s %s %s: %s", r.Cause, r.Transport, joinHostPort(r.Host, r.Port), r.Reason))
	}
	return list
}

// requireCause wants an *ocserr.Error of a cause, whose text is one line.
func requireCause(t *testing.T, want ocserr.Cause, err error) *ocserr.Error {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause, err.Error())
	require.NotContains(t, err.Error(), "\n", err.Error())
	return e
}
