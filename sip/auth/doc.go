// Package auth authenticates the two sides of a SIP connection and signs its messages as MS-SIPAE says: the
// client that signs in and the server that lets it. [Client] and [Server] are one connection's worth of each;
// their methods Sign and Verify are made for sip.Config.
//
// A tour, in the order in which data flows:
//
//   - challenge.go reads the challenges of a 401 or 407 and chooses a scheme
//   - handshake.go carries the tokens of a [Mechanism] in gssapi-data; package ntlm is the mechanism today
//   - association.go is what the handshake ends in: the keys, the counters, the guard against replay
//   - buffer.go makes the bytes that a signature covers
//   - digest.go is the other way: Digest has no association, each request carries its own credentials
//   - exchange.go puts these together to the client's conversation with one challenger, client.go holds the
//     two that a client may have (registrar and proxy) and keeps its books
//   - endpoint.go is the server's half of the same conversation, server.go judges requests by it
//   - password.go keeps secrets from being printed
//
// A handshake with NTLM takes three REGISTERs: without credentials; with an empty token; with the
// AUTHENTICATE_MESSAGE, from version 4 on signed already. A password that the server has turned down is never
// sent again on the connection.
package auth
