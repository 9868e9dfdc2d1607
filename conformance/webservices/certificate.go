package webservices

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

const (
	actionPublish = nsCert + "GetAndPublishCert"
	minKeyBits    = 2048
	maxKeyBits    = 8192
)

// publishRequest is a GetAndPublishCert (MS-OCAUTHWS 3.1.4.1). Its trust namespace, unlike that of a request for a
// ticket, ends in a slash.
type publishRequest struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Header  struct {
		To        string         `xml:"http://www.w3.org/2005/08/addressing To"`
		MessageID string         `xml:"http://www.w3.org/2005/08/addressing MessageID"`
		Action    string         `xml:"http://www.w3.org/2005/08/addressing Action"`
		Security  securityHeader `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Header"`
	Publish struct {
		XMLName  xml.Name
		DeviceID string `xml:"DeviceId,attr"`
		Entity   string `xml:"Entity,attr"`
		RST      struct {
			TokenType   string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512/ TokenType"`
			RequestType string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512/ RequestType"`
			Token       struct {
				ValueType string `xml:"ValueType,attr"`
				Text      string `xml:",chardata"`
			} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd BinarySecurityToken"`
			RequestID string `xml:"http://schemas.microsoft.com/windows/pki/2009/01/enrollment RequestID"`
		} `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512/ RequestSecurityToken"`
	} `xml:"Body>GetAndPublishCert"`
}

// serveCertificate signs a certificate for a user's new key.
func (s *Services) serveCertificate(w http.ResponseWriter, r *http.Request, body []byte) {
	if err := action(r, actionPublish); err != nil {
		s.fail(w, r, malformed(err))
		return
	}
	var request publishRequest
	if err := xml.Unmarshal(body, &request); err != nil {
		s.fail(w, r, malformed(err))
		return
	}
	service := url(r, CertificateService+s.port())
	t, fault := s.checkSecurity(&request.Header.Security, body, service)
	if fault != nil {
		s.fail(w, r, *fault)
		return
	}
	csr, err := request.check(service, t.address)
	if err != nil {
		s.fail(w, r, malformed(err))
		return
	}
	der, err := s.sign(csr, t.address)
	if err != nil {
		s.fail(w, r, malformed(err))
		return
	}
	writeEnvelope(w, http.StatusOK, fmt.Sprintf(
		`<GetAndPublishCertResponse DeviceId="%s" Entity="%s" xmlns="%s">`+
			`<RequestSecurityTokenResponse xmlns="%s/"><TokenType>http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3</TokenType>`+
			`<RequestedSecurityToken><BinarySecurityToken xmlns="%s">%s</BinarySecurityToken></RequestedSecurityToken>`+
			`</RequestSecurityTokenResponse></GetAndPublishCertResponse>`,
		escape(request.Publish.DeviceID), escape(request.Publish.Entity), nsCert, nsTrust, nsSec,
		base64.StdEncoding.EncodeToString(der),
	))
}

// check looks at all parts of a request but its security header and returns the PKCS#10.
func (p *publishRequest) check(service, address string) (*x509.CertificateRequest, error) {
	rst := p.Publish.RST
	switch {
	case p.Header.To != service:
		return nil, fmt.Errorf("the header To is %q", p.Header.To)
	case p.Header.MessageID == "":
		return nil, errors.New("no MessageID")
	case p.Header.Action != actionPublish:
		return nil, fmt.Errorf("the header Action is %q", p.Header.Action)
	case p.Publish.XMLName.Space != nsCert:
		return nil, fmt.Errorf("the namespace of GetAndPublishCert is %q", p.Publish.XMLName.Space)
	case len(p.Publish.DeviceID) != 38 || p.Publish.DeviceID[0] != '{' || p.Publish.DeviceID[37] != '}':
		return nil, fmt.Errorf("the attribute DeviceId is %q; it must be a UUID in braces", p.Publish.DeviceID)
	case !strings.EqualFold(p.Publish.Entity, address):
		return nil, fmt.Errorf("the attribute Entity is %q", p.Publish.Entity)
	case rst.TokenType != "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3":
		return nil, fmt.Errorf("TokenType is %q", rst.TokenType)
	case rst.RequestType != nsTrust+"/Issue":
		return nil, fmt.Errorf("RequestType is %q", rst.RequestType)
	case rst.Token.ValueType != "http://schemas.microsoft.com/OCS/AuthWebServices.xsd#PKCS10":
		return nil, fmt.Errorf("ValueType is %q", rst.Token.ValueType)
	case rst.RequestID == "":
		return nil, errors.New("no RequestID")
	}
	for line := range strings.Lines(rst.Token.Text) {
		if len(strings.TrimSpace(line)) > 76 {
			return nil, errors.New("PKCS#10 in lines of more than 76 characters")
		}
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(rst.Token.Text), ""))
	if err != nil {
		return nil, fmt.Errorf("PKCS#10: %w", err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("PKCS#10: %w", err)
	}
	key, ok := csr.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok || key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits:
		return nil, fmt.Errorf("PKCS#10: not an RSA key of %d to %d bits", minKeyBits, maxKeyBits)
	case csr.CheckSignature() != nil:
		return nil, errors.New("PKCS#10: its signature is wrong")
	case !strings.EqualFold(csr.Subject.CommonName, address):
		return nil, fmt.Errorf("PKCS#10: the subject is %q", csr.Subject.CommonName)
	}
	return csr, nil
}

// sign makes a certificate for a user, who is named by its common name.
func (s *Services) sign(csr *x509.CertificateRequest, address string) ([]byte, error) {
	serial := make([]byte, 16)
	rand.Read(serial) // never fails
	serial[0] &= 0x7f
	now := time.Now()
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: address},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(s.cfg.Lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, s.ca, csr.PublicKey, s.cfg.Authority.PrivateKey)
}
