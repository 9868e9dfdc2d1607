package sip

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCredentials(t *testing.T) {
	tests := []struct {
		name, value string
		want        Credentials
	}{
		{"a challenge", `NTLM realm="SIP Communications Service", targetname="sim.example.test", version=4`, Credentials{"NTLM", Params{
			{"realm", "SIP Communications Service", true},
			{"targetname", "sim.example.test", true},
			{"version", "4", false},
		}}},
		{"no blank behind the comma, blanks elsewhere", "TLS-DSK  realm =\t\"x\" ,version= 3,,", Credentials{"TLS-DSK", Params{
			{"realm", "x", true},
			{"version", "3", false},
		}}},
		{"base64 ends in equals signs", `NTLM gssapi-data="TlRM+/8==", opaque=AbC==, x=`, Credentials{"NTLM", Params{
			{"gssapi-data", "TlRM+/8==", true},
			{"opaque", "AbC==", false},
			{"x", "", true},
		}}},
		{"an empty quoted value", `NTLM qop="auth", gssapi-data=""`, Credentials{"NTLM", Params{{"qop", "auth", true}, {"gssapi-data", "", true}}}},
		{"separators inside quotes", `Digest realm="a, b=c; d", uri="sip:a@b;x=1,2"`, Credentials{"Digest", Params{
			{"realm", "a, b=c; d", true},
			{"uri", "sip:a@b;x=1,2", true},
		}}},
		{"quoted pairs of RFC 3261", `Digest realm="say \"hi\"", username="CONTOSO\\alice"`, Credentials{"Digest", Params{
			{"realm", `say "hi"`, true},
			{"username", `CONTOSO\alice`, true},
		}}},
		{"backslashes that escape nothing", `NTLM user="CONTOSO\alice", path="\\server\share"`, Credentials{"NTLM", Params{
			{"user", `CONTOSO\alice`, true},
			{"path", `\server\share`, true},
		}}},
		{"both kinds of backslash", `Digest x="\\\"\\"`, Credentials{"Digest", Params{{"x", `\"\`, true}}}},
		{"no scheme", `qop=auth, rspauth="6629fae4", cnonce="0a"`, Credentials{"", Params{
			{"qop", "auth", false},
			{"rspauth", "6629fae4", true},
			{"cnonce", "0a", true},
		}}},
		{"scheme alone", ` Negotiate `, Credentials{"Negotiate", nil}},
		{"repeated and unknown parameters stay", `Digest x=1, X=2, flag`, Credentials{"Digest", Params{{"x", "1", false}, {"X", "2", false}, {"flag", "", false}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCredentials(tt.value)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			again, err := ParseCredentials(got.String())
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestParseCredentialsRefuses(t *testing.T) {
	for _, value := range []string{"", "  ", `"NTLM"`, `NTLM realm="open`, `NTLM realm="a"b`, `NTLM "a"`, `NTLM"a"`, `=x`} {
		_, err := ParseCredentials(value)
		require.Error(t, err, "%q", value)
	}
}

func TestCredentialsCompose(t *testing.T) {
	c := Credentials{"NTLM", Params{{"qop", "auth", true}, {"gssapi-data", "", true}, {"version", "4", false}, {"user", `A\b"c`, true}}}
	require.Equal(t, `NTLM qop="auth", gssapi-data="", version=4, user="A\\b\"c"`, c.String())
}

func TestParamsGetIgnoresCase(t *testing.T) {
	p := Params{{"Epid", "1", false}, {"epid", "2", false}}
	value, ok := p.Get("EPID")
	require.True(t, ok)
	require.Equal(t, "1", value)
	_, ok = p.Get("tag")
	require.False(t, ok)
}

func TestParseNameAddr(t *testing.T) {
	const gruu = "sip:user@cosmo.local;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu"
	tests := []struct {
		name, value string
		want        NameAddr
	}{
		{"From with tag and epid", `"Sender"<sip:sender@company.com>;tag=2420628112;epid=54392f1bbf01`, NameAddr{"Sender", "sip:sender@company.com", Params{
			{"tag", "2420628112", false}, {"epid", "54392f1bbf01", false},
		}}},
		{"no brackets: parameters are the header's", `sip:sender@company.com;tag=2420628112;epid=54`, NameAddr{"", "sip:sender@company.com", Params{
			{"tag", "2420628112", false}, {"epid", "54", false},
		}}},
		{"no brackets, odd parameter", `sip:foo.bar@company.com;something else`, NameAddr{"", "sip:foo.bar@company.com", Params{{"something else", "", false}}}},
		{"case of the URI", `"Test Recipient" <SiP:Test@Recipient.com>`, NameAddr{"Test Recipient", "SiP:Test@Recipient.com", nil}},
		{"name without quotes, glued", `J.D. User<sip:a@b>`, NameAddr{"J.D. User", "sip:a@b", nil}},
		{"comma in a name without quotes", `Lunch, Lucas <sip:a@b>;x`, NameAddr{"Lunch, Lucas", "sip:a@b", Params{{"x", "", false}}}},
		{"escaped quote in the name", `"A \"B\" <c>" <sip:a@b>`, NameAddr{`A "B" <c>`, "sip:a@b", nil}},
		{"GRUU inside the brackets", `<` + gruu + `>;tag=1`, NameAddr{"", gruu, Params{{"tag", "1", false}}}},
		{
			"Contact of a 200",
			`<sip:192.168.172.6:12723;transport=tls;ms-opaque=fad3dfab32>;expires=7200;+sip.instance="<urn:uuid:34d859db>";gruu="` + gruu + `"`,
			NameAddr{"", "sip:192.168.172.6:12723;transport=tls;ms-opaque=fad3dfab32", Params{
				{"expires", "7200", false}, {"+sip.instance", "<urn:uuid:34d859db>", true}, {"gruu", gruu, true},
			}},
		},
		{
			"Contact of a client", `<sip:127.0.0.1:36812>;methods="INVITE, MESSAGE";proxy=replace ; q = 0.5`,
			NameAddr{"", "sip:127.0.0.1:36812", Params{{"methods", "INVITE, MESSAGE", true}, {"proxy", "replace", false}, {"q", "0.5", false}}},
		},
		{"quoted parameter with separators", `<sip:a@b>;epid="a;b,c";tag=`, NameAddr{"", "sip:a@b", Params{{"epid", "a;b,c", true}, {"tag", "", true}}}},
		{"bare tel", `tel:+14085264000`, NameAddr{"", "tel:+14085264000", nil}},
		{"wildcard", `*`, NameAddr{"", "*", nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseNameAddr(tt.value)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestParseNameAddrsSplitsLists(t *testing.T) {
	got, err := ParseNameAddrs(
		`"Lunch, Lucas" <sip:llucas@cisco.com>,<tel:+420123456;ext=88463>`,
		`sip:a@b;x="1,2",sip:c@d , <sip:e@f;y=1,2>;z,`,
		``,
	)
	require.NoError(t, err)
	require.Equal(t, []NameAddr{
		{"Lunch, Lucas", "sip:llucas@cisco.com", nil},
		{"", "tel:+420123456;ext=88463", nil},
		{"", "sip:a@b", Params{{"x", "1,2", true}}},
		{"", "sip:c@d", nil},
		{"", "sip:e@f;y=1,2", Params{{"z", "", false}}},
	}, got)
}

func TestParseNameAddrRefuses(t *testing.T) {
	for _, value := range []string{
		"", "alice", "<>", "<alice>", "<sip:a@b", `"open <sip:a@b>`, `"name" sip:a@b`, `"name"`, "<sip:a@b> x", "sip:a@b sip:c@d",
		`<sip:a@b>;x="open`, "<sip:a@b>;=1", "sip:a@b, sip:c@d",
	} {
		_, err := ParseNameAddr(value)
		require.Error(t, err, "%q", value)
	}
}
