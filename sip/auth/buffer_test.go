package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// parse reads a message written with plain line ends.
func parse(t testing.TB, lines string) sip.Message {
	t.Helper()
	m, err := sip.Parse([]byte(strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\r\n") + "\r\n\r\n"))
	require.NoError(t, err)
	return m
}

// fieldsOf takes the fields from the first header of that name, as a receiver does.
func fieldsOf(t testing.TB, m sip.Message, header string, n names, version int) Fields {
	t.Helper()
	c, err := sip.ParseCredentials(sip.Value(m, header))
	require.NoError(t, err)
	get := func(name string) string {
		value, _ := c.Params.Get(name)
		return value
	}
	return Fields{c.Scheme, get(n.rand), get(n.num), get("realm"), get("targetname"), version}
}

// Messages from the wire and the bytes that their signatures cover.
func TestBufferOfRecordedMessages(t *testing.T) {
	for _, tc := range []struct {
		name, message, header string
		names                 names
		version               int
		want                  string
	}{
		{
			"OCS 2007 to an old client, version 2", ocs2007Response, "Authentication-Info", serverNames, 2,
			"<NTLM><0878F41B><1><SIP Communications Service><ocs1.ocs.provo.novell.com><8592g5DCBa1694i5887m0D0Bt2247b3F38xAE9Fx><3><REGISTER><sip:gabriel@ocs.provo.novell.com><2947328781><B816D65C2300A32CFA6D371F2AF537FD><900><200>",
		},
		{
			"Communicator 2007 R2, version 4", r2Request, "Proxy-Authorization", clientNames, 4,
			"<NTLM><13317733><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local><4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52><sip:user@cosmo.local><><><><>",
		},
		{
			"OCS 2007 R2, version 4", r2Response, "Authentication-Info", serverNames, 4,
			"<NTLM><9616454F><1><SIP Communications Service><cosmo-ocs-r2.cosmo.local><4037df9284354df39065195bd57a4b14><3><REGISTER><sip:user@cosmo.local><3e49177a52><sip:user@cosmo.local><5E61CCD925D17E043D9A74835A88F664><><><7200><200>",
		},
		{
			"pidgin-sipe, REGISTER", transcript[4], "Authorization", clientNames, 4,
			"<NTLM><ea7957bf><1><SIP Communications Service><sim.example.test><3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x><3><REGISTER><sip:alice@example.test><4922416134><sip:alice@example.test><><><><>",
		},
		{
			"pidgin-sipe, SUBSCRIBE", transcript[6], "Authorization", clientNames, 4,
			"<NTLM><26f73913><2><SIP Communications Service><sim.example.test><94EDg28C4a4C4Di11A6m687Ct0D47b95D1xD8CFx><1><SUBSCRIBE><sip:alice@example.test><1133833983><sip:alice@example.test><><><><>",
		},
		{
			"header names in capitals, upper-case scheme in the asserted identity", `
SIP/2.0 180 Ringing
Authentication-Info: NTLM rspauth="010000003EA8D688BA51D5CD64000000", srand="1B6D47A1", snum="11", opaque="357E6F72", qop="auth", targetname="LOC-COMPANYT-FE03.COMPANY.COM", realm="SIP Communications Service"
FROM: "Sender"<sip:sender@company.com>;tag=2420628112;epid=54392f1bbf01
TO: "recipient"<sip:recipient@company.com>;tag=7aee15546a;epid=3102EB8BD1
CSEQ: 1 INVITE
CALL-ID: 41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x
P-ASSERTED-IDENTITY: "recipient"<SIP:recipient@company.com>
Content-Length: 0`, "Authentication-Info", serverNames, 4,
			"<NTLM><1B6D47A1><11><SIP Communications Service><LOC-COMPANYT-FE03.COMPANY.COM><41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x><1><INVITE><sip:sender@company.com><2420628112><sip:recipient@company.com><7aee15546a><SIP:recipient@company.com><><><180>",
		},
		{
			"addresses without angle brackets", `
SIP/2.0 180 Ringing
Authentication-Info: NTLM rspauth="010000003EA8D688BA51D5CD64000000", srand="1B6D47A1", snum="11", opaque="357E6F72", qop="auth", targetname="bar", realm="foo"
From: sip:sender@company.com;tag=2420628112;epid=54392f1bbf01
To: sip:recipient@company.com;tag=7aee15546a;epid=3102EB8BD1
CSeq: 1 INVITE
Call-ID: 41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x
P-Asserted-Identity: <SIP:recipient@company.com>
Content-Length: 0`, "Authentication-Info", serverNames, 4,
			"<NTLM><1B6D47A1><11><foo><bar><41CEg82ECa0AC8i3DD7mE673t9CF4b19DAxF780x><1><INVITE><sip:sender@company.com><2420628112><sip:recipient@company.com><7aee15546a><SIP:recipient@company.com><><><180>",
		},
		{
			"SUBSCRIBE that ends, version 4", `
SUBSCRIBE sip:alice@example.test SIP/2.0
From: <sip:alice@example.test>;tag=1668923679;epid=b34afb6ebb23
To: <sip:alice@example.test>
CSeq: 2 SUBSCRIBE
Call-ID: c1
Expires: 0
Authorization: NTLM qop="auth", opaque="5DC4E980", realm="SIP Communications Service", targetname="sim.example.test", crand="00000001", cnum="9", response="00"
Content-Length: 0`, "Authorization", clientNames, 4,
			"<NTLM><00000001><9><SIP Communications Service><sim.example.test><c1><2><SUBSCRIBE><sip:alice@example.test><1668923679><sip:alice@example.test><><><><0>",
		},
		{
			"ACK in a dialog", `
ACK sip:ocschat@example.test SIP/2.0
From: <sip:alice@example.test>;tag=3241443963;epid=b34afb6ebb23
To: <sip:ocschat@example.test>;tag=abc
CSeq: 1 ACK
Call-ID: c1
Authorization: NTLM qop="auth", opaque="5DC4E980", realm="SIP Communications Service", targetname="sim.example.test", crand="00000001", cnum="9", response="00"
Content-Length: 0`, "Authorization", clientNames, 4,
			"<NTLM><00000001><9><SIP Communications Service><sim.example.test><c1><1><ACK><sip:alice@example.test><3241443963><sip:ocschat@example.test><abc><><><>",
		},
		{
			"pidgin-sipe, version 2", `
SUBSCRIBE sip:alice@example.test SIP/2.0
From: <sip:alice@example.test>;tag=3846856233;epid=b34afb6ebb23
To: <sip:alice@example.test>
CSeq: 1 SUBSCRIBE
Call-ID: 922Dg9152a8D88i82E7m191Ct233Fb0318x034Bx
Authorization: NTLM qop="auth", opaque="5DC4E980", realm="SIP Communications Service", targetname="sim.example.test", crand="0a77151c", cnum="1", response="00"
Content-Length: 0`, "Authorization", clientNames, 2,
			"<NTLM><0a77151c><1><SIP Communications Service><sim.example.test><922Dg9152a8D88i82E7m191Ct233Fb0318x034Bx><1><SUBSCRIBE><sip:alice@example.test><3846856233><><>",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parse(t, tc.message)
			require.Equal(t, tc.want, string(Buffer(m, fieldsOf(t, m, tc.header, tc.names, tc.version))))
		})
	}
}

func TestBufferAddresses(t *testing.T) {
	for _, tc := range []struct{ value, uri, tag string }{
		{`"J.D. User" <sip:foo.bar@company.com>;something else`, "sip:foo.bar@company.com", ""},
		{`"Test Recipient" <SIP:test@recipient.com>`, "SIP:test@recipient.com", ""},
		{`<SiP:joe.header@test.com>`, "SiP:joe.header@test.com", ""},
		{`sip:foo.bar@company.com;something else`, "sip:foo.bar@company.com", ""},
		{`SIP:test@recipient.com`, "SIP:test@recipient.com", ""},
		{`<sip:a@b;transport=tls;gruu>;tag=1;epid=2`, "sip:a@b;transport=tls;gruu", "1"},
		{`"<sip:fake@x>;tag=9" <sip:a@b>;epid=2;tag=AbC`, "sip:a@b", "AbC"},
		{`<sip:a@b`, "", ""},
	} {
		m, err := sip.NewRequest("OPTIONS", "sip:ocs.test")
		require.NoError(t, err)
		sip.Add(m, "From", tc.value)
		uri, tag := address(m, "From")
		require.Equal(t, tc.uri, uri, tc.value)
		require.Equal(t, tc.tag, tag, tc.value)
	}
}

func TestBufferAssertedIdentity(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers [][2]string
		sip     string
		tel     string
	}{
		{"SIP URI", [][2]string{{"P-Asserted-Identity", `"Cullen Jennings" <sip:fluffy@cisco.com>`}}, "sip:fluffy@cisco.com", ""},
		{"bare telephone URI", [][2]string{{"P-Asserted-Identity", "tel:+14085264000"}}, "", "tel:+14085264000"},
		{"bare telephone URI with a parameter", [][2]string{{"P-Asserted-Identity", "TEL:+1;ext=5"}}, "", "TEL:+1;ext=5"},
		{
			"both in one header, comma in the name",
			[][2]string{{"P-Asserted-Identity", `"Lunch, Lucas" <sip:llucas@cisco.com>,<tel:+420123456;ext=88463>`}},
			"sip:llucas@cisco.com", "tel:+420123456;ext=88463",
		},
		{"the first of each", [][2]string{{"P-Asserted-Identity", "<sip:a@b>, <sip:c@d>, <tel:1>, <tel:2>"}}, "sip:a@b", "tel:1"},
		{"other schemes", [][2]string{{"P-Asserted-Identity", "<sips:a@b>, <mailto:c@d>"}}, "", ""},
		{"preferred identity alone", [][2]string{{"P-Preferred-Identity", "<sip:a@b>"}}, "sip:a@b", ""},
		{
			"asserted wins, not merged",
			[][2]string{{"P-Preferred-Identity", "<sip:a@b>"}, {"P-Asserted-Identity", "<tel:1>"}},
			"", "tel:1",
		},
		{
			"only the first header counts",
			[][2]string{{"P-Asserted-Identity", "<sip:a@b>"}, {"P-Asserted-Identity", "<tel:1>"}},
			"sip:a@b", "",
		},
		{"unreadable", [][2]string{{"P-Asserted-Identity", `"never closed <sip:a@b>`}}, "", ""},
		{"none", nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := sip.NewRequest("INVITE", "sip:ocs.test")
			require.NoError(t, err)
			for _, h := range tc.headers {
				sip.Add(m, h[0], h[1])
			}
			sipURI, telURI := assertedIdentity(m)
			require.Equal(t, tc.sip, sipURI)
			require.Equal(t, tc.tel, telURI)
		})
	}
}

func TestBufferOfAnEmptyMessage(t *testing.T) {
	m, err := sip.NewRequest("OPTIONS", "sip:ocs.test")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("<>", 15), string(Buffer(m, Fields{Version: 4})))
	require.Equal(t, strings.Repeat("<>", 12), string(Buffer(m, Fields{Version: 2})))
}
