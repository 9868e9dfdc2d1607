// Package auth authenticates the two sides of a SIP connection and signs its messages as MS-SIPAE says: the
// client that signs in and the server that lets it. [Client] and [Server] are one connection's worth of each;
// their methods Sign and Verify are made for sip.Config.
//
// A tour, in the order in which data flows:
//
//   - challenge.go reads the challenges of a 401 or 407
//   - mechanism.go is the one place where schemes differ: what each needs, how its [Mechanism] is made on either
//     side (packages ntlm, kerberos, tlsdsk with its certificates from ocauthws), and what its failures mean
//   - handshake.go carries the tokens of a [Mechanism] in gssapi-data
//   - association.go is what the handshake ends in: the keys, the counters, the guard against replay, the lifetime
//   - buffer.go makes the bytes that a signature covers
//   - digest.go is the other way: Digest has no association, each request carries its own credentials
//   - exchange.go puts these together to the client's conversation with one challenger, choice.go goes from scheme to
//     scheme in it; client.go holds the two that a client may have (registrar and proxy) and keeps its books
//   - endpoint.go is the server's half of the same conversation, server.go judges requests by it
//   - webticket.go lends the user's credentials to web services that have nothing to do with a SIP connection
//   - password.go keeps secrets from being printed
//
// A client takes the first of TLS-DSK, Kerberos, NTLM and Digest that the server offers, that is allowed, and that it
// has credentials for. Where a handshake fails it goes on with the next, unless somebody has turned the user's
// credentials down: a rejected password is never sent again on the connection, to nobody.
//
// A handshake with NTLM takes three REGISTERs: without credentials; with an empty token; with the
// AUTHENTICATE_MESSAGE, from version 4 on signed already. With Kerberos it takes two, with TLS-DSK four.
package auth
