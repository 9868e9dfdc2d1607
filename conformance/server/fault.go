package server

import (
	"strings"
	"time"
)

// FaultStage is where in a sign-in a fault strikes.
type FaultStage string

// The stages, in the order in which a sign-in passes them.
const (
	StageDNS       FaultStage = "dns"       // a DNS query
	StageAccept    FaultStage = "accept"    // a connection, and the server's side of it below TLS
	StageTLS       FaultStage = "tls"       // a ClientHello
	StageKDC       FaultStage = "kdc"       // a connection to the key distribution centre
	StageWeb       FaultStage = "web"       // a request to the web services
	StageRegister  FaultStage = "register"  // a REGISTER
	StageSubscribe FaultStage = "subscribe" // a SUBSCRIBE
	StagePublish   FaultStage = "publish"   // a SERVICE
	StageLive      FaultStage = "live"      // any other request, and the server's own NOTIFY and BENOTIFY
)

// Action is what a fault does.
type Action string

// What is done instead of what is right. At the stages of SIP one of these strikes a request on arrival; with
// Match.Authenticated when the server has looked at its credentials; with Match.Status when the request is
// done with and its answer is made.
const (
	ActionSilent Action = "silent" // nothing is answered, the connection stays; accept: it is read and nothing is sent
	ActionDelay  Action = "delay"  // the right answer, Delay later
	ActionClose  Action = "close"  // the connection is closed
	ActionReset  Action = "reset"  // the connection is reset

	ActionNXDomain Action = "nxdomain" // dns: the name does not exist
	ActionServFail Action = "servfail" // dns: the server failed
	ActionRefuse   Action = "refuse"   // dns: REFUSED; accept: the connection is refused (over sockets: reset)

	ActionBlackhole Action = "blackhole" // accept: Server.Dial does not return until its context ends (over sockets: silent)
	ActionBanner    Action = "banner"    // accept: Text is sent and nothing else, as by a server of another protocol

	ActionStatus       Action = "status"       // SIP and HTTP: the answer is Status and Reason, with Headers and the body Text
	ActionRedirect     Action = "redirect"     // the answer is Status (301) with a Contact made of To
	ActionChallenge    Action = "challenge"    // the answer is Status (401, or 407; of a proxy 407) with new challenges, whatever the credentials; How "stale" says so of Digest's
	ActionUnchallenged Action = "unchallenged" // the request is done without a look at its credentials
	ActionProvisional  Action = "provisional"  // Status (100) is sent at once and every Delay, and never a final answer
	ActionConflict     Action = "conflict"     // publish: another endpoint has published the same just before
	ActionNoPiggyback  Action = "no-piggyback" // subscribe: the first notification comes as a request of its own
	ActionNotifyFirst  Action = "notify-first" // subscribe: likewise, and before the answer, which comes Delay later
)

// What is changed in a message of the server's, an answer or its own request. These strike when the message
// is made, and one of each group may strike the same message.
const (
	ActionRewrite Action = "rewrite" // Status and Reason, where given, and Headers and the body Text are changed; 407 for 401 renames the challenges
	ActionMutate  Action = "mutate"  // its challenges, where it has any, are changed as How says (see Mutation): at random with Seed

	ActionDropSignature    Action = "drop-signature"    // it is not signed
	ActionCorruptSignature Action = "corrupt-signature" // it is signed wrong
	ActionReplaySignature  Action = "replay-signature"  // it carries the signature of the message signed before, if there is one

	ActionSplit       Action = "split"       // it goes out Bytes (1) at a time, Delay apart; accept: everything does, below TLS
	ActionCoalesce    Action = "coalesce"    // it goes out together with the next, or Delay (1 s) later
	ActionDuplicate   Action = "duplicate"   // it goes out twice
	ActionUnsolicited Action = "unsolicited" // before it goes Text, where "{Via}", "{From}", "{To}", "{Call-ID}" and "{CSeq}" stand for its headers, or else a copy of it, unsigned, changed as by rewrite; dns: before it goes NXDOMAIN under another id (over UDP)
	ActionCorrupt     Action = "corrupt"     // it is broken as How says (see Damage)
	ActionVary        Action = "vary"        // its headers are written as How says (see Form)

	ActionRemoveEndpoint Action = "remove-endpoint" // register: Delay after a 2xx the server removes the endpoint; How is the Removal ("unregistered")
	ActionInject         Action = "inject"          // register: Delay after a 2xx the server sends Text as it is, signed by nobody; accept: it does so before any message
)

// Damage is what ActionCorrupt does to a message.
type Damage string

// The kinds of damage.
const (
	DamageGarbage  Damage = "garbage"   // Bytes (512) that are no SIP, instead of it
	DamageLonger   Damage = "longer"    // Content-Length promises Bytes (10) more than come
	DamageShorter  Damage = "shorter"   // Bytes (10) more come than Content-Length says
	DamageNoLength Damage = "no-length" // there is no Content-Length
	DamageHeader   Damage = "header"    // a header of Bytes (256 KiB) is added
	DamageBody     Damage = "body"      // its body has Bytes (8 MiB), and Content-Length says so
)

// Fault makes the server misbehave: at a stage, when Match fits, Action is done, Count times. Of several
// faults that fit the first with a count left strikes; those that change a message strike beside each other
// if they are of different groups (what it says, its signature, its bytes, what follows).
//
// As JSON its keys are stage, match, action, status, reason, headers, text, to, how, bytes, seed, delay, skip and count;
// delay is text as time.ParseDuration reads it. Unknown keys and values, and those that the action does not
// take, are errors that name those known.
//
// At the stage accept, close, reset and silent come after Bytes of the server's side: at any byte of a
// handshake or a message.
type Fault struct {
	Stage  FaultStage
	Match  Match
	Action Action

	Status int    // 100 to 699
	Reason string // empty: a text of the server's
	// Headers are set. "" removes a header; a line break separates several of the same name, and among them
	// the line "{}" stands for those that were there.
	Headers map[string]string
	Text    string // what is sent, or a body
	To      string // redirect: "host:port;transport=tls"; empty: where the client is already
	How     string // challenge: "stale"; corrupt: a Damage; vary: a Form; mutate: a Mutation; remove-endpoint: a Removal
	Bytes   int    // accept: when; split: a piece; corrupt and mutate: how much
	Seed    int    // mutate: of what is random

	Delay time.Duration // before what the action does, if it is not said otherwise above
	Skip  int           // how often it fits without striking, before it strikes
	Count int           // how often; 0: always
}

// Match narrows a fault down. An empty field fits anything; names compare without case. A value that nothing has at
// the fault's stage is refused.
type Match struct {
	Name      string `json:"name,omitempty"`      // dns: the name asked; tls: the name asked for (SNI); proxy: the host; web: the path
	Type      string `json:"type,omitempty"`      // dns: "SRV", "A", ...
	Transport string `json:"transport,omitempty"` // accept: "tls" or "tcp"; proxy: see StageProxy

	// Of SIP requests: the client's by their From, the server's own by their To.
	User   string `json:"user,omitempty"` // "alice@ocs.test", or "alice"
	Epid   string `json:"epid,omitempty"`
	Method string `json:"method,omitempty"`
	Event  string `json:"event,omitempty"`
	// Authenticated tells requests whose sender has proved a password from others.
	Authenticated *bool `json:"authenticated,omitempty"`
	// Registered tells requests of registered endpoints, so a refresh from a first REGISTER.
	Registered *bool `json:"registered,omitempty"`
	// Status tells answers apart.
	Status int `json:"status,omitempty"`
}

// facts are what a fault is matched against.
type facts struct {
	name, qtype, transport    string
	user, epid, method, event string
	registered                bool
	authenticated             bool // the sender has proved a password
	status                    int  // of the answer; 0: there is none yet
	own                       bool // a request of the server's: there is one moment only
}

func (m Match) fits(is facts) bool {
	for _, pair := range [][2]string{
		{m.Name, is.name},
		{m.Type, is.qtype},
		{m.Transport, is.transport},
		{m.User, is.user},
		{m.Epid, is.epid},
		{m.Method, is.method},
		{m.Event, is.event},
	} {
		if pair[0] != "" && !strings.EqualFold(pair[0], pair[1]) {
			return false
		}
	}
	return (m.Authenticated == nil || *m.Authenticated == is.authenticated) &&
		(m.Registered == nil || *m.Registered == is.registered) &&
		(m.Status == 0 || m.Status == is.status)
}

// moment is when a fault strikes.
type moment int

const (
	onArrival moment = iota // before the server does anything
	onJudged                // the server has looked at the credentials
	onAnswer                // the answer is made and about to be sent
)

// group is what a fault changes. One fault of each group strikes at a moment.
type group int

const (
	groupDeed      group = iota // what is done and answered
	groupContent                // what the message says
	groupSignature              // how it is signed
	groupBytes                  // how it goes on the wire
	groupSequel                 // what follows it
)

// moment of a SIP fault.
func (f Fault) moment(g group) moment {
	switch {
	case f.Match.Status != 0 || g != groupDeed:
		return onAnswer
	case f.Match.Authenticated != nil:
		return onJudged
	}
	return onArrival
}
