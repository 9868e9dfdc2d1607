package tlsdsk

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"hash"
)

// suiteDigest returns the digest of a cipher suite's MAC, which is that of the message signatures too
// (MS-SIPAE 3.2.5.1); nil for a suite that is not for TLS-DSK.
//
// The document knows suites with MD5 and SHA-1. For TLS 1.2 suites with SHA-256 HMAC-SHA-256 is the same rule
// taken further; no server is known that does so, and hence they are not among the default suites.
func suiteDigest(suite uint16) func() hash.Hash {
	switch suite {
	case tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA:
		return sha1.New
	case tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256:
		return sha256.New
	}
	return nil
}

// defaultSuites are those with SHA-1: the three that a client in the field offers, and what a server that
// wants forward secrecy may ask for instead. crypto/tls orders them by its own preference.
func defaultSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
	}
}

// signingKeys are the keys of both directions and the digest they are used with.
type signingKeys struct {
	digest         func() hash.Hash
	client, server []byte
}

const (
	keyMaterialLabel = "client EAP encryption" // the same as in EAP-TLS, RFC 5216 section 2.3
	keyMaterialSize  = 128
)

// newSigningKeys derives the signing keys of a handshake (MS-SIPAE 3.2.5.1): bytes 64 to 95 and 96 to 127 of
// the key material.
func newSigningKeys(version, suite uint16, master, clientRandom, serverRandom []byte) *signingKeys {
	seed := append(append([]byte(nil), clientRandom...), serverRandom...)
	material := prf(version, master, keyMaterialLabel, seed, keyMaterialSize)
	return &signingKeys{digest: suiteDigest(suite), client: material[64:96], server: material[96:128]}
}

func (k *signingKeys) sign(key, buffer []byte) []byte {
	h := hmac.New(k.digest, key)
	h.Write(buffer)
	return h.Sum(nil)
}

func (k *signingKeys) verify(key, buffer, signature []byte) error {
	if !hmac.Equal(k.sign(key, buffer), signature) {
		return ErrSignature
	}
	return nil
}

// prf is the pseudorandom function of a TLS version: RFC 2246 section 5 (the same in TLS 1.1), RFC 5246
// section 5 with SHA-256.
func prf(version uint16, secret []byte, label string, seed []byte, size int) []byte {
	seed = append([]byte(label), seed...)
	if version >= tls.VersionTLS12 {
		return expand(sha256.New, secret, seed, size)
	}
	half := (len(secret) + 1) / 2
	out := expand(md5.New, secret[:half], seed, size)
	for i, b := range expand(sha1.New, secret[len(secret)-half:], seed, size) {
		out[i] ^= b
	}
	return out
}

// expand is P_hash of RFC 5246 section 5.
func expand(digest func() hash.Hash, secret, seed []byte, size int) []byte {
	h := hmac.New(digest, secret)
	sum := func(parts ...[]byte) []byte {
		h.Reset()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < size; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:size]
}
