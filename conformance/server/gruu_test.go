package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The vectors are captures of Microsoft's and other clients, and of Microsoft's servers.
func TestInstanceAndGRUU(t *testing.T) {
	for _, test := range []struct{ epid, instance, gruu string }{
		{"01010101", "4b1682a8-f968-5701-83fc-7c6741dc6697", "qIIWS2j5AVeD_HxnQdxmlwAA"},
		{"c8ca638a15", "34d859db-6585-5f91-a3b4-de853c15347d", "21nYNIVlkV-jtN6FPBU0fQAA"},
		{"492a7ce35f", "b43b3d1d-9f8f-5fdc-9f74-3ca273cadb97", "HT07tI-f3F-fdDyic8rblwAA"},
		{"d2ff665153", "7901b724-cbf3-5299-bfd0-041827e50488", "JLcBefPLmVK_0AQYJ-UEiAAA"},
		{"", "11ec8985-494a-5186-9cd1-3fb177f23bbc", "hYnsEUpJhlGc0T-xd_I7vAAA"},
		{"8248ca9ebb", "4233fd41-093b-5fd6-b5d2-651ed55969e6", "Qf0zQjsJ1l-10mUe1Vlp5gAA"},
		{"2ebb6f264f", "124841e4-264d-52e8-96c5-d22aa8cdc316", "5EFIEk0m6FKWxdIqqM3DFgAA"},
		{"a0ae9e6cb0", "c1589240-e660-594f-a8b3-4b55f358cbc1", "QJJYwWDmT1mos0tV81jLwQAA"},
		{"b34afb6ebb23", "085e0bd8-031c-5a0d-8d9a-f149aae6954a", "2AteCBwDDVqNmvFJquaVSgAA"},
	} {
		t.Run(test.instance, func(t *testing.T) {
			id, ok := parseInstance("<urn:uuid:" + test.instance + ">")
			require.True(t, ok)
			require.Equal(t, test.instance, id.String())
			require.Equal(t, "sip:alice@ocs.test;opaque=user:epid:"+test.gruu+";gruu", gruu("sip:alice@ocs.test", id))
			if test.epid != "" {
				require.Equal(t, id, instanceOf(test.epid))
			}
		})
	}
}

func TestInstanceIsReadInEitherCase(t *testing.T) {
	id, ok := parseInstance("<URN:UUID:34D859DB-6585-5F91-A3B4-DE853C15347D>")
	require.True(t, ok)
	require.Equal(t, "34d859db-6585-5f91-a3b4-de853c15347d", id.String())
}

func TestInstanceThatIsNoUUID(t *testing.T) {
	for _, value := range []string{"", "<urn:uuid:>", "<urn:uuid:34d859db65855f91a3b4de853c15347d>", "<urn:uuid:34d859db-6585-5f91-a3b4-de853c15347x>", "<urn:imei:1>"} {
		_, ok := parseInstance(value)
		require.False(t, ok, value)
	}
}
