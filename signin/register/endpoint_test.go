package register

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// The vectors come from MS-SIPAE 4.1 and 4.2, MS-SIPREGE's examples and captures of Microsoft's clients.
func TestInstanceIDFollowsFromTheEpid(t *testing.T) {
	for epid, want := range map[string]string{
		"01010101":     "4b1682a8-f968-5701-83fc-7c6741dc6697",
		"8248ca9ebb":   "4233fd41-093b-5fd6-b5d2-651ed55969e6",
		"2ebb6f264f":   "124841e4-264d-52e8-96c5-d22aa8cdc316",
		"a0ae9e6cb0":   "c1589240-e660-594f-a8b3-4b55f358cbc1",
		"c8ca638a15":   "34d859db-6585-5f91-a3b4-de853c15347d",
		"492a7ce35f":   "b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97",
		"d2ff665153":   "7901b724-cbf3-5299-bfd0-041827e50488",
		"b34afb6ebb23": "085e0bd8-031c-5a0d-8d9a-f149aae6954a",
		"1f18002c0cb1": "211fb064-b229-5c5c-8495-6e6ea471e30c",
	} {
		require.Equal(t, want, InstanceID(epid), epid)
	}
}

func TestEpidIsStableForNameHostAndAddress(t *testing.T) {
	require.Equal(t, "b34afb6ebb23", Epid("alice@example.test", "vm", "127.0.0.1"))
	require.Equal(t, "1f18002c0cb1", Epid("alice@example.test", "host1", "192.0.2.10"))
}

func TestRequestCarriesTheEndpoint(t *testing.T) {
	e := &Endpoint{
		URI: "sip:alice@ocs.test", Epid: "b34afb6ebb23", UserAgent: "UCCAPI/3.5.6907.0 OC/3.5.6907.0",
		Transport: "tls", Local: &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 5000},
	}
	req, err := e.Request("SUBSCRIBE", "sip:alice@ocs.test", "", "tag1", "call1", 7)
	require.NoError(t, err)
	require.Regexp(t, `^SIP/2\.0/TLS \[2001:db8::1\]:5000;branch=z9hG4bK`, sip.Value(req, "Via"))
	require.Equal(t, "<sip:alice@ocs.test>;tag=tag1;epid=b34afb6ebb23", sip.Value(req, "From"))
	require.Equal(t, "<sip:alice@ocs.test>", sip.Value(req, "To"))
	require.Equal(t, "7 SUBSCRIBE", sip.Value(req, "CSeq"))
	require.Equal(t, "ocs.test", e.Domain())
}

func TestRequestRefusesAURIThatIsNone(t *testing.T) {
	e := &Endpoint{URI: "sip:alice@ocs.test", Transport: "tls"}
	_, err := e.Request("SUBSCRIBE", "\r\n", "", "t", "c", 1)
	require.ErrorContains(t, err, "request URI")
}

// Its connection's reader may be asked for the Contact at any time, before the server has accepted, too.
func TestContactIsTheOwnAddressUntilTheServerGaveAGRUU(t *testing.T) {
	e := endpoint()
	require.Equal(t, e.plainContact(), e.Contact())
	gruu := "<sip:alice@contoso.com;gruu>"
	e.contact.Store(&gruu)
	require.Equal(t, gruu, e.Contact())
}
