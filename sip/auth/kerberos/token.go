package kerberos

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"errors"
)

// maxToken bounds the tokens that are parsed. Windows' own limit is 48,000 bytes.
const maxToken = 64 << 10

// mechanism is the object identifier of Kerberos in GSS-API, 1.2.840.113554.1.2.2, encoded.
var mechanism = []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02}

// Token identifiers (RFC 4121 4.1, 4.4).
const (
	tokenAPReq    = 0x0100
	tokenKRBError = 0x0300
	tokenMIC      = 0x0101
)

// frame puts a message into the token of RFC 2743 3.1.
func frame(id uint16, message []byte) ([]byte, error) {
	inner := binary.BigEndian.AppendUint16(bytes.Clone(mechanism), id)
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, IsCompound: true, Bytes: append(inner, message...)})
}

// unframe is the opposite of frame.
func unframe(token []byte) (id uint16, message []byte, err error) {
	if len(token) > maxToken {
		return 0, nil, errors.New("the token is too long")
	}
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(token, &outer)
	if err != nil {
		return 0, nil, err
	}
	inner, ok := bytes.CutPrefix(outer.Bytes, mechanism)
	if len(rest) > 0 || outer.Class != asn1.ClassApplication || outer.Tag != 0 || !outer.IsCompound || !ok || len(inner) < 2 {
		return 0, nil, errors.New("not a token of Kerberos")
	}
	return binary.BigEndian.Uint16(inner), inner[2:], nil
}

// Flags of a GSS-API context (RFC 4121 4.1.1.1).
const (
	flagMutual    = 1 << 1
	flagIntegrity = 1 << 5
)

// checksumGSS is the type of the authenticator's checksum that carries them.
const checksumGSS = 0x8003

// contextFlags makes that checksum: no channel bindings, no delegated credential.
func contextFlags(flags uint32) []byte {
	b := make([]byte, 24)
	binary.LittleEndian.PutUint32(b, 16) // length of the bindings that follow, all zero
	binary.LittleEndian.PutUint32(b[20:], flags)
	return b
}

// parseContextFlags is the opposite of contextFlags. Channel bindings and what follows the flags are passed over.
func parseContextFlags(kind int32, checksum []byte) (uint32, error) {
	if kind != checksumGSS || len(checksum) < 24 || binary.LittleEndian.Uint32(checksum) != 16 {
		return 0, errors.New("the authenticator's checksum is not that of GSS-API")
	}
	return binary.LittleEndian.Uint32(checksum[20:]), nil
}
