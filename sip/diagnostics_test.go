package sip

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func response(t testing.TB, headers ...string) *Response {
	return mustParse(t, lines(append([]string{"SIP/2.0 401 Unauthorized"}, headers...)...)).(*Response)
}

func TestDiagnostics(t *testing.T) {
	tests := []struct {
		name, header string
		want         ocserr.Diagnostic
	}{
		{
			"of a rejected password",
			`ms-diagnostics: 1000;reason="Final handshake failed";source="dir.contoso.com";HRESULT="0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"`,
			ocserr.Diagnostic{ID: 1000, Reason: "Final handshake failed", Source: "dir.contoso.com", Params: map[string]string{"HRESULT": "0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"}},
		},
		{"public", `ms-diagnostics-public: 4140;reason="User logged out"`, ocserr.Diagnostic{ID: 4140, Reason: "User logged out", Public: true}},
		{"fault", `ms-diagnostics-fault: 2141;reason="x"`, ocserr.Diagnostic{ID: 2141, Reason: "x"}},
		{
			"capitals, blanks, another order", "MS-Diagnostics:  1003 ; source = \"fe1\" ;\treason = \"User does not exist.\" ",
			ocserr.Diagnostic{ID: 1003, Reason: "User does not exist.", Source: "fe1"},
		},
		{"sub error behind a dot", `ms-diagnostics: 1000.12;reason="x"`, ocserr.Diagnostic{ID: 1000, Sub: 12, Reason: "x"}},
		{"sub error behind a semicolon", `ms-diagnostics: 1000;12;reason="x"`, ocserr.Diagnostic{ID: 1000, Sub: 12, Reason: "x"}},
		{"number alone", `ms-diagnostics: 4005`, ocserr.Diagnostic{ID: 4005}},
		{"reason without a number", `ms-diagnostics: reason="x"`, ocserr.Diagnostic{Reason: "x"}},
		{"reason without quotes", `ms-diagnostics: 504;reason=See response code, please;source=a`, ocserr.Diagnostic{ID: 504, Reason: "See response code, please", Source: "a"}},
		{"separators inside quotes", `ms-diagnostics: 1;reason="a;b, c=d"`, ocserr.Diagnostic{ID: 1, Reason: "a;b, c=d"}},
		{"a fault spoils no other parameter", `ms-diagnostics: 1;="x";reason="y";source="open`, ocserr.Diagnostic{ID: 1, Reason: "y", Source: "open"}},
		{"quotes inside quotes", `ms-diagnostics: 1;reason="a "b" c";source="d"`, ocserr.Diagnostic{ID: 1, Reason: "a ", Source: "d"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, []ocserr.Diagnostic{tt.want}, Diagnostics(response(t, tt.header)))
		})
	}
}

func TestDiagnosticsKeepsSeveralInOrderAndSkipsNonsense(t *testing.T) {
	res := response(t,
		`ms-diagnostics: 1;reason="a"`, `ms-diagnostics:`, `ms-diagnostics: -5`, `ms-diagnostics: 99999999999`,
		`ms-diagnostics-public: 2;reason="b"`, `Warning: 310 x "y"`, `ms-diagnostics: 3;reason="c"`)
	require.Equal(t, []ocserr.Diagnostic{{ID: 1, Reason: "a"}, {ID: 2, Reason: "b", Public: true}, {ID: 3, Reason: "c"}}, Diagnostics(res))
	require.Empty(t, Diagnostics(response(t, "A: b")))
}

func TestWarnings(t *testing.T) {
	res := response(t,
		`Warning: 310 lcs.microsoft.com "You are currently not using the recommended version of the client"`,
		`Warning: 313 lcs.microsoft.com http://update.contoso.com/client`,
		`Warning: 307 isi.edu "a \"b\", c", 301 isi.edu:5060  "d"`,
		`Warning: 399`,
		`Warning: nonsense here "x"`,
		`Warning: 399 agent "open`,
	)
	require.Equal(t, []ocserr.Warning{
		{Code: 310, Agent: "lcs.microsoft.com", Text: "You are currently not using the recommended version of the client"},
		{Code: 313, Agent: "lcs.microsoft.com", Text: "http://update.contoso.com/client"},
		{Code: 307, Agent: "isi.edu", Text: `a "b", c`},
		{Code: 301, Agent: "isi.edu:5060", Text: "d"},
		{Code: 399, Agent: "agent", Text: "open"},
	}, Warnings(res))
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120":                       2 * time.Minute,
		"0":                         0,
		"18000;duration=3600":       5 * time.Hour,
		"120 (I'm in a meeting)":    2 * time.Minute,
		"4294967295":                4294967295 * time.Second,
		"99999999999999999999":      4294967295 * time.Second,
		" 5 ; duration=60 (x;y=10)": 5 * time.Second,
	} {
		got, ok := RetryAfter(response(t, "Retry-After: "+value))
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"", "soon", "-5"} {
		_, ok := RetryAfter(response(t, "Retry-After: "+value))
		require.False(t, ok, value)
	}
	_, ok := RetryAfter(response(t, "A: b"))
	require.False(t, ok)
}

func TestKeepAliveTimeout(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300": 300 * time.Second,
		"UAS;timeout=7":                    7 * time.Second,
		`UAS; Timeout = "60"; hop-hop=yes`: time.Minute,
	} {
		got, ok := KeepAlive(response(t, "Ms-Keep-Alive: "+value))
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"UAC;hop-hop=yes", "timeout", "UAS;timeout=x", ""} {
		_, ok := KeepAlive(response(t, "ms-keep-alive: "+value))
		require.False(t, ok, value)
	}
}

func TestStatusErrorTellsWhatTheResponseSays(t *testing.T) {
	res := mustParse(t, lines("SIP/2.0 503 Service Unavailable",
		`ms-diagnostics: 17000;reason="Server overloaded."`, `Warning: 399 fe1 "busy"`, "Retry-After: 30")).(*Response)
	e := StatusError(res, false)
	require.Equal(t, 503, e.Status)
	require.Equal(t, []ocserr.Diagnostic{{ID: 17000, Reason: "Server overloaded."}}, e.Diagnostics)
	require.Equal(t, []ocserr.Warning{{Code: 399, Agent: "fe1", Text: "busy"}}, e.Warnings)
	require.Equal(t, 30*time.Second, e.RetryAfter)
	require.ErrorIs(t, e, ocserr.ServerTooBusy)

	require.ErrorIs(t, StatusError(response(t, "A: b"), true), ocserr.InvalidPassword)
}
