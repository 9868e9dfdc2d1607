package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestSubscriptionsComeWithTheirFirstNotification(t *testing.T) {
	for _, test := range []struct{ event, contentType, body string }{
		{
			"vnd-microsoft-roaming-contacts", "application/vnd-microsoft-roaming-contacts+xml",
			`<contactList xmlns="http://schemas.microsoft.com/2006/09/sip/contactlist" deltaNum="1"><group id="1" name="~" externalURI=""/></contactList>`,
		},
		{
			"vnd-microsoft-roaming-self", "application/vnd-microsoft-roaming-self+xml",
			`<roamingData xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self">` +
				`<categories xmlns="http://schemas.microsoft.com/2006/09/sip/categories" uri="sip:alice@ocs.test"></categories>` +
				`<containers xmlns="http://schemas.microsoft.com/2006/09/sip/container-management"></containers>` +
				`<subscribers xmlns="http://schemas.microsoft.com/2006/09/sip/presence-subscribers"/></roamingData>`,
		},
		{"presence.wpending", "text/xml+msrtc.wpending", `<watchers xmlns="http://schemas.microsoft.com/2006/09/sip/presence-subscribers"/>`},
		{"vnd-microsoft-roaming-ACL", "application/vnd-microsoft-roaming-acls+xml", `<ACLlist xmlns="http://schemas.microsoft.com/winrtc/2002/11/sip" deltaNum="1"/>`},
		{
			"presence", "application/msrtc-event-categories+xml",
			`<categories xmlns="http://schemas.microsoft.com/2006/09/sip/categories" uri="sip:alice@ocs.test"><category name="state" instance="1">` +
				`<state xsi:type="aggregateState" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.microsoft.com/2006/09/sip/state">` +
				`<availability>18500</availability></state></category></categories>`,
		},
	} {
		t.Run(test.event, func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{}).signIn()
				res := c.subscribe(test.event)
				require.Equal(t, 200, res.StatusCode)
				require.Equal(t, []string{
					"Authentication-Info", "From", "To", "Call-ID", "CSeq", "Via", "Contact", "Expires", "Event", "subscription-state",
					"ms-piggyback-cseq", "Server", "Content-Type", "Content-Length",
				}, names(c.raw[len(c.raw)-1]))
				require.Equal(t, "<sip:server.ocs.test:5060;transport=tcp>", sip.Value(res, "Contact"))
				require.Equal(t, "31000", sip.Value(res, "Expires"))
				require.Equal(t, test.event, sip.Value(res, "Event"))
				require.Equal(t, "active;expires=31000", sip.Value(res, "subscription-state"))
				require.Equal(t, "1", sip.Value(res, "ms-piggyback-cseq"))
				require.Equal(t, test.contentType, sip.Value(res, "Content-Type"))
				require.Equal(t, test.body, string(res.Body()))
				c.quiet()
			})
		})
	}
}

func TestProvisioningAnswersTheGroupsAsked(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		req := c.request("SUBSCRIBE", "", 1, sip.NewCallID(), "Event: vnd-microsoft-provisioning-v2", "Expires: 0", "Supported: ms-piggyback-first-notify")
		sip.SetBody(req, typeProvisioning2, []byte(`<provisioningGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist">`+
			` <provisioningGroup name="ServerConfiguration"/> <provisioningGroup name="meetingPolicy"/></provisioningGroupList>`))
		res := c.do(req)
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "0", sip.Value(res, "Expires"))
		require.Equal(t, "terminated;expires=0", sip.Value(res, "subscription-state"))
		require.Equal(t, `<provisionGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification">`+
			`<provisionGroup name="ServerConfiguration"><focusFactoryUri>sip:alice@ocs.test;gruu;opaque=app:conf:focusfactory</focusFactoryUri></provisionGroup>`+
			`<provisionGroup name="meetingPolicy"/></provisionGroupList>`, string(res.Body()))
	})
}

func TestRoamingSelfAnswersTheTypesAsked(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		req := c.request("SUBSCRIBE", "", 1, sip.NewCallID(), "Event: vnd-microsoft-roaming-self", "Supported: ms-piggyback-first-notify")
		sip.SetBody(req, typeRoamingSelf, []byte(`<roamingList xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self"><roaming type="subscribers"/></roamingList>`))
		require.Equal(t, `<roamingData xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self">`+
			`<subscribers xmlns="http://schemas.microsoft.com/2006/09/sip/presence-subscribers"/></roamingData>`, string(c.do(req).Body()))
	})
}

func TestFirstNotificationOfAClientThatTakesNoneInTheAnswer(t *testing.T) {
	for method, supported := range map[string]string{"NOTIFY": "com.microsoft.autoextend", "BENOTIFY": "ms-benotify"} {
		t.Run(method, func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{}).signIn()
				sub := c.request("SUBSCRIBE", "", 1, sip.NewCallID(),
					"Event: vnd-microsoft-roaming-contacts", "Supported: "+supported, "Contact: <"+gruu(c.uri, instanceOf(c.epid))+">")
				res := c.do(sub)
				require.Equal(t, 200, res.StatusCode)
				require.Empty(t, res.Body())
				require.Empty(t, sip.Value(res, "ms-piggyback-cseq"))
				req := c.next()
				require.Equal(t, method, string(req.Method))
				require.Equal(t, gruu(c.uri, instanceOf(c.epid)), req.Recipient.String())
				require.Equal(t, sip.Value(res, "To"), sip.Value(req, "From"))
				require.Equal(t, sip.Value(sub, "From"), sip.Value(req, "To"))
				require.Equal(t, sip.Value(sub, "Call-ID"), sip.Value(req, "Call-ID"))
				require.Equal(t, "1 "+method, sip.Value(req, "CSeq"))
				require.Equal(t, "vnd-microsoft-roaming-contacts", sip.Value(req, "Event"))
				require.Equal(t, "active;expires=31000", sip.Value(req, "subscription-state"))
				require.Equal(t, contactsXML, string(req.Body()))
				require.Empty(t, c.refused)
			})
		})
	}
}

func TestSubscriptionIsRefreshedAndEndedInItsDialog(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		first := c.request("SUBSCRIBE", "", 1, "dialog", "Event: vnd-microsoft-roaming-self", "Supported: ms-benotify", "Supported: ms-piggyback-first-notify")
		res := c.do(first)
		again := func(cseq int, lines ...string) *sip.Response {
			return c.do(c.request("SUBSCRIBE", "", cseq, "dialog", append([]string{
				"Event: vnd-microsoft-roaming-self", "Supported: ms-benotify", "Supported: ms-piggyback-first-notify",
				"From: " + sip.Value(first, "From"), "To: " + sip.Value(res, "To"),
			}, lines...)...))
		}
		require.Equal(t, 200, c.publish(published{"machineState", 7, 0, 3500}).StatusCode)
		require.Equal(t, "2 BENOTIFY", sip.Value(c.next(), "CSeq"))

		time.Sleep(time.Hour)
		refreshed := again(2)
		require.Equal(t, 200, refreshed.StatusCode)
		require.Equal(t, "3", sip.Value(refreshed, "ms-piggyback-cseq"))
		require.Equal(t, sip.Value(res, "To"), sip.Value(refreshed, "To"))
		require.Contains(t, string(refreshed.Body()), "machineState", "what there is now")

		ended := again(3, "Expires: 0")
		require.Equal(t, 200, ended.StatusCode)
		require.Equal(t, "terminated;expires=0", sip.Value(ended, "subscription-state"))
		require.Equal(t, 481, again(4).StatusCode)
		require.Equal(t, 200, c.publish(published{"machineState", 7, 1, 15500}).StatusCode)
		c.quiet()
	})
}

func TestSubscriptionEndsWithoutARefresh(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, "active;expires=60", sip.Value(c.do(c.request("SUBSCRIBE", "", 1, "short", "Event: vnd-microsoft-roaming-self", "Expires: 60")), "subscription-state"))
		require.Equal(t, "NOTIFY", string(c.next().Method))
		time.Sleep(time.Minute)
		require.Equal(t, 200, c.publish(published{"machineState", 7, 0, 3500}).StatusCode)
		c.quiet()
	})
}

func TestNotificationExtendsTheSubscriptionWhereAskedFor(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.subscribe("vnd-microsoft-roaming-self")
		time.Sleep(5 * time.Minute)
		c.publish(published{"machineState", 7, 0, 3500})
		require.Equal(t, "active;expires=31000", sip.Value(c.next(), "subscription-state"))
	})
}

func TestRefusedSubscriptions(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 489, c.subscribe("dialog").StatusCode)
		require.Equal(t, 400, c.subscribe("presence", "Expires: never").StatusCode)
		for event, want := range map[string]int{"vnd-microsoft-roaming-self": 403, "presence": 200} {
			require.Equal(t, want, c.do(c.request("SUBSCRIBE", "sip:bob@ocs.test", 1, sip.NewCallID(), "Event: "+event)).StatusCode, event)
		}
		require.Equal(t, 404, c.do(c.request("SUBSCRIBE", "sip:nobody@ocs.test", 1, sip.NewCallID(), "Event: presence")).StatusCode)
		bad := c.request("SUBSCRIBE", "", 1, sip.NewCallID(), "Event: vnd-microsoft-roaming-self")
		sip.SetBody(bad, typeRoamingSelf, []byte("<roamingList"))
		res := c.do(bad)
		require.Equal(t, 400, res.StatusCode)
		require.Equal(t, 4001, sip.Diagnostics(res)[0].ID)
	})
}

func TestPresenceOfAnotherUserIsToldAsItChanges(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		alice := dialTest(t, s, clientConfig{}).signIn()
		bob := dialTest(t, s, clientConfig{user: "bob", password: "hidden", epid: "01010101"}).signIn()
		sub := bob.request("SUBSCRIBE", "sip:alice@ocs.test", 1, sip.NewCallID(), "Event: presence", "Supported: ms-benotify", "Supported: ms-piggyback-first-notify")
		require.Contains(t, string(bob.do(sub).Body()), "<availability>18500</availability>")

		alice.publish(published{"machineState", 7, 0, 3500})
		req := bob.next()
		require.Equal(t, "BENOTIFY", string(req.Method))
		require.Equal(t, "application/msrtc-event-categories+xml", sip.Value(req, "Content-Type"))
		require.Contains(t, string(req.Body()), "<availability>3500</availability>")
		require.NotContains(t, string(req.Body()), "machineState", "only what it comes to")

		alice.conn.Close()
		require.Contains(t, string(bob.next().Body()), "<availability>18500</availability>")
		bob.conn.Close()
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		require.Empty(t, s.users["alice@ocs.test"].watchers)
	})
}

func TestGRUUSurvivesAsRequestURI(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.subscribe("vnd-microsoft-roaming-self")
		c.publish(published{"machineState", 7, 0, 3500})
		c.next()
		require.True(t, strings.HasPrefix(c.raw[len(c.raw)-1], "BENOTIFY sip:alice@ocs.test;opaque=user:epid:2AteCBwDDVqNmvFJquaVSgAA;gruu SIP/2.0\r\n"))
	})
}
