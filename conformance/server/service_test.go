package server

import (
	"encoding/xml"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// category is one category of roamingData as a client reads it.
type category struct {
	Name      string `xml:"name,attr"`
	Instance  string `xml:"instance,attr"`
	Container string `xml:"container,attr"`
	Version   int    `xml:"version,attr"`
	State     struct {
		Type         string `xml:"type,attr"`
		Availability int    `xml:"availability"`
	} `xml:"state"`
}

// categories reads a body of roamingData.
func categories(t *testing.T, m sip.Message) []category {
	t.Helper()
	require.Equal(t, "application/vnd-microsoft-roaming-self+xml", sip.Value(m, "Content-Type"))
	var data struct {
		XMLName    xml.Name   `xml:"roamingData"`
		Categories []category `xml:"categories>category"`
	}
	require.NoError(t, xml.Unmarshal(m.Body(), &data))
	return data.Categories
}

// aggregateOf finds the aggregate in container 2; zero if it is not told.
func aggregateOf(all []category) (availability, version int) {
	for _, c := range all {
		if c.State.Type == "aggregateState" && c.Container == "2" {
			return c.State.Availability, c.Version
		}
	}
	return 0, 0
}

func TestInitialPublication(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.subscribe("vnd-microsoft-roaming-self")
		res := c.service(typePublish, initialPublication)
		require.Equal(t, 200, res.StatusCode)
		all := categories(t, res)
		own := map[string]int{}
		for _, cat := range all {
			if cat.State.Type != "aggregateState" {
				own[cat.Name+" "+cat.Instance+" "+cat.Container] = cat.Version
			}
		}
		require.Equal(t, map[string]int{"device 3008035694 2": 1, "state 993308598 2": 1, "state 536870912 2": 1}, own)
		availability, version := aggregateOf(all)
		require.Equal(t, []int{6500, 1}, []int{availability, version})

		req := c.next()
		require.Equal(t, "BENOTIFY", string(req.Method))
		availability, _ = aggregateOf(categories(t, req))
		require.Equal(t, 6500, availability)
		require.Empty(t, c.refused)
		c.quiet()
	})
}

func TestConflict(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.publish(published{"machineState", 7, 0, 3500})
		c.subscribe("vnd-microsoft-roaming-self")
		res := c.publish(published{"userState", 536870912, 0, 6500}, published{"machineState", 7, 0, 15500}, published{"userState", 9, 2, 6500})
		require.Equal(t, 409, res.StatusCode)
		require.Equal(t, "application/msrtc-fault+xml", sip.Value(res, "Content-Type"))
		require.Equal(t, `<Fault xmlns="http://schemas.microsoft.com/2006/09/sip/publication/error"><Faultcode>Client.BadCall.WrongDelta</Faultcode><details>`+
			`<operation index="2" version="0" curVersion="1"/><operation index="3" version="2" curVersion="0"/></details></Fault>`, string(res.Body()))
		require.NotEmpty(t, sip.Value(res, "Authentication-Info"))
		c.quiet()

		res = c.publish(published{"userState", 536870912, 0, 6500}, published{"machineState", 7, 1, 15500})
		require.Equal(t, 200, res.StatusCode, "nothing of the first was done")
	})
}

func TestEveryEndpointOfTheUserIsTold(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		desk := dialTest(t, s, clientConfig{epid: "01010101"}).signIn()
		phone := dialTest(t, s, clientConfig{epid: "c8ca638a15", transport: "tls"}).signIn()
		other := dialTest(t, s, clientConfig{user: "bob", password: "hidden"}).signIn()
		for _, c := range []*testClient{desk, phone, other} {
			require.Equal(t, 200, c.subscribe("vnd-microsoft-roaming-self").StatusCode)
		}
		told := func(want int, by ...*testClient) {
			t.Helper()
			for _, c := range by {
				req := c.next()
				require.Equal(t, "BENOTIFY", string(req.Method))
				availability, _ := aggregateOf(categories(t, req))
				require.Equal(t, want, availability)
				require.Empty(t, c.refused)
				c.quiet()
			}
		}
		desk.publish(published{"machineState", 7, 0, 3500})
		told(3500, desk, phone)
		phone.publish(published{"machineState", 8, 0, 15500})
		told(3500, desk, phone)
		phone.publish(published{"userState", 536870912, 0, 9500})
		told(9500, desk, phone)

		desk.do(desk.registerRequest("Expires: 0"))
		told(9500, phone)
		res := phone.publish(published{"userState", 536870912, 1, 3500})
		told(15500, phone)
		all := categories(t, res)
		for _, cat := range all {
			require.NotEqual(t, "7", cat.Instance, "it went with its endpoint")
		}
		other.quiet()
		desk.quiet()
	})
}

func TestEndpointThatIsLostIsForgotten(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		desk := dialTest(t, s, clientConfig{epid: "01010101"}).signIn()
		phone := dialTest(t, s, clientConfig{epid: "c8ca638a15"}).signIn()
		phone.subscribe("vnd-microsoft-roaming-self")
		desk.publish(published{"machineState", 7, 0, 3500})
		phone.next()
		desk.conn.Close()
		req := phone.next()
		all := categories(t, req)
		availability, _ := aggregateOf(all)
		require.Zero(t, availability, "no machine is left")
		require.Equal(t, []category{{Name: "state"}}, all, "the sign that nothing is left of the category")
	})
}

func TestPublicationOfSomebodyElse(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{user: "bob", password: "hidden"}).signIn()
		res := c.service(typePublish, initialPublication)
		require.Equal(t, 403, res.StatusCode)
		require.Equal(t, 4004, sip.Diagnostics(res)[0].ID)
	})
}

func TestContainersAndSubscribers(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.subscribe("vnd-microsoft-roaming-self")
		const change = `<setContainerMembers xmlns="http://schemas.microsoft.com/2006/09/sip/container-management">` +
			`<container id="200" version="0"><member action="add" type="sameEnterprise"/></container>` +
			`<container id="100" version="0"><member action="add" type="federated"/></container></setContainerMembers>`
		require.Equal(t, 200, c.service("application/msrtc-setcontainermembers+xml", change).StatusCode)
		require.Equal(t, `<roamingData xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self"><containers xmlns="http://schemas.microsoft.com/2006/09/sip/container-management">`+
			`<container id="200" version="1"><member type="sameEnterprise"/></container><container id="100" version="1"><member type="federated"/></container>`+
			`</containers></roamingData>`, string(c.next().Body()))
		require.Equal(t, 409, c.service("application/msrtc-setcontainermembers+xml", change).StatusCode)
		require.Equal(t, 200, c.service("application/msrtc-presence-setsubscriber+xml",
			`<setSubscribers xmlns="http://schemas.microsoft.com/2006/09/sip/presence-subscribers"><subscriber user="bob@ocs.test" acknowledged="true"/></setSubscribers>`).StatusCode)
	})
}

func TestOtherRequests(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		for _, test := range []struct {
			method, to string
			want       int
		}{
			{"OPTIONS", "", 200},
			{"INVITE", "sip:ocschat@ocs.test", 404},
			{"INVITE", "sip:bob@ocs.test", 488},
			{"MESSAGE", "sip:bob@ocs.test", 488},
			{"MESSAGE", "sip:bob@contoso.com", 404},
			{"BYE", "sip:bob@ocs.test", 481},
			{"CANCEL", "sip:bob@ocs.test", 481},
			{"PUBLISH", "", 501},
			{"NOTIFY", "", 501},
		} {
			res := c.do(c.request(test.method, test.to, 1, sip.NewCallID()))
			require.Equal(t, test.want, res.StatusCode, test.method+" "+test.to)
			require.NotEmpty(t, sip.Value(res, "Authentication-Info"), test.method)
		}
		require.Equal(t, 415, c.service("application/SOAP+xml", "<x/>").StatusCode)
		require.Equal(t, 415, c.service("", "").StatusCode)
		for _, contentType := range []string{typePublish, typeSetMembers, typeSetSubscriber} {
			res := c.service(contentType+";charset=utf-8", "<cut")
			require.Equal(t, 400, res.StatusCode, contentType)
			require.Equal(t, 4001, sip.Diagnostics(res)[0].ID)
		}
	})
}

func TestRequestsWithoutAnAnswer(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		for _, method := range []string{"ACK", "BENOTIFY"} {
			require.NoError(t, c.conn.Send(c.request(method, "sip:bob@ocs.test", 1, sip.NewCallID())))
		}
		synctest.Wait()
		require.Empty(t, c.raw)
		require.Equal(t, 481, c.do(c.request("CANCEL", "", 1, sip.NewCallID())).StatusCode, "never challenged")
		require.Equal(t, 401, c.do(c.request("OPTIONS", "", 1, sip.NewCallID())).StatusCode)
		require.Equal(t, 400, c.do(c.request("OPTIONS", "", 2, sip.NewCallID(), "From: nonsense")).StatusCode)
	})
}
