package kerberos

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"errors"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ErrSignature says that a signature does not fit the message.
var ErrSignature = errors.New("kerberos: signature is wrong")

var errNotEstablished = errors.New("kerberos: the handshake is not complete")

// session is an established security context. Without mutual authentication there is no subkey of the
// acceptor: one key, the initiator's subkey or else the ticket's, protects both directions, and both count from
// the sequence number of the authenticator. The counters are not checked: the context is one without replay
// detection and ordering, which SIP does itself, by cnum and snum.
type session struct {
	key      types.EncryptionKey
	acceptor bool   // this is the acceptor's side
	next     uint64 // sequence number of the next message sent
}

func (s *session) sign(message []byte) ([]byte, error) {
	if s == nil {
		return nil, errNotEstablished
	}
	m, err := mic(s.key, s.acceptor, s.next, message)
	if err == nil {
		s.next++
	}
	return m, err
}

func (s *session) verify(message, signature []byte) error {
	if s == nil {
		return errNotEstablished
	}
	seq, ok := micSequence(s.key, signature)
	if !ok {
		return ErrSignature
	}
	want, err := mic(s.key, !s.acceptor, seq, message)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, signature) {
		return ErrSignature
	}
	return nil
}

// mic makes the message integrity code in the form that belongs to the key.
func mic(key types.EncryptionKey, acceptor bool, seq uint64, message []byte) ([]byte, error) {
	if key.KeyType == etypeID.RC4_HMAC {
		return micRC4(key.KeyValue, acceptor, uint32(seq), message)
	}
	return micAES(key, acceptor, seq, message)
}

// micSequence reads the sequence number out of a message integrity code; ok means no more than that the length
// is right. Whatever else is in it is checked by making it anew.
func micSequence(key types.EncryptionKey, signature []byte) (seq uint64, ok bool) {
	if key.KeyType == etypeID.RC4_HMAC {
		if len(signature) != sizeRC4 {
			return 0, false
		}
		checksum := signature[sizeRC4-8:]
		plain := bytes.Clone(signature[sizeRC4-16 : sizeRC4-8])
		sequenceCipher(key.KeyValue, checksum).XORKeyStream(plain, plain)
		return uint64(binary.BigEndian.Uint32(plain)), true
	}
	if len(signature) < headerAES {
		return 0, false
	}
	return binary.BigEndian.Uint64(signature[8:]), true
}

const headerAES = 16

// flagAcceptor is set in what the acceptor sends. The other flags (RFC 4121 4.2.2), Sealed and AcceptorSubkey,
// are never set here: a MIC is not sealed, and the acceptor has no subkey.
const flagAcceptor = 1

// micAES is the MIC token of RFC 4121 4.2.6.1.
func micAES(key types.EncryptionKey, acceptor bool, seq uint64, message []byte) ([]byte, error) {
	e, err := enctypeOf(key)
	if err != nil {
		return nil, err
	}
	header := []byte{0x04, 0x04, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	usage := uint32(keyusage.GSSAPI_INITIATOR_SIGN)
	if acceptor {
		header[2] = flagAcceptor
		usage = keyusage.GSSAPI_ACCEPTOR_SIGN
	}
	header = binary.BigEndian.AppendUint64(header, seq)
	checksum, err := e.GetChecksumHash(key.KeyValue, append(bytes.Clone(message), header...), usage)
	return append(header, checksum...), err
}

const (
	sizeRC4   = 37 // bytes: 13 of framing, then what follows
	headerRC4 = 8  // token identifier, algorithm, filler; then 8 of sequence number and 8 of checksum
)

// micRC4 is the MIC token of RFC 4757 7.2 in the framing of RFC 1964 1.2.1. Of the sequence number only the half
// that tells the direction is protected, by being compared.
func micRC4(key []byte, acceptor bool, seq uint32, message []byte) ([]byte, error) {
	header := []byte{tokenMIC >> 8, tokenMIC & 0xFF, 0x11, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}
	digest := md5.New()
	digest.Write([]byte{15, 0, 0, 0}) // the key usage of a MIC in RC4's own count
	digest.Write(header)
	digest.Write(message)
	checksum := hmacMD5(hmacMD5(key, []byte("signaturekey\x00")), digest.Sum(nil))[:8]

	sequence := binary.BigEndian.AppendUint32(nil, seq)
	direction := byte(0)
	if acceptor {
		direction = 0xFF
	}
	sequence = append(sequence, direction, direction, direction, direction)
	sequenceCipher(key, checksum).XORKeyStream(sequence, sequence)
	return frame(tokenMIC, append(append(header[2:headerRC4:headerRC4], sequence...), checksum...))
}

// sequenceCipher is the cipher that hides the sequence number, made of the checksum beside it.
func sequenceCipher(key, checksum []byte) *rc4.Cipher {
	c, _ := rc4.NewCipher(hmacMD5(hmacMD5(key, []byte{0, 0, 0, 0}), checksum)) // 16 bytes are a key
	return c
}

func hmacMD5(key, data []byte) []byte {
	h := hmac.New(md5.New, key)
	h.Write(data)
	return h.Sum(nil)
}
