package ntlm

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The inputs that MS-NLMP 4.2.1 shares between its examples.
const (
	exampleUser     = "User"
	exampleDomain   = "Domain"
	examplePassword = "Password"
)

var (
	exampleServerChallenge = [8]byte(unhex("0123456789abcdef"))
	exampleClientChallenge = [8]byte(unhex("aaaaaaaaaaaaaaaa"))
	exampleSessionKey      = unhex("55555555555555555555555555555555")
	examplePlaintext       = unhex("50006c00610069006e007400650078007400")
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func requireHex(t *testing.T, want string, got []byte) {
	t.Helper()
	require.Equal(t, want, hex.EncodeToString(got))
}

// seal is the sealing of MS-NLMP 3.4.3: text under the key stream, which then goes on into the signature.
func seal(stream interface{ XORKeyStream(dst, src []byte) }, text []byte) []byte {
	out := make([]byte, len(text))
	stream.XORKeyStream(out, text)
	return out
}

// MS-NLMP 4.2.2: NTLMv1 without extended session security.
func TestMSNLMP422(t *testing.T) {
	const flags Flags = 0xE2028233
	ntHash, lmHash := ntowfv1(examplePassword), lmowfv1(examplePassword)
	lmResponse := responseV1(lmHash, exampleServerChallenge)
	base := sessionBaseKeyV1(ntHash)

	requireHex(t, "a4f49c406510bdcab6824ee7c30fd852", ntHash)
	requireHex(t, "e52cac67419a9a224a3b108f3fa6cb6d", lmHash)
	requireHex(t, "67c43011f30298a2ad35ece64f16331c44bdbed927841f94", responseV1(ntHash, exampleServerChallenge))
	requireHex(t, "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13", lmResponse)
	requireHex(t, "d87262b0cde4b1cb7499becccdf10784", base)

	kx := keyExchangeKeyV1(flags, base, lmHash, lmResponse, exampleServerChallenge)
	requireHex(t, "d87262b0cde4b1cb7499becccdf10784", kx)
	requireHex(t, "518822b1b3f350c8958682ecbb3e3cb7", rc4Once(kx, exampleSessionKey))
	require.Equal(t, uint32(0x93AA847D), crc32.ChecksumIEEE(examplePlaintext))

	require.Nil(t, signKey(flags, exampleSessionKey, clientSignMagic))
	stream := newRC4(sealKey(flags, exampleSessionKey, clientSealMagic))
	requireHex(t, "56fe04d861f9319af0d7238a2e3b4d457fb8", seal(stream, examplePlaintext))
	m := macCRC(stream, 0, 0, examplePlaintext)
	requireHex(t, "09dcd1df2e459d36", m[8:])
	// The document prints the encrypted pad as it comes; a sender may put any other value there.
	stream = newRC4(exampleSessionKey)
	seal(stream, examplePlaintext)
	require.Equal(t, m[8:], macCRC(stream, binary.LittleEndian.Uint32(unhex("45c844e5")), 0, examplePlaintext)[8:])
	stream = newRC4(exampleSessionKey)
	seal(stream, examplePlaintext)
	requireHex(t, "0100000045c844e509dcd1df2e459d36",
		macCRC(stream, binary.LittleEndian.Uint32(unhex("45c844e5")), 0, examplePlaintext))
}

// MS-NLMP 4.2.2.2: the two key exchange keys that come from the LM hash.
func TestMSNLMP422LMKeys(t *testing.T) {
	lmHash := lmowfv1(examplePassword)
	lmResponse := responseV1(lmHash, exampleServerChallenge)
	requireHex(t, "b09e379f7fbecb1eaf0afdcb0383c8a0",
		keyExchangeKeyV1(NegotiateLMKey, nil, lmHash, lmResponse, exampleServerChallenge))
	requireHex(t, "e52cac67419a9a220000000000000000",
		keyExchangeKeyV1(RequestNonNTSessionKey, nil, lmHash, lmResponse, exampleServerChallenge))
}

// MS-NLMP 4.2.3: NTLMv1 with extended session security, 56 bits, no key exchange.
func TestMSNLMP423(t *testing.T) {
	const flags Flags = 0x820A8233
	ntHash := ntowfv1(examplePassword)
	lmResponse := append(exampleClientChallenge[:], make([]byte, 16)...)

	requireHex(t, "7537f803ae367128ca458204bde7caf81e97ed2683267232",
		responseESS(ntHash, exampleServerChallenge, exampleClientChallenge))
	base := sessionBaseKeyV1(ntHash)
	requireHex(t, "d87262b0cde4b1cb7499becccdf10784", base)
	kx := keyExchangeKeyV1(flags, base, nil, lmResponse, exampleServerChallenge)
	requireHex(t, "eb93429a8bd952f8b89c55b87f475edc", kx)

	sign, sealing := signKey(flags, kx, clientSignMagic), sealKey(flags, kx, clientSealMagic)
	requireHex(t, "60e799be5c72fc92922ae8ebe961fb8d", sign)
	requireHex(t, "04dd7f014d8504d265a25cc86a3a7c06", sealing)
	requireHex(t, "a02372f6530273f3aa1eb90190ce5200c99d", rc4Once(sealing, examplePlaintext))
	requireHex(t, "01000000ff2aeb52f681793a00000000", macHMAC(sign, nil, 0, examplePlaintext))
}

// MS-NLMP 4.2.4: NTLMv2, 128 bits, key exchange.
func TestMSNLMP424(t *testing.T) {
	const flags Flags = 0xE28A8233
	info := unhex("02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000")
	key := ntowfv2(ntowfv1(examplePassword), exampleUser, exampleDomain)
	requireHex(t, "0c868a403bfd7a93a3001ef22ef02e3f", key)

	blob := clientBlob(filetime{}, exampleClientChallenge, info)
	requireHex(t, "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"+
		"02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000", blob)
	proof := ntProof(key, exampleServerChallenge, blob)
	requireHex(t, "68cd0ab851e51c96aabc927bebef6a1c", proof)
	requireHex(t, "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa",
		lmResponseV2(key, exampleServerChallenge, exampleClientChallenge))
	base := sessionBaseKeyV2(key, proof)
	requireHex(t, "8de40ccadbc14a82f15cb0ad0de95ca3", base)
	requireHex(t, "c5dad2544fc9799094ce1ce90bc9d03e", rc4Once(base, exampleSessionKey))

	sign, sealing := signKey(flags, exampleSessionKey, clientSignMagic), sealKey(flags, exampleSessionKey, clientSealMagic)
	requireHex(t, "4788dc861b4782f35d43fd98fe1a2d39", sign)
	requireHex(t, "59f600973cc4960a25480a7c196e4c58", sealing)
	requireHex(t, "d04d6f10741041d1d246d64188d7a8ad", signKey(flags, exampleSessionKey, serverSignMagic))
	requireHex(t, "9355f3a957c1583d25c4c2f11e40390e", sealKey(flags, exampleSessionKey, serverSealMagic))

	stream := newRC4(sealing)
	requireHex(t, "54e50165bf1936dc996020c1811b0f06fb5f", seal(stream, examplePlaintext))
	requireHex(t, "010000007fb38ec5c55d497600000000", macHMAC(sign, stream, 0, examplePlaintext))
	requireHex(t, "0100000070352851f256430900000000", macHMAC(sign, nil, 0, examplePlaintext))
	requireHex(t, "0100000074d045342c4f1cd500000000", macHMAC(sign, newRC4(sealing), 0, examplePlaintext))
}

// MS-NLMP 4.2.4.3: the messages of the NTLMv2 example.
func TestMSNLMP424Messages(t *testing.T) {
	const (
		challengeHex = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"
		answerHex    = "4e544c4d5353500003000000180018006c00000054005400840000000c000c00480000000800080054000000100010005c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e00550073006500720043004f004d005000550054004500520086c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000c5dad2544fc9799094ce1ce90bc9d03e"
	)
	c, err := ParseChallenge(unhex(challengeHex))
	require.NoError(t, err)
	require.Equal(t, Flags(0xE28A8233), c.Flags)
	require.Equal(t, "Server", c.TargetName)
	require.Equal(t, exampleServerChallenge, c.ServerChallenge)
	require.Equal(t, Version{6, 0, 0x70, 0x17, 0, 0, 0, 15}, c.Version)
	requireHex(t, challengeHex, c.Marshal())

	a, err := ParseAuthenticate(unhex(answerHex))
	require.NoError(t, err)
	require.Equal(t, "Domain", a.Domain)
	require.Equal(t, "User", a.User)
	require.Equal(t, "COMPUTER", a.Workstation)
	requireHex(t, "c5dad2544fc9799094ce1ce90bc9d03e", a.SessionKey)
	requireHex(t, answerHex, a.Marshal())
}

// The signatures of the "Davenport" NTLM description.
func TestDavenportSignatures(t *testing.T) {
	master := unhex("0102030405060708090a0b0c0d0e0f00")
	text := []byte("jCIFS")

	weak := sealKey(NegotiateLMKey, master, clientSealMagic)
	requireHex(t, "0102030405e538b0", weak)
	requireHex(t, "0100000078010900397420fe0e5a0f89", macCRC(newRC4(weak), 0x00090178, 0, text))

	sign := signKey(NegotiateExtendedSessionSecurity, master, clientSignMagic)
	requireHex(t, "f7f97a82ec390f9c903dac4f6aceb132", sign)
	requireHex(t, "010000000a003602317a759a00000000", macHMAC(sign, nil, 0, text))
}

// A version-2 answer of Office Communications Server 2007, signed without extended session security.
func TestOCS2007SignatureWithoutESS(t *testing.T) {
	const buffer = "<NTLM><0878F41B><1><SIP Communications Service><ocs1.ocs.provo.novell.com><8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER><sip:gabriel@ocs.provo.novell.com><2947328781><B816D65C2300A32CFA6D371F2AF537FD><900><200>"
	key := unhex("5f029153bc025058969548615e7099ba")
	client, server := newSession(0, key, true), newSession(0, key, false)

	got, err := server.sign([]byte(buffer))
	require.NoError(t, err)
	requireHex(t, "0100000000000000bf2e52667ddf6ded", got)
	require.NoError(t, client.verify([]byte(buffer), got))

	got[4] = 0xFF // the padding is the sender's choice
	require.NoError(t, client.verify([]byte(buffer), got))
	got[8] ^= 1
	require.ErrorIs(t, client.verify([]byte(buffer), got), ErrSignature)
}

func TestPrimitives(t *testing.T) {
	requireHex(t, "d9130a8164549fe818874806e1c7014b", sessionBaseKeyV1([]byte("message digest")))
	requireHex(t, "f96b697d7cb7938d525a2f31aaf161d0", md5Of([]byte("message digest")))
	requireHex(t, "9294727a3638bb1c13f48ef8158bfc9d",
		hmacMD5(unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), []byte("Hi There")))
	at := newFiletime(time.Unix(0, 0))
	requireHex(t, "00803ed5deb19d01", at[:])
}

func TestSealKeyStrengths(t *testing.T) {
	const ess = NegotiateExtendedSessionSecurity
	key := unhex("000102030405060708090a0b0c0d0e0f")
	for _, tc := range []struct {
		name  string
		flags Flags
		want  []byte
	}{
		{"128 bits", ess | Negotiate128 | Negotiate56, md5Of(key, []byte(clientSealMagic))},
		{"56 bits", ess | Negotiate56, md5Of(key[:7], []byte(clientSealMagic))},
		{"40 bits", ess, md5Of(key[:5], []byte(clientSealMagic))},
		{"LM key, 56 bits", NegotiateLMKey | Negotiate56, unhex("00010203040506a0")},
		{"LM key, 40 bits", NegotiateLMKey, unhex("0001020304e538b0")},
		{"no weakening", 0, key},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, sealKey(tc.flags, key, clientSealMagic))
			requireHex(t, "000102030405060708090a0b0c0d0e0f", key)
		})
	}
}
