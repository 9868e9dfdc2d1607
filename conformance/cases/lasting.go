package cases

import (
	"fmt"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// What a server grants: for as long as servers do, in virtual time; and for as short as a test can wait.
const (
	granted = 10 * time.Minute
	briefly = 4 * time.Second
)

// lasting are the cases about what happens while a session lasts. Each is made twice: for hours, where the time is
// virtual, and for seconds, where it is not.
func lasting() []conformance.Case {
	both := func(long, short conformance.Attempt) []conformance.Attempt {
		long.Name, long.Only = "hours", conformance.Virtual
		short.Name = "seconds"
		return []conformance.Attempt{long, short}
	}
	stale := func(expires, wait time.Duration) conformance.Attempt {
		return conformance.Attempt{
			Server: server.Config{Schemes: []string{"Digest"}, Expires: expires, Faults: []server.Fault{{
				Stage: server.StageRegister, Action: server.ActionChallenge, How: "stale", Match: server.Match{Registered: yes(), Authenticated: yes()}, Count: 1,
			}}},
			Live: stay(wait), Expect: signsIn, Wire: []conformance.Check{refreshed(expires, 2), rejected(0)},
		}
	}
	refused := func(expires, wait time.Duration) conformance.Attempt {
		return conformance.Attempt{
			Server: server.Config{Expires: expires, Faults: []server.Fault{{
				Stage: server.StageRegister, Action: server.ActionStatus, Status: 503, Match: refresh, Count: 1,
			}}},
			Live: stay(wait), Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: ocserr.CauseRefreshFailed}},
		}
	}
	keptAlive := func(interval, wait time.Duration) conformance.Attempt {
		due := int(wait / interval)
		return conformance.Attempt{
			Server: server.Config{KeepAlive: interval}, Live: stay(wait), Expect: signsIn,
			Wire: []conformance.Check{check("a keep-alive every "+interval.String(), func(r *conformance.Record) string {
				if n := len(r.Of(server.KindKeepAlive)); n < due-1 || n > 4*due {
					return fmt.Sprintf("there were %d in %s", n, wait)
				}
				return ""
			})},
		}
	}
	return []conformance.Case{
		{
			ID: "reg/expires-honoured", Title: "The registration is refreshed in time", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 3261 section 10.2.4"}, Purpose: "A client that stays signed in must not fall out.",
			Attempts: both(
				conformance.Attempt{Server: server.Config{Expires: granted}, Live: stay(time.Hour), Expect: signsIn, Wire: []conformance.Check{refreshed(granted, 6)}},
				conformance.Attempt{Server: server.Config{Expires: briefly}, Live: stay(2*briefly + briefly/4), Expect: signsIn, Wire: []conformance.Check{refreshed(briefly, 2)}},
			),
		},
		{
			ID: "reg/keepalive", Title: "The connection is kept alive as the server asks", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"MS-CONMGMT 3.4.5"}, Purpose: "Firewalls forget silent connections.",
			Attempts: both(keptAlive(time.Minute, 10*time.Minute), keptAlive(time.Second, briefly)),
		},
		{
			ID: "reg/refresh-401", Title: "A challenge at refresh is answered silently", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"MS-SIPAE 3.2.5"}, Purpose: "No second OnSignin for what nobody asked for.",
			Attempts: both(stale(granted, 30*time.Minute), stale(briefly, 2*briefly)),
		},
		{
			ID: "reg/refresh-fails", Title: "A refresh that fails ends the session", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnMyStatusChange: MSGR_E_DISCONNECTED"}, Purpose: "The status leaves ONLINE; OnSignin does not fire again.",
			Attempts: both(refused(granted, 30*time.Minute), refused(briefly, 2*briefly)),
		},
	}
}

// refreshed: REGISTER came again in time, and at least so often.
func refreshed(expires time.Duration, least int) conformance.Check {
	return check(fmt.Sprintf("never more than %s between REGISTERs", expires), func(r *conformance.Record) string {
		sent, again := r.Requests("REGISTER"), 0
		for i := 1; i < len(sent); i++ {
			gap := sent[i].Time.Sub(sent[i-1].Time)
			if gap >= expires {
				return "there were " + gap.String()
			}
			if gap > expires/8 { // else it belongs to one handshake
				again++
			}
		}
		if again < least {
			return fmt.Sprintf("it was refreshed %d times", again)
		}
		return ""
	})
}
