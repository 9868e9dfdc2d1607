package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestCodesListsThoseOfOnSigninFirst(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "codes", "--output", "json")

	require.Zero(t, r.status)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, lines, len(ocserr.Codes()))
	for i, text := range lines {
		var line jsonCode
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		require.Equal(t, "ocs/1", line.Schema)
		require.Equal(t, i < 10, line.Signin, line.Code)
	}
}

func TestCodesAsTextHasEveryCode(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "codes")

	require.Zero(t, r.status)
	for _, info := range ocserr.Codes() {
		require.Contains(t, r.stdout, info.Name+" ")
		require.Contains(t, r.stdout, info.Code.Hex())
	}
}

func TestCodesFindsOneByNameHexOrDecimal(t *testing.T) {
	t.Parallel()
	want := invocation{}.run(t, "codes", "MSGR_E_LOGON_TIMEOUT")
	require.Zero(t, want.status)
	require.True(t, strings.HasPrefix(want.stdout, "MSGR_E_LOGON_TIMEOUT  0x81000306  -2130705658\n"), want.stdout)
	require.Contains(t, want.stdout, "exits with 12")
	for _, spelling := range []string{"logon_timeout", "0x81000306", "-2130705658", "2164261638"} {
		require.Equal(t, want, invocation{}.run(t, "codes", spelling), spelling)
	}
}

func TestCodesTellsCausesAndRemediesAlsoOfADetail(t *testing.T) {
	t.Parallel()
	for _, row := range ocserr.Table() {
		for _, code := range []ocserr.Code{row.Code, row.Detail} {
			if code == 0 {
				continue
			}
			info, err := findCode(code.Name())
			require.NoError(t, err)
			var text strings.Builder
			explainCode(&text, info)
			require.Contains(t, text.String(), row.Meaning)
			require.Contains(t, text.String(), row.Remedy)
		}
	}
}

func TestCodesAsJSONHasCauses(t *testing.T) {
	t.Parallel()
	r := invocation{}.run(t, "codes", "MSGR_E_INVALID_CERTIFICATE", "--output", "json")

	var line jsonCode
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &line))
	require.False(t, line.Signin)
	require.NotEmpty(t, line.Causes)
	require.Equal(t, jsonCause{
		Cause: "tls-untrusted", Stage: "secure", Side: "client", Code: "MSGR_E_CONNECT", Detail: "MSGR_E_INVALID_CERTIFICATE",
		Meaning: line.Causes[0].Meaning, Remedy: line.Causes[0].Remedy,
	}, line.Causes[0])
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"S_OK", "MSGR_E_CONNECT", "MSGR_E_CONNECT_PROXY", "MSGR_E_INVALID_PASSWORD", "MSGR_E_LOGON_TIMEOUT"}
	for _, test := range []struct {
		text string
		want []string
	}{
		{"MSGR_E_CONECT", []string{"MSGR_E_CONNECT", "MSGR_E_CONNECT_PROXY"}},
		{"pasword", []string{"MSGR_E_INVALID_PASSWORD"}},
		{"invalid-pass", []string{"MSGR_E_INVALID_PASSWORD"}},
		{"logon timeot", []string{"MSGR_E_LOGON_TIMEOUT"}},
		{"elephant", nil},
		{"MSGR_E_", nil},
		{"", nil},
	} {
		require.Equal(t, test.want, nearest(test.text, names), test.text)
	}
}
