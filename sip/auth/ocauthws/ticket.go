package ocauthws

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

const actionIssue = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue"

const (
	entropySize = 32  // bytes of ours; also the size of the proof key
	maxEntropy  = 256 // bytes of the issuer's
)

// ticket asks a ticket service for a ticket for a resource.
func (x *exchange) ticket(ctx context.Context, service, resource string) (*ticket, error) {
	x.step = StepTicketMetadata
	body, err := x.get(ctx, service+"/mex")
	if err != nil {
		return nil, err
	}
	address, err := parseTicketMetadata(body)
	if err != nil {
		return nil, x.fail(err)
	}
	x.step = StepTicket
	request := newTicketRequest(x.c, resource)
	if body, err = x.post(ctx, address, actionIssue, request.envelope(), true); err != nil {
		return nil, err
	}
	t, err := request.parse(body)
	if err != nil {
		return nil, x.fail(err)
	}
	return t, nil
}

// ticketRequest is a RequestSecurityToken for a web ticket (WS-Trust 1.3; MS-OCAUTHWS 3.2.4.1).
type ticketRequest struct {
	context, resource, address string
	entropy                    []byte
}

func newTicketRequest(c *Client, resource string) *ticketRequest {
	entropy := make([]byte, entropySize)
	rand.Read(entropy) // never fails
	return &ticketRequest{cmp.Or(c.Device, newUUID()), resource, c.Address, entropy}
}

func (r *ticketRequest) envelope() string {
	return envelope("", `<wst:RequestSecurityToken Context="`+escape(r.context)+`">`+
		`<wst:TokenType>`+tokenSAML+`</wst:TokenType>`+
		`<wst:RequestType>http://schemas.xmlsoap.org/ws/2005/02/trust/Issue</wst:RequestType>`+
		`<wsp:AppliesTo><wsa:EndpointReference><wsa:Address>`+escape(r.resource)+`</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>`+
		`<wst:Claims Dialect="urn:component:Microsoft.Rtc.WebAuthentication.2010:authclaims">`+
		`<auth:ClaimType Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri" Optional="false">`+
		`<auth:Value>sip:`+escape(r.address)+`</auth:Value></auth:ClaimType></wst:Claims>`+
		`<wst:Entropy><wst:BinarySecret>`+base64.StdEncoding.EncodeToString(r.entropy)+`</wst:BinarySecret></wst:Entropy>`+
		`<wst:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/SymmetricKey</wst:KeyType>`+
		`</wst:RequestSecurityToken>`)
}

// ticket is a web ticket.
type ticket struct {
	assertion        []byte // the SAML assertion as it came: its issuer has signed it
	id               string // AssertionID
	created, expires string // its lifetime, in the words of the issuer's clock
	proof            []byte // the key that signs requests made with it; nil: the issuer gave none
}

// parse reads the answer. It takes the first element of each name, so that it does not matter how the issuer
// wraps them.
func (r *ticketRequest) parse(body []byte) (*ticket, error) {
	assertion, start, ok := rawElement(body, "Assertion")
	if !ok {
		return nil, fmt.Errorf("%w: no ticket in it", ErrAnswer)
	}
	t := &ticket{assertion: assertion}
	for _, a := range start.Attr {
		if a.Name.Local == "AssertionID" {
			t.id = a.Value
		}
	}
	raw, _, ok := rawElement(body, "Lifetime")
	var lifetime struct{ Created, Expires string }
	if !ok || xml.Unmarshal(raw, &lifetime) != nil {
		return nil, fmt.Errorf("%w: the ticket has no lifetime", ErrAnswer)
	}
	for _, f := range []struct {
		text string
		dst  *string
	}{{lifetime.Created, &t.created}, {lifetime.Expires, &t.expires}} {
		*f.dst = strings.TrimSpace(f.text)
		if !isDateTime(*f.dst) {
			return nil, fmt.Errorf("%w: the ticket's lifetime is not a time: %q", ErrAnswer, clean(f.text))
		}
	}
	var secret struct {
		Text string `xml:",chardata"`
	}
	if raw, _, ok = rawElement(body, "BinarySecret"); !ok {
		return t, nil
	}
	if err := xml.Unmarshal(raw, &secret); err != nil {
		return nil, fmt.Errorf("%w: the issuer's entropy: %w", ErrAnswer, err)
	}
	entropy, err := base64.StdEncoding.DecodeString(strings.TrimSpace(secret.Text))
	if err != nil || len(entropy) == 0 || len(entropy) > maxEntropy {
		return nil, fmt.Errorf("%w: the issuer's entropy is not base64 of 1 to %d bytes", ErrAnswer, maxEntropy)
	}
	t.proof = proofKey(r.entropy, entropy)
	return t, nil
}

// isDateTime reports whether text is an xs:dateTime; without a zone it is UTC.
func isDateTime(text string) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
