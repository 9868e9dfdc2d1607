package presence

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const roamingSelf = "application/vnd-microsoft-roaming-self+xml; charset=utf-8"

func TestRoamingDataGivesVersionsAndStates(t *testing.T) {
	data, ok := document{contentType: roamingSelf, body: []byte(`<roamingData xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self">
 <categories xmlns="http://schemas.microsoft.com/2006/09/sip/categories" uri="sip:alice@example.test">
  <category name="state" instance="536870912" publishTime="2026-01-01T00:00:00.000" container="2" version="7" expireType="static">
   <state xsi:type="p:userState" xmlns:p="urn:p" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.microsoft.com/2006/09/sip/state"><availability> 6500 </availability></state>
  </category>
  <category name="state" instance="3008035694" container="3" version="1"><state xsi:type="aggregateState" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><availability>6500</availability><activity token="on-the-phone"/></state></category>
  <category name="note" container="200"/>
 </categories></roamingData>`)}.roamingData()
	require.True(t, ok)
	require.Len(t, data.Categories, 3)

	k, ok := data.Categories[0].key()
	require.True(t, ok)
	require.Equal(t, key{"state", userStateInstance, 2}, k)
	require.Equal(t, uint64(7), data.Categories[0].Version)
	require.True(t, data.Categories[0].State.is("userState"))
	require.Equal(t, 6500, data.Categories[0].State.Availability)

	k, ok = data.Categories[1].key()
	require.True(t, ok, "instances above 2^31 are numbers too")
	require.Equal(t, uint32(3008035694), k.instance)
	require.Equal(t, "on-the-phone", data.Categories[1].State.Activity.Token)

	_, ok = data.Categories[2].key()
	require.False(t, ok, "a category without an instance marks a removal")
}

func TestRoamingDataRefusesWhatItIsNot(t *testing.T) {
	for name, d := range map[string]document{
		"another type":    {contentType: "application/vnd-microsoft-roaming-contacts+xml", body: []byte("<contactList/>")},
		"not well formed": {contentType: roamingSelf, body: []byte("<roamingData>")},
		"empty":           {contentType: roamingSelf},
	} {
		_, ok := d.roamingData()
		require.False(t, ok, name)
	}
}

func TestConflictsAreReadFromTheFault(t *testing.T) {
	got := document{contentType: "application/msrtc-fault+xml", body: []byte(
		`<Fault xmlns="http://schemas.microsoft.com/2006/09/sip/publication/error"><Faultcode>Client.BadCall.WrongDelta</Faultcode><details>` +
			`<operation index="1" version="0" curVersion="3"/><operation index="4" version="1" curVersion="7"/></details></Fault>`,
	)}.conflicts()
	require.Equal(t, []conflict{{Index: 1, CurVersion: 3}, {Index: 4, CurVersion: 7}}, got)
}

func FuzzDocument(f *testing.F) {
	f.Add(`<roamingData><categories><category name="state" instance="1" container="2"/></categories></roamingData>`)
	f.Add(`<Fault><details><operation index="-1" curVersion="18446744073709551615"/></details></Fault>`)
	f.Fuzz(func(_ *testing.T, body string) {
		document{contentType: roamingSelf, body: []byte(body)}.roamingData()
		document{contentType: "application/msrtc-fault+xml", body: []byte(body)}.conflicts()
	})
}
