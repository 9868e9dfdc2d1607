package server

import (
	"bufio"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAServerMaySpeakFirst(t *testing.T) {
	s, err := Start(Config{Faults: []Fault{{Stage: StageAccept, Action: ActionInject, Text: "OPTIONS sip:a@b SIP/2.0\r\n"}}})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Dial(context.Background(), "tcp", "server.ocs.test:5060")
	require.NoError(t, err)
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "OPTIONS sip:a@b SIP/2.0\r\n", line)
}
