package server

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseFaults(t *testing.T) {
	yes := true
	for _, test := range []struct {
		name, json string
		want       []Fault
	}{
		{
			"one", `{"stage":"dns","match":{"name":"sip.ocs.test","type":"SRV"},"action":"nxdomain","count":2}`,
			[]Fault{{Stage: StageDNS, Match: Match{Name: "sip.ocs.test", Type: "SRV"}, Action: ActionNXDomain, Count: 2}},
		},
		{
			"several", ` [{"stage":"accept","action":"reset"},{"stage":"register","action":"delay","delay":"150ms"}]`,
			[]Fault{{Stage: StageAccept, Action: ActionReset}, {Stage: StageRegister, Action: ActionDelay, Delay: 150 * time.Millisecond}},
		},
		{
			"status", `{"stage":"register","match":{"user":"alice@ocs.test","authenticated":true},"action":"status","status":403,"reason":"No","headers":{"Warning":"310 x \"y\""}}`,
			[]Fault{{
				Stage: StageRegister, Match: Match{User: "alice@ocs.test", Authenticated: &yes}, Action: ActionStatus,
				Status: 403, Reason: "No", Headers: map[string]string{"Warning": `310 x "y"`},
			}},
		},
		{"none", `[]`, []Fault{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseFaults([]byte(test.json))
			require.NoError(t, err)
			require.Equal(t, test.want, got)

			written, err := json.Marshal(got)
			require.NoError(t, err)
			again, err := ParseFaults(written)
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestFaultErrorsNameWhatIsKnown(t *testing.T) {
	for _, test := range []struct{ name, json, want string }{
		{"stage", `{"stage":"dsn","action":"silent"}`, `unknown stage "dsn"; known: dns, accept, tls, register, subscribe, publish, live`},
		{"action", `{"stage":"dns","action":"explode"}`, `unknown action "explode" at stage "dns"; known: nxdomain, servfail, refuse, silent, delay`},
		{"action of another stage", `{"stage":"accept","action":"nxdomain"}`, `unknown action "nxdomain" at stage "accept"; known: silent, close, reset, delay`},
		{"match of another stage", `{"stage":"dns","action":"silent","match":{"user":"alice"}}`, `unknown match "user" at stage "dns"; known: name, type`},
		{"key", `{"stage":"dns","action":"silent","times":3}`, `unknown field "times"; known: stage, match, action, status, reason, headers, delay, count`},
		{"match key", `{"stage":"dns","action":"silent","match":{"nam":"x"}}`, `in match: name, type, transport, user`},
		{"delay", `{"stage":"dns","action":"delay","delay":"soon"}`, `delay "soon" is not a duration`},
		{"no delay", `{"stage":"dns","action":"delay"}`, `action "delay" needs a delay above 0`},
		{"no status", `{"stage":"register","action":"status"}`, `needs a status of 100 to 699`},
		{"status without the action", `{"stage":"register","action":"silent","status":403}`, `need action "status"`},
		{"header", `{"stage":"register","action":"status","status":403,"headers":{"A":"b\r\nC: d"}}`, `header "A" cannot be sent`},
		{"negative", `{"stage":"dns","action":"silent","count":-1}`, `not negative`},
		{"rest", `{"stage":"dns","action":"silent"} {}`, `more text`},
		{"syntax", `{`, `unexpected EOF`},
		{"in an array", `[{"stage":"dns","action":"silent"},{"stage":"x"}]`, `unknown stage "x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseFaults([]byte(test.json))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestStartRefusesAFaultyScript(t *testing.T) {
	_, err := Start(Config{Faults: []Fault{{Stage: StageDNS, Action: ActionSilent}, {Stage: StageDNS, Action: ActionClose}}})
	require.ErrorContains(t, err, `fault 2: fault: unknown action "close"`)
}

func TestFirstFaultWithACountLeftStrikes(t *testing.T) {
	var fs faults
	require.NoError(t, fs.add([]Fault{
		{Stage: StageRegister, Match: Match{User: "BOB@ocs.test"}, Action: ActionClose},
		{Stage: StageRegister, Action: ActionSilent, Count: 2},
		{Stage: StageRegister, Action: ActionReset},
	}))
	strike := func(stage FaultStage, is facts) Action {
		f, _ := fs.take(stage, is)
		return f.Action
	}
	alice := facts{user: "alice@ocs.test"}
	require.Equal(t, ActionSilent, strike(StageRegister, alice))
	require.Equal(t, ActionClose, strike(StageRegister, facts{user: "bob@ocs.test"}))
	require.Empty(t, strike(StagePublish, alice))
	require.Equal(t, ActionSilent, strike(StageRegister, alice))
	require.Equal(t, ActionReset, strike(StageRegister, alice))
	require.Equal(t, ActionReset, strike(StageRegister, alice))
	require.Len(t, fs.list(), 2)
	fs.clear()
	require.Empty(t, strike(StageRegister, alice))
}

func TestFaultStrikesBeforeOrAfterAuthentication(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		name  string
		fault Fault
		moods [3]bool // on arrival, unauthenticated, authenticated
	}{
		{"any request", Fault{Action: ActionSilent}, [3]bool{true, false, false}},
		{"authenticated", Fault{Action: ActionSilent, Match: Match{Authenticated: &yes}}, [3]bool{false, false, true}},
		{"not authenticated", Fault{Action: ActionSilent, Match: Match{Authenticated: &no}}, [3]bool{false, true, false}},
		{"signature", Fault{Action: ActionUnsigned}, [3]bool{false, false, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fault.Stage = StageRegister
			for i, is := range []facts{{}, {judged: true}, {judged: true, authenticated: true}} {
				require.Equal(t, test.moods[i], test.fault.fits(StageRegister, is))
			}
		})
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add([]byte(`{"stage":"dns","match":{"name":"sip.ocs.test"},"action":"nxdomain","count":2}`))
	f.Add([]byte(`[{"stage":"register","match":{"registered":false},"action":"status","status":503,"headers":{"Retry-After":"5"},"delay":"1s"}]`))
	f.Add([]byte(`[[]]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		script, err := ParseFaults(data)
		if err != nil {
			return
		}
		for _, fault := range script {
			require.NoError(t, fault.check())
		}
		written, err := json.Marshal(script)
		require.NoError(t, err)
		again, err := ParseFaults(written)
		require.NoError(t, err)
		require.Len(t, again, len(script))
	})
}
