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
// Both sides speak NTLMv2. NTLMv1, with and without extended session security, they speak only if they are told to
// (AllowV1): it is what some servers of that age are set to, and gives the password to whoever listens.
//
// stream.go is the other form: connection-oriented, as HTTP uses it.
package ntlm
