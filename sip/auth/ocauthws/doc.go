// Package ocauthws is a client of the OC Authentication Web Service (MS-OCAUTHWS): it obtains the certificate
// that TLS-DSK needs (package tlsdsk), from nothing but the user's Windows credentials.
//
// A TLS-DSK challenge names the certificate provisioning service in sts-uri. [Client.Certificate] asks it, with
// these requests, all over HTTPS:
//
//	GET  <sts-uri>/mex         metadata: where the service wants its requests, and who issues tickets for it
//	GET  <ticket service>/mex  metadata: where the ticket service takes Windows credentials
//	POST RequestSecurityToken  a web ticket (WS-Trust 1.3), with NTLM or Negotiate
//	POST GetAndPublishCert     a certificate for a fresh key, with the ticket in a WS-Security header
//
// (the POST for the ticket is repeated for each leg of the HTTP authentication). A [Cache] keeps certificates
// until they expire or a server refuses them.
//
// [Client.Ticket] makes the two requests in the middle alone: autodiscover (MS-OCDISCWS) gives out a user's document
// for a web ticket.
//
// The files follow the data:
//
//	client.go        Client, and the order of the requests
//	http.go          one request: bounds, redirects, cookies
//	authenticate.go  Negotiate, NTLM and Basic over HTTP
//	soap.go          envelopes and faults
//	metadata.go      what the two metadata documents say
//	ticket.go        the web ticket
//	security.go      the WS-Security header made from it
//	publish.go       GetAndPublishCert
//	cache.go         certificates kept
//	errors.go        how it can fail
//
// Federated tickets (Office 365) are not requested.
package ocauthws
