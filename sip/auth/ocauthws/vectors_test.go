package ocauthws

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ascending returns 32 bytes that count up from first.
func ascending(first byte) []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func TestVectorProofKey(t *testing.T) {
	require.Equal(t, "DF59132C2AF6D230E4337732076A14561694BE12838CC00203D63C816653D75B",
		strings.ToUpper(hex.EncodeToString(proofKey(ascending(0), ascending(0x20)))))
}

// The timestamp of a client in the field, which takes the text of the ticket's Lifetime as it comes: here each
// child declares the prefix for itself.
func TestVectorTimestampSignature(t *testing.T) {
	const stamp = `<wsu:Timestamp xmlns:wsu="` + nsUtil + `" wsu:Id="timestamp">` +
		`<wsu:Created xmlns:wsu="` + nsUtil + `">2026-01-01T00:00:00Z</wsu:Created>` +
		`<wsu:Expires xmlns:wsu="` + nsUtil + `">2036-01-01T00:00:00Z</wsu:Expires></wsu:Timestamp>`
	info := signedInfo(stamp)
	require.Contains(t, info, "<DigestValue>43m0EGxcwgqIoxo+qd18+xmFSmE=</DigestValue>")
	require.Len(t, info, 535)
	require.Equal(t, "oJUCAFZiOy26LmFlJJedzuNHIN8=", signatureValue(proofKey(ascending(0), ascending(0x20)), info))
}

func TestTimestampIsCanonical(t *testing.T) {
	// Exclusive XML Canonicalization: a namespace is declared once, before the attributes.
	require.Equal(t, `<wsu:Timestamp xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" wsu:Id="timestamp">`+
		`<wsu:Created>2026-01-01T00:00:00Z</wsu:Created><wsu:Expires>2036-01-01T00:00:00Z</wsu:Expires></wsu:Timestamp>`,
		timestamp("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"))
}
