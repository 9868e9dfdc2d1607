package server

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// Where the fields of an NTLM CHALLENGE_MESSAGE are (MS-NLMP 2.2.1.2).
const (
	challengeType   = 8
	challengeName   = 12 // length, room, offset of the target name
	challengeFlags  = 20
	challengeNonce  = 24
	challengeInfo   = 40 // length, room, offset of the target information
	challengeHeader = 56
)

// tokenMutators are those of the NTLM token. What is too short for one of them, as another scheme's may be, stays
// as it is.
func tokenMutators() []mutator {
	var all []mutator
	add := func(name string, f func(token []byte) []byte) {
		all = append(all, mutator{name: Mutation("token-" + name), token: func(token []byte, _ Fault, _ *rand.Rand) []byte {
			if len(token) < challengeHeader {
				return token
			}
			return f(token)
		}})
	}
	set := func(name string, at int, value ...byte) {
		add(name, func(token []byte) []byte { return append(token[:at:at], append(value, token[at+len(value):]...)...) })
	}
	flags := func(name string, change func(uint32) uint32) {
		add(name, func(token []byte) []byte {
			binary.LittleEndian.PutUint32(token[challengeFlags:], change(binary.LittleEndian.Uint32(token[challengeFlags:])))
			return token
		})
	}
	info := func(name string, change func(pairs []byte) []byte) {
		add(name, func(token []byte) []byte { return withInfo(token, change(targetInfo(token))) })
	}

	add("empty", func([]byte) []byte { return nil })
	all = append(all, mutator{name: "token-cut", token: func(token []byte, f Fault, _ *rand.Rand) []byte {
		return token[:min(len(token), f.Bytes)] // after Bytes
	}})
	set("signature", 0, []byte("NTLMSSQ\x00")...)
	set("negotiate", challengeType, 1)
	set("authenticate", challengeType, 3)
	set("unknown-type", challengeType, 0xFF, 0xFF, 0xFF, 0xFF)
	set("nonce", challengeNonce, 1, 2, 3, 4, 5, 6, 7, 8)

	set("name-odd", challengeName, 3, 0, 3, 0)
	set("name-long", challengeName, 0xFF, 0xFF)
	set("name-beyond", challengeName, 2, 0, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF)
	set("info-zero", challengeInfo, 0, 0, 0, 0)
	set("info-long", challengeInfo, 0xFF, 0xFF)
	set("info-beyond", challengeInfo+4, 0xFF, 0xFF, 0xFF, 0xFF)
	set("info-at-header", challengeInfo+4, 0, 0, 0, 0)

	for name, bit := range map[string]uint32{
		"unicode": 0x1, "sign": 0x10, "datagram": 0x40, "ntlm": 0x200, "always-sign": 0x8000, "extended-security": 0x80000,
		"identify": 0x100000, "target-info": 0x800000, "version": 0x2000000, "128": 0x20000000, "key-exchange": 0x40000000,
	} {
		flags("no-"+name, func(have uint32) uint32 { return have &^ bit })
	}
	flags("no-flags", func(uint32) uint32 { return 0 })
	flags("all-flags", func(uint32) uint32 { return 0xFFFFFFFF })

	info("pairs-cut", func(pairs []byte) []byte { return pairs[:max(len(pairs)-7, 0)] })
	info("pairs-no-end", func(pairs []byte) []byte { return pairs[:max(len(pairs)-4, 0)] })
	info("pairs-only-end", func([]byte) []byte { return make([]byte, 4) })
	info("pair-too-long", func(pairs []byte) []byte {
		if len(pairs) >= 4 {
			pairs[2], pairs[3] = 0xFF, 0xFF
		}
		return pairs
	})
	info("pairs-endless", func([]byte) []byte { return bytes.Repeat([]byte{2, 0, 0, 0}, 8000) }) // empty ones, without an end
	info("pairs-many", func(pairs []byte) []byte { return append(bytes.Repeat([]byte{2, 0, 0, 0}, 8000), pairs...) })
	info("pair-unknown", func(pairs []byte) []byte { return append([]byte{0x77, 0x77, 2, 0, 1, 2}, pairs...) })
	info("timestamp-short", func(pairs []byte) []byte { return append([]byte{7, 0, 3, 0, 1, 2, 3}, pairs...) })
	info("timestamp-end-of-time", func(pairs []byte) []byte {
		return append([]byte{7, 0, 8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, pairs...)
	})
	add("huge", func(token []byte) []byte { return append(token, make([]byte, 36<<10)...) })
	add("twice", func(token []byte) []byte { return append(token, token...) })
	slices.SortFunc(all, func(a, b mutator) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	return append(all, mutator{name: MutateTokenBytes, token: func(token []byte, _ Fault, random *rand.Rand) []byte {
		return scramble(token, random)
	}})
}

// targetInfo is a copy of the target information of a challenge.
func targetInfo(token []byte) []byte {
	length, offset := int(binary.LittleEndian.Uint16(token[challengeInfo:])), int(binary.LittleEndian.Uint32(token[challengeInfo+4:]))
	if offset+length > len(token) {
		return nil
	}
	return bytes.Clone(token[offset : offset+length])
}

// withInfo puts other target information behind everything else and lets the field point there.
func withInfo(token, pairs []byte) []byte {
	binary.LittleEndian.PutUint16(token[challengeInfo:], uint16(len(pairs)))
	binary.LittleEndian.PutUint16(token[challengeInfo+2:], uint16(len(pairs)))
	binary.LittleEndian.PutUint32(token[challengeInfo+4:], uint32(len(token)))
	return append(token, pairs...)
}
