package ntlm

import (
	"crypto/des"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"strings"
	"unicode"

	//lint:ignore SA1019 NTLM is defined on MD4
	"golang.org/x/crypto/md4"
)

// The functions of MS-NLMP 3.3.1 (v1) and 3.3.2 (v2), by the document's names.

// ntowfv1 is the NT hash: MD4 of the password in UTF-16LE.
func ntowfv1(password string) []byte {
	h := md4.New()
	h.Write(utf16le(password))
	return h.Sum(nil)
}

// lmowfv1 is the LAN Manager hash of the password's first 14 bytes, upper-cased.
func lmowfv1(password string) []byte {
	var key [14]byte
	copy(key[:], encodeText(strings.ToUpper(password), NegotiateOEM))
	const magic = "KGS!@#$%"
	return append(desEncrypt(key[:7], []byte(magic)), desEncrypt(key[7:], []byte(magic))...)
}

// ntowfv2 is the key of all NTLMv2 computations (LMOWFv2 is the same value). Only the user name is upper-cased.
func ntowfv2(ntHash []byte, user, domain string) []byte {
	return hmacMD5(ntHash, utf16le(upper(user)+domain))
}

const responseSizeV1 = 24

// responseV1 is NtChallengeResponse, or with the LM hash LmChallengeResponse, of NTLMv1 without extended
// session security.
func responseV1(hash []byte, serverChallenge [8]byte) []byte {
	return desl(hash, serverChallenge[:])
}

// responseESS is NtChallengeResponse of NTLMv1 with extended session security; the LM field then carries
// the client challenge and sixteen zero bytes.
func responseESS(ntHash []byte, serverChallenge, clientChallenge [8]byte) []byte {
	sum := md5.Sum(append(serverChallenge[:], clientChallenge[:]...))
	return desl(ntHash, sum[:8])
}

// sessionBaseKeyV1 is the SessionBaseKey of NTLMv1, with and without extended session security.
func sessionBaseKeyV1(ntHash []byte) []byte {
	h := md4.New()
	h.Write(ntHash)
	return h.Sum(nil)
}

const (
	proofSize = 16
	blobFixed = 28 // NTLMv2_CLIENT_CHALLENGE before its AV pairs (MS-NLMP 2.2.2.7)
)

// clientBlob is the NTLMv2_CLIENT_CHALLENGE ("temp" in 3.3.2): version, time, client challenge and the
// server's target information, byte for byte.
func clientBlob(t filetime, clientChallenge [8]byte, targetInfo []byte) []byte {
	b := []byte{1, 1, 0, 0, 0, 0, 0, 0}
	b = append(b, t[:]...)
	b = append(b, clientChallenge[:]...)
	b = append(b, 0, 0, 0, 0)
	b = append(b, targetInfo...)
	return append(b, 0, 0, 0, 0)
}

// ntProof is NTProofStr, the first 16 bytes of the NTLMv2 NtChallengeResponse; the blob follows it.
func ntProof(key []byte, serverChallenge [8]byte, blob []byte) []byte {
	return hmacMD5(key, serverChallenge[:], blob)
}

// lmResponseV2 is the LmChallengeResponse of NTLMv2.
func lmResponseV2(key []byte, serverChallenge, clientChallenge [8]byte) []byte {
	return append(hmacMD5(key, serverChallenge[:], clientChallenge[:]), clientChallenge[:]...)
}

// sessionBaseKeyV2 is the SessionBaseKey of NTLMv2.
func sessionBaseKeyV2(key, proof []byte) []byte {
	return hmacMD5(key, proof)
}

// splitResponseV2 takes an NtChallengeResponse apart. It refuses the 24 bytes of an NTLMv1 response.
func splitResponseV2(response []byte) (proof, blob []byte, err error) {
	if len(response) < proofSize+blobFixed {
		return nil, nil, errors.New("ntlm: response is not NTLMv2")
	}
	proof, blob = response[:proofSize], response[proofSize:]
	if blob[0] != 1 || blob[1] != 1 {
		return nil, nil, errors.New("ntlm: unknown version of the NTLMv2 client challenge")
	}
	return proof, blob, nil
}

// upper upper-cases as Windows does: one UTF-16 unit for one, and only where the way back leads to the same
// character, so that ß, ı, ſ and µ stay as they are.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		u := unicode.ToUpper(r)
		if r > 0xFFFF || u > 0xFFFF || unicode.ToLower(u) != r {
			return r
		}
		return u
	}, s)
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// desl is DESL() of MS-NLMP 6: the 16-byte key, padded to 21, as three DES keys over the same 8 bytes.
func desl(key, data []byte) []byte {
	var k [21]byte
	copy(k[:], key)
	out := desEncrypt(k[:7], data)
	out = append(out, desEncrypt(k[7:14], data)...)
	return append(out, desEncrypt(k[14:], data)...)
}

// desEncrypt encrypts one block under a 7-byte key spread over 8 bytes (the parity bits are not looked at).
func desEncrypt(key7, block []byte) []byte {
	var key [8]byte
	var bits uint64
	for _, b := range key7 {
		bits = bits<<8 | uint64(b)
	}
	for i := range key {
		key[i] = byte(bits>>(49-7*i)) << 1
	}
	c, err := des.NewCipher(key[:])
	if err != nil {
		panic(err) // eight bytes are always a key
	}
	out := make([]byte, des.BlockSize)
	c.Encrypt(out, block)
	return out
}
