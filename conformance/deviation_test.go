package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeviationsAreReadAndChecked(t *testing.T) {
	d, names, err := ReadDeviations(strings.NewReader(`{"tls/*":"old library","reg/basic":"no GRUU","errors":{"E_DENIED":"MSGR_E_INVALID_PASSWORD","wrong":"password-rejected"}}`))
	require.NoError(t, err)
	reason, known := d.Match("tls/ok")
	require.True(t, known)
	require.Equal(t, "old library", reason)
	_, known = d.Match("reg/keepalive")
	require.False(t, known)
	require.NoError(t, d.Check([]Case{{ID: "tls/ok"}, {ID: "reg/basic"}}))
	require.ErrorContains(t, d.Check([]Case{{ID: "tls/ok"}}), "reg/basic")
	require.Equal(t, ErrorNames{"E_DENIED": "MSGR_E_INVALID_PASSWORD", "wrong": "password-rejected"}, names)
}

func TestDeviationsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "EOF",
		`[]`:                                 "not a JSON object",
		`{"tls/*":""}`:                       "no reason",
		`{"tls/*":1}`:                        "tls/*",
		`{"[":"reason"}`:                     "selector",
		`{"tls/*":"old"} {}`:                 "more text",
		`{"tls/*":"old"} x`:                  "more text",
		`{"tls/*":"old"`:                     "EOF",
		`{"tls/*":"old","tls/*":"new"}`:      `"tls/*" is there twice`,
		`{"errors":"none"}`:                  "not a JSON object",
		`{"errors":{"x":"MSGR_E_NOSUCH"}}`:   "neither a code nor a cause: \"ocs codes\" lists the codes, docs/error-map.md the causes",
		`{"errors":{"x":"S_OK","x":"S_OK"}}`: `"x" is there twice`,
	} {
		_, _, err := ReadDeviations(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}
