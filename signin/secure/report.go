package secure

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Limits of what a report keeps, for a session holds it as long as it lives.
const (
	maxChain = 8   // certificates
	maxNames = 32  // names of one certificate
	maxText  = 200 // octets of one name
)

// Report is what a handshake showed. It marshals to JSON, with the chain.
type Report struct {
	ServerName  string       `json:"server_name"` // the name wanted
	Version     string       `json:"version,omitempty"`
	CipherSuite string       `json:"cipher_suite,omitempty"`
	Verified    bool         `json:"verified"`         // chain and name are good
	Cause       ocserr.Cause `json:"cause,omitempty"`  // the fault's cause; set where certificates are skipped, too
	Fault       string       `json:"fault,omitempty"`  // the fault in words
	Legacy      []string     `json:"legacy,omitempty"` // what was needed of Config.Legacy: "TLS 1.0", "TLS 1.1", "RSA key exchange", "3DES", "RC4", "SHA-1 signature", "common name"
	Expiry      time.Time    `json:"expiry,omitzero"`  // when the chain stops to be valid; of an unverified chain, its first expiry

	// The certificates themselves, for crypto/tls shares them among connections: a session at rest keeps no
	// description of its own.
	chain []*x509.Certificate

	client clientCertificate
}

// Certificate is one certificate of a chain.
type Certificate struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	DNSNames  []string  `json:"dns_names,omitempty"` // subject alternative names; at most 32
	Signature string    `json:"signature"`           // "SHA256-RSA"
	SHA256    string    `json:"sha256"`              // fingerprint, hexadecimal
}

// newReport describes a connection and the chain that the server sent.
func newReport(name string, state tls.ConnectionState, chain []*x509.Certificate) *Report {
	r := &Report{ServerName: name}
	if state.Version != 0 {
		r.Version = tls.VersionName(state.Version)
	}
	if state.CipherSuite != 0 {
		r.CipherSuite = tls.CipherSuiteName(state.CipherSuite)
	}
	if len(chain) > 0 {
		r.Expiry = expiry([][]*x509.Certificate{chain})
	}
	r.chain = chain[:min(len(chain), maxChain)]
	return r
}

// Chain describes the certificates as the server sent them, its own first; at most 8.
func (r *Report) Chain() []Certificate {
	list := make([]Certificate, len(r.chain))
	for i, c := range r.chain {
		sum := sha256.Sum256(c.Raw)
		list[i] = Certificate{
			Subject:   printable(c.Subject.String()),
			Issuer:    printable(c.Issuer.String()),
			NotBefore: c.NotBefore,
			NotAfter:  c.NotAfter,
			Signature: c.SignatureAlgorithm.String(),
			SHA256:    hex.EncodeToString(sum[:]),
		}
		for _, name := range c.DNSNames[:min(len(c.DNSNames), maxNames)] {
			list[i].DNSNames = append(list[i].DNSNames, printable(name))
		}
	}
	return list
}

// MarshalJSON adds the chain.
func (r *Report) MarshalJSON() ([]byte, error) {
	type fields Report // without this method
	return json.Marshal(struct {
		*fields
		Chain []Certificate `json:"chain,omitempty"`
	}{(*fields)(r), r.Chain()})
}

// expiry returns when the last of the chains stops to be valid: a chain is as old as its oldest link.
func expiry(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, c := range chain[1:] {
			if c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if first.After(last) {
			last = first
		}
	}
	return last
}

// printable makes a text of a certificate fit for a terminal, and short. Cutting copies, so that a
// report does not hold on to the certificate.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "..."
	}
	return strings.Clone(s)
}
