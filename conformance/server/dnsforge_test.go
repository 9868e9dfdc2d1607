package server

import (
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

func TestAnUnsolicitedAnswerComesBeforeTheRightOne(t *testing.T) {
	s, err := Start(Config{ListenDNS: "127.0.0.1:0", Faults: []Fault{{Stage: StageDNS, Action: ActionUnsolicited, Match: Match{Type: "A"}, Count: 1}}})
	require.NoError(t, err)
	defer s.Close()
	conn, err := net.Dial("udp", s.DNSAddr())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	query := new(dns.Msg).SetQuestion("server.ocs.test.", dns.TypeA)
	packed, err := query.Pack()
	require.NoError(t, err)
	_, err = conn.Write(packed)
	require.NoError(t, err)
	var answers [2]dns.Msg
	for i := range answers {
		packet := make([]byte, 1500)
		n, err := conn.Read(packet)
		require.NoError(t, err)
		require.NoError(t, answers[i].Unpack(packet[:n]))
	}
	require.NotEqual(t, query.Id, answers[0].Id)
	require.Equal(t, dns.RcodeNameError, answers[0].Rcode)
	require.Equal(t, query.Id, answers[1].Id)
	require.Len(t, answers[1].Answer, 1)
}
