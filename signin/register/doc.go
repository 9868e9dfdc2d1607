// Package register lives the life of one registration (RFC 3261 10, MS-SIPREGE): the REGISTER ladder
// with its challenges, what the server granted, the refresh before it expires, removal by either side.
//
// The files, in the order in which a registration meets them:
//
//	endpoint.go      who we are on the wire: epid, instance, and the requests an endpoint sends
//	register.go      the ladder from the first REGISTER to the accepted one
//	granted.go       reading a 200: own Contact, GRUU, expiry, what the server supports
//	redirect.go      the answer that another server is to be asked
//	refresh.go       refresh, renewal of the security association, and sign-out
//	request.go       all other requests: they wait for a REGISTER, and are sent again after a challenge
//	notification.go  removal by the server (Event: registration-notify)
//
// Authentication is not here: sip/auth digests challenges and signs. This package only decides when to
// send REGISTER again.
package register
