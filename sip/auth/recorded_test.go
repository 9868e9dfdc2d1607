package auth

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

const ocs2007Response = `
SIP/2.0 200 OK
ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300
Authentication-Info: NTLM rspauth="0100000000000000BF2E52667DDF6DED", srand="0878F41B", snum="1", opaque="4452DFB0", qop="auth", targetname="ocs1.ocs.provo.novell.com", realm="SIP Communications Service"
From: "Gabriel Burt"<sip:gabriel@ocs.provo.novell.com>;tag=2947328781;epid=1234567890
To: <sip:gabriel@ocs.provo.novell.com>;tag=B816D65C2300A32CFA6D371F2AF537FD
Call-ID: 8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx
CSeq: 3 REGISTER
Via: SIP/2.0/TLS 164.99.194.49:10409;branch=z9hG4bKE0E37DBAF252C3255BAD;received=164.99.195.20;ms-received-port=10409;ms-received-cid=1E00
Contact: <sip:164.99.195.20:10409;transport=tls;ms-received-cid=1E00>;expires=900
Expires: 900
Allow-Events: vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence,presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2
Supported: adhoclist
Server: RTC/3.0
Supported: com.microsoft.msrtc.presence
Content-Length: 0`

// Communicator 2007 R2 and OCS 2007 R2: the tokens, and the messages that completed the handshake.
const (
	r2Type2 = "TlRMTVNTUAACAAAAAAAAADgAAADzgpji3Ruq9OfiGNEAAAAAAAAAAJYAlgA4AAAABQLODgAAAA8CAAoAQwBPAFMATQBPAAEAGABDAE8AUwBNAE8ALQBPAEMAUwAtAFIAMgAEABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAMAMABjAG8AcwBtAG8ALQBvAGMAcwAtAHIAMgAuAGMAbwBzAG0AbwAuAGwAbwBjAGEAbAAFABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAAAAAA="
	r2Type3 = "TlRMTVNTUAADAAAAGAAYAHIAAADGAMYAigAAAAoACgBIAAAACAAIAFIAAAAYABgAWgAAABAAEABQAQAAVYKYYgUCzg4AAAAPQwBPAFMATQBPAFUAcwBlAHIAQwBPAFMATQBPAC0ATwBDAFMALQBSADIAoeku/k4Hi/fFwASazGFmwtauh1yw/apBjcDIAK527KYG0rn769BHMQEBAAAAAAAAWVGaFye5ygHWrodcsP2qQQAAAAACAAoAQwBPAFMATQBPAAEAGABDAE8AUwBNAE8ALQBPAEMAUwAtAFIAMgAEABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAMAMABjAG8AcwBtAG8ALQBvAGMAcwAtAHIAMgAuAGMAbwBzAG0AbwAuAGwAbwBjAGEAbAAFABYAYwBvAHMAbQBvAC4AbABvAGMAYQBsAAAAAAAAAAAAMctznhyoCkmFkeiueXEV5A=="

	r2Request = `
REGISTER sip:cosmo.local SIP/2.0
Via: SIP/2.0/TLS 192.168.172.6:12723
Max-Forwards: 70
From: <sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15
To: <sip:user@cosmo.local>
Call-ID: 4037df9284354df39065195bd57a4b14
CSeq: 3 REGISTER
Contact: <sip:192.168.172.6:12723;transport=tls;ms-opaque=fad3dfab32>;methods="INVITE, MESSAGE, INFO, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";proxy=replace;+sip.instance="<urn:uuid:34D859DB-6585-5F91-A3B4-DE853C15347D>"
User-Agent: UCCAPI/3.5.6907.0 OC/3.5.6907.0 (Microsoft Office Communicator 2007 R2)
Supported: gruu-10, adhoclist, msrtc-event-categories
Supported: ms-forking
ms-keep-alive: UAC;hop-hop=yes
Event: registration
Proxy-Authorization: NTLM qop="auth", realm="SIP Communications Service", opaque="2BDBAC9D", targetname="cosmo-ocs-r2.cosmo.local", version=4, gssapi-data="` + r2Type3 + `", crand="13317733", cnum="1", response="0100000029618e9651b65a7764000000"
Content-Length: 0`

	r2Response = `
SIP/2.0 200 OK
ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300
Authentication-Info: NTLM rspauth="01000000E615438A917661BE64000000", srand="9616454F", snum="1", opaque="2BDBAC9D", qop="auth", targetname="cosmo-ocs-r2.cosmo.local", realm="SIP Communications Service"
From: "User"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15
To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664
Call-ID: 4037df9284354df39065195bd57a4b14
CSeq: 3 REGISTER
Via: SIP/2.0/TLS 192.168.172.6:12723;ms-received-port=12723;ms-received-cid=2600
Contact: <sip:192.168.172.6:12723;transport=tls;ms-opaque=fad3dfab32;ms-received-cid=2600>;expires=7200;+sip.instance="<urn:uuid:34d859db-6585-5f91-a3b4-de853c15347d>";gruu="sip:user@cosmo.local;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu"
Expires: 7200
presence-state: register-action="added"
Allow-Events: vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence,presence.wpending,vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2
Supported: adhoclist
Server: RTC/3.5
Supported: msrtc-event-categories
Content-Length: 0`
)

// transcript is a sign-in of pidgin-sipe 1.25.0 to a simulated server over TCP, version 4: user alice, domain
// EXAMPLE, password secret, host vm. Even messages are the client's, odd ones the server's.
var transcript = []string{
	`
REGISTER sip:example.test SIP/2.0
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK507B29DEC09A550E1127
From: <sip:alice@example.test>;tag=190612443;epid=b34afb6ebb23
To: <sip:alice@example.test>
Max-Forwards: 70
CSeq: 1 REGISTER
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
Contact: <sip:127.0.0.1:36812;transport=tcp;ms-opaque=d3470f2e1d>;methods="INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";proxy=replace;+sip.instance="<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>"
Event: registration
Content-Length: 0`,
	`
SIP/2.0 401 Unauthorized
From: <sip:alice@example.test>;tag=190612443;epid=b34afb6ebb23
To: <sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
CSeq: 1 REGISTER
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK507B29DEC09A550E1127;received=127.0.0.1;ms-received-port=36812;ms-received-cid=100
Date: Thu, 01 Jan 2026 00:00:00 GMT
WWW-Authenticate: NTLM realm="SIP Communications Service", targetname="sim.example.test", version=4
Server: RTC/3.5
Content-Length: 0`,
	`
REGISTER sip:example.test SIP/2.0
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK9F7B98CD76B3EF5BECD2
From: <sip:alice@example.test>;tag=892331337;epid=b34afb6ebb23
To: <sip:alice@example.test>
Max-Forwards: 70
CSeq: 2 REGISTER
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
Event: registration
Content-Length: 0
Authorization: NTLM qop="auth", realm="SIP Communications Service", targetname="sim.example.test", gssapi-data="", version=4`,
	`
SIP/2.0 401 Unauthorized
From: <sip:alice@example.test>;tag=892331337;epid=b34afb6ebb23
To: <sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
CSeq: 2 REGISTER
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK9F7B98CD76B3EF5BECD2;received=127.0.0.1;ms-received-port=36812;ms-received-cid=100
WWW-Authenticate: NTLM opaque="5DC4E980", gssapi-data="TlRMTVNTUAACAAAAAAAAADgAAABzgpjif7vvGxZ3u3EAAAAAAAAAAIgAiAA4AAAABgGxHQAAAA8CAA4ARQBYAEEATQBQAEwARQABAAYAUwBJAE0ABAAYAGUAeABhAG0AcABsAGUALgB0AGUAcwB0AAMAIABzAGkAbQAuAGUAeABhAG0AcABsAGUALgB0AGUAcwB0AAUAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAAHAAgAwJjmaWN63QEAAAAA", targetname="sim.example.test", realm="SIP Communications Service", version=4
Content-Length: 0`,
	`
REGISTER sip:example.test SIP/2.0
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK7BD58FADEE8B51F6CF12
From: <sip:alice@example.test>;tag=4922416134;epid=b34afb6ebb23
To: <sip:alice@example.test>
Max-Forwards: 70
CSeq: 3 REGISTER
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
Event: registration
Content-Length: 0
Authorization: NTLM qop="auth", opaque="5DC4E980", realm="SIP Communications Service", targetname="sim.example.test", gssapi-data="TlRMTVNTUAADAAAAGAAYAGQAAAC4ALgAfAAAAA4ADgBIAAAACgAKAFYAAAAEAAQAYAAAABAAEAA0AQAAVYKYYgUBKAoAAAAPRQBYAEEATQBQAEwARQBhAGwAaQBjAGUAVgBNAMmn5o3waf06P34dCrd1TaJHz27vQ4Pi6kmD+k1UFa5kBzBufr4BDVEBAQAAAAAAAMCY5mljet0BR89u70OD4uoAAAAAAgAOAEUAWABBAE0AUABMAEUAAQAGAFMASQBNAAQAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAADACAAcwBpAG0ALgBlAHgAYQBtAHAAbABlAC4AdABlAHMAdAAFABgAZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQABwAIAMCY5mljet0BAAAAAAAAAAA1UDmAX74jCB8l8suJgda3", version=4, crand="ea7957bf", cnum="1", response="01000000EF0154BCF575B8DE64000000"`,
	`
SIP/2.0 200 OK
Authentication-Info: NTLM rspauth="01000000DD252FD565C62E1664000000", srand="CC00F359", snum="1", opaque="5DC4E980", qop="auth", targetname="sim.example.test", realm="SIP Communications Service"
From: <sip:alice@example.test>;tag=4922416134;epid=b34afb6ebb23
To: <sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5
Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x
CSeq: 3 REGISTER
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK7BD58FADEE8B51F6CF12;received=127.0.0.1;ms-received-port=36812;ms-received-cid=100
Expires: 600
presence-state: register-action="added"
Server: RTC/3.5
Content-Length: 0`,
	`
SUBSCRIBE sip:alice@example.test SIP/2.0
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK71B62D608FDD7632A61C
From: <sip:alice@example.test>;tag=1133833983;epid=b34afb6ebb23
To: <sip:alice@example.test>
Max-Forwards: 70
CSeq: 1 SUBSCRIBE
Call-ID: 94EDg28C4a4C4Di11A6m687Ct0D47b95D1xD8CFx
Event: vnd-microsoft-roaming-contacts
Content-Length: 0
Authorization: NTLM qop="auth", opaque="5DC4E980", realm="SIP Communications Service", targetname="sim.example.test", crand="26f73913", cnum="2", response="0100000073BD1D346B2D358764000000"`,
	`
SIP/2.0 200 OK
Authentication-Info: NTLM rspauth="01000000E699943F2525E6C364000000", srand="2E832398", snum="2", opaque="5DC4E980", qop="auth", targetname="sim.example.test", realm="SIP Communications Service"
From: <sip:alice@example.test>;tag=1133833983;epid=b34afb6ebb23
To: <sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5
Call-ID: 94EDg28C4a4C4Di11A6m687Ct0D47b95D1xD8CFx
CSeq: 1 SUBSCRIBE
Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK71B62D608FDD7632A61C;received=127.0.0.1;ms-received-port=36812;ms-received-cid=100
Contact: <sip:127.0.0.1:15061;transport=tcp>
Expires: 31000
Event: vnd-microsoft-roaming-contacts
Content-Length: 0`,
}

// bare parses a message without its credentials and signature.
func bare(t testing.TB, lines string) sip.Message {
	m := parse(t, lines)
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Authentication-Info"} {
		sip.Del(m, name)
	}
	return m
}

// random is a source that gives these bytes, written in hexadecimal, and no more.
func random(t testing.TB, digits ...string) *bytes.Reader {
	b, err := hex.DecodeString(strings.Join(digits, ""))
	require.NoError(t, err)
	return bytes.NewReader(b)
}

func TestClientReproducesTranscript(t *testing.T) {
	c := NewClient(ClientConfig{
		Password: Password{User: `EXAMPLE\alice`, Secret: "secret"}, Hostname: "vm",
		// client challenge, exported session key (both from the AUTHENTICATE_MESSAGE), then one crand each
		Rand: random(t, "47cf6eef4383e2ea", "8fb5454282c1ac5d8379e80c40bcdbbc", "ea7957bf", "26f73913"),
	})
	for i := 0; i < len(transcript); i += 2 {
		req := bare(t, transcript[i])
		require.NoError(t, c.Sign(req))
		require.Equal(t, sip.Value(parse(t, transcript[i]), "Authorization"), sip.Value(req, "Authorization"), "message %d", i)

		res := parse(t, transcript[i+1]).(*sip.Response)
		require.NoError(t, c.Verify(res), "message %d", i+1)
		if res.StatusCode == 401 {
			require.NoError(t, c.Challenge(ctx, res))
		}
	}
	s := c.State()
	s.ClockSkew = 0
	require.Equal(t, State{
		Challenged: true, Offered: []string{NTLM}, Scheme: NTLM, Version: 4,
		PasswordSent: true, PasswordTested: true, ServerVerified: true, Verified: 2,
	}, s)
}

func TestServerReproducesTranscript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(ServerConfig{
			Realm: "SIP Communications Service", TargetName: "sim.example.test", Schemes: []string{NTLM},
			Accounts: func(user, domain string) (Account, bool) {
				return Account{User: user, Domain: domain, Password: "secret", URI: "sip:alice@example.test"},
					user == "alice" && domain == "EXAMPLE"
			},
			// opaque, server challenge, then one srand each
			Rand: random(t, "5dc4e980", "7fbbef1b1677bb71", "cc00f359", "2e832398"),
		})
		for i := 0; i < len(transcript); i += 2 {
			if i == 2 { // the clock of the recorded challenge, in its target information
				time.Sleep(time.Until(time.Unix(1795339528, 805395200)))
			}
			req := parse(t, transcript[i]).(*sip.Request)
			v := s.Authenticate(ctx, req)
			want := parse(t, transcript[i+1]).(*sip.Response)
			if want.StatusCode == 401 {
				require.Equal(t, 401, v.Status)
				require.Len(t, v.Challenges, 1)
				require.ElementsMatch(t, params(t, sip.Value(want, "WWW-Authenticate")), params(t, v.Challenges[0]))
				continue
			}
			require.NoError(t, v.Err)
			require.True(t, v.OK)
			res := bare(t, transcript[i+1])
			require.NoError(t, s.Sign(res))
			require.Equal(t, sip.Value(want, "Authentication-Info"), sip.Value(res, "Authentication-Info"))
		}
	})
}

func params(t testing.TB, value string) sip.Params {
	c, err := sip.ParseCredentials(value)
	require.NoError(t, err)
	return c.Params
}

// The client's REGISTER answers a 407 here, and the server signs with Authentication-Info nevertheless.
func TestClientReproducesCommunicator2007R2(t *testing.T) {
	c := NewClient(ClientConfig{
		Password: Password{User: `COSMO\User`, Secret: "Pa$$word"}, Hostname: "cosmo-ocs-r2",
		Rand: random(t, "d6ae875cb0fdaa41", "6742fbe37bb1946b49d86a525bd29a9b", "13317733"),
	})
	challenge := func(cseq, params string) *sip.Response {
		return parse(t, `
SIP/2.0 407 Proxy Authentication Required
Call-ID: 4037df9284354df39065195bd57a4b14
CSeq: `+cseq+` REGISTER
Proxy-Authenticate: NTLM `+params+`realm="SIP Communications Service", targetname="cosmo-ocs-r2.cosmo.local", version=4
Content-Length: 0`).(*sip.Response)
	}
	require.NoError(t, c.Challenge(ctx, challenge("1", "")))
	second := bare(t, strings.Replace(r2Request, "CSeq: 3", "CSeq: 2", 1))
	require.NoError(t, c.Sign(second))
	require.NoError(t, c.Challenge(ctx, challenge("2", `opaque="2BDBAC9D", gssapi-data="`+r2Type2+`", `)))
	third := bare(t, r2Request)
	require.NoError(t, c.Sign(third))

	got := fieldsOf(t, third, "Proxy-Authorization", clientNames, 4)
	require.Equal(t, fieldsOf(t, parse(t, r2Request), "Proxy-Authorization", clientNames, 4), got)
	response, _ := params(t, sip.Value(third, "Proxy-Authorization")).Get("response")
	require.Equal(t, "0100000029618E9651B65A7764000000", response)
	require.NoError(t, c.Verify(parse(t, r2Response)))
	require.True(t, c.State().ServerVerified)
}

func TestServerReproducesOCS2007R2(t *testing.T) {
	s := NewServer(ServerConfig{
		Realm: "SIP Communications Service", TargetName: "cosmo-ocs-r2.cosmo.local", Schemes: []string{NTLM},
		Accounts: func(user, domain string) (Account, bool) {
			return Account{Password: "Pa$$word", URI: "sip:user@cosmo.local"}, user == "User" && domain == "COSMO"
		},
		Rand: random(t, "2bdbac9d", "dd1baaf4e7e218d1", "9616454f"),
	})
	begin := parse(t, r2Request).(*sip.Request)
	sip.Set(begin, "Proxy-Authorization",
		`NTLM qop="auth", realm="SIP Communications Service", targetname="cosmo-ocs-r2.cosmo.local", version=4, gssapi-data=""`)
	v := s.Authenticate(ctx, begin)
	require.NoError(t, v.Err)
	require.Equal(t, 401, v.Status)

	v = s.Authenticate(ctx, parse(t, r2Request).(*sip.Request))
	require.NoError(t, v.Err)
	require.True(t, v.OK)
	res := bare(t, r2Response)
	require.NoError(t, s.Sign(res))
	require.Equal(t, sip.Value(parse(t, r2Response), "Authentication-Info"), sip.Value(res, "Authentication-Info"))
}
