// Package conformance judges how a client signs in, and what a server lets it do: a suite of cases with
// names that never change, run against our own engine, any other client, or a real server.
//
// A Case (case.go) says what must hold and on which word. It makes one or more attempts: each starts a
// server with a script (faults, zone, timers: all data), lets the client sign in to it, and compares what
// happened with the outcomes that are acceptable (outcome.go). The catalogue is package cases.
//
// Where a case runs is its Ground:
//
//	V   inside "go test", in a testing/synctest bubble, over connections in memory: time is exact
//	S   on loopback sockets, with real TCP, TLS and DNS; the 15 s of connecting take 15 s
//	R   against a real server, named by a Profile
//
// A case knows nothing of its ground: it sees a World (world.go; network.go is that of ground V, certificate.go
// the certificates that are wrong), which is a server, the settings of a client for it, and a way to sign in;
// left.go looks what the client has left behind.
// So the same cases run under "go test" and under "ocs conformance".
//
// The client is a function, Client (client.go): our engine in process (engine.go), or any program through
// the shim protocol (exec.go, with processgroup_*.go; shim.go is our own program's side of it).
//
// A Runner (runner.go) runs cases and gives each a Result (verdict.go) from what was seen of it (record.go),
// judged on three axes apart: the contract (events and codes), the wire (what was sent), and the end (what is
// left behind). On every attempt it also checks the invariants (invariant.go): exactly one OnSignin, never
// MSGR_E_USER_NOT_FOUND, a reason for every failure of our own engine, no secret where a person could see it
// or a server could read it.
//
// An Offer (offer.go, offerdns.go) is for clients that a person operates: every case waits under a domain of its own;
// offered.go says what the person has to do.
//
// Selection (selection.go) is by path segment; what a subject is known to fail goes into a Deviations
// file (deviation.go), and then an unexpected pass is a failure too. A Profile (profile.go) names a real
// server and what may be done to it; pace.go keeps log-ons to it apart, and makes none after a rejected password.
package conformance
