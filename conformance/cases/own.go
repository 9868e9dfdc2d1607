package cases

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
)

// own are the cases about the user's own data at the server.
func own() []conformance.Case {
	const event = "vnd-microsoft-roaming-self"
	return []conformance.Case{
		{
			ID: "pres/subscribes-to-self", Title: "The client subscribes to its own data", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"MS-PRES 3.1"}, Purpose: "What other endpoints of the user do is told to nobody who has not asked for it.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Wire: []conformance.Check{check("SUBSCRIBE "+event+", accepted", func(r *conformance.Record) string {
				if !slices.ContainsFunc(r.Requests("SUBSCRIBE"), func(m server.Record) bool { return strings.EqualFold(m.Event, event) }) {
					return "it was not sent"
				}
				if !slices.ContainsFunc(r.Messages(false), func(m server.Record) bool { return m.Method == "SUBSCRIBE" && m.Status/100 == 2 && m.Event == event }) {
					return "it was not accepted"
				}
				return ""
			})}}),
		},
		{
			ID: "pres/other-endpoint", Title: "A status that is set at another endpoint is shown", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 3.7", "MS-PRES 3.1"}, Purpose: "A user has one status: who is busy at the desk is busy on the laptop.",
			Attempts: one(conformance.Attempt{
				Live: func(ctx context.Context, w *conformance.World) error {
					if err := keepBusy(ctx, elsewhere(w.Settings)); err != nil {
						return err
					}
					return stay(time.Second)(ctx, w)
				},
				Expect: []conformance.Outcome{{Events: conformance.Course(busy)}},
			}),
		},
	}
}

// elsewhere are the settings of another endpoint of the same user: its epid is made of the name of its machine.
func elsewhere(s conformance.Settings) conformance.Settings {
	s.Hostname += "-2"
	return s
}
