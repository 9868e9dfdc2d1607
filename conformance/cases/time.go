package cases

import (
	"fmt"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// limit is the contract's: 15 s from CONNECTING to OnSignin.
const limit = 15 * time.Second

// timesOut is the outcome of an attempt that nobody answers, with the finer code of what was waited for.
func timesOut(detail ocserr.Code) []conformance.Outcome {
	return []conformance.Outcome{{Code: ocserr.LogonTimeout, Cause: ocserr.CauseLogonTimeout, Detail: detail, After: limit}}
}

// silent is a stage at which the server says nothing any more.
func silent(stage server.FaultStage) server.Fault {
	return server.Fault{Stage: stage, Action: server.ActionSilent}
}

// delayed answers the next REGISTER late.
func delayed(d time.Duration) server.Fault {
	return server.Fault{Stage: server.StageRegister, Action: server.ActionDelay, Delay: d, Count: 1}
}

// cancelled is the outcome of an attempt that was stopped before a server accepted.
var cancelled = []conformance.Outcome{{Code: ocserr.Cancel, Cause: ocserr.CauseCancelled, Within: 100 * time.Millisecond}}

func timing() []conformance.Case {
	timesOutAt := func(id, title, purpose string, script server.Config, detail ocserr.Code) conformance.Case {
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Must, Grounds: inVS, Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: purpose,
			Attempts: one(conformance.Attempt{Server: script, Expect: timesOut(detail)}),
		}
	}
	dropped := timesOutAt("time/15s-syn-dropped", "15 s: the address does not answer",
		"A firewall that drops packets is the commonest failure of all.",
		server.Config{Zone: "server A " + conformance.Swallowed + "\n" + internal}, ocserr.SIPTimeout)
	dropped.Grounds = inV
	return []conformance.Case{
		timesOutAt("time/15s-tcp-silent", "15 s: the connection is accepted and nothing comes",
			"A server that accepts and says nothing must not hold the attempt for ever.", faulty(silent(server.StageAccept)), ocserr.TLSFail),
		timesOutAt("time/15s-tls-silent", "15 s: no answer to the ClientHello",
			"The TLS handshake counts to the 15 s.", faulty(silent(server.StageTLS)), ocserr.TLSFail),
		timesOutAt("time/15s-register-silent", "15 s: no answer to REGISTER",
			"The registration counts to the 15 s.", faulty(silent(server.StageRegister)), ocserr.SIPTimeout),
		dropped,
		{
			ID: "time/14999ms-ok", Title: "An answer a millisecond before the limit counts", Level: conformance.Must, Grounds: inV,
			Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: "The limit is 15 s and not less.",
			Attempts: one(conformance.Attempt{
				Server: faulty(delayed(5*time.Second), delayed(5*time.Second), delayed(5*time.Second-time.Millisecond)),
				Expect: []conformance.Outcome{{After: limit - time.Millisecond}},
			}),
		},
		{
			ID: "time/clock-not-in-finding", Title: "Slow discovery does not consume the 15 s", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "The limit is on CONNECTING, which discovery comes before.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageDNS, Action: server.ActionDelay, Delay: time.Second}, silent(server.StageRegister)),
				Expect: timesOut(ocserr.SIPTimeout),
			}),
		},
		{
			ID: "time/candidate-change-no-restart", Title: "The next candidate does not restart the clock", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "The documents leave open whether each server gets its own 15 s.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{
					Zone:   host + "sip A $ip\n" + internal + "_sip._tls SRV 0 0 5061 sip\n",
					Faults: []server.Fault{silent(server.StageTLS)},
				},
				Expect: timesOut(ocserr.TLSFail),
			}),
		},
		{
			ID: "time/progress-does-not-reset", Title: "Progress does not renew the limit", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"contract 3.8"}, Purpose: "A server that answers every 6 s keeps nobody waiting for ever.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionDelay, Delay: 6 * time.Second}), Expect: timesOut(ocserr.SIPTimeout),
			}),
		},
		{
			ID: "time/100-trying-no-reset", Title: "Provisional answers do not extend the limit", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: "100 Trying is not a connection.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionProvisional, Delay: 2 * time.Second}), Expect: timesOut(ocserr.SIPTimeout),
			}),
		},
		{
			ID: "time/timeout-then-late-200", Title: "A 200 after the limit changes nothing", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: "Who was told of a timeout must not be signed in behind his back.",
			Attempts: one(conformance.Attempt{
				Server: faulty(delayed(5*time.Second), delayed(5*time.Second), delayed(6*time.Second)), Expect: timesOut(ocserr.SIPTimeout),
				Wire: []conformance.Check{removalSent},
			}),
		},
		{
			ID: "time/timeout-withdraws", Title: "After the limit a removal is sent", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 3261 section 10.2.2"}, Purpose: "What the server accepts too late does not stay registered.",
			Attempts: one(conformance.Attempt{
				Server: faulty(delayed(5*time.Second), delayed(5*time.Second), delayed(6*time.Second)), Expect: timesOut(ocserr.SIPTimeout),
				Wire: []conformance.Check{removalSent},
			}),
		},
		{
			ID: "time/exactly-once", Title: "One OnSignin an attempt", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"DMessengerEvents::OnSignin"}, Purpose: "A script that waits for the outcome gets it once. Checked on every attempt of every case.",
			Attempts: one(conformance.Attempt{Expect: signsIn}),
		},
		{
			ID: "time/timer-f-is-not-the-limit", Title: "SIP's 32 s timer decides nothing", Level: conformance.Must, Grounds: inV,
			Refs: []string{"RFC 3261 17.1.2.2"}, Purpose: "The contract's limit is 15 s, whatever the transaction layer thinks.",
			Attempts: one(conformance.Attempt{
				Server: faulty(delayed(14*time.Second), silent(server.StageRegister)), Expect: timesOut(ocserr.SIPTimeout),
			}),
		},
		{
			ID: "time/cancel-at-each-stage", Title: "Cancelling works at every stage, at once", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CANCEL"}, Purpose: "A person who cancels is not kept waiting by whatever is pending.",
			Attempts: []conformance.Attempt{
				{Name: "discovery", Server: faulty(silent(server.StageDNS)), StopAfter: time.Second, Expect: cancelled},
				{Name: "connection", Server: faulty(silent(server.StageAccept)), StopAfter: time.Second, Expect: cancelled},
				{Name: "TLS", Server: faulty(silent(server.StageTLS)), StopAfter: time.Second, Expect: cancelled},
				{Name: "REGISTER", Server: faulty(silent(server.StageRegister)), StopAfter: time.Second, Expect: cancelled},
			},
		},
		{
			ID: "time/cancel-after-connect", Title: "Cancelling after the server accepted", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CANCEL"}, Purpose: "MSGR_E_CANCEL is for the time before; the documents do not say what follows after.",
			Attempts: []conformance.Attempt{
				{
					Name: "server answers", Server: faulty(silent(server.StagePublish)), StopAfter: time.Second,
					Expect: []conformance.Outcome{{Events: conformance.Retreat(), Within: 100 * time.Millisecond}}, Wire: []conformance.Check{removalSent},
				},
				{
					Name:      "server is silent",
					Server:    faulty(silent(server.StagePublish), server.Fault{Stage: server.StageRegister, Action: server.ActionSilent, Match: refresh}),
					StopAfter: time.Second,
					Expect:    []conformance.Outcome{{Events: conformance.Retreat(), Within: 5 * time.Second}}, Wire: []conformance.Check{removalSent},
				},
			},
		},
		{
			ID: "time/cancel-withdraws", Title: "After cancelling a REGISTER a removal is sent", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 3261 section 10.2.2"}, Purpose: "What the server accepts after the user has given up does not stay registered.",
			Attempts: one(conformance.Attempt{
				Server: faulty(silent(server.StageRegister)), StopAfter: time.Second, Expect: cancelled, Wire: []conformance.Check{removalSent},
			}),
		},
		{
			ID: "time/cancel-vs-200-race", Title: "Cancel and acceptance at the same instant", Level: conformance.Must, Grounds: inV,
			Refs: []string{"OnSignin: MSGR_E_CANCEL"}, Purpose: "Whichever wins, there is one result.", Attempts: races(),
		},
	}
}

// races cancels an attempt at many instants around the one at which the server accepts, which is
// 3 s after the start.
func races() []conformance.Attempt {
	var out []conformance.Attempt
	for i := -3; i <= 3; i++ {
		out = append(out, conformance.Attempt{
			Name:   fmt.Sprintf("%+d ns", i),
			Server: faulty(delayed(time.Second), delayed(time.Second), delayed(time.Second)), StopAfter: 3*time.Second + time.Duration(i),
			Expect: []conformance.Outcome{
				{Code: ocserr.Cancel, Cause: ocserr.CauseCancelled},
				{Events: conformance.Retreat()},
				{},
				{Events: conformance.Course()},
			},
		})
	}
	for range 8 {
		raced := out[3]
		raced.Name = "the same instant"
		out = append(out, raced)
	}
	return out
}
