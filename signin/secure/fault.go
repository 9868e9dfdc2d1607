package secure

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// handshake is what is known of a handshake when its fault is looked for.
type handshake struct {
	name        string              // the name wanted
	roots       *x509.CertPool      // nil: the system's
	chain       []*x509.Certificate // as the server sent it
	version     uint16              // 0 before the server's hello
	client      clientCertificate
	legacy      bool                // Config.Legacy
	authorities []*x509.Certificate // Config.Authorities
}

// fault is an error explained. The text says it all; the error that it wraps is for errors.As.
type fault struct {
	cause  ocserr.Cause
	text   string
	err    error
	remedy string // "": that of the cause
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.err }

// fault explains why a handshake failed, or why its certificates were found wanting.
func (h *handshake) fault(err error) *fault {
	cause, text := h.certificateFault(err)
	if cause == "" {
		cause, text = h.handshakeFault(err)
	}
	f := &fault{cause: cause, text: text, err: err}
	if weak := h.unproved(); weak != "" && cause == ocserr.CauseTLSUntrusted {
		f.text += "; besides, " + weak
		f.remedy = "Add the root certificate of the server's authority to the system's store, or give it as CA file; and issue the chain with SHA-256, or allow legacy TLS for this server."
	}
	return f
}

// coded makes the fault an error of the handshake.
func (f *fault) coded() *ocserr.Error {
	e := ocserr.New(f.cause, f).At(ocserr.StageSecure)
	if f.remedy != "" {
		e.Remedy = f.remedy
	}
	return e
}

// handshakeFault explains an error that is not about certificates. For some, crypto/tls has no type
// but only a text.
func (h *handshake) handshakeFault(err error) (ocserr.Cause, string) {
	var noTLS tls.RecordHeaderError
	var op *net.OpError
	var errno syscall.Errno
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case errors.As(err, &noTLS) && h.version == 0:
		return ocserr.CauseTLSNotTLS, fmt.Sprintf("the server begins with %q, which is not TLS", noTLS.RecordHeader[:])
	case errors.As(err, &op) && op.Op == "remote error":
		text := strings.TrimPrefix(op.Err.Error(), "tls: ")
		text = fmt.Sprintf("the server broke off the handshake with the alert %q", text)
		cause := h.alertCause(op.Err)
		switch {
		case cause == ocserr.CauseTLSClientRefused && h.client.given:
			text += ", when it had got the client certificate"
		case cause == ocserr.CauseTLSClientRefused:
			text += ": it demands a client certificate, and there is none for it"
		}
		return cause, text
	case says("unsupported protocol version") && h.legacy:
		return ocserr.CauseTLSIncompatible, "the server answers with a version older than TLS 1.0"
	case says("unsupported protocol version"):
		return ocserr.CauseTLSIncompatible, "the server answers with a version older than TLS 1.2"
	case says("unconfigured cipher suite"):
		return ocserr.CauseTLSIncompatible, "the server answers with a cipher suite that was not offered"
	case errors.As(err, &errno):
		return ocserr.CauseConnectionReset, "the connection broke in the handshake: " + errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return ocserr.CauseConnectionClosed, "the server closed the connection in the handshake"
	}
	return ocserr.CauseTLSHandshakeFailed, printable(err.Error())
}

// alertCause names the cause of an alert received (RFC 8446 6.2). Its type is not exported: the number
// is known by its text.
func (h *handshake) alertCause(alert error) ocserr.Cause {
	const (
		handshakeFailure     = 40
		badCertificate       = 42
		unsupportedCert      = 43
		certificateRevoked   = 44
		certificateExpired   = 45
		certificateUnknown   = 46
		unknownCA            = 48
		accessDenied         = 49
		protocolVersion      = 70
		insufficientSecurity = 71
		certificateRequired  = 116
	)
	is := func(numbers ...tls.AlertError) bool {
		return slices.ContainsFunc(numbers, func(n tls.AlertError) bool { return n.Error() == alert.Error() })
	}
	switch {
	case is(badCertificate, certificateUnknown, unknownCA, accessDenied, certificateRequired),
		is(unsupportedCert, certificateRevoked, certificateExpired) && h.client.given,
		is(handshakeFailure) && h.client.demanded: // the answer of TLS 1.2 to a missing certificate
		return ocserr.CauseTLSClientRefused
	case is(handshakeFailure, protocolVersion, insufficientSecurity):
		return ocserr.CauseTLSIncompatible
	}
	return ocserr.CauseTLSHandshakeFailed
}

// certificateFault explains an error about the server's certificates. The cause is empty if it is
// about something else.
func (h *handshake) certificateFault(err error) (ocserr.Cause, string) {
	var (
		invalid   x509.CertificateInvalidError
		wrongName x509.HostnameError
		unknown   x509.UnknownAuthorityError
		refused   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return validity(invalid.Cert, time.Now())
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return ocserr.CauseTLSBadCertificate, "the certificate is not meant for servers (extended key usage)"
	case errors.As(err, &wrongName) && wrongName.Certificate != nil:
		return h.otherName(wrongName.Certificate)
	case errors.As(err, &unknown) && len(h.chain) > 0:
		return h.untrusted()
	case errors.As(err, &refused), errors.As(err, &invalid), strings.Contains(err.Error(), "certificate from server"):
		return ocserr.CauseTLSBadCertificate, printable(err.Error())
	}
	return "", ""
}

// validity says on which side of its life a certificate is. The clock is named because it may be the
// one that is wrong.
func validity(c *x509.Certificate, now time.Time) (ocserr.Cause, string) {
	clock := now.UTC().Format(time.RFC3339)
	if now.Before(c.NotBefore) {
		return ocserr.CauseTLSNotYetValid, fmt.Sprintf("the certificate of %s is not valid before %s; it is %s here",
			subject(c), c.NotBefore.UTC().Format(time.RFC3339), clock)
	}
	return ocserr.CauseTLSExpired, fmt.Sprintf("the certificate of %s expired at %s; it is %s here",
		subject(c), c.NotAfter.UTC().Format(time.RFC3339), clock)
}

// otherName says for whom a certificate is, if not for the name wanted.
func (h *handshake) otherName(leaf *x509.Certificate) (ocserr.Cause, string) {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 0 {
		if more := len(names) - maxNames; more > 0 {
			names = append(names[:maxNames], fmt.Sprintf("%d more", more))
		}
		return ocserr.CauseTLSWrongName, fmt.Sprintf("the certificate is for %s, not for %s", printable(strings.Join(names, ", ")), h.name)
	}
	byCommonName := x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
	if byCommonName.VerifyHostname(h.name) == nil && !hasSAN(leaf) {
		return ocserr.CauseTLSNoSAN, fmt.Sprintf("the certificate has no subject alternative name; %s is its common name only", h.name)
	}
	return ocserr.CauseTLSWrongName, fmt.Sprintf("the certificate of %s has no host among its subject alternative names, so it is not for %s", subject(leaf), h.name)
}

// hasSAN reports whether a certificate has the extension for subject alternative names, which makes
// its common name void (RFC 6125 6.4.4).
func hasSAN(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidSAN()) })
}

// oidSAN is id-ce-subjectAltName (RFC 5280 4.2.1.6).
func oidSAN() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 17} }

// untrusted says why no chain leads to a trusted root. The verifier says "unknown authority" also for a signature that it
// does not verify because it is by SHA-1. Where the root is not trusted either, that is the cause: a chain to nowhere
// proves nothing, however it is signed.
func (h *handshake) untrusted() (ocserr.Cause, string) {
	top := h.top()
	if weak := h.unproved(); weak != "" && h.trusts(top) {
		return ocserr.CauseTLSSHA1, weak
	}
	switch {
	case selfSigned(top) && top == h.chain[0]:
		return ocserr.CauseTLSUntrusted, fmt.Sprintf("the certificate of %s is self-signed and not trusted here", subject(top))
	case selfSigned(top):
		return ocserr.CauseTLSUntrusted, fmt.Sprintf("the root %s is not trusted here", subject(top))
	}
	return ocserr.CauseTLSUntrusted, fmt.Sprintf("the issuer %s of %s is not trusted here, and the server did not send its certificate",
		issuer(top), subject(top))
}

// unproved says which signature of the chain was not accepted because it is weak; "": none.
func (h *handshake) unproved() string {
	for _, c := range h.chain {
		if selfSigned(c) || !weak(c.SignatureAlgorithm) {
			continue
		}
		if why := h.refused(c); why != "" {
			return why
		}
	}
	return ""
}

// trusts tells whether the last certificate of what the server sent is a trusted root, or such a root stands above it.
func (h *handshake) trusts(top *x509.Certificate) bool {
	_, err := top.Verify(x509.VerifyOptions{
		Roots: h.roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		CurrentTime: top.NotBefore, // dates are another matter
	})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
		return true
	}
	// A root of the issuer's name was there, and the verifier would not try its key on a weak signature.
	return !selfSigned(top) && strings.Contains(err.Error(), "insecure algorithm")
}

// verify verifies chain and name as crypto/tls does, and with legacy as verifyLegacy does where that fails;
// used is what it then needed.
func (h *handshake) verify() (chains [][]*x509.Certificate, used []string, err error) {
	if len(h.chain) == 0 {
		return nil, nil, errors.New("no certificate from server")
	}
	options := x509.VerifyOptions{DNSName: h.name, Roots: h.roots, Intermediates: x509.NewCertPool()}
	for _, c := range h.chain[1:] {
		options.Intermediates.AddCert(c)
	}
	chains, err = h.chain[0].Verify(options)
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	if h.legacy && (errors.As(err, &unknown) || errors.As(err, &wrongName)) {
		return h.verifyLegacy()
	}
	return chains, nil, err
}

// top follows the issuers from the server's certificate as far as the server sent them.
func (h *handshake) top() *x509.Certificate {
	top := h.chain[0]
	for range h.chain {
		for _, c := range h.chain {
			if string(c.RawSubject) == string(top.RawIssuer) {
				top = c
				break
			}
		}
	}
	return top
}

func selfSigned(c *x509.Certificate) bool { return string(c.RawSubject) == string(c.RawIssuer) }

// weak reports whether crypto/x509 refuses to verify signatures of this kind.
func weak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

func subject(c *x509.Certificate) string { return quoted(c.Subject.String()) }
func issuer(c *x509.Certificate) string  { return quoted(c.Issuer.String()) }
func quoted(name string) string          { return `"` + printable(name) + `"` }
