package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// names are the header names of a message in order.
func names(raw string) []string {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	var out []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		out = append(out, name)
	}
	return out
}

// The shape is that of a recorded answer of OCS 2007 R2.
func TestAcceptedRegistration(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{epid: "c8ca638a15"})
		res := c.register()
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, []string{
			"ms-keep-alive", "Authentication-Info", "From", "To", "Call-ID", "CSeq", "Via", "Contact", "Expires", "presence-state",
			"Allow-Events", "Supported", "Server", "Supported", "Content-Length",
		}, names(c.raw[len(c.raw)-1]))
		require.Equal(t, "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300", sip.Value(res, "ms-keep-alive"))
		require.Regexp(t, `^NTLM rspauth="01000000[0-9A-F]{16}64000000", srand="[0-9A-F]{8}", snum="1", opaque="[0-9A-F]{8}", qop="auth", `+
			`targetname="server\.ocs\.test", realm="SIP Communications Service"$`, sip.Value(res, "Authentication-Info"))
		require.Equal(t, []string{`<sip:` + c.local + `;transport=tcp;ms-opaque=d3470f2e1d;ms-received-cid=100>;expires=7200;` +
			`+sip.instance="<urn:uuid:34d859db-6585-5f91-a3b4-de853c15347d>";gruu="sip:alice@ocs.test;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu"`},
			sip.Values(res, "Contact"))
		require.Equal(t, "7200", sip.Value(res, "Expires"))
		require.Equal(t, `register-action="added"`, sip.Value(res, "presence-state"))
		require.Equal(t, "vnd-microsoft-provisioning,vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-ACL,presence,presence.wpending,"+
			"vnd-microsoft-roaming-self,vnd-microsoft-provisioning-v2", sip.Value(res, "Allow-Events"))
		require.Equal(t, []string{"adhoclist", "msrtc-event-categories"}, sip.Values(res, "Supported"))
		require.Equal(t, "RTC/3.5", sip.Value(res, "Server"))
		require.Equal(t, []Endpoint{{
			User: "alice@ocs.test", Epid: "c8ca638a15", Instance: "<urn:uuid:34d859db-6585-5f91-a3b4-de853c15347d>",
			GRUU:    "sip:alice@ocs.test;opaque=user:epid:21nYNIVlkV-jtN6FPBU0fQAA;gruu",
			Contact: "sip:" + c.local + ";transport=tcp;ms-opaque=d3470f2e1d;ms-received-cid=100", Conn: 1, Expires: time.Now().Add(2 * time.Hour),
		}}, s.Endpoints())
	})
}

func TestRegistrarChecks(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  int
		id    int
	}{
		{"another event", []string{"Event: presence"}, 489, 4055},
		{"categories without gruu-10", []string{"Supported: msrtc-event-categories"}, 421, 2057},
		{"epid too long", []string{"From: <sip:alice@ocs.test>;tag=1;epid=0123456789abcdef0"}, 400, 4012},
		{"somebody else registered", []string{"To: <sip:bob@ocs.test>"}, 403, 4004},
		{"expiry", []string{"Expires: soon"}, 400, 0},
		{"contact", []string{"Contact: <"}, 400, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				if test.name == "epid too long" {
					c.epid = "0123456789abcdef0"
				}
				for {
					req := c.registerRequest(test.lines...)
					if test.name == "categories without gruu-10" {
						sip.Del(req, "Supported")
						sip.Add(req, "Supported", "msrtc-event-categories")
					}
					res := c.do(req)
					if res.StatusCode == 401 {
						require.NoError(t, c.auth.Challenge(t.Context(), res))
						continue
					}
					require.Equal(t, test.want, res.StatusCode)
					require.NotEmpty(t, sip.Value(res, "Authentication-Info"))
					if test.id != 0 {
						require.Equal(t, test.id, sip.Diagnostics(res)[0].ID)
					}
					break
				}
				require.Empty(t, s.Endpoints())
			})
		})
	}
}

func TestEndpointNeedsAnIdentifier(t *testing.T) {
	config := twoUsers()
	config.Schemes = []string{"Digest"}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register("From: <sip:alice@ocs.test>;tag=1", "Contact: <sip:alice@127.0.0.1:5060>")
		require.Equal(t, 400, res.StatusCode)
		require.Equal(t, 4010, sip.Diagnostics(res)[0].ID)
	})
}

func TestRefresh(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		for range 3 {
			time.Sleep(7170 * time.Second)
			c.cseq += 2 // gaps are allowed
			res := c.do(c.registerRequest())
			require.Equal(t, 200, res.StatusCode)
			require.Equal(t, `register-action="refreshed"`, sip.Value(res, "presence-state"))
			require.Contains(t, sip.Value(res, "Contact"), ";expires=7200;")
		}
		require.Len(t, s.Endpoints(), 1)
	})
}

func TestBindingExpires(t *testing.T) {
	config := twoUsers()
	config.Expires = 10 * time.Minute
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		require.Equal(t, "600", sip.Value(c.register("Expires: 7200"), "Expires"))
		time.Sleep(10*time.Minute - time.Second)
		synctest.Wait()
		require.Len(t, s.Endpoints(), 1)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Empty(t, s.Endpoints())
		require.Equal(t, `register-action="added"`, sip.Value(c.register(), "presence-state"), "so the client learns that it was lost")
	})
}

func TestReauthenticationKeepsTheBinding(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		before := sip.Value(c.do(c.registerRequest()), "Authentication-Info")
		c.auth.Reset()
		res := c.register()
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, `register-action="refreshed"`, sip.Value(res, "presence-state"))
		opaque := func(info string) string { return info[strings.Index(info, "opaque="):] }
		require.NotEqual(t, opaque(before), opaque(sip.Value(res, "Authentication-Info")))
		require.Equal(t, 200, c.do(c.request("OPTIONS", "", 1, sip.NewCallID())).StatusCode)
		require.Len(t, s.Endpoints(), 1)
		require.Zero(t, s.Rejected("alice"))
	})
}

func TestDeregistration(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		res := c.do(c.registerRequest("Expires: 0"))
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "0", sip.Value(res, "Expires"))
		require.Empty(t, sip.Values(res, "Contact"))
		require.NotEmpty(t, sip.Value(res, "Authentication-Info"))
		require.Empty(t, s.Endpoints())
	})
}

func TestDeregistrationFromAClientThatIsGoneAtOnce(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{transport: "tls"}).signIn()
		require.NoError(t, c.conn.Send(c.registerRequest("Expires: 0")))
		require.NoError(t, c.conn.Close())
		synctest.Wait()
		require.Empty(t, s.Endpoints())
		messages := s.History(KindMessage)
		last := messages[len(messages)-1]
		if last.Sent {
			last = messages[len(messages)-2]
		}
		require.Contains(t, last.Text, "Expires: 0", "it was read")
		require.Len(t, s.History(KindClose), 1)
	})
}

func TestBindingEndsWithItsConnection(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Len(t, s.Endpoints(), 1)
		c.conn.Close()
		synctest.Wait()
		require.Empty(t, s.Endpoints())
	})
}

func TestClientThatIsBackTakesItsBindingOver(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		first := dialTest(t, s, clientConfig{}).signIn()
		second := dialTest(t, s, clientConfig{})
		res := second.register()
		require.Equal(t, `register-action="added"`, sip.Value(res, "presence-state"))
		require.Len(t, sip.Values(res, "Contact"), 1)
		first.conn.Close()
		synctest.Wait()
		endpoints := s.Endpoints()
		require.Len(t, endpoints, 1)
		require.Equal(t, 2, endpoints[0].Conn)
	})
}

func TestEveryEndpointOfTheUserIsListed(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		dialTest(t, s, clientConfig{epid: "01010101"}).signIn()
		dialTest(t, s, clientConfig{user: "bob", password: "hidden"}).signIn()
		c := dialTest(t, s, clientConfig{epid: "c8ca638a15"})
		contacts := sip.Values(c.register(), "Contact")
		require.Len(t, contacts, 2)
		require.Contains(t, contacts[0], "34d859db-6585-5f91-a3b4-de853c15347d", "its own first")
		require.Contains(t, contacts[1], "4b1682a8-f968-5701-83fc-7c6741dc6697")
	})
}

func TestContactIsReplacedByWhatTheServerSaw(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register(fmt.Sprintf(`Contact: <sip:alice@10.1.2.3:5060;transport=tcp>;proxy=replace;+sip.instance="%s"`, c.instance()))
		require.Contains(t, sip.Value(res, "Contact"), "<sip:alice@"+c.local+";transport=tcp;ms-received-cid=100>")
		res = c.do(c.registerRequest(fmt.Sprintf(`Contact: <sip:10.1.2.3:5060;transport=tcp>;+sip.instance="%s"`, c.instance())))
		require.Contains(t, sip.Value(res, "Contact"), "<sip:10.1.2.3:5060;transport=tcp;ms-received-cid=100>")
	})
}

func TestServerRemovesAnEndpoint(t *testing.T) {
	for why, diagnostic := range map[Removal]string{
		RemovedUnregistered: `4140;reason="User logged out"`,
		RemovedRejected:     `4141;reason="User disabled"`,
		RemovedDeactivated:  `4142;reason="User moved"`,
	} {
		t.Run(string(why), func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{}).signIn()
				removed, err := s.RemoveEndpoint(c.epid, why)
				require.NoError(t, err)
				require.Equal(t, 1, removed)
				req := c.next()
				require.Equal(t, "NOTIFY", string(req.Method))
				require.Equal(t, "registration-notify", sip.Value(req, "Event"))
				require.Equal(t, "terminated;expires=0", sip.Value(req, "subscription-state"))
				require.Equal(t, "text/registration-event", sip.Value(req, "Content-Type"))
				require.Equal(t, diagnostic, sip.Value(req, "ms-diagnostics-public"))
				require.Equal(t, "deregistered;event="+string(why), string(req.Body()))
				require.Equal(t, c.callID, sip.Value(req, "Call-ID"))
				require.Contains(t, sip.Value(req, "To"), "epid="+c.epid)
				require.NotEmpty(t, sip.Value(req, "Authentication-Info"))
				require.Empty(t, c.refused, "the signature is good")
				require.Empty(t, s.Endpoints())
				require.Equal(t, 403, c.subscribe("vnd-microsoft-roaming-self").StatusCode)
			})
		})
	}
}

func TestRemovalOfNobody(t *testing.T) {
	s := startTest(t, twoUsers())
	removed, err := s.RemoveEndpoint("x", RemovedRejected)
	require.NoError(t, err)
	require.Zero(t, removed)
	_, err = s.RemoveEndpoint("x", "bored")
	require.ErrorContains(t, err, "known: unregistered, rejected, deactivated")
}

func TestOldestEndpointIsCrowdedOut(t *testing.T) {
	config := twoUsers()
	config.MaxEndpoints = 2
	inBubble(t, config, func(t *testing.T, s *Server) {
		first := dialTest(t, s, clientConfig{epid: "aaaaaaaaaaa1"}).signIn()
		second := dialTest(t, s, clientConfig{epid: "aaaaaaaaaaa2"}).signIn()
		dialTest(t, s, clientConfig{epid: "aaaaaaaaaaa3"}).signIn()

		notice := first.next()
		require.Equal(t, "registration-notify", sip.Value(notice, "Event"))
		require.Equal(t, "deregistered;event=unregistered", string(notice.Body()))
		require.Equal(t, `4140;reason="User logged out"`, sip.Value(notice, "ms-diagnostics-public"))
		second.quiet()
		require.Len(t, s.Endpoints(), 2)
		require.Equal(t, "aaaaaaaaaaa2", s.Endpoints()[0].Epid)
	})
}
