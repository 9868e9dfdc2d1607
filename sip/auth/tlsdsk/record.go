package tlsdsk

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Record types, RFC 5246 section 6.2.1.
const (
	typeChangeCipherSpec = 20
	typeAlert            = 21
	typeHandshake        = 22
	typeApplicationData  = 23
)

// Handshake messages, RFC 5246 section 7.4.
const (
	messageServerHello     = 2
	messageServerHelloDone = 14
)

const (
	headerSize    = 5                   // of a record: type, version, length
	maxPlaintext  = 1 << 14             // bytes of a record's payload before encryption
	maxCiphertext = maxPlaintext + 2048 // and after
	maxToken      = 1 << 16             // bytes; the longest token that is looked at
)

// record is one TLS record as it stands in a token.
type record struct {
	header  [headerSize]byte
	payload []byte
}

func (r record) kind() byte { return r.header[0] }

// split takes a token apart. The error is an ErrToken.
func split(token []byte) ([]record, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%w: %d bytes", ErrToken, len(token))
	}
	var records []record
	for len(token) > 0 {
		if len(token) < headerSize {
			return nil, fmt.Errorf("%w: a record header is cut off", ErrToken)
		}
		r := record{header: [headerSize]byte(token)}
		if r.kind() < typeChangeCipherSpec || r.kind() > typeApplicationData || r.header[1] != 3 {
			return nil, fmt.Errorf("%w: not a TLS record: %x", ErrToken, r.header)
		}
		size := int(binary.BigEndian.Uint16(r.header[3:]))
		if size > maxCiphertext {
			return nil, fmt.Errorf("%w: a record of %d bytes", ErrToken, size)
		}
		if token = token[headerSize:]; size > len(token) {
			return nil, fmt.Errorf("%w: a record is cut off", ErrToken)
		}
		r.payload, token = token[:size], token[size:]
		records = append(records, r)
	}
	return records, nil
}

// plaintext returns the records before the first ChangeCipherSpec.
func plaintext(records []record) []record {
	i := slices.IndexFunc(records, func(r record) bool { return r.kind() == typeChangeCipherSpec })
	if i < 0 {
		return records
	}
	return records[:i]
}

// join puts the handshake messages of a flight that are in plaintext into one record, as SChannel does.
// crypto/tls writes a record a message; but a client in the field cannot read a ServerHelloDone that is
// alone in its record, nor a message that is split over two.
func join(flight []byte) []byte {
	records, err := split(flight)
	if err != nil {
		return flight // never: crypto/tls wrote it
	}
	plain := len(plaintext(records))
	var out, messages []byte
	var header [headerSize]byte
	for i, r := range records {
		if i < plain && r.kind() == typeHandshake {
			header = r.header
			messages = append(messages, r.payload...)
			continue
		}
		out = appendMessages(out, header, messages)
		messages = nil
		out = append(append(out, r.header[:]...), r.payload...)
	}
	return appendMessages(out, header, messages)
}

// appendMessages writes handshake messages in as few records as can hold them.
func appendMessages(out []byte, header [headerSize]byte, messages []byte) []byte {
	for len(messages) > 0 {
		size := fill(messages)
		binary.BigEndian.PutUint16(header[3:], uint16(size))
		out = append(append(out, header[:]...), messages[:size]...)
		messages = messages[size:]
	}
	return out
}

// fill returns how many of the bytes of some messages go into the next record: as many whole messages as
// fit, and never all but a ServerHelloDone.
func fill(messages []byte) int {
	if len(messages) <= maxPlaintext {
		return len(messages)
	}
	last, end := 0, 0
	for end+4 <= len(messages) {
		size := 4 + int(binary.BigEndian.Uint32(messages[end:])&0xFFFFFF)
		if end+size > maxPlaintext {
			break
		}
		last, end = end, end+size
	}
	if end < len(messages) && messages[end] == messageServerHelloDone {
		end = last
	}
	if end == 0 {
		return maxPlaintext // a message that fits no record
	}
	return end
}

// serverRandom returns the random value of the ServerHello that begins a flight.
func serverRandom(records []record) ([]byte, bool) {
	var messages []byte
	for _, r := range plaintext(records) {
		if r.kind() == typeHandshake {
			messages = append(messages, r.payload...)
		}
	}
	// type, length (3), version (2), random (32): RFC 5246 section 7.4.1.3
	if len(messages) < 38 || messages[0] != messageServerHello {
		return nil, false
	}
	return messages[6:38], true
}

// alertIn returns the alert in a token of the peer, nil if there is none that can be read.
func alertIn(records []record) *AlertError {
	for _, r := range plaintext(records) {
		if r.kind() == typeAlert && len(r.payload) == 2 {
			return &AlertError{Description: r.payload[1]}
		}
	}
	return nil
}
