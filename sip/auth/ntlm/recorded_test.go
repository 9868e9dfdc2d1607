package ntlm

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// recorded is one exchange taken from the wire. From it follow, for both sides, the tokens byte for byte and
// the signatures of the messages after it.
type recorded struct {
	name                           string
	user, domain, password, host   string
	version                        Version
	clientChallenge, exported      string
	clock                          string // FILETIME of the response; for a server of ours, of its challenge too
	type2, type3                   []byte
	flags2, flags3                 Flags
	ntowf2, lm, proof, base        string
	clientSign, clientSeal         string
	serverSign, serverSeal         string
	request, requestSignature      string
	response, responseSignature    string
	datagramKey, datagramKeyServer string
	ours                           *Server // set if our server makes the same CHALLENGE_MESSAGE
}

func exchanges() []recorded {
	example := func() *Server {
		return &Server{
			NetBIOSDomain: "EXAMPLE", NetBIOSComputer: "SIM", DNSDomain: "example.test",
			DNSComputer: "sim.example.test", DNSForest: "example.test",
		}
	}
	return []recorded{
		{
			name: "Communicator 2007 R2 and OCS 2007 R2",
			user: "User", domain: "COSMO", password: "Pa$$word", host: "COSMO-OCS-R2",
			version:         Version{5, 2, 0xCE, 0x0E, 0, 0, 0, 15},
			clientChallenge: "d6ae875cb0fdaa41",
			clock:           "59519a1727b9ca01",
			type2:           unhex("4E544C4D53535000020000000000000038000000F38298E2DD1BAAF4E7E218D1000000000000000096009600380000000502CE0E0000000F02000A0043004F0053004D004F000100180043004F0053004D004F002D004F00430053002D00520032000400160063006F0073006D006F002E006C006F00630061006C000300300063006F0073006D006F002D006F00630073002D00720032002E0063006F0073006D006F002E006C006F00630061006C000500160063006F0073006D006F002E006C006F00630061006C0000000000"),
			type3:           unhex("4E544C4D53535000030000001800180072000000C600C6008A0000000A000A00480000000800080052000000180018005A0000001000100050010000558298620502CE0E0000000F43004F0053004D004F00550073006500720043004F0053004D004F002D004F00430053002D0052003200A1E92EFE4E078BF7C5C0049ACC6166C2D6AE875CB0FDAA418DC0C800AE76ECA606D2B9FBEBD04731010100000000000059519A1727B9CA01D6AE875CB0FDAA410000000002000A0043004F0053004D004F000100180043004F0053004D004F002D004F00430053002D00520032000400160063006F0073006D006F002E006C006F00630061006C000300300063006F0073006D006F002D006F00630073002D00720032002E0063006F0073006D006F002E006C006F00630061006C000500160063006F0073006D006F002E006C006F00630061006C00000000000000000031CB739E1CA80A498591E8AE797115E4"),
			flags2:          0xE29882F3, flags3: 0x62988255,
			ntowf2:   "164b086e00d2f393529fa3a98209f99e",
			lm:       "a1e92efe4e078bf7c5c0049acc6166c2d6ae875cb0fdaa41",
			proof:    "8dc0c800ae76eca606d2b9fbebd04731",
			base:     "02959b1d938e14ccc8412639311cdd49",
			exported: "6742fbe37bb1946b49d86a525bd29a9b", datagramKey: "9c4f4700459447d91cd5f161601e400c",
			clientSign: "ea5e87c195ae65338f7c023e7600690d", clientSeal: "83013a189002d3abad49c4c8f605ecc8",
			serverSign: "0151fe94dba8c83f3c6a6e5444ae54b4", serverSeal: "2a2e34e8d420c039e8f31cb9e8e0cd88",
			request:           "<NTLM><13317733><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local><4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52><sip:user@cosmo.local><><><><>",
			requestSignature:  "0100000029618e9651b65a7764000000",
			response:          "<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local><4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52><sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><><7200><200>",
			responseSignature: "01000000e615438a917661be64000000",
		},
		{
			name: "pidgin-sipe 1.25 and a simulated server",
			user: "alice", domain: "EXAMPLE", password: "secret", host: "VM",
			clientChallenge: "d6044a962b4da9bc",
			clock:           "c091432f637add01",
			type2:           unhex("4E544C4D53535000020000000000000038000000738298E2B648769142971B4C000000000000000088008800380000000601B11D0000000F02000E004500580041004D0050004C00450001000600530049004D00040018006500780061006D0070006C0065002E00740065007300740003002000730069006D002E006500780061006D0070006C0065002E007400650073007400050018006500780061006D0070006C0065002E00740065007300740007000800C091432F637ADD0100000000"),
			type3:           unhex("4E544C4D53535000030000001800180064000000B800B8007C0000000E000E00480000000A000A005600000004000400600000001000100034010000558298620501280A0000000F4500580041004D0050004C00450061006C0069006300650056004D00918EC0E384A6E8D32561152A4E2756EFD6044A962B4DA9BC70C80E36FD12075CF9BE7AED8B2DB0DA0101000000000000C091432F637ADD01D6044A962B4DA9BC0000000002000E004500580041004D0050004C00450001000600530049004D00040018006500780061006D0070006C0065002E00740065007300740003002000730069006D002E006500780061006D0070006C0065002E007400650073007400050018006500780061006D0070006C0065002E00740065007300740007000800C091432F637ADD010000000000000000ED4ED5774A02954750207F0005AC6C2A"),
			flags2:          0xE2988273, flags3: 0x62988255,
			ntowf2:   "512c91b5c22f94bf5d813adaf60cd7ad",
			lm:       "918ec0e384a6e8d32561152a4e2756efd6044a962b4da9bc",
			proof:    "70c80e36fd12075cf9be7aed8b2db0da",
			base:     "d61228f616cd000a8ef6169ea1d74be0",
			exported: "417a955a96eff65ea0828d3f6ca57b04", datagramKey: "717d9f9bdc252eec419026f8551abd5d",
			clientSign: "29b6f43510565d1fba277eb45cbad4d4", clientSeal: "9d560b9d87f08f246ee44817c9b9f445",
			serverSign: "e5fb2f61374d0e1f3d29941ddc6bff24", serverSeal: "967a634f27022e43bb31b74e1acf0ad3",
			datagramKeyServer: "df1fd4e283da274e70eb5747c10a6c3f",
			request:           "<NTLM><cd9378fd><1><SIP Communications Service><sim.example.test><BDCAgFCADa6C9CiFDE8mEE5Ft29EEb4967x57EFx><3><REGISTER><sip:alice@example.test><2539216904><sip:alice@example.test><><><><>",
			requestSignature:  "010000000aea0b1bcbb5530664000000",
			response:          "<NTLM><54FAE61A><1><SIP Communications Service><sim.example.test><BDCAgFCADa6C9CiFDE8mEE5Ft29EEb4967x57EFx><3><REGISTER><sip:alice@example.test><2539216904><sip:alice@example.test><B522504A7A5F044051DD987858D708C5><><><600><200>",
			responseSignature: "010000007f2101020b2cb58264000000",
			ours:              example(),
		},
		{
			name: "transcript of pidgin-sipe 1.25 over TCP",
			user: "alice", domain: "EXAMPLE", password: "secret", host: "VM",
			clientChallenge:   "47cf6eef4383e2ea",
			clock:             "c098e669637add01",
			type2:             unbase64("TlRMTVNTUAACAAAAAAAAADgAAABzgpjif7vvGxZ3u3EAAAAAAAAAAIgAiAA4AAAABgGxHQAAAA8CAA4ARQBYAEEATQBQAEwARQABAAYAUwBJAE0ABAAYAGUAeABhAG0AcABsAGUALgB0AGUAcwB0AAMAIABzAGkAbQAuAGUAeABhAG0AcABsAGUALgB0AGUAcwB0AAUAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAAHAAgAwJjmaWN63QEAAAAA"),
			type3:             unbase64("TlRMTVNTUAADAAAAGAAYAGQAAAC4ALgAfAAAAA4ADgBIAAAACgAKAFYAAAAEAAQAYAAAABAAEAA0AQAAVYKYYgUBKAoAAAAPRQBYAEEATQBQAEwARQBhAGwAaQBjAGUAVgBNAMmn5o3waf06P34dCrd1TaJHz27vQ4Pi6kmD+k1UFa5kBzBufr4BDVEBAQAAAAAAAMCY5mljet0BR89u70OD4uoAAAAAAgAOAEUAWABBAE0AUABMAEUAAQAGAFMASQBNAAQAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAADACAAcwBpAG0ALgBlAHgAYQBtAHAAbABlAC4AdABlAHMAdAAFABgAZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQABwAIAMCY5mljet0BAAAAAAAAAAA1UDmAX74jCB8l8suJgda3"),
			flags2:            0xE2988273,
			flags3:            0x62988255,
			request:           "<NTLM><ea7957bf><1><SIP Communications Service><sim.example.test><3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x><3><REGISTER><sip:alice@example.test><4922416134><sip:alice@example.test><><><><>",
			requestSignature:  "01000000ef0154bcf575b8de64000000",
			response:          "<NTLM><CC00F359><1><SIP Communications Service><sim.example.test><3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x><3><REGISTER><sip:alice@example.test><4922416134><sip:alice@example.test><3E2023FA1DC92DA37BC21AA4FB481EF5><><><600><200>",
			responseSignature: "01000000dd252fd565c62e1664000000",
			ours:              example(),
		},
	}
}

func unbase64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// at runs f in virtual time, when the clock shows that FILETIME.
func at(t *testing.T, filetime string, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		const unixEpoch = 116444736000000000
		ticks := int64(binary.LittleEndian.Uint64(unhex(filetime))) - unixEpoch
		time.Sleep(time.Until(time.Unix(ticks/1e7, ticks%1e7*100)))
		f(t)
	})
}

func TestRecordedMessagesSurviveParsing(t *testing.T) {
	for _, r := range exchanges() {
		t.Run(r.name, func(t *testing.T) {
			c, err := ParseChallenge(r.type2)
			require.NoError(t, err)
			require.Equal(t, r.flags2, c.Flags)
			require.Equal(t, r.type2, c.Marshal())
			a, err := ParseAuthenticate(r.type3)
			require.NoError(t, err)
			require.Equal(t, r.flags3, a.Flags)
			require.Equal(t, []string{r.user, r.domain, r.host}, []string{a.User, a.Domain, a.Workstation})
			require.Equal(t, r.type3, a.Marshal())
		})
	}
}

func TestRecordedIntermediateValues(t *testing.T) {
	for _, r := range exchanges() {
		if r.base == "" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			c, err := ParseChallenge(r.type2)
			require.NoError(t, err)
			a, err := ParseAuthenticate(r.type3)
			require.NoError(t, err)
			proof, blob, err := splitResponseV2(a.NTResponse)
			require.NoError(t, err)
			requireHex(t, r.proof, proof)
			requireHex(t, r.lm, a.LMResponse)

			key := ntowfv2(ntowfv1(r.password), r.user, r.domain)
			requireHex(t, r.ntowf2, key)
			requireHex(t, r.proof, ntProof(key, c.ServerChallenge, blob))
			requireHex(t, r.base, sessionBaseKeyV2(key, proof))
			exported := rc4Once(sessionBaseKeyV2(key, proof), a.SessionKey)
			requireHex(t, r.exported, exported)

			s := newSession(a.Flags, exported, true)
			requireHex(t, r.clientSign, s.send.sign)
			requireHex(t, r.clientSeal, s.send.seal)
			requireHex(t, r.serverSign, s.receive.sign)
			requireHex(t, r.serverSeal, s.receive.seal)
			requireHex(t, r.datagramKey, md5Of(s.send.seal, []byte{100, 0, 0, 0}))
			if r.datagramKeyServer != "" {
				requireHex(t, r.datagramKeyServer, md5Of(s.receive.seal, []byte{100, 0, 0, 0}))
			}
		})
	}
}

func TestClientReproducesRecordedExchange(t *testing.T) {
	for _, r := range exchanges() {
		t.Run(r.name, func(t *testing.T) {
			at(t, r.clock, func(t *testing.T) {
				exported := r.exported
				if exported == "" {
					exported = hex.EncodeToString(exportedKey(t, r))
				}
				c := &Client{
					User: r.user, Domain: r.domain, Password: r.password, Workstation: r.host, Version: r.version,
					Rand: bytes.NewReader(append(unhex(r.clientChallenge), unhex(exported)...)),
				}
				out, done, err := c.Step(ctx, nil)
				require.NoError(t, err)
				require.False(t, done)
				require.Empty(t, out)
				out, done, err = c.Step(ctx, r.type2)
				require.NoError(t, err)
				require.True(t, done)
				require.Equal(t, r.type3, out)

				got, err := c.Sign([]byte(r.request))
				require.NoError(t, err)
				requireHex(t, r.requestSignature, got)
				require.NoError(t, c.Verify([]byte(r.response), unhex(r.responseSignature)))
			})
		})
	}
}

func TestServerReproducesRecordedExchange(t *testing.T) {
	for _, r := range exchanges() {
		t.Run(r.name, func(t *testing.T) {
			at(t, r.clock, func(t *testing.T) {
				c, err := ParseChallenge(r.type2)
				require.NoError(t, err)
				s := r.ours
				if s == nil {
					s = &Server{}
				}
				s.Rand = bytes.NewReader(c.ServerChallenge[:])
				s.Password = func(user, domain string) (string, bool) {
					return r.password, user == r.user && domain == r.domain
				}
				out, done, err := s.Step(ctx, nil)
				require.NoError(t, err)
				require.False(t, done)
				if r.ours != nil {
					require.Equal(t, r.type2, out)
				}
				out, done, err = s.Step(ctx, r.type3)
				require.NoError(t, err)
				require.True(t, done)
				require.Empty(t, out)
				user, domain, host := s.Names()
				require.Equal(t, []string{r.user, r.domain, r.host}, []string{user, domain, host})

				require.NoError(t, s.Verify([]byte(r.request), unhex(r.requestSignature)))
				got, err := s.Sign([]byte(r.response))
				require.NoError(t, err)
				requireHex(t, r.responseSignature, got)
			})
		})
	}
}

// exportedKey opens the session key of a recorded AUTHENTICATE_MESSAGE as a server does.
func exportedKey(t *testing.T, r recorded) []byte {
	a, err := ParseAuthenticate(r.type3)
	require.NoError(t, err)
	proof, _, err := splitResponseV2(a.NTResponse)
	require.NoError(t, err)
	key := ntowfv2(ntowfv1(r.password), r.user, r.domain)
	return rc4Once(sessionBaseKeyV2(key, proof), a.SessionKey)
}
