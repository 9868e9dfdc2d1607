// Package cases is the catalogue of the conformance suite: what a client that signs in to Office
// Communications Server must do, a file or two an area, each case as data (see package conformance).
//
//   - catalogue.go: All, MustRun
//   - check.go: what is checked of the wire
//   - disc.go with autodiscover.go and finding.go, proxy.go, tls.go, auth.go with trust.go, reg.go with lasting.go, time.go, err.go with answer.go, pres.go with early.go and own.go, tear.go, rob.go
//     with segments.go, mutation.go and torture.go: the areas
//   - server.go: the cases of those areas that judge a server
//
// An id is never changed and never used again; testdata/released.txt keeps those that have been released.
// docs/cases.md is generated from here.
package cases

import (
	"slices"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// All returns every case, in the order of the areas.
func All() []conformance.Case {
	return slices.Concat(disc(), discServer(), proxy(), tls(), tlsServer(), auth(), trust(), authServer(), reg(), regServer(),
		timing(), mapping(), pres(), own(), presServer(), tear(), rob())
}

// Areas says what the areas are about, in their order.
func Areas() [][2]string {
	return [][2]string{
		{"disc", "discovery: from the domain to the servers to try"},
		{"proxy", "the way through a proxy"},
		{"tls", "TLS and certificates"},
		{"auth", "authentication"},
		{"reg", "registration, and how it ends"},
		{"time", "the 15 seconds, cancelling, and that nothing happens twice"},
		{"err", "which answer has which code"},
		{"pres", "status and readiness"},
		{"tear", "sign-out"},
		{"rob", "robustness"},
	}
}

// MustRun returns the ids that a run on a ground must have run where they are selected, so that a suite that silently
// skips everything does not pass.
func MustRun(g conformance.Ground) []string {
	if g == conformance.Real {
		return []string{"reg/basic", "pres/ready-is-online", "tear/clean"}
	}
	return []string{
		"disc/auto-nothing", "disc/srv-order", "tls/untrusted", "auth/ntlm-ok", "auth/bad-password", "reg/basic",
		"time/15s-register-silent", "time/exactly-once", "err/refused", "err/503-plain", "pres/ready-is-online", "tear/clean",
		"rob/secrets-never-visible",
	}
}

// The grounds that cases run on.
var (
	inV   = []conformance.Ground{conformance.Virtual}
	inVS  = []conformance.Ground{conformance.Virtual, conformance.Simulator}
	inVSR = []conformance.Ground{conformance.Virtual, conformance.Simulator, conformance.Real}
)

// signsIn is the outcome of a sign-in that succeeds.
var signsIn = []conformance.Outcome{{}}

// fails is the outcome of a sign-in that ends with a code, for a cause, and with a finer code, 0 for none.
func fails(code ocserr.Code, cause ocserr.Cause, detail ocserr.Code) []conformance.Outcome {
	return []conformance.Outcome{{Code: code, Cause: cause, Detail: detail}}
}

// one is the attempts of a case that has one.
func one(a conformance.Attempt) []conformance.Attempt { return []conformance.Attempt{a} }

// faulty is a server with a fault script.
func faulty(script ...server.Fault) server.Config { return server.Config{Faults: script} }

// answering is a server that answers REGISTER with a status before it looks at anything.
func answering(status int, headers map[string]string) server.Config {
	return faulty(server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: status, Headers: headers})
}
