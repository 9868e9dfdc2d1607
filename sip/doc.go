// Package sip is one SIP connection as Microsoft's servers speak it: framing, ordered dispatch, client
// transactions, hooks to sign and to verify, keep-alive, and the header values of RFC 3261 and of Microsoft's
// extensions. Both sides use it: the sign-in engine and the conformance server.
//
// A tour, in the order in which bytes travel:
//
//   - framing.go cuts the byte stream into messages, within limits of size and time
//   - message.go parses and composes a message; header values stay exactly as received, since signatures cover them
//   - conn.go owns the net.Conn: one reader, one queue of messages to write, one cause of death
//   - transaction.go matches responses to the requests that wait for them
//   - keepalive.go sends CRLFCRLF when nothing else was sent
//   - params.go reads addresses and credentials, diagnostics.go what a server says about a failure
//   - token.go makes tags, Call-IDs and branches, redact.go masks secrets in a transcript
//
// The parser, the message types and the transaction state machine are those of github.com/emiago/sipgo; no other
// package of the project imports it. Its transport is not used: it reorders messages, loses the cause of a
// failure and cannot take a connection that somebody else has dialled.
package sip
