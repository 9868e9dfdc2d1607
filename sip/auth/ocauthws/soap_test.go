package ocauthws

import (
	"encoding/base64"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The request for a ticket, byte for byte; entropy aside it has nothing random.
func TestTicketRequest(t *testing.T) {
	r := &ticketRequest{context: testDevice, resource: "https://fe.example.test/a?b&c", address: "o'neil@contoso.com", entropy: ascending(0)}
	require.Equal(t, "<?xml version=\"1.0\"?>\r\n"+
		`<soap:Envelope xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"`+
		` xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512" xmlns:auth="http://schemas.xmlsoap.org/ws/2006/12/authorization"`+
		` xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"`+
		` xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"`+
		` xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"><soap:Body>`+
		`<wst:RequestSecurityToken Context="4b1682a8-f968-5701-83fc-7c6741dc6697">`+
		`<wst:TokenType>http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1</wst:TokenType>`+
		`<wst:RequestType>http://schemas.xmlsoap.org/ws/2005/02/trust/Issue</wst:RequestType>`+
		`<wsp:AppliesTo><wsa:EndpointReference><wsa:Address>https://fe.example.test/a?b&amp;c</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>`+
		`<wst:Claims Dialect="urn:component:Microsoft.Rtc.WebAuthentication.2010:authclaims">`+
		`<auth:ClaimType Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri" Optional="false">`+
		`<auth:Value>sip:o&#39;neil@contoso.com</auth:Value></auth:ClaimType></wst:Claims>`+
		`<wst:Entropy><wst:BinarySecret>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</wst:BinarySecret></wst:Entropy>`+
		`<wst:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/SymmetricKey</wst:KeyType>`+
		`</wst:RequestSecurityToken></soap:Body></soap:Envelope>`, r.envelope())
}

func newTestTicket() *ticket {
	return &ticket{
		assertion: []byte(`<saml:Assertion AssertionID="SamlSecurityToken-1234" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion">...</saml:Assertion>`),
		id:        "SamlSecurityToken-1234", created: "2026-01-01T00:00:00Z", expires: "2036-01-01T00:00:00Z",
		proof: proofKey(ascending(0), ascending(0x20)),
	}
}

func TestPublishRequest(t *testing.T) {
	c := &Client{Address: testAddress, Device: testDevice}
	to := provisioning{address: "https://fe.example.test/CertProv/CertProvisioningService.svc/WebTicket_Proof_SHA1", proof: true}
	r, err := newPublishRequest(c, to, newTestTicket())
	require.NoError(t, err)
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	pkcs10 := regexp.MustCompile(`(?s)#Base64Binary">\r\n(.*)</wsse:BinarySecurityToken>`)
	lines := strings.Split(strings.TrimSuffix(pkcs10.FindStringSubmatch(r.envelope)[1], "\r\n"), "\r\n")
	for _, line := range lines[:len(lines)-1] {
		require.Len(t, line, 76)
	}
	got := uuid.ReplaceAllString(strings.ReplaceAll(r.envelope, testDevice, "DEVICE"), "UUID")
	got = pkcs10.ReplaceAllString(got, "#Base64Binary\">PKCS10</wsse:BinarySecurityToken>")
	require.Equal(t, `<soap:Header>`+
		`<wsa:To>https://fe.example.test/CertProv/CertProvisioningService.svc/WebTicket_Proof_SHA1</wsa:To>`+
		`<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>`+
		`<wsa:MessageID>uuid:UUID</wsa:MessageID>`+
		`<wsa:Action>http://schemas.microsoft.com/OCS/AuthWebServices/GetAndPublishCert</wsa:Action>`+
		`<wsse:Security>`+timestamp("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")+
		`<saml:Assertion AssertionID="SamlSecurityToken-1234" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion">...</saml:Assertion>`+
		`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">`+signedInfo(timestamp("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"))+
		`<SignatureValue>`+signatureValue(newTestTicket().proof, signedInfo(timestamp("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")))+`</SignatureValue>`+
		`<KeyInfo><wsse:SecurityTokenReference wsse:TokenType="http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1">`+
		`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID">SamlSecurityToken-1234</wsse:KeyIdentifier>`+
		`</wsse:SecurityTokenReference></KeyInfo></Signature></wsse:Security></soap:Header><soap:Body>`+
		`<GetAndPublishCert xmlns="http://schemas.microsoft.com/OCS/AuthWebServices/" xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512/"`+
		` xmlns:wstep="http://schemas.microsoft.com/windows/pki/2009/01/enrollment" DeviceId="{DEVICE}" Entity="alice@contoso.com">`+
		`<wst:RequestSecurityToken>`+
		`<wst:TokenType>http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3</wst:TokenType>`+
		`<wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</wst:RequestType>`+
		`<wsse:BinarySecurityToken ValueType="http://schemas.microsoft.com/OCS/AuthWebServices.xsd#PKCS10"`+
		` EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#Base64Binary">PKCS10</wsse:BinarySecurityToken>`+
		`<wstep:RequestID>UUID</wstep:RequestID></wst:RequestSecurityToken></GetAndPublishCert></soap:Body></soap:Envelope>`,
		got[strings.Index(got, "<soap:Header>"):])
	require.NoError(t, xml.Unmarshal([]byte(r.envelope), new(struct{})))
}

func TestServiceMetadata(t *testing.T) {
	policy := func(port, tokens, issuer string) string {
		return `<wsp:Policy xmlns:wsp="p" xmlns:wsu="u" wsu:Id="` + port + `_policy"><wsp:ExactlyOne><wsp:All><` + tokens +
			`><wsp:Policy><IssuedToken><Issuer><Address> ` + issuer + ` </Address></Issuer></IssuedToken></wsp:Policy></` + tokens + `></wsp:All></wsp:ExactlyOne></wsp:Policy>`
	}
	port := func(name, location string) string {
		return `<port name="` + name + `"><address location="` + location + `"/></port>`
	}
	const endorsing, signed = "EndorsingSupportingTokens", "SignedSupportingTokens"
	for _, tc := range []struct {
		name     string
		policies string
		ports    string
		want     provisioning
	}{
		{"signed", policy("P_SHA1", endorsing, "https://t/"), port("P_SHA1", "https://s/"), provisioning{"https://s/", "https://t/", true}},
		{"bearer", policy("B", signed, "https://t/"), port("B", "https://s/"), provisioning{"https://s/", "https://t/", false}},
		{
			"SHA-1 before others, others before bearer",
			policy("B", signed, "https://b/") + policy("P_SHA1", endorsing, "https://t/") + policy("P_SHA256", endorsing, "https://u/"),
			port("P_SHA256", "https://2/") + port("B", "https://3/") + port("P_SHA1", "https://s/"),
			provisioning{"https://s/", "https://t/", true},
		},
		{"a port without TLS is passed over", policy("P_SHA1", endorsing, "https://t/") + policy("B", signed, "https://t/"), port("P_SHA1", "http://s/") + port("B", "https://s/"), provisioning{"https://s/", "https://t/", false}},
		{"a port without a policy", policy("X", endorsing, "https://t/"), port("P", "https://s/"), provisioning{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseServiceMetadata([]byte(`<w:definitions xmlns:w="w">` + tc.policies + `<w:service>` + tc.ports + `</w:service></w:definitions>`))
			require.Equal(t, tc.want, got)
			if tc.want == (provisioning{}) {
				require.ErrorIs(t, err, ErrAnswer)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestTicketAnswerWithAnyPrefixes(t *testing.T) {
	r := &ticketRequest{entropy: ascending(0)}
	const assertion = "<a:Assertion  AssertionID='id-1' xmlns:a=\"urn:oasis:names:tc:SAML:1.0:assertion\"><a:X>&lt;</a:X>\n</a:Assertion>"
	got, err := r.parse([]byte(`<e:Envelope xmlns:e="e" xmlns:w="w" xmlns="t"><Collection><Assertions/>` + assertion +
		`<Lifetime><w:Created> 2026-01-01T00:00:00Z</w:Created><w:Expires>2036-01-01T00:00:00Z</w:Expires></Lifetime>` +
		`<Entropy><BinarySecret>` + base64.StdEncoding.EncodeToString(ascending(0x20)) + `</BinarySecret></Entropy></Collection></e:Envelope>`))
	require.NoError(t, err)
	require.Equal(t, &ticket{
		assertion: []byte(assertion), id: "id-1", created: "2026-01-01T00:00:00Z", expires: "2036-01-01T00:00:00Z",
		proof: proofKey(ascending(0), ascending(0x20)),
	}, got)
}

func TestFaultForms(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       *Fault
	}{
		{
			"Ms-Diagnostics-Fault, as seen in the field",
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="x">a:FailedAuthentication</faultcode>` +
				`<faultstring xml:lang="en-US">No valid security token.</faultstring><detail><OCSDiagnosticsFault xmlns="urn:component:Microsoft.Rtc.WebAuthentication.2010">` +
				`<Ms-Diagnostics-Fault><ErrorId>28020</ErrorId><Reason>No valid security token.</Reason></Ms-Diagnostics-Fault></OCSDiagnosticsFault></detail></s:Fault></s:Body></s:Envelope>`,
			&Fault{ErrorID: 28020, Reason: "No valid security token.", Code: "FailedAuthentication", Text: "No valid security token."},
		},
		{
			"SOAP 1.2",
			`<s:Envelope xmlns:s="s"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>Invalid request</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`,
			&Fault{Code: "Sender", Text: "Invalid request"},
		},
		{
			"internal error",
			`<E><Body><Fault><Detail><error><internalerror><text>not now</text></internalerror></error></Detail></Fault></Body></E>`,
			&Fault{Reason: "not now"},
		},
		{"ErrorInfo", `<E><Body><GetAndPublishCertResponse><ErrorInfo><A>1</A><B>two</B></ErrorInfo></GetAndPublishCertResponse></Body></E>`, &Fault{Reason: "1 two"}},
		{"ErrorId out of range", `<E><Body><Fault><ErrorId>99999999999</ErrorId></Fault></Body></E>`, &Fault{}},
		{"cut off", `<E><Body><Fault><faultstring>half`, &Fault{Text: "half"}},
		{"text after the end", `<Body><Fault/></Body>text`, &Fault{}},
		{"no fault", `<E><Body><Fine/></Body></E>`, nil},
		{"a fault elsewhere", `<definitions><Fault/></definitions>`, nil},
		{"HTML", `<html><body><br></body></html>`, nil},
		{"nothing", ``, nil},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, parseFault([]byte(tc.body))) })
	}
}

func TestDiagnosticsHeader(t *testing.T) {
	require.Equal(t, &Fault{ErrorID: 28032, Reason: "The web ticket is invalid.", Source: "fe.example.test", Code: "wsse:FailedAuthentication"},
		parseDiagnostics(`28032;source="fe.example.test";reason="The web ticket is invalid.";faultcode="wsse:FailedAuthentication"`))
	require.Equal(t, &Fault{ErrorID: 28000}, parseDiagnostics("28000"))
	require.Nil(t, parseDiagnostics(""))
	require.Nil(t, parseDiagnostics(`reason="x"`))
}

func FuzzAnswers(f *testing.F) {
	r, err := newPublishRequest(&Client{Address: testAddress, Device: testDevice}, provisioning{}, newTestTicket())
	require.NoError(f, err)
	for _, seed := range []string{
		`<definitions><Policy Id="P_policy"><ExactlyOne><All><EndorsingSupportingTokens><Policy><IssuedToken><Issuer><Address>https://t/</Address></Issuer></IssuedToken></Policy></EndorsingSupportingTokens></All></ExactlyOne></Policy><service><port name="P"><address location="https://s/"/></port></service></definitions>`,
		`<definitions><service><port name="WebTicketServiceWinNegotiate"><address location="https://t/"/></port></service></definitions>`,
		`<a><Assertion AssertionID="1"/><Lifetime><Created>2026-01-01T00:00:00Z</Created><Expires>2036-01-01T00:00:00Z</Expires></Lifetime><BinarySecret>AAAA</BinarySecret></a>`,
		`<E><Body><GetAndPublishCertResponse><RequestSecurityTokenResponse><RequestedSecurityToken><BinarySecurityToken>MIIB</BinarySecurityToken></RequestedSecurityToken></RequestSecurityTokenResponse></GetAndPublishCertResponse></Body></E>`,
		`<E><Body><Fault><faultcode>a:b</faultcode><detail><ErrorId>1</ErrorId><Reason>r</Reason></detail></Fault></Body></E>`,
		`<E><Body><GetAndPublishCertResponse><ErrorInfo>x</ErrorInfo></GetAndPublishCertResponse></Body></E>`,
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
	} {
		f.Add([]byte(seed))
	}
	request := &ticketRequest{entropy: ascending(0)}
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := parseServiceMetadata(body); err == nil {
			require.NoError(t, checkURL(p.address))
			require.NoError(t, checkURL(p.issuer))
		}
		if address, err := parseTicketMetadata(body); err == nil {
			require.NoError(t, checkURL(address))
		}
		if ticket, err := request.parse(body); err == nil {
			require.True(t, isDateTime(ticket.created) && isDateTime(ticket.expires))
		}
		_, err := r.parse(body)
		require.Error(t, err) // nobody guesses a certificate for our key
		if fault := parseFault(body); fault != nil {
			for _, text := range []string{fault.Reason, fault.Code, fault.Text} {
				require.LessOrEqual(t, len([]rune(text)), maxText)
				require.NotContains(t, text, "\n")
			}
		}
	})
}

func FuzzDiagnosticsHeader(f *testing.F) {
	f.Add(`28032;source="fe.example.test";reason="The web ticket is invalid."`)
	f.Add(`1;reason="`)
	f.Fuzz(func(t *testing.T, value string) {
		if fault := parseDiagnostics(value); fault != nil {
			require.NotContains(t, fault.Reason, "\n")
		}
	})
}
