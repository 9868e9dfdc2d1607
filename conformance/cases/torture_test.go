package cases

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
)

func TestEveryTortureMessageIsSent(t *testing.T) {
	var tried []string
	for _, a := range tortures().Attempts {
		name, _, _ := strings.Cut(a.Name, ",")
		tried = append(tried, name)
	}
	files, err := rfc4475.ReadDir("rfc4475")
	require.NoError(t, err)
	require.Len(t, files, 49)
	for _, file := range files {
		require.Contains(t, tried, strings.TrimSuffix(file.Name(), ".dat"))
	}
}

func TestAdoptedAnswersBelongToTheRequest(t *testing.T) {
	require.Equal(t, "SIP/2.0 100 \r\nVia: {Via}\r\nCall-ID: {Call-ID}\r\nCSeq: {CSeq}\r\nFrom: {From}\r\nTo: {To}\r\nContent-Length: 0\r\n"+
		"Contact: <sip:user@host105.example.com>\r\n\r\n", adopted("noreason", "Via", "From", "To", "Call-ID", "CSeq"))
}

func TestEveryMutationIsTried(t *testing.T) {
	var tried []string
	for _, c := range mutation() {
		for _, a := range c.Attempts {
			for _, f := range a.Server.Faults {
				tried = append(tried, f.How)
			}
		}
	}
	for _, m := range server.Mutations() {
		require.Contains(t, tried, string(m))
	}
	for _, m := range append(unusable(), harmless()...) {
		require.Contains(t, server.Mutations(), m)
	}
}
