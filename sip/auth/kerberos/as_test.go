package kerberos

import (
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

// infos encodes pre-authentication data.
func infos(t *testing.T, kind int32, value any) types.PAData {
	t.Helper()
	b, err := asn1.Marshal(value)
	require.NoError(t, err)
	return types.PAData{PADataType: kind, PADataValue: b}
}

func TestHowTheKeyIsMadeComesFromTheKDC(t *testing.T) {
	otherwise := types.ETypeInfo2Entry{EType: 23, Salt: "default"}
	newer := infos(t, patype.PA_ETYPE_INFO2, types.ETypeInfo2{{EType: 99, Salt: "unknown"}, {EType: 18, Salt: "newer", S2KParams: []byte{0, 0, 16, 0}}, {EType: 17}})
	older := infos(t, patype.PA_ETYPE_INFO, types.ETypeInfo{{EType: 18, Salt: []byte("older")}, {EType: 23}})
	for _, test := range []struct {
		name    string
		offered types.PADataSequence
		asked   []int32
		want    types.ETypeInfo2Entry
	}{
		{"ETYPE-INFO2 comes first", types.PADataSequence{older, newer}, []int32{17, 18, 23}, types.ETypeInfo2Entry{EType: 18, Salt: "newer", S2KParams: []byte{0, 0, 16, 0}}},
		{"ETYPE-INFO alone", types.PADataSequence{older}, []int32{17, 18, 23}, types.ETypeInfo2Entry{EType: 18, Salt: "older"}},
		{"no salt is the default one", types.PADataSequence{newer}, []int32{17}, types.ETypeInfo2Entry{EType: 17, Salt: "default"}},
		{"none that was asked for", types.PADataSequence{newer}, []int32{20}, otherwise},
		{"nothing", nil, []int32{18}, otherwise},
		{"garbage", types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: []byte{1}}, {PADataType: patype.PA_ETYPE_INFO}}, []int32{18}, otherwise},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, keyInfo(test.offered, test.asked, otherwise))
		})
	}
}

func TestContentsOfAnAnswerAreChecked(t *testing.T) {
	good := messages.EncKDCRepPart{Key: newKey(18), Nonce: 1, Flags: types.NewKrbFlags(), SRealm: realm, SName: ticketGranting(realm)}
	beside := messages.KDCRepFields{Ticket: messages.Ticket{Realm: realm, SName: ticketGranting(realm)}}
	for name, change := range map[string]func(part *messages.EncKDCRepPart, beside *messages.KDCRepFields){
		"another request's nonce": func(part *messages.EncKDCRepPart, _ *messages.KDCRepFields) { part.Nonce = 2 },
		"another server's ticket": func(_ *messages.EncKDCRepPart, beside *messages.KDCRepFields) {
			beside.Ticket.SName = ticketGranting("X")
		},
		"another realm's ticket":     func(_ *messages.EncKDCRepPart, beside *messages.KDCRepFields) { beside.Ticket.Realm = "X" },
		"a nameless server":          func(_ *messages.EncKDCRepPart, beside *messages.KDCRepFields) { beside.Ticket.SName.NameString = nil },
		"an unknown encryption type": func(part *messages.EncKDCRepPart, _ *messages.KDCRepFields) { part.Key.KeyType = 3 },
		"a session key too short": func(part *messages.EncKDCRepPart, _ *messages.KDCRepFields) {
			part.Key.KeyValue = part.Key.KeyValue[:8]
		},
	} {
		t.Run(name, func(t *testing.T) {
			part, fields := good, beside
			change(&part, &fields)
			b, err := part.Marshal()
			require.NoError(t, err)
			_, err = openReply(fields, b, 1)
			require.Error(t, err)
		})
	}
	b, err := good.Marshal()
	require.NoError(t, err)
	_, err = openReply(beside, b, 1)
	require.NoError(t, err)
}
