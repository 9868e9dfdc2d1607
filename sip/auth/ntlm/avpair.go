package ntlm

import (
	"encoding/binary"
	"errors"
	"time"
)

// avID says what an AV_PAIR of the target information holds (MS-NLMP 2.2.2.1).
type avID uint16

const (
	avEOL             avID = 0
	avNetBIOSComputer avID = 1
	avNetBIOSDomain   avID = 2
	avDNSComputer     avID = 3
	avDNSDomain       avID = 4
	avDNSForest       avID = 5
	avTimestamp       avID = 7
)

func appendAV(b []byte, id avID, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(id))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// findAV returns the value of the first pair with that id, nil if there is none. A list that is cut off, or
// has no end mark, is an error.
func findAV(info []byte, id avID) ([]byte, error) {
	var found []byte
	for {
		if len(info) < 4 {
			return nil, errors.New("ntlm: target information is cut off")
		}
		got := avID(binary.LittleEndian.Uint16(info))
		length := int(binary.LittleEndian.Uint16(info[2:]))
		info = info[4:]
		if got == avEOL {
			return found, nil
		}
		if length > len(info) {
			return nil, errors.New("ntlm: target information is cut off")
		}
		if got == id && found == nil {
			found = info[:length]
		}
		info = info[length:]
	}
}

// filetime is a FILETIME on the wire: 100 ns since 1601-01-01 UTC, little-endian.
type filetime [8]byte

func newFiletime(t time.Time) filetime {
	const unixEpoch = 116444736000000000 // 1970-01-01 as a FILETIME
	var f filetime
	binary.LittleEndian.PutUint64(f[:], uint64(t.Unix()*1e7+int64(t.Nanosecond()/100)+unixEpoch))
	return f
}
