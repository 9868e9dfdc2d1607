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
	address   string // the SIP address of its user
	service   string // the URL that it is good for
	proof     []byte // the key that its user signs with
	expires   time.Time
	assertion string // as it was issued
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
	entropy, service, err := s.checkTicketRequest(r, body, account)
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
	id, begins, ends := newAssertionID(), now.Format(time.RFC3339), now.Add(ticketLifetime).Format(time.RFC3339)
	t := ticket{
		address: account.Address, service: service, proof: proofKey(entropy, mine), expires: now.Add(ticketLifetime),
		assertion: fmt.Sprintf(`<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="%s" Issuer="%s" IssueInstant="%s"`+
			` xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"><saml:Conditions NotBefore="%[3]s" NotOnOrAfter="%[4]s"/>`+
			`<saml:AuthenticationStatement AuthenticationInstant="%[3]s"><saml:Subject><saml:NameIdentifier>sip:%[5]s</saml:NameIdentifier></saml:Subject>`+
			`</saml:AuthenticationStatement></saml:Assertion>`, id, escape(url(r, ticketService)), begins, ends, escape(account.Address)),
	}
	s.keep(id, t, now)
	writeEnvelope(w, http.StatusOK, fmt.Sprintf(
		`<RequestSecurityTokenResponseCollection xmlns="%s"><RequestSecurityTokenResponse>`+
			`<TokenType>http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1</TokenType>`+
			`<RequestedSecurityToken>%s</RequestedSecurityToken>`+
			`<RequestedProofToken><ComputedKey>http://docs.oasis-open.org/ws-sx/ws-trust/200512/CK/PSHA1</ComputedKey></RequestedProofToken>`+
			`<Entropy><BinarySecret>%s</BinarySecret></Entropy>`+
			`<Lifetime><wsu:Created xmlns:wsu="%[4]s">%[5]s</wsu:Created><wsu:Expires xmlns:wsu="%[4]s">%[6]s</wsu:Expires></Lifetime>`+
			`</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>`,
		nsTrust, t.assertion, base64.StdEncoding.EncodeToString(mine), nsUtil, begins, ends,
	))
}

// checkTicketRequest reads a request for a ticket and returns the client's entropy and what the ticket is for; no
// entropy, without an error, if the ticket is wanted for another user.
func (s *Services) checkTicketRequest(r *http.Request, body []byte, account Account) (entropy []byte, service string, err error) {
	if err := action(r, actionIssue); err != nil {
		return nil, "", err
	}
	var request ticketRequest
	if err := xml.Unmarshal(body, &request); err != nil {
		return nil, "", err
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
		return nil, "", fmt.Errorf("entropy is not base64 of 1 to %d bytes", maxEntropy)
	case rst.Context == "":
		return nil, "", fmt.Errorf("no Context")
	case rst.TokenType != "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1":
		return nil, "", fmt.Errorf("TokenType is %q", rst.TokenType)
	case rst.RequestType != "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue":
		return nil, "", fmt.Errorf("RequestType is %q", rst.RequestType)
	case rst.KeyType != nsTrust+"/SymmetricKey":
		return nil, "", fmt.Errorf("KeyType is %q", rst.KeyType)
	case !s.issuesFor(r, rst.AppliesTo.Reference.Address):
		return nil, "", fmt.Errorf("AppliesTo is %q", rst.AppliesTo.Reference.Address)
	case rst.Claims.Dialect != "urn:component:Microsoft.Rtc.WebAuthentication.2010:authclaims":
		return nil, "", fmt.Errorf("the dialect of Claims is %q", rst.Claims.Dialect)
	case !strings.EqualFold(claimed, "sip:"+account.Address):
		return nil, "", nil
	}
	return entropy, rst.AppliesTo.Reference.Address, nil
}

func newAssertionID() string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return "SamlSecurityToken-" + hex.EncodeToString(random[:])
}

// keep remembers a ticket under its AssertionID. There is room for maxTickets; an expired one, or else any, makes
// way.
func (s *Services) keep(id string, t ticket, now time.Time) {
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
}
