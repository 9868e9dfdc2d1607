package webservices

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"time"
)

// securityHeader is the WS-Security header of a request made with a ticket.
type securityHeader struct {
	Timestamp struct {
		ID      string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Id,attr"`
		Created string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Created"`
		Expires string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Expires"`
	} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Timestamp"`
	Assertion struct {
		ID string `xml:"AssertionID,attr"`
	} `xml:"urn:oasis:names:tc:SAML:1.0:assertion Assertion"`
	Signature struct {
		Reference struct {
			URI    string `xml:"URI,attr"`
			Digest string `xml:"DigestValue"`
		} `xml:"SignedInfo>Reference"`
		Value string `xml:"SignatureValue"`
		Key   string `xml:"KeyInfo>SecurityTokenReference>KeyIdentifier"`
	} `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
}

// checkSecurity finds the ticket of a request to a service and checks that the request's sender holds its key.
// The body is the request as it came, since signatures are over bytes.
func (s *Services) checkSecurity(h *securityHeader, body []byte, service string) (ticket, *Fault) {
	s.mu.Lock()
	t, ok := s.tickets[h.Assertion.ID]
	s.mu.Unlock()
	now := time.Now()
	expires, err := time.Parse(time.RFC3339, h.Timestamp.Expires)
	switch {
	case h.Assertion.ID == "":
		return ticket{}, &faultNoToken
	case !ok || t.service != service || now.After(t.expires) || err != nil || now.After(expires):
		return ticket{}, &faultTicket
	case s.cfg.Bearer:
		return t, nil
	}
	info := raw(body, "SignedInfo")
	signature := h.Signature
	if signature.Key != h.Assertion.ID || h.Timestamp.ID == "" || signature.Reference.URI != "#"+h.Timestamp.ID ||
		!equalBase64(signature.Value, hmacSHA1(t.proof, info)) ||
		!digestFits(signature.Reference.Digest, raw(body, "Timestamp"), h) {
		return ticket{}, &faultTicket
	}
	return t, nil
}

// digestFits checks a timestamp's digest. It may be over its canonical form (Exclusive XML Canonicalization), as
// the signature says; or, as a client in the field does, over the bytes as they stand, which need not be
// canonical.
func digestFits(digest string, stamp []byte, h *securityHeader) bool {
	canonical := `<wsu:Timestamp xmlns:wsu="` + nsUtil + `" wsu:Id="` + escape(h.Timestamp.ID) + `"><wsu:Created>` +
		escape(h.Timestamp.Created) + `</wsu:Created><wsu:Expires>` + escape(h.Timestamp.Expires) + `</wsu:Expires></wsu:Timestamp>`
	for _, form := range [][]byte{[]byte(canonical), stamp} {
		sum := sha1.Sum(form)
		if equalBase64(digest, sum[:]) {
			return true
		}
	}
	return false
}

func equalBase64(text string, want []byte) bool {
	got, err := base64.StdEncoding.DecodeString(text)
	return err == nil && hmac.Equal(got, want)
}

func hmacSHA1(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha1.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// proofKey is P_SHA1 of RFC 2246 section 5 over both sides' entropies, as long as the client's (WS-Trust 1.3,
// section 4.4.4).
func proofKey(client, server []byte) []byte {
	var key []byte
	for a := hmacSHA1(client, server); len(key) < len(client); a = hmacSHA1(client, a) {
		key = append(key, hmacSHA1(client, a, server)...)
	}
	return key[:len(client)]
}
