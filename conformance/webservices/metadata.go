package webservices

import (
	"fmt"
	"net/http"
)

// serveMetadata writes the WSDL of the certificate provisioning service: one port, and the policy that says who
// issues tickets for it and whether requests are signed with them.
func (s *Services) serveMetadata(w http.ResponseWriter, r *http.Request, _ []byte) {
	port, tokens := "CertProvisioningServiceWebTicketProof_SHA1", "EndorsingSupportingTokens"
	if s.cfg.Bearer {
		port, tokens = "CertProvisioningServiceWebTicketBearer", "SignedSupportingTokens"
	}
	writeXML(w, http.StatusOK, fmt.Sprintf(definitions, fmt.Sprintf(
		`<wsp:Policy wsu:Id="%[1]s_policy"><wsp:ExactlyOne><wsp:All>`+
			`<sp:%[2]s><wsp:Policy><sp:IssuedToken><sp:Issuer><wsa10:Address>%[3]s</wsa10:Address></sp:Issuer></sp:IssuedToken></wsp:Policy></sp:%[2]s>`+
			`</wsp:All></wsp:ExactlyOne></wsp:Policy>`+
			`<wsdl:service name="CertProvisioningService"><wsdl:port name="%[1]s"><soap:address location="%[4]s"/></wsdl:port></wsdl:service>`,
		port, tokens, escape(url(r, ticketService)), escape(url(r, CertificateService+s.port())),
	)))
}

// serveTicketMetadata writes the WSDL of the web ticket service, with a port that is useless here beside the one
// for Windows credentials.
func (s *Services) serveTicketMetadata(w http.ResponseWriter, r *http.Request, _ []byte) {
	writeXML(w, http.StatusOK, fmt.Sprintf(definitions, fmt.Sprintf(
		`<wsdl:service name="WebTicketService">`+
			`<wsdl:port name="WebTicketServiceAnon"><soap:address location="%[1]s/Anon"/></wsdl:port>`+
			`<wsdl:port name="WebTicketServiceWinNegotiate"><soap:address location="%[1]s"/></wsdl:port></wsdl:service>`,
		escape(url(r, ticketService)),
	)))
}

const definitions = `<?xml version="1.0" encoding="utf-8"?>` +
	`<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"` +
	` xmlns:sp="http://schemas.xmlsoap.org/ws/2005/07/securitypolicy" xmlns:wsa10="http://www.w3.org/2005/08/addressing"` +
	` xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"` +
	` xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">%s</wsdl:definitions>`
