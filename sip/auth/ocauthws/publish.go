package ocauthws

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
)

const actionPublish = nsCert + "GetAndPublishCert"

const keyBits = 2048

// publishRequest asks for a certificate for a fresh key (MS-OCAUTHWS 3.1.4.1).
type publishRequest struct {
	key      *rsa.PrivateKey
	envelope string
}

func newPublishRequest(c *Client, to provisioning, t *ticket) (*publishRequest, error) {
	if to.proof && (t.proof == nil || t.id == "") {
		return nil, fmt.Errorf("%w: the service wants signed requests, and the ticket has no key for it", ErrAnswer)
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: c.Address},
		SignatureAlgorithm: x509.SHA256WithRSA,
	}, key)
	if err != nil {
		return nil, err
	}
	header := "<wsa:To>" + escape(to.address) + "</wsa:To>" +
		"<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>" +
		"<wsa:MessageID>uuid:" + newUUID() + "</wsa:MessageID>" + // a must from Lync 2013 on
		"<wsa:Action>" + actionPublish + "</wsa:Action>" +
		securityHeader(t, to.proof)
	body := `<GetAndPublishCert xmlns="` + nsCert + `" xmlns:wst="` + nsTrust + `/" xmlns:wstep="` + nsEnroll + `"` +
		` DeviceId="{` + escape(c.Device) + `}" Entity="` + escape(c.Address) + `">` +
		`<wst:RequestSecurityToken>` +
		`<wst:TokenType>http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3</wst:TokenType>` +
		`<wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</wst:RequestType>` +
		`<wsse:BinarySecurityToken ValueType="http://schemas.microsoft.com/OCS/AuthWebServices.xsd#PKCS10"` +
		` EncodingType="` + nsSec + `#Base64Binary">` + "\r\n" + wrap(csr) + `</wsse:BinarySecurityToken>` +
		`<wstep:RequestID>` + newUUID() + `</wstep:RequestID>` +
		`</wst:RequestSecurityToken></GetAndPublishCert>`
	return &publishRequest{key, envelope(header, body)}, nil
}

// parse reads the answer: the certificate must be for our key.
func (r *publishRequest) parse(body []byte) (*tls.Certificate, error) {
	var answer struct {
		Token string `xml:"Body>GetAndPublishCertResponse>RequestSecurityTokenResponse>RequestedSecurityToken>BinarySecurityToken"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(answer.Token), ""))
	if err != nil || len(der) == 0 {
		return nil, fmt.Errorf("%w: no certificate in it", ErrAnswer)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if !r.key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%w: the certificate is for another key", ErrAnswer)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: r.key, Leaf: cert}, nil
}

// wrap is base64 in lines of 76: the service reads no longer ones.
func wrap(der []byte) string {
	text := base64.StdEncoding.EncodeToString(der)
	var b strings.Builder
	for len(text) > 0 {
		n := min(len(text), 76)
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String()
}

// newUUID is a random UUID (RFC 9562 section 5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
