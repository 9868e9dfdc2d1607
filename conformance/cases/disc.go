package cases

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/resolve"
)

// The records that most zones here are made of: the server under its own name, and two ways to it.
const (
	host     = "server A $ip\n"
	internal = "_sipinternaltls._tcp SRV 0 0 5061 server\n"
	external = "_sip._tls SRV 0 0 5061 server\n"
)

// dnsFault is a fault of every DNS answer.
func dnsFault(action server.Action) server.Fault {
	return server.Fault{Stage: server.StageDNS, Action: action}
}

// reached: the candidate that carried the sign-in, where the client tells it, was found as told.
func reached(host string) conformance.Check {
	return check("signed in to "+host, func(r *conformance.Record) string {
		for _, h := range r.Of(server.KindTLS) {
			if h.Error == "" && h.Name == host {
				return ""
			}
		}
		return "it did not"
	})
}

func disc() []conformance.Case {
	communicator := conformance.Settings{Policy: string(resolve.Communicator)}
	return slices.Concat([]conformance.Case{
		{
			ID: "disc/manual-host", Title: "A configured server is used without SRV queries", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedServer},
			Refs: []string{"contract 4.1"}, Purpose: "Whoever configures a server does not want DNS to lead elsewhere.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{Server: conformance.Host}, Expect: signsIn,
				Wire: []conformance.Check{notAsked("SRV"), sni(conformance.Host)},
				Run: reporting(func(r *conformance.Record) string {
					if plan := r.Report.Discovery; plan != nil && slices.ContainsFunc(plan.Questions, func(q resolve.Question) bool { return q.Type == "SRV" }) {
						return "the report tells of an SRV query"
					}
					return ""
				}),
			}),
		},
		{
			ID: "disc/manual-unresolvable", Title: "A configured server without an address", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_INVALID_SERVER_NAME"}, Purpose: "A misspelt server is told apart from one that is down.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{Server: "nosuch.ocs.test"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseHostNotFound, ocserr.DNSAResFail),
				Wire: []conformance.Check{noConnection},
			}),
		},
		{
			ID: "disc/auto-nothing", Title: "A domain without any of the names", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_INVALID_SERVER_NAME"}, Purpose: "Nothing was found, so nothing may be connected to.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "other A $ip\n"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseNoServerFound, ocserr.DNSSRVFail),
				Wire: []conformance.Check{noConnection, asked("SRV", "_sipinternaltls._tcp.ocs.test"), asked("SRV", "_sip._tls.ocs.test"), asked("A", "sip.ocs.test")},
			}),
		},
		{
			ID: "disc/srv-order", Title: "_sipinternaltls is preferred to _sip._tls", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.3"}, Purpose: "A client inside goes to its pool and not round through the edge.",
			Attempts: []conformance.Attempt{
				{
					Name:   "TLS",
					Server: server.Config{Zone: host + "sip A $ip\n_sip._tls SRV 0 0 5061 sip\n" + internal}, Expect: signsIn,
					Wire: []conformance.Check{reached("server.ocs.test")},
				},
				{
					// Whoever takes the other name first finds a server.
					Name:   "TCP",
					Server: server.Config{Zone: host + "_sip._tcp SRV 0 0 5060 server\n_sipinternal._tcp SRV 0 0 5999 server\n"},
					Client: conformance.Settings{Transport: "tcp", Policy: string(resolve.Communicator)},
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused, ocserr.TCPError), Wire: []conformance.Check{noConnection},
				},
			},
		},
		{
			ID: "disc/srv-first-wins", Title: "Communicator policy: no second SRV name after the first", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 4.3"}, Purpose: "Who asks for Communicator's own behaviour must see the failure that Communicator has.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n" + external}, Client: communicator,
				Expect: fails(ocserr.Connect, ocserr.CauseConnectionRefused, ocserr.TCPError), Wire: []conformance.Check{noConnection},
			}),
		},
		{
			ID: "disc/srv-failover-opt", Title: "Resilient policy: the next candidate is tried", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 2782", "RFC 8305 section 5"}, Purpose: "A pool of which one server is down still signs people in.",
			Attempts: []conformance.Attempt{
				{
					Name:   "refused",
					Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5999 server\n" + external}, Expect: signsIn,
					Wire: []conformance.Check{reached("server.ocs.test")},
				},
				{
					Name: "silent", Only: conformance.Virtual,
					Server: server.Config{Zone: host + "first A " + conformance.Swallowed + "\n_sipinternaltls._tcp SRV 0 0 5061 first\n" + external},
					Expect: []conformance.Outcome{{After: 250 * time.Millisecond}}, Wire: []conformance.Check{reached("server.ocs.test")},
				},
			},
		},
		{
			ID: "disc/second-address", Title: "A server of which one address is dead", Level: conformance.Should, Grounds: inV,
			Refs: []string{"RFC 8305 section 5"}, Purpose: "The next address is tried beside the one that is silent, and the clock goes on.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "server A " + conformance.Swallowed + "\n" + host + internal}, Expect: []conformance.Outcome{{After: 250 * time.Millisecond}},
				Wire: []conformance.Check{reached("server.ocs.test")},
			}),
		},
		{
			ID: "disc/srv-priority-weight", Title: "Priority before weight", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 2782"}, Purpose: "An administrator's order of servers is kept.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "sip A $ip\n_sipinternaltls._tcp SRV 20 65000 5061 sip\n_sipinternaltls._tcp SRV 10 1 5061 server\n"},
				Expect: signsIn, Wire: []conformance.Check{reached("server.ocs.test")},
			}),
		},
		{
			ID: "disc/srv-root-target", Title: `The target "." means that the service is not offered`, Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 2782"}, Purpose: "A domain can say that it has no such service, and is then not asked further for it.",
			Attempts: []conformance.Attempt{
				{
					Name:   "alone",
					Server: server.Config{Zone: "_sipinternaltls._tcp SRV 0 0 0 .\n_sip._tls SRV 0 0 0 .\n"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseServiceNotOffered, ocserr.DNSSRVFail),
					Wire: []conformance.Check{noConnection},
				},
				{
					Name:   "beside one that is offered",
					Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 0 .\n" + external}, Expect: signsIn,
				},
			},
		},
		{
			ID: "disc/a-fallback-order", Title: "Order of the host names where there is no SRV record", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 4.3"}, Purpose: "The sources disagree on the order; this records the client's.",
			Attempts: []conformance.Attempt{
				{
					Name: "all answer", Server: server.Config{Zone: "sip A $ip\nsipinternal A $ip\nsipexternal A $ip\n"}, Expect: signsIn, Run: notingNames,
				},
				{
					Name: "none speaks TLS", Server: server.Config{Zone: "sip A $ip\nsipinternal A $ip\nsipexternal A $ip\n", Faults: []server.Fault{{
						Stage: server.StageTLS, Action: server.ActionClose,
					}}},
					Expect: fails(ocserr.Connect, ocserr.CauseConnectionClosed, ocserr.TLSFail), Run: notingNames,
				},
				{
					Name: "beside an SRV record", Server: server.Config{Zone: host + "sip A $ip\nsipinternal A $ip\n" + internal}, Client: communicator, Expect: signsIn,
					Run: notingNames, Wire: []conformance.Check{reached("server.ocs.test"), sni("server.ocs.test")},
				},
			},
		},
		{
			ID: "disc/a-after-srv-none", Title: "Empty answers and NXDOMAIN lead to the host names alike", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.3", "RFC 2308"}, Purpose: "How a zone says no must not decide whether people can sign in.",
			Attempts: []conformance.Attempt{
				{Name: "NXDOMAIN", Server: server.Config{Zone: "sip A $ip\n"}, Expect: signsIn, Wire: []conformance.Check{reached("sip.ocs.test")}},
				{
					Name: "no data", Server: server.Config{Zone: "sip A $ip\n_sipinternaltls._tcp TXT x\n_sip._tls TXT x\n"}, Expect: signsIn,
					Wire: []conformance.Check{reached("sip.ocs.test")},
				},
			},
		},
		{
			ID: "disc/servfail-is-not-nxdomain", Title: "A DNS server that fails is not a domain without records", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 2308 section 7"}, Purpose: "The administrator must look at DNS, not at records that are right.",
			Attempts: one(conformance.Attempt{
				Server: faulty(dnsFault(server.ActionServFail)), Expect: fails(ocserr.InvalidServerName, ocserr.CauseDNSFailure, ocserr.DNSSRVFail),
				Wire: []conformance.Check{noConnection},
			}),
		},
		{
			ID: "disc/dns-timeout", Title: "A silent DNS server", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "Discovery has a limit of its own; the 15 s have not begun.",
			Attempts: one(conformance.Attempt{
				Server: faulty(dnsFault(server.ActionSilent)), Expect: fails(ocserr.InvalidServerName, ocserr.CauseDNSTimeout, ocserr.DNSSRVFail),
				Wire: []conformance.Check{noConnection}, Run: foundWithin(10 * time.Second),
			}),
		},
		{
			ID: "disc/dns-truncated-tcp", Title: "A truncated answer is asked for again over TCP", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 7766 section 5"}, Purpose: "Domains with many records can be signed in to.",
			Attempts: one(conformance.Attempt{Server: server.Config{Zone: host + manyTargets()}, Expect: signsIn}),
		},
		{
			ID: "disc/cname-chain", Title: "Aliases are followed, and a circle of them ends", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 1034 section 3.6.2"}, Purpose: "Hosted domains are full of aliases.",
			Attempts: []conformance.Attempt{
				{Name: "chain", Server: server.Config{Zone: "sip CNAME a\na CNAME b\nb A $ip\n"}, Expect: signsIn},
				{
					Name: "circle", Server: server.Config{Zone: "sip CNAME a\na CNAME b\nb CNAME sip\n"},
					Expect: []conformance.Outcome{{Code: ocserr.InvalidServerName}}, Wire: []conformance.Check{noConnection},
				},
			},
		},
		{
			ID: "disc/strict-naming", Title: "A server outside the SIP domain is refused where names are strict", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.4"}, Purpose: "Whoever can forge DNS must not lead the user to a server of his own name, which has a good certificate.",
			Attempts: []conformance.Attempt{
				{
					Name:   "outside",
					Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5061 server.example.test.\n"}, Client: conformance.Settings{Naming: "strict", Policy: "communicator"},
					Expect: fails(ocserr.Connect, ocserr.CauseStrictNamingRefused, 0), Wire: []conformance.Check{noConnection},
				},
				{
					Name:   "inside",
					Server: server.Config{Zone: "sip A $ip\n_sipinternaltls._tcp SRV 0 0 5061 sip\n"}, Client: conformance.Settings{Naming: "strict"}, Expect: signsIn,
				},
			},
		},
		{
			ID: "disc/port-from-srv", Title: "The port of the SRV record is used", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedSRV},
			Refs: []string{"RFC 2782"}, Purpose: "Servers behind port 443 are reached.",
			Attempts: []conformance.Attempt{{
				// 5060 speaks no TLS here: the sign-in fails where the port of the record is not used, or guessed.
				Name:   "another port",
				Server: server.Config{Zone: host + "_sipinternaltls._tcp SRV 0 0 5060 server\n"}, Client: communicator,
				Expect: []conformance.Outcome{{Code: ocserr.Connect}},
				Wire: []conformance.Check{check("the connection is to port 5060", func(r *conformance.Record) string {
					for _, c := range r.Of(server.KindConnect) {
						if c.Transport != "tcp" {
							return "one is to 5061"
						}
					}
					if len(r.Of(server.KindConnect)) == 0 {
						return "there is none"
					}
					return ""
				})},
			}, {
				Name: "as published", Expect: signsIn,
				Run: reporting(func(r *conformance.Record) string {
					plan, used := r.Report.Discovery, r.Report.Connection
					if plan == nil || used == nil || len(plan.Candidates) == 0 || !strings.HasPrefix(plan.Candidates[0].Why, "SRV") {
						return "no SRV record led to the server"
					}
					for _, c := range plan.Candidates {
						if strings.HasPrefix(c.Why, "SRV") && strings.HasSuffix(used.Remote, fmt.Sprintf(":%d", c.Port)) {
							return ""
						}
					}
					return "connected to " + used.Remote + ", which no SRV record names"
				}),
			}},
		},
		{
			ID: "disc/idn-domain", Title: "An international domain is asked for as A-label", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 5891"}, Purpose: "DNS knows bücher.test as xn--bcher-kva.test.",
			Attempts: one(conformance.Attempt{
				Client: conformance.Settings{SignInName: "alice@bücher.test"}, Expect: []conformance.Outcome{{Code: ocserr.InvalidServerName}},
				Wire: []conformance.Check{asked("SRV", "_sipinternaltls._tcp.xn--bcher-kva.test"), noConnection},
			}),
		},
		{
			ID: "disc/target-without-address", Title: "An SRV record whose target has no address", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_INVALID_SERVER_NAME"}, Purpose: "The record exists, its host does not: the report must say which.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: "_sipinternaltls._tcp SRV 0 0 5061 gone\n"}, Expect: fails(ocserr.InvalidServerName, ocserr.CauseSRVTargetNotFound, ocserr.DNSAResFail),
				Wire: []conformance.Check{noConnection},
			}),
		},
		{
			ID: "disc/tcp-only", Title: "A domain that publishes nothing but clear TCP", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 4.3"}, Purpose: "Nobody signs in without TLS by accident, and the administrator is not told that nothing is published.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Zone: host + "_sipinternal._tcp SRV 0 0 5060 server\n"}, Expect: fails(ocserr.Connect, ocserr.CauseInsecureTransport, ocserr.SIPHighSecuritySetTLS),
				Wire: []conformance.Check{noConnection},
			}),
		},
		{
			ID: "disc/slow-answers", Title: "Slow answers are waited for", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "A DNS server that takes a second is slow, not dead.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageDNS, Action: server.ActionDelay, Delay: time.Second}), Expect: signsIn,
			}),
		},
		autodiscover(),
	}, finding())
}

// manyTargets is an answer that no UDP datagram of 1232 octets holds.
func manyTargets() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "_sipinternaltls._tcp SRV %d 0 5061 front-end-with-a-long-name-%d\n", 10+i, i)
	}
	return b.String() + internal
}
