package ntlm

import (
	"bytes"
	"crypto/md5"
	"crypto/rc4"
)

// keyExchangeKeyV1 is KXKEY() of MS-NLMP 3.4.5.1 for NTLMv1 responses. For NTLMv2 it is the SessionBaseKey.
func keyExchangeKeyV1(f Flags, sessionBaseKey, lmHash, lmResponse []byte, serverChallenge [8]byte) []byte {
	switch {
	case f.has(NegotiateExtendedSessionSecurity):
		return hmacMD5(sessionBaseKey, serverChallenge[:], lmResponse[:8])
	case f.has(NegotiateLMKey):
		second := append([]byte{lmHash[7]}, bytes.Repeat([]byte{0xBD}, 6)...)
		return append(desEncrypt(lmHash[:7], lmResponse[:8]), desEncrypt(second, lmResponse[:8])...)
	case f.has(RequestNonNTSessionKey):
		return append(bytes.Clone(lmHash[:8]), make([]byte, 8)...)
	}
	return sessionBaseKey
}

// The magic constants of MS-NLMP 3.4.5.2 and 3.4.5.3; the final NUL is part of each.
const (
	clientSignMagic = "session key to client-to-server signing key magic constant\x00"
	serverSignMagic = "session key to server-to-client signing key magic constant\x00"
	clientSealMagic = "session key to client-to-server sealing key magic constant\x00"
	serverSealMagic = "session key to server-to-client sealing key magic constant\x00"
)

// signKey is SIGNKEY(); nil without extended session security, where signatures have no key of their own.
func signKey(f Flags, exported []byte, magic string) []byte {
	if !f.has(NegotiateExtendedSessionSecurity) {
		return nil
	}
	return md5Of(exported, []byte(magic))
}

// sealKey is SEALKEY(): the exported session key weakened to 128, 56 or 40 bits as negotiated. The document
// also weakens every datagram key without extended session security; Office Communications Server 2007 does
// not (its recorded signature needs the whole key), so only LM_KEY does here.
func sealKey(f Flags, exported []byte, magic string) []byte {
	switch {
	case f.has(NegotiateExtendedSessionSecurity):
		switch {
		case f.has(Negotiate128):
		case f.has(Negotiate56):
			exported = exported[:7]
		default:
			exported = exported[:5]
		}
		return md5Of(exported, []byte(magic))
	case f.has(NegotiateLMKey | Negotiate56):
		return append(bytes.Clone(exported[:7]), 0xA0)
	case f.has(NegotiateLMKey):
		return append(bytes.Clone(exported[:5]), 0xE5, 0x38, 0xB0)
	}
	return exported
}

func md5Of(parts ...[]byte) []byte {
	h := md5.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// rc4Once is RC4K() of MS-NLMP 6: data under a fresh RC4 key stream.
func rc4Once(key, data []byte) []byte {
	out := make([]byte, len(data))
	newRC4(key).XORKeyStream(out, data)
	return out
}

func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // no key here is empty or longer than 256 bytes
	}
	return c
}
