// Package digest is Digest authentication (RFC 7616, RFC 2617) as SIP uses it (RFC 3261 section 22, RFC 8760),
// client and server: the algorithms MD5, SHA-256 and SHA-512-256, each also in its session form, with quality of
// protection "auth" or none.
//
// It works on values, not on messages: whoever parses the headers hands over a look-up of their parameters.
//
//	algorithm.go    the algorithms and the one computation they share
//	challenge.go    WWW-Authenticate
//	credentials.go  Authorization
//	client.go       answers challenges, counts requests, checks the server's rspauth
//	server.go       makes challenges, checks answers, with a bounded table of nonces
package digest
