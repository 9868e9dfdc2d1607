package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestInjectedTextIsSentAsItIs(t *testing.T) {
	const text = "OPTIONS sip:alice@ocs.test SIP/2.0\r\nCall-ID: injected\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	config := twoUsers()
	config.Faults = []Fault{{Stage: StageRegister, Action: ActionInject, Text: text, Delay: time.Second, Count: 1}}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		injected := func(r Record) bool { return r.Sent && r.CallID == "injected" }
		synctest.Wait()
		require.Empty(t, s.Messages(injected))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.Messages(injected), 1)
		require.Contains(t, strings.Join(c.raw, ""), text)
		require.Equal(t, 200, c.subscribe(eventRoamingSelf).StatusCode, "the messages keep their order")
	})
}

func TestUnsolicitedTextTakesTheHeadersOfTheAnswer(t *testing.T) {
	config := twoUsers()
	config.Faults = []Fault{{
		Stage: StageRegister, Action: ActionUnsolicited, Match: Match{Status: 200}, Count: 1,
		Text: "SIP/2.0 100 \r\nVia: {Via}\r\nFrom: {From}\r\nTo: {To}\r\nCall-ID: {Call-ID}\r\nCSeq: {CSeq}\r\nContent-Length: 0\r\n\r\n",
	}}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		m, err := sip.Parse([]byte(c.raw[len(c.raw)-2]))
		require.NoError(t, err)
		require.Equal(t, c.callID, sip.Value(m, "Call-ID"))
		require.Equal(t, "3 REGISTER", sip.Value(m, "CSeq"))
	})
}

func TestFirstNotificationComesBeforeTheAnswer(t *testing.T) {
	config := twoUsers()
	config.Faults = []Fault{{Stage: StageSubscribe, Action: ActionNotifyFirst, Delay: time.Second}}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		answered := make(chan *sip.Response, 1)
		go func() { answered <- c.subscribe(eventRoamingSelf) }()
		req := c.next()
		require.Equal(t, "BENOTIFY", string(req.Method))
		require.Contains(t, string(req.Body()), "roamingData")
		require.Empty(t, answered)
		time.Sleep(time.Second)
		synctest.Wait()
		res := <-answered
		require.Equal(t, 200, res.StatusCode)
		require.Empty(t, res.Body())
	})
}
