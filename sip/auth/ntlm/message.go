package ntlm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

const (
	signature        = "NTLMSSP\x00"
	typeChallenge    = 2
	typeAuthenticate = 3

	challengeHeader    = 56 // bytes before the payload, the Version field included
	authenticateHeader = 72 // likewise; no MIC field, as in the connectionless form

	maxMessage = 1 << 16 // bytes; the largest token that is looked at
)

// Version is the VERSION structure of MS-NLMP 2.2.2.10: major, minor, build (little-endian), three zero
// bytes, revision. It is for debugging only.
type Version [8]byte

// Challenge is the CHALLENGE_MESSAGE of MS-NLMP 2.2.1.2.
type Challenge struct {
	TargetName      string
	Flags           Flags
	ServerChallenge [8]byte
	TargetInfo      []byte // the AV_PAIRs as on the wire: the response is computed over these very bytes
	Version         Version
}

// Authenticate is the AUTHENTICATE_MESSAGE of MS-NLMP 2.2.1.3, without its optional MIC.
type Authenticate struct {
	LMResponse  []byte
	NTResponse  []byte
	Domain      string
	User        string
	Workstation string
	SessionKey  []byte // EncryptedRandomSessionKey
	Flags       Flags
	Version     Version
}

// ParseChallenge reads a CHALLENGE_MESSAGE. The target information is a copy.
func ParseChallenge(b []byte) (*Challenge, error) {
	if err := checkHeader(b, typeChallenge, 32); err != nil {
		return nil, err
	}
	c := &Challenge{
		Flags:           Flags(binary.LittleEndian.Uint32(b[20:])),
		ServerChallenge: [8]byte(b[24:32]),
	}
	name, err := payload(b, 12)
	if err != nil {
		return nil, fmt.Errorf("ntlm: target name: %w", err)
	}
	if c.TargetName, err = decodeText(name, c.Flags); err != nil {
		return nil, fmt.Errorf("ntlm: target name: %w", err)
	}
	if c.Flags.has(NegotiateTargetInfo) {
		info, err := payload(b, 40)
		if err != nil {
			return nil, fmt.Errorf("ntlm: target information: %w", err)
		}
		c.TargetInfo = bytes.Clone(info)
	}
	if c.Flags.has(NegotiateVersion) && len(b) >= challengeHeader {
		c.Version = Version(b[48:56])
	}
	return c, nil
}

// Marshal writes the message with its payload in the order of the document's example: target name, target
// information.
func (c *Challenge) Marshal() []byte {
	b := make([]byte, challengeHeader)
	putHeader(b, typeChallenge)
	b = putPayload(b, 12, encodeText(c.TargetName, c.Flags))
	binary.LittleEndian.PutUint32(b[20:], uint32(c.Flags))
	copy(b[24:], c.ServerChallenge[:])
	b = putPayload(b, 40, c.TargetInfo)
	copy(b[48:], c.Version[:])
	return b
}

// ParseAuthenticate reads an AUTHENTICATE_MESSAGE. The responses and the session key are copies.
func ParseAuthenticate(b []byte) (*Authenticate, error) {
	if err := checkHeader(b, typeAuthenticate, 64); err != nil {
		return nil, err
	}
	a := &Authenticate{Flags: Flags(binary.LittleEndian.Uint32(b[60:]))}
	if a.Flags.has(NegotiateVersion) && len(b) >= authenticateHeader {
		a.Version = Version(b[64:72])
	}
	for _, f := range []struct {
		at   int
		name string
		dst  *[]byte
	}{
		{12, "LM response", &a.LMResponse},
		{20, "NT response", &a.NTResponse},
		{52, "session key", &a.SessionKey},
	} {
		v, err := payload(b, f.at)
		if err != nil {
			return nil, fmt.Errorf("ntlm: %s: %w", f.name, err)
		}
		*f.dst = bytes.Clone(v)
	}
	for _, f := range []struct {
		at   int
		name string
		dst  *string
	}{
		{28, "domain name", &a.Domain},
		{36, "user name", &a.User},
		{44, "workstation", &a.Workstation},
	} {
		v, err := payload(b, f.at)
		if err == nil {
			*f.dst, err = decodeText(v, a.Flags)
		}
		if err != nil {
			return nil, fmt.Errorf("ntlm: %s: %w", f.name, err)
		}
	}
	return a, nil
}

// Marshal writes the message with its payload in the order Communicator uses: domain, user, workstation, LM
// response, NT response, session key.
func (a *Authenticate) Marshal() []byte {
	b := make([]byte, authenticateHeader)
	putHeader(b, typeAuthenticate)
	binary.LittleEndian.PutUint32(b[60:], uint32(a.Flags))
	copy(b[64:], a.Version[:])
	b = putPayload(b, 28, encodeText(a.Domain, a.Flags))
	b = putPayload(b, 36, encodeText(a.User, a.Flags))
	b = putPayload(b, 44, encodeText(a.Workstation, a.Flags))
	b = putPayload(b, 12, a.LMResponse)
	b = putPayload(b, 20, a.NTResponse)
	b = putPayload(b, 52, a.SessionKey)
	return b
}

func checkHeader(b []byte, messageType uint32, size int) error {
	switch {
	case len(b) > maxMessage:
		return fmt.Errorf("ntlm: message of %d bytes is too long", len(b))
	case len(b) < size:
		return fmt.Errorf("ntlm: message of %d bytes is too short", len(b))
	case string(b[:8]) != signature:
		return errors.New("ntlm: no NTLMSSP signature")
	}
	if t := binary.LittleEndian.Uint32(b[8:]); t != messageType {
		return fmt.Errorf("ntlm: message type %d where %d is due", t, messageType)
	}
	return nil
}

func putHeader(b []byte, messageType uint32) {
	copy(b, signature)
	binary.LittleEndian.PutUint32(b[8:], messageType)
}

// payload returns the bytes that the length/offset field at b[at:] points to.
func payload(b []byte, at int) ([]byte, error) {
	if len(b) < at+8 {
		return nil, errors.New("field is cut off")
	}
	length := int64(binary.LittleEndian.Uint16(b[at:]))
	offset := int64(binary.LittleEndian.Uint32(b[at+4:]))
	if length == 0 {
		return nil, nil // an empty field may point anywhere
	}
	if offset+length > int64(len(b)) {
		return nil, errors.New("field points outside the message")
	}
	return b[offset : offset+length], nil
}

// putPayload appends v and lets the length/offset field at b[at:] point to it.
func putPayload(b []byte, at int, v []byte) []byte {
	binary.LittleEndian.PutUint16(b[at:], uint16(len(v)))
	binary.LittleEndian.PutUint16(b[at+2:], uint16(len(v)))
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
	return append(b, v...)
}

// utf16le is UNICODE() of MS-NLMP 6: UTF-16, little-endian, no terminator.
func utf16le(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func encodeText(s string, f Flags) []byte {
	if f.has(NegotiateUnicode) {
		return utf16le(s)
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

// decodeText is the inverse of encodeText. Which OEM code page a peer means is nowhere said, so OEM bytes
// stand for the first 256 code points; ASCII, the only part all code pages share, comes out right.
func decodeText(b []byte, f Flags) (string, error) {
	if !f.has(NegotiateUnicode) {
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes), nil
	}
	if len(b)%2 != 0 {
		return "", errors.New("odd number of bytes in UTF-16 text")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units)), nil
}
