// Package server is an OCS-compatible test server: it signs clients in as Office Communications Server
// 2007 R2 does, and misbehaves on demand.
//
// It is not a server for people. It keeps everything in memory, carries no calls and no messages, asks
// nobody who manages it for a password, and is bounded for tests. Let it listen on loopback only.
//
// What it does: DNS for its domain; TLS with a certificate of its own; REGISTER with the ladder of NTLM
// (MS-SIPAE versions 2, 3 and 4) or Digest; signatures on whatever it sends afterwards; GRUU and bindings
// (MS-SIPREGE); the subscriptions of a client to its own data, with the first notification in the answer;
// publication of categories with versions, conflicts and aggregation (MS-PRES). It is liberal in what it
// reads, and strict in what it writes: the clients of the real servers are stricter than the documents.
//
// A tour, in the order in which a sign-in passes:
//
//   - config.go and server.go: Config, Start, Close
//   - zone.go and dns.go: the domain's zone, served by UDP and TCP or by Server.Exchange
//   - listen.go, certificate.go, inmemory.go: connections, over sockets or by Server.Dial without any
//   - connection.go: a connection and what is signed on it; request.go: who sent a request, and what every
//     answer looks like
//   - registrar.go, endpoint.go and gruu.go: bindings, and how they end
//   - subscription.go, service.go, presence.go, aggregate.go: presence; documents.go writes its bodies,
//     bodies.go reads them
//   - fault.go: the fault script; history.go: what happened; management.go: both over HTTP
//
// Everything works in process, without a socket and in a testing/synctest bubble:
//
//	srv, err := server.Start(server.Config{Users: []server.User{{Name: "alice", Password: "secret"}}})
//	client := signin.Config{Dial: srv.Dial, Exchange: srv.Exchange, Roots: srv.CA(), ...}
//
// # Registrations
//
// An endpoint is known by user, epid and +sip.instance. Its binding ends when it expires, when the client
// or the server ends it, and at once when its connection ends. With it end its subscriptions and what it
// published with expireType "endpoint".
//
// # Management
//
// With Config.ListenManagement the server answers HTTP with JSON:
//
//	GET    /history?kind=K      what happened, oldest first; kind may be repeated, or left out
//	GET    /users               who may sign in, and how often each was rejected
//	GET    /endpoints           who is signed in
//	DELETE /endpoints/EPID      the server removes the endpoint, with a signed registration-notify;
//	                            ?event= unregistered (the default), rejected or deactivated
//	GET    /faults              the faults that can still strike
//	POST   /faults              adds a fault, or an array of them (see Fault)
//	DELETE /faults              ends all faults
//	POST   /reset               forgets history, faults, presence and registrations; closes connections
//
// An error is {"error": "..."} with a status of 400 or above.
package server
