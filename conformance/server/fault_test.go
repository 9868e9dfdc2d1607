package server

import (
	"encoding/json"
	"os"
	"strings"
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
			"several", ` [{"stage":"accept","action":"reset"},{"stage":"register","action":"delay","delay":"150ms","skip":2}]`,
			[]Fault{{Stage: StageAccept, Action: ActionReset}, {Stage: StageRegister, Action: ActionDelay, Delay: 150 * time.Millisecond, Skip: 2}},
		},
		{
			"status", `{"stage":"register","match":{"user":"alice@ocs.test","authenticated":true},"action":"status","status":403,"reason":"No","headers":{"Warning":"310 x \"y\""}}`,
			[]Fault{{
				Stage: StageRegister, Match: Match{User: "alice@ocs.test", Authenticated: &yes}, Action: ActionStatus,
				Status: 403, Reason: "No", Headers: map[string]string{"Warning": `310 x "y"`},
			}},
		},
		{
			"each key", `{"stage":"register","match":{"status":200},"action":"unsolicited","status":100,"text":"x","reason":"r"}`,
			[]Fault{{Stage: StageRegister, Match: Match{Status: 200}, Action: ActionUnsolicited, Status: 100, Text: "x", Reason: "r"}},
		},
		{
			"redirect", `{"stage":"register","action":"redirect","to":"h.ocs.test:1;transport=tcp"}`,
			[]Fault{{Stage: StageRegister, Action: ActionRedirect, To: "h.ocs.test:1;transport=tcp"}},
		},
		{
			"damage", `{"stage":"live","action":"corrupt","how":"body","bytes":7}`,
			[]Fault{{Stage: StageLive, Action: ActionCorrupt, How: "body", Bytes: 7}},
		},
		{
			"vary", `{"stage":"register","action":"vary","how":"fold"}`,
			[]Fault{{Stage: StageRegister, Action: ActionVary, How: "fold"}},
		},
		{
			"mutate", `{"stage":"register","match":{"status":401},"action":"mutate","how":"token-bytes","seed":42}`,
			[]Fault{{Stage: StageRegister, Match: Match{Status: 401}, Action: ActionMutate, How: "token-bytes", Seed: 42}},
		},
		{
			"inject", `{"stage":"register","action":"inject","text":"OPTIONS ..."}`,
			[]Fault{{Stage: StageRegister, Action: ActionInject, Text: "OPTIONS ..."}},
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
		{"stage", `{"stage":"dsn","action":"silent"}`, `unknown stage "dsn"; known: dns, accept, proxy, tls, kdc, web, register, subscribe, publish, live`},
		{"action", `{"stage":"dns","action":"explode"}`, `unknown action "explode" at stage "dns"; known: nxdomain, servfail, refuse, silent, delay`},
		{"action of another stage", `{"stage":"accept","action":"nxdomain"}`, `unknown action "nxdomain" at stage "accept"; known: silent, close, reset, delay, refuse, blackhole, banner, split`},
		{"match of another stage", `{"stage":"dns","action":"silent","match":{"user":"alice"}}`, `unknown match "user" at stage "dns"; known: name, type`},
		{"key", `{"stage":"dns","action":"silent","times":3}`, `unknown field "times"; known: stage, match, action, status, reason, headers, text, to, how, bytes, seed, delay, skip, count`},
		{"match key", `{"stage":"dns","action":"silent","match":{"nam":"x"}}`, `in match: name, type, transport, user`},
		{"delay", `{"stage":"dns","action":"delay","delay":"soon"}`, `delay "soon" is not a duration`},
		{"no delay", `{"stage":"dns","action":"delay"}`, `action "delay" needs a delay above 0`},
		{"no status", `{"stage":"register","action":"status"}`, `needs a status of 100 to 699`},
		{"status without the action", `{"stage":"register","action":"silent","status":403}`, `action "silent" at stage "register" does not take "status"; it takes: delay, skip, count`},
		{"how", `{"stage":"register","action":"corrupt","how":"badly"}`, `unknown how "badly" of action "corrupt"; known: garbage, longer, shorter, no-length, header, body`},
		{"no how", `{"stage":"register","action":"corrupt"}`, `needs how; known: garbage`},
		{"no form", `{"stage":"register","action":"vary"}`, `needs how; known: order, case, compact, fold, blanks`},
		{"no mutation", `{"stage":"register","action":"mutate","how":"explode"}`, `unknown how "explode" of action "mutate"; known: blanks, capitals`},
		{"nothing to inject", `{"stage":"register","action":"inject"}`, `action "inject" needs text`},
		{"how of another", `{"stage":"register","action":"remove-endpoint","how":"stale"}`, `known: unregistered, rejected, deactivated`},
		{"redirect", `{"stage":"register","action":"redirect","status":401}`, `needs a status of 300 to 399, not 401`},
		{"provisional", `{"stage":"register","action":"provisional","status":200,"delay":"1s"}`, `needs a status of 100 to 199`},
		{"to", `{"stage":"register","action":"redirect","to":"home.ocs.test"}`, `to "home.ocs.test" is not "host:port;transport=tls"`},
		{"bytes", `{"stage":"register","action":"close","bytes":5}`, `action "close" at stage "register" does not take "bytes"`},
		{"challenge", `{"stage":"register","action":"challenge","status":403}`, `needs a status of 401 or 407, not 403`},
		{"challenge of a proxy", `{"stage":"proxy","action":"challenge","status":403}`, `at stage "proxy" does not take "status"; it takes: delay, skip, count`},
		{"headers of a proxy's", `{"stage":"proxy","action":"challenge","headers":{"A":"b"}}`, `does not take "headers"`},
		{"status over SOCKS", `{"stage":"proxy","action":"status","status":502,"match":{"transport":"socks5"}}`, `unknown transport "socks5" at stage "proxy"; known: http, https`},
		{"challenge over SOCKS", `{"stage":"proxy","action":"challenge","match":{"transport":"socks4"}}`, `known: http, https`},
		{"reason on the web", `{"stage":"web","action":"status","status":500,"reason":"No"}`, `does not take "reason"; it takes: status, headers, text`},
		{"nothing to rewrite", `{"stage":"register","action":"rewrite"}`, `needs something to write: status, reason, headers, text`},
		{"type", `{"stage":"dns","action":"silent","match":{"type":"SVR"}}`, `unknown type "SVR" at stage "dns"; known: A, AAAA`},
		{"transport", `{"stage":"accept","action":"close","match":{"transport":"udp"}}`, `unknown transport "udp" at stage "accept"; known: tls, tcp`},
		{"method", `{"stage":"register","action":"silent","match":{"method":"SUBSCRIBE"}}`, `unknown method "SUBSCRIBE" at stage "register"; known: REGISTER`},
		{"method of another stage", `{"stage":"live","action":"silent","match":{"method":"service"}}`, `known: any but REGISTER, SUBSCRIBE and SERVICE`},
		{"path", `{"stage":"web","action":"close","match":{"name":"GET /x"}}`, `is not the path of a request`},
		{"status of a match", `{"stage":"register","action":"silent","match":{"status":20}}`, `strikes answers of status 100 to 699, not 20`},
		{"status without a sequel", `{"stage":"register","action":"remove-endpoint","match":{"status":401}}`, `of status 200 to 299, not 401`},
		{"too much", `{"stage":"accept","action":"split","bytes":100000000}`, `at most`},
		{"length", `{"stage":"register","action":"rewrite","headers":{"Content-Length":"1"}}`, `action "corrupt" can make it wrong`},
		{"header", `{"stage":"register","action":"status","status":403,"headers":{"A":"b\r\nC: d"}}`, `header "A" cannot be sent`},
		{"negative", `{"stage":"dns","action":"silent","count":-1}`, `not negative`},
		{"rest", `{"stage":"dns","action":"silent"} {}`, `more text`},
		{"syntax", `{`, `unexpected EOF: a fault is JSON such as {"stage":`},
		{"no JSON", `xx`, `invalid character 'x' looking for beginning of value: a fault is JSON such as {"stage":`},
		{"nothing", ` `, `nothing is given: a fault is JSON such as {"stage":`},
		{"number for a time", `{"delay":5}`, `fault: delay: number found: give a time in quotes, such as "5s" or "150ms"`},
		{"number for text", `{"reason":5}`, `fault: reason: number found: give text in quotes`},
		{"text for a number", `{"match":{"status":"200"}}`, `fault: match.status: string found: give a whole number`},
		{"fraction", `{"count":1.5}`, `fault: count: number 1.5 found: give a whole number, without quotes`},
		{"text for a switch", `[{"match":{"registered":"yes"}}]`, `match.registered: string found: give true or false`},
		{"text for an object", `{"headers":"A: b"}`, `fault: headers: string found: give an object in braces`},
		{"no object", `5`, `fault: the whole: number found: give an object in braces`},
		{"in an array", `[{"stage":"dns","action":"silent"},{"stage":"x"}]`, `unknown stage "x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseFaults([]byte(test.json))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// The examples of the package comment are faults.
func TestDocumentedFaults(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if example, found := strings.CutPrefix(line, "//\t{\"stage\""); found {
			example, _, _ = strings.Cut(`{"stage"`+example, "   ")
			_, err := ParseFaults([]byte(example))
			require.NoError(t, err, example)
			n++
		}
	}
	require.Equal(t, 17, n)
}

// Every action has rules and is possible somewhere, and every stage knows its actions.
func TestEveryActionHasItsRules(t *testing.T) {
	used := map[Action]bool{}
	for _, stage := range faultStages() {
		for _, action := range stage.actions {
			require.Equal(t, action, Fault{Action: action}.rules().action)
			used[action] = true
		}
		for _, key := range stage.matches {
			require.Contains(t, matchKeys(), key)
		}
	}
	for _, rules := range faultActions() {
		require.True(t, used[rules.action], rules.action)
		for _, key := range rules.takes {
			require.Contains(t, faultKeys(), key)
		}
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
	}, Config{}))
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
		moods [4]bool // on arrival, unauthenticated, authenticated, with a 200 made
	}{
		{"any request", Fault{Action: ActionSilent}, [4]bool{true, false, false, false}},
		{"authenticated", Fault{Action: ActionSilent, Match: Match{Authenticated: &yes}}, [4]bool{false, false, true, false}},
		{"not authenticated", Fault{Action: ActionSilent, Match: Match{Authenticated: &no}}, [4]bool{false, true, false, false}},
		{"answered", Fault{Action: ActionSilent, Match: Match{Authenticated: &yes, Status: 200}}, [4]bool{false, false, false, true}},
		{"answered otherwise", Fault{Action: ActionSilent, Match: Match{Status: 404}}, [4]bool{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fault.Stage = StageRegister
			var fs faults
			require.NoError(t, fs.add([]Fault{test.fault}, Config{}))
			for i, when := range []struct {
				at moment
				is facts
			}{{onArrival, facts{}}, {onJudged, facts{}}, {onJudged, facts{authenticated: true}}, {onAnswer, facts{authenticated: true, status: 200}}} {
				_, hit := fs.takeOf(groupDeed, StageRegister, when.at, when.is)
				require.Equal(t, test.moods[i], hit, i)
			}
		})
	}
}

func TestMatchNamesAreNormalised(t *testing.T) {
	for _, test := range []struct {
		stage FaultStage
		match Match
		is    facts
	}{
		{StageRegister, Match{User: "Alice"}, facts{user: "alice@ocs.test"}},
		{StageRegister, Match{User: "sip:alice@ocs.test"}, facts{user: "alice@ocs.test"}},
		{StageDNS, Match{Name: "sip.ocs.test."}, facts{name: "sip.ocs.test"}},
		{StageTLS, Match{Name: "SIP.ocs.test."}, facts{name: "sip.ocs.test"}},
	} {
		var fs faults
		require.NoError(t, fs.add([]Fault{{Stage: test.stage, Match: test.match, Action: ActionSilent}}, Config{Domain: "ocs.test"}))
		_, hit := fs.take(test.stage, test.is)
		require.Truef(t, hit, "%+v", test.match)
	}
}

func TestFaultsOfHTTPDoNotStrikeSOCKS(t *testing.T) {
	for _, f := range []Fault{{Action: ActionStatus, Status: 403}, {Action: ActionChallenge}} {
		f.Stage, f.Count = StageProxy, 1
		var fs faults
		require.NoError(t, fs.add([]Fault{f}, Config{}))
		_, hit := fs.take(StageProxy, facts{transport: "socks5"})
		require.False(t, hit, f.Action)
		_, hit = fs.take(StageProxy, facts{transport: "https"})
		require.True(t, hit, f.Action)
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add([]byte(`{"stage":"dns","match":{"name":"sip.ocs.test"},"action":"nxdomain","count":2}`))
	f.Add([]byte(`[{"stage":"register","match":{"registered":false},"action":"status","status":503,"headers":{"Retry-After":"5"},"delay":"1s"}]`))
	f.Add([]byte(`[[]]`))
	f.Add([]byte(`{"stage":"register","action":"unsolicited","text":"x","headers":{"Contact":"a\n{}"}}`))
	f.Add([]byte(`{"stage":"live","action":"corrupt","how":"body","bytes":7}`))
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
