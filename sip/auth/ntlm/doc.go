// Package ntlm is NT LAN Manager authentication (MS-NLMP) in the form SIP uses: connectionless, NTLMv2,
// with message signatures, as MS-SIPAE builds on it.
//
// There is no NEGOTIATE_MESSAGE. The client's first token is empty, the server answers with a
// CHALLENGE_MESSAGE, the client with an AUTHENTICATE_MESSAGE, and from then on both sides hold the keys
// that sign and verify. [Client] and [Server] are the two sides; each takes the tokens one after the
// other in Step and then signs with Sign and verifies with Verify.
//
// The files follow the data:
//
//	flags.go     the negotiate flags
//	message.go   the two messages on the wire
//	avpair.go    the target information inside the CHALLENGE_MESSAGE
//	response.go  password hashes and the responses made of them: v1, v1 with extended session security, v2
//	keys.go      key exchange key, signing keys, sealing keys
//	mac.go       message signatures
//	client.go    the client's side
//	server.go    the server's side
//
// Client and server speak NTLMv2 only. The arithmetic of the older responses is here because the keys and
// signatures build on it and because servers of that age signed with it.
package ntlm
