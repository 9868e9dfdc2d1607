// Package signin signs in to Office Communications Server 2007/R2, Lync Server and Skype for Business
// Server, and reports the outcome as the Office Communicator 2007 Automation API did: the same OnSignin
// codes, the same OnMyStatusChange states, the same 15-second limit on connecting.
//
// New validates a Config and does no I/O. Client.SignIn returns a Session once the user is online; its
// error is an *ocserr.Error with code, stage, cause and remedy. Client.Events gives the contract's events
// in order, none lost. Client.Report tells what happened, after success and after failure. Messenger is a
// second face with the Automation API's own names, for scripts that are ported line by line.
//
// The files:
//
//	config.go       what a user can set, validated
//	client.go       Client: attempts, one at a time, and their events
//	attempt.go      one attempt: the stages in the order in which data passes them
//	discovery.go    from a domain to candidates
//	connect.go      from candidates to one connection
//	credentials.go  how the user is proved on a connection, and the way to web services
//	webticket.go    the web tickets that autodiscover wants
//	redirect.go     from a server that redirects to the next one
//	servercheck.go  which servers are accepted by their version
//	session.go      Session: the signed-in state, until sign-out or loss
//	dispatch.go     requests that the server sends
//	report.go       Report: the stage tree
//	messenger.go    Messenger: the Automation API's face
//
// The stages themselves are the sub-packages resolve, dial, secure, register and presence.
package signin
