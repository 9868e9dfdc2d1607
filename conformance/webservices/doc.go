// Package webservices is the server's side of the OC Authentication Web Service (MS-OCAUTHWS), for the test
// server to mount: it issues the certificates that TLS-DSK asks for, to users who prove themselves with NTLM,
// Negotiate or Basic.
//
// [Services] is an [http.Handler] for four documents:
//
//	GET  /CertProv/CertProvisioningService.svc/mex                   metadata.go
//	GET  /WebTicket/WebTicketService.svc/mex                         metadata.go
//	POST /WebTicket/WebTicketService.svc                             ticket.go, after authenticate.go
//	POST /CertProv/CertProvisioningService.svc/WebTicket_Proof_SHA1  certificate.go, after security.go
//	                                       .../WebTicket_Bearer
//
// [Services.Protect] guards a resource of another service, such as a user's autodiscover document, for which there are
// tickets too: resource.go.
//
// services.go has the configuration and finds the handler, soap.go reads and writes envelopes. NTLM proves a
// connection, so the [http.Server] needs [Services.ConnContext] too.
//
// It shares no code with the client that it judges (package ocauthws), and is stricter than servers in the
// field where a client could be wrong unnoticed: every part of a request is looked at.
package webservices
