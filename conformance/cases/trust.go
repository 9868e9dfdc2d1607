package cases

import (
	"context"
	"fmt"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// removes is a life in which the server ends the client's registration, and tells it so.
func removes(how server.Removal) func(context.Context, *conformance.World) error {
	return func(ctx context.Context, w *conformance.World) error {
		for _, e := range w.Server.Endpoints() {
			if _, err := w.Server.RemoveEndpoint(e.Epid, how); err != nil {
				return err
			}
		}
		return stay(time.Second)(ctx, w)
	}
}

// trust are the cases about signatures in a session.
func trust() []conformance.Case {
	signing := conformance.Case{
		ID: "auth/client-signs", Title: "What the client signs can be verified", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
		Refs: []string{"MS-SIPAE 3.3.5"}, Purpose: "A server drops what it cannot verify, answers too. Checked on every attempt of every case.",
	}
	for version := 2; version <= 4; version++ {
		signing.Attempts = append(signing.Attempts, conformance.Attempt{
			Name: fmt.Sprintf("version %d", version), Server: server.Config{Version: version}, Live: removes(server.RemovedUnregistered),
			Expect: []conformance.Outcome{{Events: conformance.Lost(ocserr.Disconnected), Cause: ocserr.CauseRemovedUnregistered, Detail: ocserr.RemoteLogin}},
			Wire:   []conformance.Check{signed, answered("NOTIFY", 200)},
		})
	}
	forged := conformance.Case{
		ID: "auth/forged-removal", Title: "A forged notice of removal ends nothing", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
		Refs: []string{"MS-SIPAE 3.2.5.2"}, Purpose: "Who cannot sign must not be able to sign the user out.",
	}
	for _, forgery := range []struct {
		name string
		how  server.Action
	}{
		{"not signed", server.ActionDropSignature}, {"signed wrong", server.ActionCorruptSignature}, {"signed as another message", server.ActionReplaySignature},
	} {
		forged.Attempts = append(forged.Attempts, conformance.Attempt{
			Name: forgery.name, Server: faulty(server.Fault{Stage: server.StageLive, Match: server.Match{Method: "NOTIFY"}, Action: forgery.how}),
			Live: removes(server.RemovedRejected), Expect: signsIn,
		})
	}
	return []conformance.Case{signing, forged}
}
