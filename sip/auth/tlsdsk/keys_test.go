package tlsdsk

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func requireHex(t *testing.T, want string, got []byte) {
	t.Helper()
	require.Equal(t, strings.ReplaceAll(want, " ", ""), strings.ToUpper(hex.EncodeToString(got)))
}

// ascending returns size bytes that count up from first.
func ascending(first byte, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// The inputs of the TLS 1.0 vectors.
var (
	vectorPremaster    = append([]byte{3, 1}, ascending(0, 46)...)
	vectorClientRandom = ascending(0x40, 32)
	vectorServerRandom = ascending(0x80, 32)
	vectorMaster       = unhex("9C96F6BDE2C40CBCF1EC5F9D03E2711C3795B069FF88C6D308F6BFFC7D474BFE17717633820B005816D0906B8BCD9F0D")
)

func TestVectorMasterSecret(t *testing.T) {
	seed := append(bytes.Clone(vectorClientRandom), vectorServerRandom...)
	require.Equal(t, vectorMaster, prf(tls.VersionTLS10, vectorPremaster, "master secret", seed, 48))
}

func TestVectorKeyBlock002F(t *testing.T) {
	seed := append(bytes.Clone(vectorServerRandom), vectorClientRandom...)
	requireHex(t, "7AA00B4056B38CD47E6F86C741F1E6A1C0CFE003 54B22C5885F174A153226A0EA0D301D66259A0D1 EE2256CD93D0F0FEA07B24B3718509E6"+
		"1183161D802961CA2939B5A3DC05BDFC DBBE34EAE0CA1AB7AA53041AC509C6C3 F5705E77583C8C9B0D71B22F638C6237",
		prf(tls.VersionTLS10, vectorMaster, "key expansion", seed, 104))
}

func TestVectorClientEAPEncryption(t *testing.T) {
	seed := append(bytes.Clone(vectorClientRandom), vectorServerRandom...)
	material := prf(tls.VersionTLS10, vectorMaster, keyMaterialLabel, seed, keyMaterialSize)
	requireHex(t, "E6D53F0A34C64E662C507D4F604BECCB006FEC469EF11E49144221DCAE75FD22EC340156B124852569653BE98740C19EE34704AAA1907E5E665E9EAFD2D3017E",
		material[:64])
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		keys := newSigningKeys(version, tls.TLS_RSA_WITH_AES_128_CBC_SHA, vectorMaster, vectorClientRandom, vectorServerRandom)
		requireHex(t, "3A9DA40F4840234C02A136F7C80819C0ECC9A1533F00E3F6D6273F89F83D737A", keys.client)
		requireHex(t, "4A898C996453386CAF9A612BE6768BEA2F178E48089974A2E64F93660EBD4ACF", keys.server)
	}
}

func TestVectorSignatures(t *testing.T) {
	const (
		request  = "<TLS-DSK><12345678><1><SIP Communications Service><sim.example.test><call-1@host><3><REGISTER><sip:alice@example.test><1111><sip:alice@example.test><><><><>"
		response = "<TLS-DSK><9ABCDEF0><1><SIP Communications Service><sim.example.test><call-1@host><3><REGISTER><sip:alice@example.test><1111><sip:alice@example.test><2222><><><600><200>"
	)
	for _, tc := range []struct {
		name              string
		digest            func() hash.Hash
		request, response string
	}{
		{"SHA-1 suites", sha1.New, "502E60C79E6D3DF667B871CA990060E4760E3B87", "278C628B62A4920349A64F7FB613F4FB62910BAA"},
		{"MD5 suites", md5.New, "AD5E62FC4210E190BFDF64E11DB69043", "C96F9DE114B0FF050165836F3A75CDE0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keys := newSigningKeys(tls.VersionTLS10, tls.TLS_RSA_WITH_AES_128_CBC_SHA, vectorMaster, vectorClientRandom, vectorServerRandom)
			keys.digest = tc.digest
			requireHex(t, tc.request, keys.sign(keys.client, []byte(request)))
			requireHex(t, tc.response, keys.sign(keys.server, []byte(response)))
		})
	}
}

// The vector for P_SHA256 that the IETF's TLS working group uses.
func TestPRFOfTLS12(t *testing.T) {
	requireHex(t, "E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A6B301791E90D35C9C9A46B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB"+
		"4FBC91666E9DEF9B97FCE34F796789BAA48082D122EE42C5A72E5A5110FFF70187347B66",
		prf(tls.VersionTLS12, unhex("9BBE436BA940F017B17652849A71DB35"), "test label", unhex("A0BA9F936CDA311827A6F796FFD5198C"), 100))
}

func TestSecretOfOddLengthIsHalvedWithOverlap(t *testing.T) {
	// RFC 2246 section 5: the halves share the middle byte.
	secret := []byte{1, 2, 3}
	want := expand(md5.New, []byte{1, 2}, []byte("labelseed"), 20)
	for i, b := range expand(sha1.New, []byte{2, 3}, []byte("labelseed"), 20) {
		want[i] ^= b
	}
	require.Equal(t, want, prf(tls.VersionTLS11, secret, "label", []byte("seed"), 20))
}

func TestSuitesWithoutDigestAreRefused(t *testing.T) {
	for _, suite := range []uint16{
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_AES_128_GCM_SHA256, 0x0004,
	} {
		_, err := newConfig(0, 0, []uint16{suite})
		require.ErrorContains(t, err, "no digest to sign with")
	}
}

func TestVersionsOutsideOfTLS10To12AreRefused(t *testing.T) {
	for _, v := range [][2]uint16{{tls.VersionTLS12, tls.VersionTLS13}, {0x0300, tls.VersionTLS12}, {tls.VersionTLS12, tls.VersionTLS11}} {
		_, err := newConfig(v[0], v[1], nil)
		require.ErrorContains(t, err, "are possible")
	}
}
