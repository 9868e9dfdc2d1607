package tlsdsk

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// newRecord is a record of TLS 1.0.
func newRecord(kind byte, payload ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind, 3, 1}, uint16(len(payload)))
	return append(b, payload...)
}

// newMessage is a handshake message with a body of size bytes.
func newMessage(kind byte, size int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(size))
	b[0] = kind
	return append(b, bytes.Repeat([]byte{kind}, size)...)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestSplitRefuses(t *testing.T) {
	good := newRecord(typeHandshake, newMessage(1, 10)...)
	for _, tc := range []struct {
		name  string
		token []byte
	}{
		{"text", []byte("HTTP/1.1 400 Bad Request")},
		{"other record type", newRecord(24, 1)},
		{"SSL 2.0", []byte{0x80, 0x2E, 1, 3, 1, 0, 0}},
		{"cut header", append(bytes.Clone(good), 22, 3)},
		{"cut payload", good[:len(good)-1]},
		{"record too long", newRecord(typeHandshake, make([]byte, maxCiphertext+1)...)},
		{"token too long", bytes.Repeat(newRecord(typeHandshake, make([]byte, 1000)...), 80)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := split(tc.token)
			require.ErrorIs(t, err, ErrToken)
		})
	}
}

func TestJoinPutsPlaintextMessagesIntoOneRecord(t *testing.T) {
	hello, certificate, done := newMessage(messageServerHello, 70), newMessage(11, 800), newMessage(messageServerHelloDone, 0)
	cipherSpec, finished := newRecord(typeChangeCipherSpec, 1), newRecord(typeHandshake, make([]byte, 48)...)
	for _, tc := range []struct {
		name string
		in   []byte
		want []byte
	}{
		{"nothing", nil, nil},
		{
			"server's first flight",
			concat(newRecord(typeHandshake, hello...), newRecord(typeHandshake, certificate...), newRecord(typeHandshake, done...)),
			newRecord(typeHandshake, concat(hello, certificate, done)...),
		},
		{
			"ciphertext stays",
			concat(newRecord(typeHandshake, certificate...), newRecord(typeHandshake, hello...), cipherSpec, finished, finished),
			concat(newRecord(typeHandshake, concat(certificate, hello)...), cipherSpec, finished, finished),
		},
		{"server's last flight", concat(cipherSpec, finished), concat(cipherSpec, finished)},
		{
			"alert after messages",
			concat(newRecord(typeHandshake, hello...), newRecord(typeHandshake, certificate...), newRecord(typeAlert, 2, 40)),
			concat(newRecord(typeHandshake, concat(hello, certificate)...), newRecord(typeAlert, 2, 40)),
		},
		{"alert alone", newRecord(typeAlert, 2, 40), newRecord(typeAlert, 2, 40)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, append([]byte(nil), join(tc.in)...))
		})
	}
}

func TestJoinKeepsMessagesWholeInAFlightThatFillsSeveralRecords(t *testing.T) {
	hello, big, done := newMessage(messageServerHello, 70), newMessage(11, maxPlaintext-100), newMessage(messageServerHelloDone, 0)
	exact := newMessage(11, maxPlaintext-4)
	huge := newMessage(11, maxPlaintext+10)
	for _, tc := range []struct {
		name     string
		messages [][]byte
		want     []int // payload sizes
	}{
		{"one more than fits", [][]byte{hello, big, big, done}, []int{70 + 4 + maxPlaintext - 96, maxPlaintext - 96 + 4}},
		{"ServerHelloDone is not alone", [][]byte{hello, newMessage(11, maxPlaintext-78), done}, []int{74, maxPlaintext - 74 + 4}},
		{"ServerHelloDone after a full record is alone, since no message is split", [][]byte{exact, done}, []int{maxPlaintext, 4}},
		{"a message that fits no record", [][]byte{huge, done}, []int{maxPlaintext, 14 + 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var flight []byte
			for rest := concat(tc.messages...); len(rest) > 0; {
				n := min(len(rest), maxPlaintext)
				flight = append(flight, newRecord(typeHandshake, rest[:n]...)...)
				rest = rest[n:]
			}
			records, err := split(join(flight))
			require.NoError(t, err)
			var sizes []int
			var payloads [][]byte
			for _, r := range records {
				sizes = append(sizes, len(r.payload))
				payloads = append(payloads, r.payload)
			}
			require.Equal(t, tc.want, sizes)
			require.Equal(t, concat(tc.messages...), concat(payloads...))
		})
	}
}

func TestServerRandomIsReadThroughFragments(t *testing.T) {
	hello := newMessage(messageServerHello, 70)
	copy(hello[6:], vectorServerRandom)
	var fragments []byte
	for _, b := range hello {
		fragments = append(fragments, newRecord(typeHandshake, b)...)
	}
	records, err := split(fragments)
	require.NoError(t, err)
	random, ok := serverRandom(records)
	require.True(t, ok)
	require.Equal(t, vectorServerRandom, random)

	_, ok = serverRandom(records[:37])
	require.False(t, ok)
}

func FuzzSplit(f *testing.F) {
	f.Add(newRecord(typeHandshake, newMessage(1, 40)...))
	f.Add(concat(newRecord(typeHandshake, newMessage(2, 70)...), newRecord(typeHandshake, newMessage(14, 0)...)))
	f.Add(concat(newRecord(typeChangeCipherSpec, 1), newRecord(typeHandshake, make([]byte, 48)...)))
	f.Add(newRecord(typeAlert, 2, 42))
	f.Add(newRecord(typeHandshake))
	f.Add([]byte("gssapi-data"))
	f.Fuzz(func(t *testing.T, token []byte) {
		records, err := split(token)
		if err != nil {
			require.ErrorIs(t, err, ErrToken)
			return
		}
		var payloads [][]byte
		for _, r := range records {
			payloads = append(payloads, r.payload)
		}
		serverRandom(records)
		alertIn(records)
		joined, err := split(join(token))
		require.NoError(t, err)
		var again [][]byte
		for _, r := range joined {
			again = append(again, r.payload)
		}
		require.True(t, bytes.Equal(concat(payloads...), concat(again...)), "nothing is lost, nothing changes its place")
	})
}
