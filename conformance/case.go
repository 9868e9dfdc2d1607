package conformance

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
)

// Subject is who a case judges.
type Subject string

// The subjects.
const (
	SubjectClient Subject = "client"
	SubjectServer Subject = "server"
)

// Level is how much a case weighs.
type Level string

// The levels. Runner.Strict makes should into must.
const (
	Must   Level = "must"   // the contract or a specification says so
	Should Level = "should" // a specification recommends it, or clients commonly do so
	Info   Level = "info"   // the documents are silent or disagree: what is seen is recorded, never failed
)

// Ground is where a case runs.
type Ground string

// The grounds.
const (
	Virtual   Ground = "V" // in memory, in a testing/synctest bubble
	Simulator Ground = "S" // on loopback sockets
	Real      Ground = "R" // a server that somebody else runs
)

// Risk is what a case may do to a real server.
type Risk string

// The risks. Each but RiskNone needs its permission in a Profile.
const (
	RiskNone    Risk = ""
	RiskWrites  Risk = "writes"  // changes what the server keeps of the user
	RiskLockout Risk = "lockout" // sends a wrong password
)

// Need is something that a case cannot do without: of the client, or of the real server's profile.
type Need string

// The needs.
const (
	NeedEngine       Need = "engine"       // the client is our own engine: the case uses its Go API
	NeedNTLM         Need = "ntlm"         // NTLM
	NeedDigest       Need = "digest"       // Digest
	NeedKerberos     Need = "kerberos"     // Kerberos
	NeedTLSDSK       Need = "tls-dsk"      // TLS-DSK
	NeedSRV          Need = "srv"          // discovery by SRV records
	NeedAutodiscover Need = "autodiscover" // discovery by Lync's autodiscover service
	NeedLegacyTLS    Need = "legacy-tls"   // TLS as servers of 2007 have it
	NeedProxyHTTP    Need = "proxy-http"   // HTTP CONNECT
	NeedProxySOCKS   Need = "proxy-socks"  // SOCKS 5

	// What a real server's profile has a field for, and so need not claim.
	NeedServer       Need = "server"        // a server that is named
	NeedDisabledUser Need = "disabled-user" // a user who is disabled
)

// Addresses for zones, beside the server's own.
const (
	NoRoute   = "255.255.255.255" // broadcast: no TCP connection can be routed there
	Swallowed = "192.0.2.1"       // for documentation (RFC 5737): on ground V every packet to it is lost
)

// Case is one thing that a client or a server does right or wrong. Everything but its bodies is data.
type Case struct {
	ID       string // area/short-name: lower case, hyphens; never reused
	Title    string
	Subject  Subject // empty: SubjectClient
	Level    Level
	Grounds  []Ground
	Needs    []Need
	Risk     Risk
	Refs     []string // where it is written
	Purpose  string   // one sentence: what goes wrong for people where this is wrong
	Attempts []Attempt
}

// Attempt is one sign-in of a case, with a server of its own.
type Attempt struct {
	Name string // tells the attempts of a case apart; empty where there is only one
	Only Ground // where alone it is made; empty: on every ground of the case

	// Server is the script: what the server is like and how it misbehaves. Users and listeners are filled in
	// by the ground. In Zone, $ip stands for the server's address; an SOA and an NS record are added. A server
	// listens at that address on 5061 (TLS), 5060 (TCP) and 3128 (its proxy). Nothing listens elsewhere: NoRoute and Swallowed
	// are addresses without a way to them, and one that never answers (ground V).
	Server server.Config
	// Claimed says that the script is nothing but what the case needs: a real server that has it by its profile needs no
	// script.
	Claimed bool
	// Certificate is the server's, where it is not one that is right in every way.
	Certificate *Certificate
	// Client is what the client is told; what is left empty is filled in so that it would sign in.
	Client Settings

	StopAfter time.Duration // when to stop the client, from its first event; 0: once it is ready
	// Live runs between ready and stop. Its error is the harness's.
	Live func(context.Context, *World) error
	// Run replaces the whole body; nil: World.SignIn.
	Run func(context.Context, *World) (*Record, error)
	// LogOns is how many sign-ins Run makes; 0: one. It is for the plan against a real server.
	LogOns int

	Expect []Outcome // acceptable courses, the best first; the first that fits counts
	Wire   []Check   // what must hold of the bytes that were sent
}

// Area is the part of the id before the slash.
func (c Case) Area() string {
	area, _, _ := strings.Cut(c.ID, "/")
	return area
}

// On tells whether the case can run on a ground.
func (c Case) On(g Ground) bool { return slices.Contains(c.Grounds, g) }

// Scripted tells whether the attempt needs a server that does as it is told.
func (a Attempt) Scripted() bool {
	return a.Certificate != nil || !a.Claimed && !reflect.ValueOf(a.Server).IsZero()
}

// subject is the subject, the default filled in.
func (c Case) subject() Subject {
	if c.Subject == "" {
		return SubjectClient
	}
	return c.Subject
}
