// Package tlsdsk is TLS-DSK authentication (MS-SIPAE): a TLS handshake whose records travel as tokens in
// gssapi-data, and message signatures under keys that come out of it. The client proves itself by a
// certificate, which package ocauthws obtains; no TLS connection results and nothing is ever encrypted with
// the session.
//
// [Client] and [Server] are the two sides; each takes the tokens one after the other in Step and then signs
// with Sign and verifies with Verify. A token holds one flight of the handshake (RFC 5246 section 7.3):
//
//	client  ClientHello
//	server  ServerHello, Certificate, CertificateRequest, ServerHelloDone
//	client  Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished
//	server  ChangeCipherSpec, Finished                                                       (server is done)
//	client  no token                                                                         (client is done)
//
// The handshake is crypto/tls's, over a connection without a socket. What is not crypto/tls's:
//
//	record.go     records: checking tokens, joining a flight's messages, what a Hello and an alert say
//	keys.go       cipher suites, the PRF, the signing keys, signatures
//	handshake.go  one side's handshake, stepped by tokens
//	client.go     the client's side
//	server.go     the server's side
//	errors.go     how a handshake can fail
//
// Versions are TLS 1.0 to 1.2. TLS 1.3 and the AEAD suites have no digest to sign with. crypto/tls has no
// RC4-MD5, so a server that insists on an MD5 suite cannot be served.
package tlsdsk
