package cases

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// mutant is an engine or a server that is wrong on purpose. A case must catch it: the suite is worth what it
// catches.
type mutant struct {
	name   string
	does   string
	caught string // the id of the case
	client conformance.Client
	server func(*server.Config) // instead of client: the engine is right, the server is not
}

// tellFunc changes the events of an engine as they come: it gets each event and the function that tells it on.
type tellFunc func(e conformance.Event, on func(conformance.Event))

// telling is our engine with its events changed.
func telling(change func() tellFunc) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		f := change()
		return conformance.Engine(ctx, s, func(e conformance.Event) { f(e, tell) })
	}
}

// always is a change without memory.
func always(f tellFunc) conformance.Client { return telling(func() tellFunc { return f }) }

// recoding is our engine that reports one code for another.
func recoding(from, to ocserr.Code) conformance.Client {
	return always(func(e conformance.Event, on func(conformance.Event)) {
		if e.Kind == status.OnSignin && e.HR == from {
			e.HR = to
		}
		on(e)
	})
}

// set is our engine that is told something else than the case says.
func set(change func(*conformance.Settings)) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		network := *s.Network
		s.Network = &network
		change(&s)
		return conformance.Engine(ctx, s, tell)
	}
}

// misreporting is our engine whose report is changed.
func misreporting(change func(*signin.Report)) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		r, err := conformance.Engine(ctx, s, tell)
		if r != nil {
			change(r)
		}
		return r, err
	}
}

// limited is our engine with a limit of its own on the attempt, from its start, that it reports as the 15 s.
func limited(d time.Duration) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		timer := time.AfterFunc(d, cancel)
		return conformance.Engine(ctx, s, func(e conformance.Event) {
			if e.Kind == status.OnSignin && e.HR.Success() {
				timer.Stop()
			}
			if e.HR == ocserr.Cancel {
				e.HR, e.Cause = ocserr.LogonTimeout, ocserr.CauseLogonTimeout
			}
			if e.Status == status.Offline && !e.HR.Success() {
				e.HR = ocserr.LogonTimeout
			}
			tell(e)
		})
	}
}

// twice is our engine that tries again, as again says, where an attempt has failed with a code, and tells of it
// as one attempt.
func twice(code ocserr.Code, again func(*conformance.Settings)) conformance.Client {
	return twiceBy(conformance.Engine, conformance.Engine, code, again)
}

// twiceBy is a client, and another that tries again.
func twiceBy(one, other conformance.Client, code ocserr.Code, again func(*conformance.Settings)) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		failed := false
		r, err := one(ctx, s, func(e conformance.Event) {
			failed = failed || e.Kind == status.OnSignin && e.HR == code
			if !failed {
				tell(e)
			}
		})
		if !failed || err != nil {
			return r, err
		}
		again(&s)
		return other(ctx, s, func(e conformance.Event) {
			if e.Status != status.FindingServer && e.Status != status.Connecting {
				tell(e)
			}
		})
	}
}

// dialling is our engine with another way to dial.
func dialling(change func(dial dialFunc) dialFunc) conformance.Client {
	return set(func(s *conformance.Settings) { s.Network.Dial = change(s.Network.Dial) })
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// deaf is our engine that does not hear the order to stop before it is ready.
func deaf(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	return conformance.Engine(inner, s, func(e conformance.Event) {
		tell(e)
		if e.Kind == conformance.Ready {
			context.AfterFunc(ctx, cancel)
		}
	})
}

// abrupt is our engine that signs out by closing the connection.
func abrupt(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
	var mu sync.Mutex
	var open []net.Conn
	network, dial := *s.Network, s.Network.Dial
	network.Dial = func(ctx context.Context, name, address string) (net.Conn, error) {
		conn, err := dial(ctx, name, address)
		if err == nil {
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
		}
		return conn, err
	}
	s.Network = &network
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	defer stop()
	return conformance.Engine(context.WithoutCancel(ctx), s, func(e conformance.Event) {
		if e.HR == ocserr.Disconnected {
			tell(conformance.Event{Kind: status.OnMyStatusChange, Status: status.Disconnecting})
			tell(conformance.Event{Kind: status.OnSignout})
			e = conformance.Event{Kind: status.OnMyStatusChange, Status: status.Offline}
		}
		tell(e)
	})
}

// run makes the attempts of a case with the mutant until one catches it.
func (m mutant) run(t *testing.T, c conformance.Case) (result conformance.Result) {
	for _, a := range c.Attempts {
		if m.server != nil {
			m.server(&a.Server)
		}
		c.Attempts = []conformance.Attempt{a}
		result = virtual(t, c, conformance.Runner{Client: m.client, Own: true, Strict: true}, 2*time.Hour)
		if caught(result) {
			break
		}
	}
	return result
}

// caught tells whether a result shows that something is wrong. An informational case fails nobody; that what it records has
// changed is what it has to say.
func caught(r conformance.Result) bool {
	return r.Verdict == conformance.Fail || r.Case.Level == conformance.Info && r.Verdict == conformance.Informational && !r.AsExpected()
}

// everyMutant returns all mutants.
func everyMutant() []mutant {
	return slices.Concat(mutants(), reasonMutants(), leavingMutants(), secretMutants(), proxyMutants(), sessionMutants(), findingMutants(), believingMutants())
}

func TestEveryMutantIsCaughtByItsCase(t *testing.T) {
	byID := map[string]conformance.Case{}
	for _, c := range All() {
		byID[c.ID] = c
	}
	var rows strings.Builder
	for _, m := range everyMutant() {
		t.Run(m.name, func(t *testing.T) {
			c, ok := byID[m.caught]
			require.Truef(t, ok, "no case %s", m.caught)
			result := m.run(t, c)
			require.Truef(t, caught(result), "not caught: %s", explain(result))
			axis := conformance.AxisContract
			for _, j := range result.Axes {
				if j.Verdict == conformance.Fail || j.Axis == conformance.AxisWire && c.Level == conformance.Info && len(j.Actual) > 0 {
					axis = j.Axis
					break
				}
			}
			rows.WriteString("| " + strings.Join([]string{m.name, m.does, m.caught, string(axis)}, " | ") + " |\n")
		})
	}
	require.GreaterOrEqual(t, len(everyMutant()), 25)
	generated(t, "../../docs/mutants.md", mutantsHead+rows.String())
}

const mutantsHead = `# Mutants

Generated by ` + "`go test ./conformance/cases -update`" + `; do not edit.

The conformance suite is tested by engines and servers that are wrong on purpose: our engine with one thing changed, or the test
server with a fault that the case does not expect. Each must fail the case that is named beside it. They are test code alone
(conformance/cases/*mutant*_test.go); no shipped program can be switched to behave so.

| mutant | what it does | caught by | axis |
|---|---|---|---|
`

// Whatever a rewired engine fails, it does not fail for being rewired.
func TestRewiredEngineIsRight(t *testing.T) {
	same := func(b []byte) []byte { return b }
	for _, id := range []string{"rob/lws-folding", "rob/compact-forms", "rob/header-case", "rob/rfc4475-messages"} {
		selected, err := conformance.Select(All(), id)
		require.NoError(t, err)
		result := virtual(t, selected[0], conformance.Runner{Client: rewiring(same, same), Own: true, Strict: true}, 0)
		require.Equalf(t, conformance.Pass, result.Verdict, "%s", explain(result))
	}
}
