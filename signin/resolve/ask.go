package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	ocserr "github.com/ocsgo/ocs/errors"
)

// resolver asks the questions of one plan.
type resolver struct {
	servers  []string              // host:port; [""] where Config.Exchange knows whom to ask
	system   *net.Resolver         // asked instead where there is no server, else nil
	search   func(string) []string // the names to ask for a name that the user typed
	hosts    map[string][]netip.Addr
	exchange func(ctx context.Context, network, server string, query []byte) ([]byte, error)
	intn     func(n int) int
	stop     context.CancelFunc // ends all questions

	mu      sync.Mutex
	lookups map[string]*lookup
	plain   map[string]bool // servers that were silent once: asked without EDNS from then on
	settle  *time.Timer     // started by the first address found
	held    bool            // settle is
}

// newResolver prepares the questions of one plan; close releases it. The context that it returns is the
// one to ask with: it ends with the caller's, at the timeout, or when patience is over.
func newResolver(ctx context.Context, cfg Config) (*resolver, context.Context, error) {
	r := &resolver{
		exchange: cfg.Exchange,
		intn:     cfg.Intn,
		hosts:    readHosts(cfg.HostsFile),
		search:   func(name string) []string { return []string{name} },
		lookups:  map[string]*lookup{},
		plain:    map[string]bool{},
	}
	switch {
	case cfg.Server != "":
		host, port, err := splitHostPort(cfg.Server, 53)
		if err != nil {
			return nil, nil, ocserr.New(ocserr.CauseInvalidConfig, fmt.Errorf("the DNS server %w", err))
		}
		r.servers = []string{joinHostPort(host, port)}
	case cfg.Exchange != nil:
		r.servers = []string{""}
	default:
		r.useSystem(resolvConf)
	}
	if r.exchange == nil {
		r.exchange = exchange
	}
	if r.intn == nil {
		r.intn = rand.IntN
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, r.stop = context.WithTimeout(ctx, timeout)
	return r, ctx, nil
}

func (r *resolver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settle != nil {
		r.settle.Stop()
	}
	r.stop()
}

// found starts the wait for the questions that are still open.
func (r *resolver) found() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settle == nil {
		r.settle = time.AfterFunc(patience, r.stop)
		if r.held {
			r.settle.Stop()
		}
	}
}

// hold keeps all questions open while a password is proved to somebody, until release, from which that wait begins anew:
// whoever does not hear the verdict would send a wrong password a second time.
func (r *resolver) hold() (release func()) {
	r.setHeld(true)
	return func() { r.setHeld(false) }
}

func (r *resolver) setHeld(held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
	switch {
	case r.settle == nil:
	case held:
		r.settle.Stop()
	default:
		r.settle.Reset(patience)
	}
}

// reply is what became of a question: records, a "no", or a failure.
type reply struct {
	records  []dns.RR // of the type asked for, at the end of the aliases
	notThere bool     // NXDOMAIN: no record of any type
	failure  *failure // nil if a server answered
}

// failure is why a question has no answer, "no" being one.
type failure struct {
	cause ocserr.Cause
	err   *net.DNSError
}

// ask puts a question and follows the aliases that the answers name, asking again where an answer
// does not already hold what is at the end of them.
func (r *resolver) ask(ctx context.Context, name string, qtype uint16) (reply, []Question) {
	var asked []Question
	for aliases := 0; ; {
		answer, questions, fail := r.askServers(ctx, name, qtype)
		asked = append(asked, questions...)
		if fail != nil {
			return reply{failure: fail}, asked
		}
		records, end, followed := follow(answer, name, qtype)
		aliases += followed
		notThere := answer.Rcode == dns.RcodeNameError
		switch {
		case len(records) > 0 || notThere || followed == 0:
			return reply{records: records, notThere: notThere}, asked
		case aliases > maxAliases:
			last := &asked[len(asked)-1]
			fail := last.fail(ocserr.CauseDNSBadAnswer, last.Answer, fmt.Errorf("more than %d aliases", maxAliases))
			return reply{failure: fail}, asked
		}
		name = end
	}
}

// follow looks for the records of a name and type in an answer, behind the aliases (CNAME) that it
// holds. It returns the name at their end and how many were followed.
func follow(answer *dns.Msg, name string, qtype uint16) (records []dns.RR, end string, followed int) {
	for ; followed <= maxAliases; followed++ {
		next := ""
		for _, rr := range answer.Answer {
			h := rr.Header()
			if fold(h.Name) != fold(name) {
				continue
			}
			if h.Rrtype == qtype {
				records = append(records, rr)
			} else if c, ok := rr.(*dns.CNAME); ok {
				next = c.Target
			}
		}
		if len(records) > 0 || next == "" {
			break
		}
		name = next
	}
	return records, name, followed
}

// askServers asks the servers in turn until one answers. A server that is silent is asked again as
// long as there is time; one that fails is not.
func (r *resolver) askServers(ctx context.Context, name string, qtype uint16) (*dns.Msg, []Question, *failure) {
	if r.system != nil {
		answer, q, fail := r.askSystem(ctx, name, qtype)
		return answer, []Question{q}, fail
	}
	var asked []Question
	var fail *failure
	servers := slices.Clone(r.servers)
	for i := 0; len(servers) > 0; {
		i %= len(servers)
		var answer *dns.Msg
		var questions []Question
		answer, questions, fail = r.askServer(ctx, servers[i], name, qtype)
		asked = append(asked, questions...)
		switch {
		case fail == nil:
			return answer, asked, nil
		case over(ctx):
			return nil, asked, fail
		case fail.cause == ocserr.CauseDNSTimeout:
			i++
		default:
			servers = slices.Delete(servers, i, i+1)
		}
	}
	return nil, asked, fail
}

// askServer asks one server over UDP, over TCP if the answer did not fit (RFC 7766), and without EDNS
// if the server does not know that (RFC 6891 7). Once it was silent it is asked without, too: there are firewalls that
// drop what they do not know (RFC 6891 6.2.6).
func (r *resolver) askServer(ctx context.Context, server, name string, qtype uint16) (*dns.Msg, []Question, *failure) {
	var asked []Question
	network, edns := "udp", !r.isPlain(server)
	for {
		answer, q, fail := r.askOnce(ctx, network, server, name, qtype, edns)
		asked = append(asked, q)
		switch {
		case fail != nil && answer != nil && answer.Rcode == dns.RcodeFormatError && edns:
			edns = false
		case fail == nil && answer.Truncated && network == "udp":
			network = "tcp"
		default:
			if fail != nil && fail.cause == ocserr.CauseDNSTimeout {
				r.setPlain(server)
			}
			return answer, asked, fail
		}
	}
}

func (r *resolver) isPlain(server string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plain[server]
}

func (r *resolver) setPlain(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plain[server] = true
}

// askOnce sends one query and reads its answer.
func (r *resolver) askOnce(ctx context.Context, network, server, name string, qtype uint16, edns bool) (*dns.Msg, Question, *failure) {
	q := Question{Name: strings.TrimSuffix(name, "."), Type: dns.TypeToString[qtype], Server: server, Network: network}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	if edns {
		query.SetEdns0(packetSize, false)
	}
	packed, err := query.Pack()
	if err != nil {
		return nil, q, q.fail(ocserr.CauseDNSBadAnswer, "cannot be asked", err)
	}

	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	start := time.Now()
	raw, err := r.exchange(ctx, network, server, packed)
	q.Duration = time.Since(start)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, q, q.late(ctx)
	case err != nil:
		return nil, q, q.fail(ocserr.CauseDNSUnreachable, "unreachable", err)
	case !answers(packed, raw):
		return nil, q, q.fail(ocserr.CauseDNSBadAnswer, "bad answer", errors.New("answer to another question"))
	}
	answer := new(dns.Msg)
	if err := answer.Unpack(raw); err != nil && !(answer.Truncated && network == "udp") {
		return nil, q, q.fail(ocserr.CauseDNSBadAnswer, "bad answer", err)
	}
	q.Answer = describe(answer)
	switch answer.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return answer, q, nil
	}
	return answer, q, q.fail(ocserr.CauseDNSFailure, q.Answer, errors.New("server failure: "+q.Answer))
}

// fail notes in the question that it has no answer.
func (q *Question) fail(cause ocserr.Cause, answer string, err error) *failure {
	q.Answer = answer
	f := failed(cause, *q, err)
	q.Err = f.err
	return f
}

// late notes that the answer did not come before ctx ended: by itself, or because nobody waits for it.
func (q *Question) late(ctx context.Context) *failure {
	answer := "timeout"
	if errors.Is(ctx.Err(), context.Canceled) {
		answer = "no answer yet"
	}
	return q.fail(ocserr.CauseDNSTimeout, answer, ctx.Err())
}

// over reports whether ctx has ended, or its deadline is now: a question asked then can only be late.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// failed wraps err as the standard library's resolver would.
func failed(cause ocserr.Cause, q Question, err error) *failure {
	return &failure{cause, &net.DNSError{
		UnwrapErr: err, Err: q.Type + ": " + err.Error(), Name: q.Name, Server: q.Server,
		IsTimeout: cause == ocserr.CauseDNSTimeout,
	}}
}

// describe puts an answer into words, as dig +short would.
func describe(answer *dns.Msg) string {
	switch {
	case answer.Rcode == dns.RcodeNameError:
		return "NXDOMAIN"
	case answer.Rcode != dns.RcodeSuccess:
		if name, ok := dns.RcodeToString[answer.Rcode]; ok {
			return name
		}
		return fmt.Sprintf("RCODE%d", answer.Rcode)
	case answer.Truncated:
		return "truncated"
	}
	var list []string
	for _, rr := range answer.Answer {
		switch rr := rr.(type) {
		case *dns.SRV:
			list = append(list, fmt.Sprintf("%d %d %d %s", rr.Priority, rr.Weight, rr.Port, shown(rr.Target)))
		case *dns.A:
			list = append(list, rr.A.String())
		case *dns.AAAA:
			list = append(list, rr.AAAA.String())
		case *dns.CNAME:
			list = append(list, "CNAME "+shown(rr.Target))
		}
	}
	if more := len(list) - maxRecords; more > 0 {
		list = append(list[:maxRecords], fmt.Sprintf("%d more", more))
	}
	if len(list) == 0 {
		return "NOERROR, no data"
	}
	return strings.Join(list, ", ")
}

// shown returns a name for people: without its trailing dot, the root as ".".
func shown(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
