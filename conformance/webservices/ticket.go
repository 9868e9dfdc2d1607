package webservices

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	actionIssue    = nsTrust + "/RST/Issue"
	ticketLifetime = 8 * time.Hour
	maxTickets     = 4096
	maxEntropy     = 256 // bytes
)

// ticket is a web ticket that was issued.
type ticket struct {
	address string // the SIP address of its user
	service string // the URL that it is good for
	proof   []byte // the key that its user signs with
	expires time.Time
}

// ticketRequest is a RequestSecurityToken (WS-Trust 1.3).
type ticketRequest struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	RST     struct {
		Context     string `xml:"Context,attr"`
		TokenType   string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 TokenType"`
		RequestType string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 RequestType"`
		KeyType     string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 KeyType"`
		Entropy     struct {
			Secret string `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 BinarySecret"`
		} `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 Entropy"`
		AppliesTo struct {
			Reference struct {
				Address string `xml:"http://www.w3.org/2005/08/addressing Address"`
			} `xml:"http://www.w3.org/2005/08/addressing EndpointReference"`
		} `xml:"http://schemas.xmlsoap.org/ws/2004/09/policy AppliesTo"`
		Claims struct {
			Dialect string `xml:"Dialect,attr"`
			Claim   []struct {
				URI   string `xml:"Uri,attr"`
				Value string `xml:"http://schemas.xmlsoap.org/ws/2006/12/authorization Value"`
			} `xml:"http://schemas.xmlsoap.org/ws/2006/12/authorization ClaimType"`
		} `xml:"http://docs.oasis-open.org/ws-sx/ws-trust/200512 Claims"`
	} `xml:"Body>RequestSecurityToken"`
}

// serveTicket issues a web ticket to a user who has proved who he is.
func (s *Services) serveTicket(w http.ResponseWriter, r *http.Request, body []byte) {
	account, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	entropy, err := s.checkTicketRequest(r, body, account)
	if err != nil {
		s.fail(w, r, malformed(err))
		return
	}
	if entropy == nil { // the request is for somebody else
		s.fail(w, r, faultNotEnabled)
		return
	}
	mine := make([]byte, 32)
	rand.Read(mine) // never fails
	now := time.Now().UTC().Truncate(time.Second)
	t := ticket{
		address: account.Address, service: url(r, CertificateService+s.port()),
		proof: proofKey(entropy, mine), expires: now.Add(ticketLifetime),
	}
	id := s.keep(t, now)
	writeEnvelope(w, http.StatusOK, fmt.Sprintf(
		`<RequestSecurityTokenResponseCollection xmlns="%s"><RequestSecurityTokenResponse>`+
			`<TokenType>http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1</TokenType>`+
			`<RequestedSecurityToken><saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="%s" Issuer="%s" IssueInstant="%s"`+
			` xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"><saml:Conditions NotBefore="%[4]s" NotOnOrAfter="%[5]s"/>`+
			`<saml:AuthenticationStatement AuthenticationInstant="%[4]s"><saml:Subject><saml:NameIdentifier>sip:%[6]s</saml:NameIdentifier></saml:Subject>`+
			`</saml:AuthenticationStatement></saml:Assertion></RequestedSecurityToken>`+
			`<RequestedProofToken><ComputedKey>http://docs.oasis-open.org/ws-sx/ws-trust/200512/CK/PSHA1</ComputedKey></RequestedProofToken>`+
			`<Entropy><BinarySecret>%[7]s</BinarySecret></Entropy>`+
			`<Lifetime><wsu:Created xmlns:wsu="%[8]s">%[4]s</wsu:Created><wsu:Expires xmlns:wsu="%[8]s">%[5]s</wsu:Expires></Lifetime>`+
			`</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>`,
		nsTrust, id, escape(url(r, ticketService)), now.Format(time.RFC3339), t.expires.Format(time.RFC3339),
		escape(account.Address), base64.StdEncoding.EncodeToString(mine), nsUtil,
	))
}

// checkTicketRequest reads a request for a ticket and returns the client's entropy; none, without an error, if
// the ticket is wanted for another user.
func (s *Services) checkTicketRequest(r *http.Request, body []byte, account Account) (entropy []byte, err error) {
	if err := action(r, actionIssue); err != nil {
		return nil, err
	}
	var request ticketRequest
	if err := xml.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	rst := request.RST
	var claimed string
	for _, c := range rst.Claims.Claim {
		if c.URI == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri" {
			claimed = c.Value
		}
	}
	entropy, err = base64.StdEncoding.DecodeString(strings.TrimSpace(rst.Entropy.Secret))
	switch {
	case err != nil || len(entropy) == 0 || len(entropy) > maxEntropy:
		return nil, fmt.Errorf("entropy is not base64 of 1 to %d bytes", maxEntropy)
	case rst.Context == "":
		return nil, fmt.Errorf("no Context")
	case rst.TokenType != "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1":
		return nil, fmt.Errorf("TokenType is %q", rst.TokenType)
	case rst.RequestType != "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue":
		return nil, fmt.Errorf("RequestType is %q", rst.RequestType)
	case rst.KeyType != nsTrust+"/SymmetricKey":
		return nil, fmt.Errorf("KeyType is %q", rst.KeyType)
	case rst.AppliesTo.Reference.Address != url(r, CertificateService+s.port()):
		return nil, fmt.Errorf("AppliesTo is %q", rst.AppliesTo.Reference.Address)
	case rst.Claims.Dialect != "urn:component:Microsoft.Rtc.WebAuthentication.2010:authclaims":
		return nil, fmt.Errorf("the dialect of Claims is %q", rst.Claims.Dialect)
	case !strings.EqualFold(claimed, "sip:"+account.Address):
		return nil, nil
	}
	return entropy, nil
}

// keep remembers a ticket under a new AssertionID. There is room for maxTickets; an expired one, or else any,
// makes way.
func (s *Services) keep(t ticket, now time.Time) string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	id := "SamlSecurityToken-" + hex.EncodeToString(random[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tickets) >= maxTickets {
		var victim string
		for other, old := range s.tickets {
			victim = other
			if old.expires.Before(now) {
				break
			}
		}
		delete(s.tickets, victim)
	}
	s.tickets[id] = t
	return id
}
