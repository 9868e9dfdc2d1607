package server

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// publication is what a client publishes in these tests.
func stateOp(kind string, instance uint32, container int, version uint64, availability int) operation {
	return operation{publication: publication{
		key: key{"state", instance, container}, version: version,
		expireType: map[string]string{"machineState": "endpoint", "userState": "static"}[kind],
		content:    fmt.Sprintf(`<state type="%s"><availability>%d</availability></state>`, kind, availability),
		state:      state{kind: kind, availability: availability},
	}}
}

func versions(p *presence) map[key]uint64 {
	out := map[key]uint64{}
	for _, pub := range p.publications {
		if pub.owner != nil {
			out[pub.key] = pub.version
		}
	}
	return out
}

func TestPublishCountsVersions(t *testing.T) {
	var p presence
	e := &endpoint{}
	k := key{"state", 7, 2}
	for version := range uint64(3) {
		changed, conflicts, err := p.publish(e, []operation{stateOp("machineState", 7, 2, version, 3500)})
		require.NoError(t, err)
		require.Empty(t, conflicts)
		require.Equal(t, []string{"state"}, changed)
		require.Equal(t, map[key]uint64{k: version + 1}, versions(&p))
	}
	_, conflicts, err := p.publish(e, []operation{{publication: publication{key: k, version: 3}, delete: true}})
	require.NoError(t, err)
	require.Empty(t, conflicts)
	require.Empty(t, p.publications, "the aggregate goes with the last machine")
}

func TestPublishIsAllOrNothing(t *testing.T) {
	var p presence
	e := &endpoint{}
	_, _, err := p.publish(e, []operation{stateOp("machineState", 7, 2, 0, 3500), stateOp("machineState", 7, 3, 0, 3500)})
	require.NoError(t, err)
	before := versions(&p)
	_, conflicts, err := p.publish(e, []operation{
		stateOp("userState", 9, 2, 0, 6500),
		stateOp("machineState", 7, 2, 0, 3500),
		stateOp("machineState", 7, 3, 5, 3500),
		stateOp("userState", 9, 3, 4, 6500),
	})
	require.NoError(t, err)
	require.Equal(t, []conflict{{index: 2, version: 0, current: 1}, {index: 3, version: 5, current: 1}, {index: 4, version: 4, current: 0}}, conflicts)
	require.Equal(t, before, versions(&p))
}

func TestPublishIsBounded(t *testing.T) {
	var p presence
	var many []operation
	for i := range uint32(maxPublications + 1) {
		many = append(many, stateOp("machineState", 7+i, 2, 0, 3500))
	}
	_, _, err := p.publish(&endpoint{}, many)
	require.ErrorIs(t, err, errTooMuch)
	big := stateOp("machineState", 7, 2, 0, 3500)
	big.content = strings.Repeat("x", maxPublished+1)
	_, _, err = p.publish(&endpoint{}, []operation{big})
	require.ErrorIs(t, err, errTooMuch)
	require.Empty(t, p.publications)
}

func TestWhatEndsWithAnEndpoint(t *testing.T) {
	var p presence
	first, second := &endpoint{}, &endpoint{}
	op := func(name string, expireType string) operation {
		return operation{publication: publication{key: key{category: name}, expireType: expireType}}
	}
	_, _, err := p.publish(first, []operation{op("device", "endpoint"), op("calendarData", "user"), op("note", "static")})
	require.NoError(t, err)
	require.Equal(t, []string{"device"}, p.leave(first, false))
	require.Equal(t, map[key]uint64{{category: "calendarData"}: 1, {category: "note"}: 1}, versions(&p))
	require.Equal(t, []string{"calendarData"}, p.leave(second, true))
	require.Equal(t, map[key]uint64{{category: "note"}: 1}, versions(&p))
}

func TestAggregate(t *testing.T) {
	type published []operation
	for _, test := range []struct {
		name     string
		states   published
		want     int
		activity string
	}{
		{"a machine", published{stateOp("machineState", 7, 2, 0, 3500)}, 3500, ""},
		{"the most available machine", published{stateOp("machineState", 7, 2, 0, 15500), stateOp("machineState", 8, 2, 0, 4500)}, 4500, ""},
		{"the user's choice", published{stateOp("machineState", 7, 2, 0, 3500), stateOp("userState", 9, 2, 0, 9500)}, 9500, ""},
		{"appear offline", published{stateOp("machineState", 7, 2, 0, 3500), stateOp("userState", 9, 2, 0, 18500)}, 18500, ""},
		{"available by choice, but away", published{stateOp("machineState", 7, 2, 0, 15500), stateOp("userState", 9, 2, 0, 3500)}, 15500, ""},
		{"a choice without a machine", published{stateOp("userState", 9, 2, 0, 3500)}, 0, ""},
		{"another container", published{stateOp("machineState", 7, 3, 0, 3500)}, 0, ""},
		{"in a call", published{
			stateOp("machineState", 7, 2, 0, 3500),
			{publication: publication{key: key{"state", 3, 2}, state: state{"phoneState", 6500, "on-the-phone"}}},
		}, 6500, "on-the-phone"},
		{"in a call, but not to be disturbed", published{
			stateOp("machineState", 7, 2, 0, 3500), stateOp("userState", 9, 2, 0, 9500),
			{publication: publication{key: key{"state", 3, 2}, state: state{"phoneState", 6500, "on-the-phone"}}},
		}, 9500, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p presence
			_, _, err := p.publish(&endpoint{}, test.states)
			require.NoError(t, err)
			for _, id := range aggregateContainers() {
				have := p.find(key{"state", aggregateInstance, id})
				if test.want == 0 {
					require.Nil(t, have)
					continue
				}
				require.Equal(t, state{"aggregateState", test.want, test.activity}, have.state)
				require.Equal(t, state{"aggregateState", test.want, test.activity}, parseState(have.content))
				require.Equal(t, uint64(1), have.version)
			}
		})
	}
}

func TestAggregateVersionGrowsOnlyWithAChange(t *testing.T) {
	var p presence
	e := &endpoint{}
	for i, test := range []struct {
		availability int
		version      uint64
	}{{3500, 1}, {3500, 1}, {15500, 2}, {3500, 3}} {
		_, conflicts, err := p.publish(e, []operation{stateOp("machineState", 7, 2, uint64(i), test.availability)})
		require.NoError(t, err)
		require.Empty(t, conflicts)
		require.Equal(t, test.version, p.find(key{"state", aggregateInstance, 2}).version)
	}
}

func TestSetMembers(t *testing.T) {
	var p presence
	changes, err := parseSetMembers([]byte(`<setContainerMembers xmlns="http://schemas.microsoft.com/2006/09/sip/container-management">` +
		`<container id="200" version="0"><member action="add" type="sameEnterprise"/></container>` +
		`<container id="32000" version="0"><member action="add" type="user" value="bob@ocs.test"/></container></setContainerMembers>`))
	require.NoError(t, err)
	conflicts, err := p.setMembers(changes)
	require.NoError(t, err)
	require.Empty(t, conflicts)
	require.Equal(t, []*container{{200, 1, []member{{"sameEnterprise", ""}}}, {32000, 1, []member{{"user", "bob@ocs.test"}}}}, p.containers)

	conflicts, err = p.setMembers([]containerChange{{id: 200, version: 1}, {id: 32000, version: 0}})
	require.NoError(t, err)
	require.Equal(t, []conflict{{index: 2, version: 0, current: 1}}, conflicts)

	_, err = p.setMembers([]containerChange{{id: 32000, version: 1, members: []memberChange{{member{"user", "bob@ocs.test"}, true}}}})
	require.NoError(t, err)
	require.Equal(t, &container{32000, 2, []member{}}, p.containers[1])
}

// initialPublication is recorded: what a real client publishes at sign-in.
const initialPublication = `<publish xmlns="http://schemas.microsoft.com/2006/09/sip/rich-presence"><publications uri="sip:alice@ocs.test">` +
	`<publication categoryName="device" instance="3008035694" container="2" version="0" expireType="endpoint">` +
	`<device xmlns="http://schemas.microsoft.com/2006/09/sip/device" endpointId="085e0bd8-031c-5a0d-8d9a-f149aae6954a">` +
	`<capabilities preferred="false" uri="sip:alice@ocs.test"><text capture="true" render="true" publish="false"/></capabilities>` +
	`<timezone>00:00:00+01:00</timezone><machineName>vm</machineName></device></publication>` +
	`<publication categoryName="state" instance="993308598" container="2" version="0" expireType="endpoint">` +
	`<state xmlns="http://schemas.microsoft.com/2006/09/sip/state" manual="false" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="machineState"><availability>3500</availability><endpointLocation/></state></publication>` +
	`<publication categoryName="state" instance="536870912" container="2" version="0" expireType="static">` +
	`<state xmlns="http://schemas.microsoft.com/2006/09/sip/state" manual="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="userState"><availability>6500</availability><activity token="busy"/><endpointLocation/></state></publication>` +
	`</publications></publish>`

func TestParsePublish(t *testing.T) {
	uri, operations, err := parsePublish([]byte(initialPublication))
	require.NoError(t, err)
	require.Equal(t, "sip:alice@ocs.test", uri)
	require.Len(t, operations, 3)
	require.Equal(t, key{"device", 3008035694, 2}, operations[0].key)
	require.Equal(t, "endpoint", operations[0].expireType)
	require.Equal(t, state{"machineState", 3500, ""}, operations[1].state)
	require.Equal(t, state{"userState", 6500, "busy"}, operations[2].state)
	require.Equal(t, "static", operations[2].expireType)
}

func TestPrefixesDeclaredOutsideSurvive(t *testing.T) {
	_, operations, err := parsePublish([]byte(`<publish xmlns="x" xmlns:xsi="outer" xmlns:a="a"><publications xmlns:xsi="inner">` +
		`<publication categoryName="state" instance="7" container="2" version="0"><state xsi:type="machineState"><availability> 3500&#x0D;</availability></state></publication></publications></publish>`))
	require.NoError(t, err)
	require.Equal(t, []namespace{{"a", "a"}, {"xsi", "inner"}}, operations[0].namespaces)
	require.Equal(t, state{"machineState", 3500, ""}, operations[0].state)

	var p presence
	_, _, err = p.publish(&endpoint{}, operations)
	require.NoError(t, err)
	require.Contains(t, p.roamingXML("sip:alice@ocs.test", []string{"categories"}, nil), `xmlns:a="a" xmlns:xsi="inner"><state xsi:type="machineState">`)
}

func TestBadPublications(t *testing.T) {
	for name, body := range map[string]string{
		"empty":      "",
		"no XML":     "publish",
		"other root": "<unpublish/>",
		"cut":        initialPublication[:400],
		"mismatched": "<publish><publications><publication></publications></publish>",
		"instance":   `<publish><publications><publication categoryName="state" instance="-1" container="2" version="0"/></publications></publish>`,
		"container":  `<publish><publications><publication categoryName="state" instance="1" container="x" version="0"/></publications></publish>`,
		"version":    `<publish><publications><publication categoryName="state" instance="1" container="2"/></publications></publish>`,
		"category":   `<publish><publications><publication instance="1" container="2" version="0"/></publications></publish>`,
		"expireType": `<publish><publications><publication categoryName="state" instance="1" container="2" version="0" expireType="never"/></publications></publish>`,
		"aggregate":  `<publish><publications><publication categoryName="state" instance="1" container="2" version="0"/></publications></publish>`,
		"utf-16":     `<?xml version="1.0" encoding="utf-16"?>` + initialPublication,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parsePublish([]byte(body))
			require.Error(t, err)
		})
	}
}

func TestTooManyPrefixesAreRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("<publish")
	for i := range maxPrefixes + 1 {
		fmt.Fprintf(&b, ` xmlns:p%d="x"`, i)
	}
	b.WriteString("><publications/></publish>")
	_, _, err := parsePublish([]byte(b.String()))
	require.ErrorIs(t, err, errTooMuch)
}

func TestRoamingDataListsTheCategoriesMentioned(t *testing.T) {
	_, operations, err := parsePublish([]byte(initialPublication))
	require.NoError(t, err)
	var p presence
	_, _, err = p.publish(&endpoint{}, operations)
	require.NoError(t, err)
	var data struct {
		XMLName    xml.Name `xml:"http://schemas.microsoft.com/2006/09/sip/roaming-self roamingData"`
		Categories []struct {
			Name      string `xml:"name,attr"`
			Instance  string `xml:"instance,attr"`
			Container string `xml:"container,attr"`
			Version   string `xml:"version,attr"`
		} `xml:"http://schemas.microsoft.com/2006/09/sip/categories categories>category"`
	}
	read := func(categories []string) map[string]int {
		data.Categories = nil
		require.NoError(t, xml.Unmarshal([]byte(p.roamingXML("sip:alice@ocs.test", []string{"categories"}, categories)), &data))
		count := map[string]int{}
		for _, c := range data.Categories {
			count[c.Name]++
			if c.Name == "note" {
				require.Empty(t, c.Instance, "the sign that there is none")
			}
		}
		return count
	}
	require.Equal(t, map[string]int{"device": 1, "state": 2 + len(aggregateContainers())}, read(nil))
	require.Equal(t, map[string]int{"device": 1, "note": 1}, read([]string{"device", "note"}))
}

func FuzzPublish(f *testing.F) {
	f.Add([]byte(initialPublication))
	f.Add([]byte(`<publish xmlns:p="q"><publications><publication categoryName="a&amp;b" instance="1" container="2" version="0" expires="0"><p:x/></publication></publications></publish>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, operations, err := parsePublish(body)
		if err != nil {
			return
		}
		var p presence
		if _, _, err := p.publish(&endpoint{}, operations); err != nil {
			return
		}
		var out struct {
			XMLName xml.Name `xml:"roamingData"`
		}
		require.NoError(t, xml.Unmarshal([]byte(p.roamingXML("sip:alice@ocs.test", []string{"categories", "containers", "subscribers"}, nil)), &out))
	})
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte(`<roamingList xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self"><roaming type="categories"/></roamingList>`))
	f.Add([]byte(`<provisioningGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist"><provisioningGroup name="ServerConfiguration"/></provisioningGroupList>`))
	f.Add([]byte(`<setContainerMembers><container id="200" version="0"><member action="add" type="sameEnterprise"/></container></setContainerMembers>`))
	f.Add([]byte(`<setSubscribers><subscriber user="bob@ocs.test" acknowledged="true"/></setSubscribers>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if groups, err := provisioningGroups(body); err == nil {
			var out struct{}
			require.NoError(t, xml.Unmarshal([]byte(provisioningXML("sip:alice@ocs.test", groups)), &out))
		}
		_, _ = roamingTypes(body)
		_ = parseSetSubscribers(body)
		if changes, err := parseSetMembers(body); err == nil {
			var p presence
			_, _ = p.setMembers(changes)
			var out struct{}
			require.NoError(t, xml.Unmarshal([]byte(p.roamingXML("sip:alice@ocs.test", []string{"containers"}, nil)), &out))
		}
	})
}
