package server

import (
	"crypto/sha1" //nolint:gosec // the algorithm of MS-SIPRE, not a protection
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// guid is a GUID in its memory order: the first three groups little-endian.
type guid [16]byte

// instanceNamespace is the name space of instance identifiers, fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe.
const instanceNamespace = "\x03\xfb\xac\xfc\x73\x8a\xef\x46\x91\xb1\xe5\xeb\xee\xab\xa4\xfe"

// instanceOf derives the instance identifier from an epid (MS-SIPREGE; not the name-based UUID of RFC 4122).
func instanceOf(epid string) guid {
	h := sha1.Sum([]byte(instanceNamespace + epid)) //nolint:gosec // as above
	g := guid(h[:16])
	g[7] = g[7]&0x0f | 0x50
	g[8] = g[8]&0x3f | 0x80
	return g
}

// groups is where the bytes of a GUID in memory order stand in its text.
var groups = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// parseInstance reads the value of a +sip.instance parameter, "<urn:uuid:...>", in either case.
func parseInstance(value string) (guid, bool) {
	value = strings.TrimSuffix(strings.TrimPrefix(value, "<"), ">")
	const prefix = "urn:uuid:"
	if len(value) < len(prefix) || !strings.EqualFold(value[:len(prefix)], prefix) {
		return guid{}, false
	}
	value = value[len(prefix):]
	if len(value) != 36 || value[8] != '-' || value[13] != '-' || value[18] != '-' || value[23] != '-' {
		return guid{}, false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(value, "-", ""))
	if err != nil || len(b) != 16 {
		return guid{}, false
	}
	var g guid
	for i, at := range groups {
		g[at] = b[i]
	}
	return g, true
}

// String is the GUID as text, in lower case.
func (g guid) String() string {
	b := make([]byte, 16)
	for i, at := range groups {
		b[i] = g[at]
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// gruu makes the URI of one endpoint of a user (MS-SIPREGE): the GUID and two zero bytes in base64url.
func gruu(uri string, instance guid) string {
	return uri + ";opaque=user:epid:" + base64.RawURLEncoding.EncodeToString(append(instance[:], 0, 0)) + ";gruu"
}
