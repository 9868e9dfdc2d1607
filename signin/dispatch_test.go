package signin_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

// answers sends text to a session without signatures, and returns the statuses of the answers.
func answers(t *testing.T, text string) (statuses []int) {
	t.Helper()
	inWorld(t, server.Config{
		PlainRegistrar: true, Schemes: []string{"Digest"},
		Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionInject, Text: text, Delay: time.Second, Count: 1}},
	}, func(t *testing.T, w *world) {
		_, s := w.signIn()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, m := range w.server.Messages(func(r server.Record) bool { return !r.Sent && r.Status != 0 }) {
			statuses = append(statuses, m.Status)
		}
		require.NoError(t, s.SignOut(t.Context()))
	})
	return statuses
}

func TestRequestsOfTheServerAreAnswered(t *testing.T) {
	const (
		headers = "Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:bob@ocs.test>;tag=1\r\nTo: <sip:alice@ocs.test>\r\nCall-ID: 1\r\n"
		end     = "Content-Length: 0\r\n\r\n"
	)
	for name, test := range map[string]struct {
		text string
		want []int
	}{
		"OPTIONS":             {"OPTIONS sip:alice@ocs.test SIP/2.0\r\n" + headers + "CSeq: 1 OPTIONS\r\n" + end, []int{200}},
		"unknown method":      {"FROB sip:alice@ocs.test SIP/2.0\r\n" + headers + "CSeq: 1 FROB\r\n" + end, []int{501}},
		"unknown scheme":      {"OPTIONS soap.beep://alice SIP/2.0\r\n" + headers + "CSeq: 1 OPTIONS\r\n" + end, []int{200}},
		"CSeq of another":     {"OPTIONS sip:alice@ocs.test SIP/2.0\r\n" + headers + "CSeq: 1 INVITE\r\n" + end, []int{400}},
		"neither From nor To": {"INVITE sip:alice@ocs.test SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" + end, []int{400}},
		"ACK":                 {"ACK sip:alice@ocs.test SIP/2.0\r\n" + headers + "CSeq: 1 ACK\r\n" + end, nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, answers(t, test.text)) })
	}
}
