package ntlm

import (
	"crypto/hmac"
	"crypto/rc4"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// sequence is the sequence number of every signature in SIP, in both directions: Microsoft's two sides call
// their security package with this constant, and cnum and snum guard against replay instead.
const sequence = 100

const macSize = 16

// ErrSignature says that a signature does not fit the message.
var ErrSignature = errors.New("ntlm: signature is wrong")

var errNotEstablished = errors.New("ntlm: the handshake is not complete")

// session is an established security context: the keys of both directions.
type session struct {
	flags         Flags
	send, receive keyPair
}

type keyPair struct{ sign, seal []byte }

func newSession(f Flags, exported []byte, client bool) *session {
	s := &session{
		flags:   f,
		send:    keyPair{signKey(f, exported, clientSignMagic), sealKey(f, exported, clientSealMagic)},
		receive: keyPair{signKey(f, exported, serverSignMagic), sealKey(f, exported, serverSealMagic)},
	}
	if !client {
		s.send, s.receive = s.receive, s.send
	}
	return s
}

func (s *session) sign(text []byte) ([]byte, error) {
	if s == nil {
		return nil, errNotEstablished
	}
	return s.mac(s.send, 0, text), nil
}

func (s *session) verify(text, signature []byte) error {
	if s == nil {
		return errNotEstablished
	}
	if len(signature) != macSize {
		return ErrSignature
	}
	// Without extended session security the second word is random padding of the sender's choice.
	pad := binary.LittleEndian.Uint32(signature[4:])
	if !hmac.Equal(s.mac(s.receive, pad, text), signature) {
		return ErrSignature
	}
	return nil
}

// mac is MAC() of MS-NLMP 3.4.4 in connectionless mode: each message under a key stream of its own.
func (s *session) mac(k keyPair, pad uint32, text []byte) []byte {
	if !s.flags.has(NegotiateExtendedSessionSecurity) {
		return macCRC(newRC4(k.seal), pad, sequence, text)
	}
	if !s.flags.has(NegotiateKeyExchange) {
		return macHMAC(k.sign, nil, sequence, text)
	}
	var seq [4]byte
	binary.LittleEndian.PutUint32(seq[:], sequence)
	return macHMAC(k.sign, newRC4(md5Of(k.seal, seq[:])), sequence, text)
}

// macHMAC is the signature with extended session security (3.4.4.2). The seal cipher is nil without key
// exchange.
func macHMAC(key []byte, seal *rc4.Cipher, seq uint32, text []byte) []byte {
	var le [4]byte
	binary.LittleEndian.PutUint32(le[:], seq)
	sum := hmacMD5(key, le[:], text)[:8]
	if seal != nil {
		seal.XORKeyStream(sum, sum)
	}
	m := make([]byte, 0, macSize)
	m = append(m, 1, 0, 0, 0)
	m = append(m, sum...)
	return append(m, le[:]...)
}

// macCRC is the signature without extended session security (3.4.4.1).
func macCRC(seal *rc4.Cipher, pad, seq uint32, text []byte) []byte {
	m := make([]byte, macSize)
	binary.LittleEndian.PutUint32(m[8:], crc32.ChecksumIEEE(text))
	binary.LittleEndian.PutUint32(m[12:], seq)
	seal.XORKeyStream(m[4:], m[4:])
	m[0] = 1
	binary.LittleEndian.PutUint32(m[4:], pad)
	return m
}
