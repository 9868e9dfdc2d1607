package cases

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/status"
)

// inS is for what is only so over sockets.
var inS = []conformance.Ground{conformance.Simulator}

// finding are the cases of discovery about which of several servers it is.
func finding() []conformance.Case {
	return []conformance.Case{
		{
			ID: "disc/srv-weight", Title: "Weight decides among servers of one priority", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 2782"}, Purpose: "An administrator's large server gets more of the load than fifteen small ones.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "sip A $ip\n_sipinternaltls._tcp SRV 10 1 5061 sip\n" + lightTargets() + "_sipinternaltls._tcp SRV 10 65535 5061 server\n"},
				Expect: []conformance.Outcome{{Events: slices.Concat(conformance.Course(), conformance.Course(), conformance.Course())}},
				Run:    thrice,
				Wire: []conformance.Check{check("the heavy one first in two of three sign-ins at least", func(r *conformance.Record) string {
					heavy := 0
					for _, h := range r.Of(server.KindTLS) {
						if h.Name == "server.ocs.test" {
							heavy++
						}
					}
					if heavy < 2 { // where the weight is heeded that happens once in millions of times
						return fmt.Sprintf("it was in %d", heavy)
					}
					return ""
				})},
			}),
		},
		{
			ID: "disc/port-443", Title: "Host names are tried at port 443 too", Level: conformance.Should, Grounds: inV,
			Refs: []string{"contract 4.3"}, Purpose: "An edge behind a firewall has no other port.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "sip A $ip\n"}, Expect: signsIn, Run: atPort443, Wire: []conformance.Check{reached("sip.ocs.test")},
			}),
		},
		{
			ID: "disc/asks-for-ipv6", Title: "AAAA records are asked for", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 8305 section 3"}, Purpose: "Servers without an IPv4 address exist.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Wire: []conformance.Check{asked("AAAA", "server.ocs.test"), asked("A", "server.ocs.test")}}),
		},
		{
			ID: "disc/dns-forged", Title: "A DNS answer under another id is ignored", Level: conformance.Must, Grounds: inS,
			Refs: []string{"RFC 5452 section 9.1"}, Purpose: "Who can only guess must not be able to say that there is no server.",
			Attempts: one(conformance.Attempt{Server: faulty(dnsFault(server.ActionUnsolicited)), Expect: signsIn}),
		},
	}
}

// lightTargets are fourteen small servers.
func lightTargets() string {
	var b strings.Builder
	for i := range 14 {
		fmt.Fprintf(&b, "light%d A $ip\n_sipinternaltls._tcp SRV 10 1 5061 light%d\n", i, i)
	}
	return b.String()
}

// thrice is the body of a case of three sign-ins.
func thrice(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
	r, err := w.SignIn(ctx)
	for i := 0; i < 2 && err == nil; i++ {
		var again *conformance.Record
		again, err = w.SignIn(ctx)
		r.Then(again)
	}
	return r, err
}

// atPort443 is the body of a case in which what listens on 5061 does so on 443 instead.
func atPort443(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
	network := *w.Settings.Network
	dial := network.Dial
	network.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		switch {
		case err != nil:
			return nil, err
		case port == "443":
			port = "5061"
		case port == "5061":
			port = "443"
		}
		return dial(ctx, network, net.JoinHostPort(host, port))
	}
	w.Settings.Network = &network
	return w.SignIn(ctx)
}

// notingNames is the body of a case that records which names were connected to, in order. Of our own engine the order of
// the host names is known: inside before outside, and of each the port inside first.
func notingNames(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
	r, err := w.SignIn(ctx)
	var names []string
	for _, h := range r.Of(server.KindTLS) {
		names = append(names, h.Name)
	}
	r.Note("connected to, in order: " + strings.Join(names, ", "))
	if r.Report == nil || r.Report.Discovery == nil || len(r.Report.Discovery.Candidates) == 0 || strings.HasPrefix(r.Report.Discovery.Candidates[0].Why, "SRV") {
		return r, err
	}
	var planned []string
	for _, c := range r.Report.Discovery.Candidates {
		planned = append(planned, fmt.Sprintf("%s:%d", c.Host, c.Port))
	}
	if want := []string{
		"sipinternal.ocs.test:5061", "sipinternal.ocs.test:443", "sip.ocs.test:5061", "sip.ocs.test:443", "sipexternal.ocs.test:5061", "sipexternal.ocs.test:443",
	}; !slices.Equal(planned, want) {
		r.Fail("the candidates are " + strings.Join(planned, ", "))
	}
	return r, err
}

// foundWithin is the body of a case in which discovery ends at a limit, our own engine's just then.
func foundWithin(limit time.Duration) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
		r, err := w.SignIn(ctx)
		told, ok := r.Signin()
		i := slices.IndexFunc(r.Events, func(e conformance.Event) bool { return e.Status == status.FindingServer })
		if r.Report == nil || !ok || i < 0 {
			return r, err
		}
		took, most := told.At.Sub(r.Events[i].At), limit
		if w.Ground != conformance.Virtual {
			most += time.Second
		}
		if took < limit || took > most {
			r.Fail(fmt.Sprintf("discovery took %s, not %s", took, limit))
		}
		return r, err
	}
}
