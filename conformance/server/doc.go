// Package server is an OCS-compatible test server: it signs clients in as Office Communications Server
// 2007 R2 does, and misbehaves on demand.
//
// It is not a server for people. It keeps everything in memory, carries no calls and no messages, asks
// nobody who manages it for a password, and is bounded for tests. Let it listen on loopback only.
//
// What it does: DNS for its domain; TLS with a certificate of its own; REGISTER with the ladder of NTLM,
// Kerberos or TLS-DSK (MS-SIPAE versions 2, 3 and 4) or with Digest, with a KDC and the certificate
// provisioning service that these need; signatures on whatever it sends afterwards; GRUU and bindings
// (MS-SIPREGE); the subscriptions of a client to its own data, with the first notification in the answer;
// publication of categories with versions, conflicts and aggregation (MS-PRES). It is liberal in how a
// request is written and refuses one that lacks what RFC 3261 demands, and strict in what it writes: the
// clients of the real servers are stricter than the documents.
//
// A tour, in the order in which a sign-in passes:
//
//   - config.go and server.go: Config, Start, Close
//   - zone.go and dns.go: the domain's zone, served by UDP and TCP or by Server.Exchange
//   - listen.go, tls.go, certificate.go, inmemory.go: connections, over sockets or by Server.Dial without any;
//     link.go: the bytes of one below TLS, wire.go: the bytes of its messages
//   - connection.go: a connection and what is signed on it; request.go: who sent a request, and what every
//     answer looks like; wellformed.go: what no request may lack
//   - schemes.go: the third parties of Kerberos and TLS-DSK; web.go: HTTPS; autodiscover.go:
//     Lync's autodiscover service
//   - registrar.go, endpoint.go and gruu.go: bindings, and how they end
//   - subscription.go, service.go, presence.go, aggregate.go: presence; documents.go writes its bodies,
//     bodies.go reads them
//   - fault.go: what a fault is; faultrules.go, faultmatch.go: which are possible, faultjson.go: how they are written,
//     faultscript.go: those in force; strike.go: what they do to a request and its answer
//   - proxy.go, proxyhttp.go, proxyauth.go, proxysocks.go: the proxy in front of the server
//   - vary.go: the forms of a message; mutate.go and mutatetoken.go: challenges that are wrong in one thing
//   - leak.go: passwords in what clients send; dnsforge.go: DNS answers of somebody else
//   - history.go: what happened; management.go: faults and history over HTTP
//
// Everything works in process, without a socket and in a testing/synctest bubble:
//
//	srv, err := server.Start(server.Config{Users: []server.User{{Name: "alice", Password: "secret"}}})
//	client := signin.Config{Dial: srv.Dial, Exchange: srv.Exchange, Roots: srv.CA(), ...}
//
// # Faults
//
// A fault is data: where, whom, what, how often. The same JSON goes to Config.Faults (by ParseFaults), to the
// flag --fault of ocs serve, and to POST /faults. Some, to begin with:
//
//	{"stage":"dns","match":{"name":"sip.ocs.test"},"action":"nxdomain"}
//	{"stage":"accept","action":"close","bytes":1234}            the server's side ends after 1234 bytes
//	{"stage":"accept","action":"split"}                         all that the server sends comes byte by byte
//	{"stage":"kdc","action":"silent"}
//	{"stage":"register","action":"status","status":503,"headers":{"Retry-After":"5"},"count":1}
//	{"stage":"register","match":{"authenticated":true},"action":"redirect","to":"home.ocs.test:5061;transport=tls"}
//	{"stage":"register","match":{"status":301},"action":"drop-signature"}    together with the one before
//	{"stage":"register","match":{"status":200},"action":"rewrite","headers":{"Expires":""}}
//	{"stage":"register","match":{"status":401},"action":"rewrite","status":407}
//	{"stage":"register","match":{"status":401},"action":"mutate","how":"token-bytes","seed":7}
//	{"stage":"register","action":"vary","how":"compact"}
//	{"stage":"register","action":"inject","delay":"1s","text":"\r\n\r\n"}
//	{"stage":"register","action":"challenge"}                   401 for ever
//	{"stage":"register","action":"remove-endpoint","how":"rejected","delay":"1m"}
//	{"stage":"subscribe","action":"corrupt","how":"longer"}
//	{"stage":"publish","action":"conflict","count":2}
//	{"stage":"live","match":{"method":"BENOTIFY"},"action":"silent"}
//
// The constants of FaultStage, Action, Damage, Form and Mutation say what each does, and Match what it can be narrowed down to.
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
