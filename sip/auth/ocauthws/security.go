package ocauthws

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
)

// proofKey is the key that both sides' entropies make (WS-Trust 1.3, section 4.4.4): P_SHA1 of RFC 2246
// section 5, as long as the client's.
func proofKey(client, server []byte) []byte {
	a, key := hmacSHA1(client, server), []byte(nil)
	for len(key) < len(client) {
		key = append(key, hmacSHA1(client, a, server)...)
		a = hmacSHA1(client, a)
	}
	return key[:len(client)]
}

func hmacSHA1(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha1.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// securityHeader is the WS-Security header of a request made with a ticket: how long the ticket is good for, the
// ticket, and with a proof key a signature over the former.
func securityHeader(t *ticket, proof bool) string {
	stamp := timestamp(t.created, t.expires)
	header := stamp + string(t.assertion)
	if !proof {
		return "<wsse:Security>" + header + "</wsse:Security>"
	}
	info := signedInfo(stamp)
	return "<wsse:Security>" + header + `<Signature xmlns="` + nsDSig + `">` + info +
		"<SignatureValue>" + signatureValue(t.proof, info) + "</SignatureValue><KeyInfo>" +
		`<wsse:SecurityTokenReference wsse:TokenType="` + tokenSAML + `">` +
		`<wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID">` +
		escape(t.id) + "</wsse:KeyIdentifier></wsse:SecurityTokenReference></KeyInfo></Signature></wsse:Security>"
}

// timestamp is written in canonical form (Exclusive XML Canonicalization), as signedInfo is, so that the bytes
// that are digested are those that a verifier digests. The times are the issuer's own: our clock may differ.
func timestamp(created, expires string) string {
	return `<wsu:Timestamp xmlns:wsu="` + nsUtil + `" wsu:Id="timestamp">` +
		"<wsu:Created>" + created + "</wsu:Created><wsu:Expires>" + expires + "</wsu:Expires></wsu:Timestamp>"
}

// signedInfo says what is signed: a timestamp in canonical form.
func signedInfo(timestamp string) string {
	digest := sha1.Sum([]byte(timestamp))
	return `<SignedInfo xmlns="` + nsDSig + `">` +
		`<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="` + nsDSig + `hmac-sha1"></SignatureMethod>` +
		`<Reference URI="#timestamp"><Transforms>` +
		`<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></Transform></Transforms>` +
		`<DigestMethod Algorithm="` + nsDSig + `sha1"></DigestMethod>` +
		`<DigestValue>` + base64.StdEncoding.EncodeToString(digest[:]) + `</DigestValue></Reference></SignedInfo>`
}

func signatureValue(key []byte, info string) string {
	return base64.StdEncoding.EncodeToString(hmacSHA1(key, []byte(info)))
}
