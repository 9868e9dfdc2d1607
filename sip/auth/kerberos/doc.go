// Package kerberos is Kerberos version 5 (RFC 4120) in the form SIP uses it: one GSS-API token (RFC 4121
// 4.1) without mutual authentication, and a message integrity code for every message (MS-SIPAE 3.2).
//
// [Client] gets a ticket for the server's principal, sip/ followed by its full name, with a password, a
// keytab or a credential cache, and makes the token of it. [Server] accepts that token with a keytab. Both
// then sign with Sign and verify with Verify: in the form of RFC 4121 under an AES key, of RFC 4757 under an
// RC4 key. [KDC] is the third party, as much of it as the test server needs: it gives tickets to the
// accounts it was told of.
//
// The messages and the cryptography are gokrb5's. The exchange with the key distribution centre is our own,
// because every wait in it must end with the caller's context, every read must be bounded, connections come
// from the caller's dial function, and each failure must be told apart: [Error] says by its Kind what went
// wrong, and names the KDCs that were asked.
//
// The files follow the data:
//
//	config.go     krb5.conf: realms, their KDCs, encryption types
//	principal.go  a sign-in name becomes a principal and a realm
//	reader.go     bounded reading of the two files below
//	keytab.go     keys of principals on disk
//	ccache.go     tickets on disk
//	crypto.go     encryption types, keys from passwords, decryption that bad input cannot break
//	network.go    find the KDCs of a realm, ask them, take the first answer
//	ticket.go     what the next two share: tickets, requests, answers
//	as.go         the AS exchange: from a password or keytab to a ticket-granting ticket
//	tgs.go        the TGS exchange: from that to a ticket for the server
//	token.go      the GSS-API token around the AP-REQ
//	mic.go        message integrity codes
//	client.go     the client's side
//	server.go     the server's side
//	replay.go     the server's memory of tokens it has seen
//	kdc.go        the KDC for tests
//	error.go      Error and the kinds of failure
package kerberos
