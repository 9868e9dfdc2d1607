package register

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

func response(t *testing.T, lines ...string) *sip.Response {
	t.Helper()
	m, err := sip.Parse([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n"))
	require.NoError(t, err)
	return m.(*sip.Response)
}

func endpoint() *Endpoint {
	return &Endpoint{
		URI: "sip:user@cosmo.local", Epid: "c8ca638a15", Transport: "tls",
		Local: &net.TCPAddr{IP: net.IPv4(192, 168, 172, 6), Port: 12723},
	}
}

// The answer of OCS 2007 R2 (MS-SIPREGE examples, and a capture).
func TestGrantedOfOCS2007R2(t *testing.T) {
	g, err := readGranted(response(
		t,
		"SIP/2.0 200 OK",
		"ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300",
		`From: "User"<sip:user@cosmo.local>;tag=3e49177a52;epid=c8ca638a15`,
		"To: <sip:user@cosmo.local>;tag=5E61CCD925D17E043D9A74835A88F664",
		"Call-ID: 4037df9284354df39065195bd57a4b14",
		"CSeq: 3 REGISTER",
		"Via: SIP/2.0/TLS 192.168.172.6:12723;ms-received-port=12723;ms-received-cid=2600",
		`Contact: <sip:10.0.0.9:5000;transport=tls>;expires=600;+sip.instance="<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>";gruu="sip:user@cosmo.local;opaque=user:epid:other;gruu"`,
		`Contact: <sip:192.168.172.6:12723;transport=tls;ms-opaque=fad3dfab32;ms-received-cid=2600>;expires=7200;+sip.instance="<urn:uuid:34D859DB-6585-5F91-A3B4-DE853C15347D>";gruu="sip:user@cosmo.local;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu"`,
		"Expires: 7200",
		`presence-state: register-action="added"`,
		"Allow-Events: vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts, presence",
		"Supported: adhoclist",
		"Server: RTC/3.5",
		"Supported: msrtc-event-categories",
		`Warning: 314 lcs.microsoft.com "Check Microsoft Update for the newest version."`,
		"Content-Length: 0",
	), endpoint())
	require.NoError(t, err)
	require.Equal(t, Granted{
		Expires:    2 * time.Hour,
		Contact:    "<sip:user@cosmo.local;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu>",
		GRUU:       "sip:user@cosmo.local;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu",
		Events:     []string{"vnd-microsoft-provisioning", "vnd-microsoft-roaming-contacts", "presence"},
		Categories: true,
		KeepAlive:  5 * time.Minute,
		Server:     "RTC/3.5",
		Action:     "added",
		Warnings:   []ocserr.Warning{{Code: 314, Agent: "lcs.microsoft.com", Text: "Check Microsoft Update for the newest version."}},
	}, g)
}

func TestGrantedOfAPlainRegistrar(t *testing.T) {
	g, err := readGranted(response(
		t,
		"SIP/2.0 200 OK",
		"Contact: <sip:192.168.172.6:12723;transport=tls>;expires=120",
		"Server: kamailio (5.6.3 (x86_64/linux))",
	), endpoint())
	require.NoError(t, err)
	require.Equal(t, 2*time.Minute, g.Expires)
	require.Equal(t, "<sip:192.168.172.6:12723;transport=tls>", g.Contact)
	require.False(t, g.Categories)
	require.Equal(t, 90*time.Second, g.RefreshIn())
}

func TestGrantedRefusesAnExpiryThatGrantsNothing(t *testing.T) {
	_, err := readGranted(response(t, "SIP/2.0 200 OK", "Expires: 0"), endpoint())
	require.ErrorIs(t, err, ocserr.Unexpected)
}

func TestGrantedExpiry(t *testing.T) {
	mine := "Contact: <sip:192.168.172.6:12723;transport=tls>;expires="
	const others = "Contact: <sip:10.0.0.1:5061;transport=tls>;expires=0"
	for _, test := range []struct {
		headers []string
		want    time.Duration
	}{
		{nil, time.Hour},
		{[]string{"Expires: 600"}, 10 * time.Minute},
		{[]string{"Expires: 4294967295"}, (1<<32 - 1) * time.Second},
		{[]string{"Expires: soon"}, time.Hour},
		{[]string{"Expires: -1"}, time.Hour},
		{[]string{"Expires: 600", mine + "120"}, 2 * time.Minute},
		{[]string{"Expires: 600", mine + "soon"}, time.Hour},
		{[]string{"Expires: 600", others}, 10 * time.Minute},
		{[]string{"Expires: 600", others, mine + "120"}, 2 * time.Minute},
	} {
		g, err := readGranted(response(t, append([]string{"SIP/2.0 200 OK"}, test.headers...)...), endpoint())
		require.NoError(t, err, test.headers)
		require.Equal(t, test.want, g.Expires, test.headers)
	}
}

func TestRemovalIsReadFromTheNotice(t *testing.T) {
	for body, cause := range map[string]ocserr.Cause{
		"deregistered;event=unregistered":        ocserr.CauseRemovedUnregistered,
		"deregistered;event=rejected\r\n":        ocserr.CauseRemovedRejected,
		" deregistered ; event = deactivated":    ocserr.CauseRemovedDeactivated,
		"deregistered;event=userservices-broken": ocserr.CauseRemovedByServer,
	} {
		req, err := sip.NewRequest("NOTIFY", "sip:127.0.0.1:5000")
		require.NoError(t, err)
		sip.Add(req, "Event", "registration-notify")
		sip.Add(req, "ms-diagnostics-public", `4141;reason="User disabled"`)
		sip.SetBody(req, "text/registration-event", []byte(body))
		reason, ok := Removal(req)
		require.True(t, ok, body)
		require.Equal(t, cause, reason.Cause, body)
		require.Equal(t, 4141, reason.Diagnostics[0].ID)
	}
}

func TestRemovalIsNotReadFromOtherNotices(t *testing.T) {
	for event, body := range map[string]string{
		"presence":            "deregistered;event=rejected",
		"registration-notify": "registered;event=created",
	} {
		req, err := sip.NewRequest("NOTIFY", "sip:127.0.0.1:5000")
		require.NoError(t, err)
		sip.Add(req, "Event", event)
		sip.SetBody(req, "text/registration-event", []byte(body))
		_, ok := Removal(req)
		require.False(t, ok)
	}
}
