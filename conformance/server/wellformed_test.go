package server

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestRequestThatIsNotWellFormedIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*sip.Request)
	}{
		{"no Max-Forwards", "no Max-Forwards", func(r *sip.Request) { sip.Del(r, "Max-Forwards") }},
		{"Max-Forwards", "Max-Forwards is not a number", func(r *sip.Request) { sip.Set(r, "Max-Forwards", "1000") }},
		{"no tag", "no tag in From", func(r *sip.Request) { sip.Set(r, "From", "<sip:alice@ocs.test>;epid=1") }},
		{"To", "no address in To", func(r *sip.Request) { sip.Set(r, "To", "<") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				req := c.registerRequest()
				test.change(req)
				res := c.do(req)
				require.Equal(t, 400, res.StatusCode)
				require.Equal(t, 17001, sip.Diagnostics(res)[0].ID)
				require.Contains(t, sip.Diagnostics(res)[0].Reason, test.want)
				c.signIn()
			})
		})
	}
}

func TestRequestWithAWrongCSeqIsRefused(t *testing.T) {
	for _, cseq := range []string{"1 OPTIONS", "one REGISTER", "-1 REGISTER", "1"} {
		inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{})
			req := c.registerRequest()
			sip.Set(req, "CSeq", cseq)
			require.NoError(t, c.conn.Send(req))
			c.signIn()
			require.Len(t, s.Messages(func(r Record) bool { return r.Status == 400 }), 1)
		})
	}
}

func TestRegistrationWithAStaleCSeqChangesNothing(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.cseq -= 2
		res := c.do(c.registerRequest("Expires: 0"))
		require.Equal(t, 500, res.StatusCode)
		require.Equal(t, "Stale CSeq", res.Reason)
		require.Len(t, s.Endpoints(), 1)
	})
}

func TestContactThatDoesNotLeadToTheEndpointIsRefused(t *testing.T) {
	for contact, want := range map[string]int{
		"<sip:alice@ocs.test;opaque=user:epid:AAAAAAAAAAAAAAAAAAAAAAAA;gruu>": 400,
		"<sip:alice@10.9.8.7:5060>":                    400,
		"<sip:bob@ocs.test>":                           400,
		"<sip:alice@ocs.test;maddr=127.0.0.1>":         200,
		"<sip:127.0.0.1:49152;transport=tcp>":          200,
		"<sip:alice@127.0.0.1:49152;ms-received-cid=1": 200,
	} {
		inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{}).signIn()
			require.Equal(t, want, c.subscribe(eventRoamingSelf, "Contact: "+contact).StatusCode, contact)
		})
	}
}
