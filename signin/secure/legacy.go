package secure

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// What Config.Legacy allows beside the versions before TLS 1.2, as Report.Legacy names it.
const (
	legacyRSA        = "RSA key exchange" // no forward secrecy
	legacy3DES       = "3DES"
	legacyRC4        = "RC4"
	legacySHA1       = "SHA-1 signature" // in the chain
	legacyCommonName = "common name"     // stands for the subject alternative name that the certificate has not
)

// legacyOf names what of a connection only Config.Legacy allows. RC4 with SHA-1 is all of RC4 that crypto/tls
// has; RC4 with MD5, export suites and SSL 3.0 are out of reach.
func legacyOf(version, suite uint16) (used []string) {
	if version < tls.VersionTLS12 {
		used = append(used, tls.VersionName(version))
	}
	name := tls.CipherSuiteName(suite)
	if strings.HasPrefix(name, "TLS_RSA_") {
		used = append(used, legacyRSA)
	}
	if strings.Contains(name, "_3DES_") {
		used = append(used, legacy3DES)
	}
	if strings.Contains(name, "_RC4_") {
		used = append(used, legacyRC4)
	}
	return used
}

// legacySuites are the suites offered with Config.Legacy: those that crypto/tls holds to be secure, and those
// in which legacyOf finds something. Go chooses their order, and prefers the secure ones.
func legacySuites() (suites []uint16) {
	for _, s := range tls.CipherSuites() {
		suites = append(suites, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		if len(legacyOf(tls.VersionTLS12, s.ID)) > 0 {
			suites = append(suites, s.ID)
		}
	}
	return suites
}

// maxProved is how many of the server's certificates are looked at: each may be tried as the issuer of each.
const maxProved = 16

// verifyLegacy verifies chain and name where SHA-1 signatures and a common name alone are allowed, and says
// which of the two it needed.
//
// crypto/x509 has no switch for either. So the signatures are proved here, on the certificates themselves, and
// then crypto/x509 verifies twins: copies that have keys made here, and signatures made with those, but only
// where the signature of the original was proved. Whatever else the standard verifier looks at (dates, CA bit,
// path length, key usages, policies, name constraints, the trust in the root) is the original's, and its errors
// are the standard ones.
func (h *handshake) verifyLegacy() (chains [][]*x509.Certificate, used []string, err error) {
	roots := h.rootsAtHand()
	keys := map[string]ed25519.PrivateKey{} // by the key of the original, which cross-signed certificates share
	options := x509.VerifyOptions{DNSName: h.name, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	originals := map[*x509.Certificate]*x509.Certificate{} // by twin
	var leaf *x509.Certificate
	for _, c := range h.atHand(roots...) {
		twin := h.twin(c, roots, keys)
		originals[twin] = c
		switch {
		case c == h.chain[0]:
			nameAfterCommonName(twin)
			leaf = twin
		case !slices.Contains(roots, c):
			options.Intermediates.AddCert(twin)
		}
		if slices.Contains(roots, c) {
			options.Roots.AddCert(twin)
		}
	}
	twins, err := leaf.Verify(options)
	if err != nil {
		return nil, nil, err
	}
	sha1 := true // in all the chains
	for _, chain := range twins {
		for i, twin := range chain {
			chain[i] = originals[twin]
		}
		sha1 = sha1 && slices.ContainsFunc(chain[:len(chain)-1], func(c *x509.Certificate) bool { return weak(c.SignatureAlgorithm) })
	}
	if sha1 {
		used = append(used, legacySHA1)
	}
	if h.chain[0].VerifyHostname(h.name) != nil {
		used = append(used, legacyCommonName)
	}
	return twins, used, nil
}

// atHand is the server's certificates, its own first, the authorities of the caller, and more, each once.
func (h *handshake) atHand(more ...*x509.Certificate) (list []*x509.Certificate) {
	for _, c := range slices.Concat(h.chain[:min(len(h.chain), maxProved)], h.authorities, more) {
		if !slices.ContainsFunc(list, c.Equal) {
			list = append(list, c)
		}
	}
	return list
}

// rootsAtHand finds the trusted roots whose certificates can be had: among those at hand, and at the end of the
// links that the standard verifier accepts. A pool does not give out the others.
func (h *handshake) rootsAtHand() (roots []*x509.Certificate) {
	all := h.atHand()
	options := x509.VerifyOptions{Roots: h.roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, c := range all[1:] {
		options.Intermediates.AddCert(c)
	}
	for _, c := range all {
		for _, at := range []time.Time{time.Now(), c.NotBefore} { // dates are judged later, and a root that has expired is one
			options.CurrentTime = at
			chains, _ := c.Verify(options)
			for _, chain := range chains {
				root := chain[len(chain)-1]
				if i := slices.IndexFunc(all, root.Equal); i >= 0 {
					root = all[i]
				}
				if !slices.ContainsFunc(roots, root.Equal) {
					roots = append(roots, root)
				}
			}
		}
	}
	return roots
}

// issuerOf finds the certificate at hand whose key has signed c.
func (h *handshake) issuerOf(c *x509.Certificate, roots []*x509.Certificate) *x509.Certificate {
	for _, issuer := range h.atHand(roots...) {
		if string(issuer.RawSubject) == string(c.RawIssuer) && issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return issuer
		}
	}
	return nil
}

// twin copies a certificate as verifyLegacy describes. What nobody is proved to have signed has no signature.
func (h *handshake) twin(c *x509.Certificate, roots []*x509.Certificate, keys map[string]ed25519.PrivateKey) *x509.Certificate {
	key := func(c *x509.Certificate) ed25519.PrivateKey {
		name := string(c.RawSubjectPublicKeyInfo)
		if keys[name] == nil {
			_, keys[name], _ = ed25519.GenerateKey(rand.Reader) // never fails
		}
		return keys[name]
	}
	twin := *c
	twin.PublicKeyAlgorithm, twin.PublicKey = x509.Ed25519, key(c).Public()
	twin.SignatureAlgorithm, twin.Signature = x509.PureEd25519, nil
	if issuer := h.issuerOf(c, roots); issuer != nil {
		twin.Signature = ed25519.Sign(key(issuer), c.RawTBSCertificate)
	}
	return &twin
}

// nameAfterCommonName gives a twin that has no subject alternative name its common name for one, which then
// falls under the name constraints of the chain as well.
func nameAfterCommonName(twin *x509.Certificate) {
	name := twin.Subject.CommonName
	if _, err := netip.ParseAddr(name); err == nil || name == "" || hasSAN(twin) {
		return
	}
	twin.DNSNames = []string{name}
	twin.Extensions = append(slices.Clip(twin.Extensions), pkix.Extension{Id: oidSAN()})
}

// refused says why the weak signature of c was not accepted, if it is at fault.
func (h *handshake) refused(c *x509.Certificate) (why string) {
	switch {
	case !h.legacy, c.SignatureAlgorithm != x509.SHA1WithRSA && c.SignatureAlgorithm != x509.ECDSAWithSHA1:
		return fmt.Sprintf("the certificate of %s is signed with %s", subject(c), c.SignatureAlgorithm)
	case h.issuerOf(c, h.rootsAtHand()) == nil:
		return fmt.Sprintf("the certificate of %s is signed with %s, which nothing at hand proves: the server did not send the certificate of its issuer %s",
			subject(c), c.SignatureAlgorithm, issuer(c))
	}
	return ""
}
