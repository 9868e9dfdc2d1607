package server

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestRewriteOfAnAcceptedRegistration(t *testing.T) {
	for _, test := range []struct {
		name    string
		headers map[string]string
		header  string
		want    []string
	}{
		{"Expires missing", map[string]string{"Expires": ""}, "Expires", nil},
		{"Expires zero", map[string]string{"Expires": "0"}, "Expires", []string{"0"}},
		{"Supported on one line", map[string]string{"Supported": "adhoclist, msrtc-event-categories"}, "Supported", []string{"adhoclist, msrtc-event-categories"}},
		{"Allow-Events with blanks", map[string]string{"Allow-Events": "presence, vnd-microsoft-roaming-self"}, "Allow-Events", []string{"presence, vnd-microsoft-roaming-self"}},
		{"another endpoint first", map[string]string{"Supported": "first\n{}\nlast"}, "Supported", []string{"first", "adhoclist", "msrtc-event-categories", "last"}},
		{"server", map[string]string{"Server": "RTC/2.0"}, "Server", []string{"RTC/2.0"}},
		{"no server", map[string]string{"Server": ""}, "Server", nil},
		{"advice to upgrade", map[string]string{"Warning": `312 lcs.microsoft.com "old"`}, "Warning", []string{`312 lcs.microsoft.com "old"`}},
		{"diagnostics", map[string]string{"ms-diagnostics": `1000;reason="x"`}, "ms-diagnostics", []string{`1000;reason="x"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Status: 200}, Action: ActionRewrite, Headers: test.headers}), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				res := c.register()
				require.Equal(t, 200, res.StatusCode)
				require.Equal(t, test.want, sip.Values(res, test.header))
				require.NotEmpty(t, sip.Value(res, "Authentication-Info"))
				require.Empty(t, c.refused, "signed as it is")
				require.Len(t, s.Endpoints(), 1)
			})
		})
	}
}

func TestRewriteOfStatusAndBody(t *testing.T) {
	inBubble(t, withFaults(
		Fault{Stage: StageSubscribe, Action: ActionRewrite, Status: 202, Reason: "Soon", Text: "<broken", Count: 1},
		Fault{Stage: StageSubscribe, Action: ActionRewrite, Text: "x", Headers: map[string]string{"Content-Type": "text/x"}},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		res := c.subscribe(eventRoamingSelf)
		require.Equal(t, 202, res.StatusCode)
		require.Equal(t, "Soon", res.Reason)
		require.Equal(t, "<broken", string(res.Body()))
		require.Equal(t, typeRoamingSelf, sip.Value(res, "Content-Type"))
		require.Equal(t, "text/x", sip.Value(c.subscribe(eventContacts), "Content-Type"))
	})
}

func TestChallengesOfAProxy(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Status: 401}, Action: ActionRewrite, Status: 407}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.do(c.registerRequest())
		require.Equal(t, 407, res.StatusCode)
		require.Equal(t, "Proxy Authentication Required", res.Reason)
		require.Empty(t, sip.Values(res, "WWW-Authenticate"))
		require.Equal(t, []string{`NTLM realm="SIP Communications Service", targetname="server.ocs.test", version=4`}, sip.Values(res, "Proxy-Authenticate"))
	})
}

func TestRedirect(t *testing.T) {
	yes := true
	for _, test := range []struct {
		name    string
		fault   Fault
		status  int
		contact string
		signed  bool
	}{
		{"to another server, signed", Fault{Match: Match{Authenticated: &yes}, To: "home.ocs.test:5061;transport=tls"}, 301, "<sip:home.ocs.test:5061;transport=tls>", true},
		{"unsigned", Fault{To: "[::1]:5060;transport=tcp", Status: 302, Reason: "Moved"}, 302, "<sip:[::1]:5060;transport=tcp>", false},
		{"to itself", Fault{}, 301, "<sip:server.ocs.test:5060;transport=tcp>", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fault.Stage, test.fault.Action = StageRegister, ActionRedirect
			inBubble(t, withFaults(test.fault), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				res := c.register()
				require.Equal(t, test.status, res.StatusCode)
				require.Equal(t, test.contact, sip.Value(res, "Contact"))
				require.Equal(t, test.signed, sip.Value(res, "Authentication-Info") != "")
			})
		})
	}
}

func TestUnchallengedSignIn(t *testing.T) {
	inBubble(t, withFaults(
		Fault{Stage: StageRegister, Action: ActionUnchallenged}, Fault{Stage: StageSubscribe, Action: ActionUnchallenged},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{password: "wrong"})
		res := c.register()
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, 1, c.cseq)
		require.Empty(t, sip.Value(res, "Authentication-Info"))
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode)
		require.Equal(t, 404, dialTest(t, s, clientConfig{user: "nobody"}).register().StatusCode)
	})
}

func TestChallengeLoop(t *testing.T) {
	for _, scheme := range []string{"NTLM", "Digest"} {
		config := withFaults(Fault{Stage: StageRegister, Action: ActionChallenge, Status: 407, Headers: map[string]string{"Retry-After": "1"}, Count: 5})
		config.Schemes = []string{scheme}
		inBubble(t, config, func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{})
			seen := map[string]bool{}
			for range 5 {
				res := c.do(c.registerRequest())
				require.Equal(t, 407, res.StatusCode)
				require.Equal(t, "1", sip.Value(res, "Retry-After"))
				seen[sip.Value(res, "Proxy-Authenticate")] = true
			}
			if scheme == "Digest" {
				require.Len(t, seen, 5, "each has a nonce of its own")
			}
			require.Zero(t, s.Rejected("alice"))
			require.Equal(t, 401, c.do(c.registerRequest()).StatusCode)
		})
	}
}

func TestStaleChallenge(t *testing.T) {
	yes := true
	config := withFaults(Fault{Stage: StageRegister, Match: Match{Authenticated: &yes}, Action: ActionChallenge, How: "stale", Count: 1})
	config.Schemes = []string{"Digest"}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		require.NoError(t, c.auth.Challenge(t.Context(), c.do(c.registerRequest())))
		res := c.do(c.registerRequest())
		require.Equal(t, 401, res.StatusCode)
		for _, challenge := range sip.Values(res, "WWW-Authenticate") {
			parsed, err := sip.ParseCredentials(challenge)
			require.NoError(t, err)
			stale, _ := parsed.Params.Get("stale")
			require.Equal(t, "true", stale)
		}
		require.NoError(t, c.auth.Challenge(t.Context(), res))
		require.Equal(t, 200, c.do(c.registerRequest()).StatusCode)
	})
}

func TestChallengeInMidSession(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageSubscribe, Action: ActionChallenge, Count: 1}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		res := c.subscribe(eventRoamingSelf)
		require.Equal(t, 401, res.StatusCode)
		require.Empty(t, sip.Value(res, "Authentication-Info"))
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode, "the association stands")
	})
}

func TestProvisionalAnswersGoOnForEver(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Action: ActionProvisional, Delay: 4 * time.Second}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		_, err := c.doFor(15*time.Second, c.registerRequest())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, c.raw, 4)
		require.True(t, strings.HasPrefix(c.raw[3], "SIP/2.0 100 Trying\r\n"))
		require.NoError(t, c.conn.Close())
		time.Sleep(time.Minute)
		require.Len(t, c.raw, 4)
	})
}

func TestPublicationThatIsOvertaken(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StagePublish, Action: ActionConflict, Count: 2}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		for version := range 2 {
			res := c.publish(published{"machineState", 7, version, 3500})
			require.Equal(t, 409, res.StatusCode)
			require.Contains(t, string(res.Body()), `index="1"`)
			require.Contains(t, string(res.Body()), `curVersion="`+string(rune('1'+version))+`"`)
		}
		require.Equal(t, 200, c.publish(published{"machineState", 7, 2, 3500}).StatusCode)
	})
}

func TestFirstNotificationOfItsOwn(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageSubscribe, Action: ActionNoPiggyback}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		res := c.subscribe(eventRoamingSelf)
		require.Equal(t, 200, res.StatusCode)
		require.Empty(t, sip.Value(res, "ms-piggyback-cseq"))
		require.Empty(t, res.Body())
		require.Equal(t, typeRoamingSelf, sip.Value(c.next(), "Content-Type"))
	})
}

// The answer is late, and the notification that it should carry is not.
func TestNotificationBeforeTheAnswer(t *testing.T) {
	inBubble(t, withFaults(
		Fault{Stage: StageSubscribe, Action: ActionNoPiggyback},
		Fault{Stage: StageSubscribe, Match: Match{Status: 200}, Action: ActionDelay, Delay: time.Second},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.raw = nil
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode)
		require.Len(t, c.raw, 2)
		require.True(t, strings.HasPrefix(c.raw[0], "BENOTIFY "))
		require.True(t, strings.HasPrefix(c.raw[1], "SIP/2.0 200 "))
		require.Empty(t, c.refused)
	})
}

func TestFaultSkipsTheFirst(t *testing.T) {
	inBubble(t, withFaults(Fault{
		Stage: StageRegister, Match: Match{Status: 401}, Action: ActionRewrite, Skip: 1, Count: 1,
		Headers: map[string]string{"WWW-Authenticate": `NTLM gssapi-data="broken"`},
	}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		require.NoError(t, c.auth.Challenge(t.Context(), c.do(c.registerRequest())))
		require.Equal(t, 1, s.Faults()[0].Count)
		require.Zero(t, s.Faults()[0].Skip)
		require.Equal(t, `NTLM gssapi-data="broken"`, sip.Value(c.do(c.registerRequest()), "WWW-Authenticate"))
		require.Empty(t, s.Faults())
	})
}

func TestEndpointIsRemovedAWhileAfterItsRegistration(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Action: ActionRemoveEndpoint, How: "rejected", Delay: time.Minute, Count: 1}), func(t *testing.T, s *Server) {
		begin := time.Now()
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, begin, time.Now(), "the answer is not delayed")
		time.Sleep(time.Minute - time.Nanosecond)
		c.quiet()
		time.Sleep(time.Nanosecond)
		require.Equal(t, "deregistered;event=rejected", string(c.next().Body()))
		require.Empty(t, s.Endpoints())
	})
}

func TestAnswerIsLostAfterTheDeed(t *testing.T) {
	for action, want := range map[Action]error{ActionSilent: context.DeadlineExceeded, ActionClose: io.EOF, ActionReset: syscall.ECONNRESET} {
		inBubble(t, withFaults(Fault{Stage: StagePublish, Match: Match{Status: 200}, Action: action}), func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{}).signIn()
			req := c.request("SERVICE", "", 1, sip.NewCallID())
			sip.SetBody(req, typePublish, []byte(initialPublication))
			_, err := c.doFor(15*time.Second, req)
			require.ErrorIs(t, err, want)
		})
	}
}

func TestAnswerReplacedAfterTheDeed(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Status: 200}, Action: ActionStatus, Status: 423, Headers: map[string]string{"Min-Expires": "9000"}, Count: 1}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register()
		require.Equal(t, 423, res.StatusCode)
		require.Equal(t, "9000", sip.Value(res, "Min-Expires"))
		require.NotEmpty(t, sip.Value(res, "Authentication-Info"))
		require.Len(t, s.Endpoints(), 1)
	})
}

func TestReplayedSignature(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageSubscribe, Action: ActionReplaySignature, Count: 1}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		_, err := c.conn.Do(t.Context(), c.request("SUBSCRIBE", "", 1, sip.NewCallID(), "Event: "+eventRoamingSelf, "Supported: ms-piggyback-first-notify"))
		var refused *sip.VerifyError
		require.ErrorAs(t, err, &refused)
		info := func(raw string) string {
			m, err := sip.Parse([]byte(raw))
			require.NoError(t, err)
			return sip.Value(m, "Authentication-Info")
		}
		n := len(c.raw)
		require.Equal(t, info(c.raw[n-2]), info(c.raw[n-1]))
	})
}

// A redirect that somebody else has put in: everything about it is right but the signature.
func TestFaultsOfDifferentGroupsStrikeTogether(t *testing.T) {
	yes := true
	inBubble(t, withFaults(
		Fault{Stage: StageRegister, Match: Match{Authenticated: &yes}, Action: ActionRedirect, To: "evil.example.test:5061"},
		Fault{Stage: StageRegister, Match: Match{Status: 301}, Action: ActionCorruptSignature},
		Fault{Stage: StageRegister, Match: Match{Status: 301}, Action: ActionSplit},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		for range 2 {
			require.NoError(t, c.auth.Challenge(t.Context(), c.do(c.registerRequest())))
		}
		_, err := c.conn.Do(t.Context(), c.registerRequest())
		var refused *sip.VerifyError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 301, refused.Status)
		var struck []string
		for _, r := range s.History(KindFault) {
			require.Equal(t, "register", r.Name)
			require.Equal(t, 1, r.Conn)
			struck = append(struck, r.Type)
		}
		require.Equal(t, []string{"redirect", "split", "corrupt-signature"}, struck)
	})
}

func TestClientThatSignsWrongIsNoted(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.sign = func(m sip.Message) {
			sip.Set(m, "Authorization", strings.Replace(sip.Value(m, "Authorization"), `response="0100`, `response="0200`, 1))
		}
		require.Equal(t, 401, c.subscribe(eventRoamingSelf).StatusCode)
		_, err := s.RemoveEndpoint(c.epid, RemovedUnregistered)
		require.NoError(t, err)
		c.next()
		synctest.Wait()
		noted := s.History(KindDistrusted)
		require.Len(t, noted, 2)
		require.Equal(t, "SUBSCRIBE", noted[0].Method)
		require.Equal(t, "NOTIFY", noted[1].Method)
		require.Equal(t, 200, noted[1].Status)
		require.NotEmpty(t, noted[1].Error)
		require.NotContains(t, noted[0].Text, `response="0200`)
	})
}

func TestMessagesOfTheHistory(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		dialTest(t, s, clientConfig{}).signIn()
		require.Len(t, s.Messages(nil), 6)
		require.Len(t, s.Messages(func(r Record) bool { return r.Sent && r.Status == 401 }), 2)
	})
}
