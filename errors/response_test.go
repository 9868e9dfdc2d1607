package ocserr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func diag(ids ...int) (ds []ocserr.Diagnostic) {
	for _, id := range ids {
		ds = append(ds, ocserr.Diagnostic{ID: id})
	}
	return ds
}

func warn(code int) []ocserr.Warning {
	return []ocserr.Warning{{Code: code, Agent: "lcs.microsoft.com", Text: "x"}}
}

func TestFromResponse(t *testing.T) {
	type R = ocserr.Response
	for _, c := range []struct {
		r    R
		code ocserr.Code
		want ocserr.Cause
	}{
		// Authentication.
		{R{Status: 401, Authenticated: true}, ocserr.InvalidPassword, "password-rejected"},
		{R{Status: 407, Authenticated: true}, ocserr.InvalidPassword, "password-rejected"},
		{R{Status: 401, Diagnostics: diag(1000)}, ocserr.InvalidPassword, "password-rejected"},
		{R{Status: 401, Diagnostics: diag(1013), Authenticated: true}, ocserr.Unexpected, "clock-skew"},
		{R{Status: 401}, ocserr.Unexpected, "challenge-unanswered"},
		// The user.
		{R{Status: 404}, ocserr.InvalidPassword, "user-unknown"},
		{R{Status: 404, Diagnostics: diag(1003)}, ocserr.InvalidPassword, "user-unknown"},
		{R{Status: 404, Diagnostics: diag(4005)}, ocserr.InvalidPassword, "user-unknown"},
		{R{Status: 404, Diagnostics: diag(4006)}, ocserr.InvalidPassword, "user-unknown"},
		{R{Status: 480, Diagnostics: diag(4006)}, ocserr.InvalidPassword, "user-unknown"},
		{R{Status: 404, Diagnostics: diag(1005)}, ocserr.InvalidPassword, "domain-unknown"},
		{R{Status: 403, Diagnostics: diag(4004)}, ocserr.InvalidPassword, "identity-refused"},
		{R{Status: 403, Diagnostics: diag(4003)}, ocserr.Unexpected, "remote-access-refused"},
		{R{Status: 403, Diagnostics: diag(1012)}, ocserr.Unexpected, "external-refused"},
		{R{Status: 403, Diagnostics: diag(4141)}, ocserr.Unexpected, "user-disabled"},
		{R{Status: 403}, ocserr.Unexpected, "forbidden"},
		{R{Status: 403, Diagnostics: diag(1011, 4004)}, ocserr.InvalidPassword, "identity-refused"},
		// Versions.
		{R{Status: 403, Diagnostics: diag(17002)}, ocserr.ServerVersion, "client-version-refused"},
		{R{Status: 403, Warnings: warn(310)}, ocserr.ServerVersion, "client-version-refused"},
		{R{Status: 403, Diagnostics: diag(17003)}, ocserr.ServerVersion, "client-upgrade-needed"},
		{R{Status: 403, Warnings: warn(312)}, ocserr.ServerVersion, "client-upgrade-needed"},
		{R{Status: 403, Warnings: warn(313)}, ocserr.ServerVersion, "client-upgrade-needed"},
		{R{Status: 403, Warnings: warn(314)}, ocserr.ServerVersion, "client-upgrade-needed"},
		{R{Status: 403, Warnings: warn(399)}, ocserr.Unexpected, "forbidden"},
		{R{Status: 505}, ocserr.ServerVersion, "sip-version-unsupported"},
		// Load and availability.
		{R{Status: 503, HasRetryAfter: true}, ocserr.ServerTooBusy, "server-too-busy"},
		{R{Status: 503, Diagnostics: diag(17000)}, ocserr.ServerTooBusy, "server-too-busy"},
		{R{Status: 486, HasRetryAfter: true}, ocserr.ServerTooBusy, "server-too-busy"},
		{R{Status: 600, HasRetryAfter: true}, ocserr.ServerTooBusy, "server-too-busy"},
		{R{Status: 486}, ocserr.ServerUnavailable, "server-busy"},
		{R{Status: 600}, ocserr.ServerUnavailable, "server-busy"},
		{R{Status: 503}, ocserr.ServerUnavailable, "service-unavailable"},
		{R{Status: 503, Diagnostics: diag(5000)}, ocserr.ServerUnavailable, "service-unavailable"},
		{R{Status: 480}, ocserr.ServerUnavailable, "temporarily-unavailable"},
		{R{Status: 480, HasRetryAfter: true}, ocserr.ServerUnavailable, "temporarily-unavailable"},
		{R{Status: 480, Diagnostics: diag(1007)}, ocserr.ServerUnavailable, "routing-failed"},
		{R{Status: 504, Diagnostics: diag(1008)}, ocserr.ServerUnavailable, "routing-failed"},
		{R{Status: 504}, ocserr.ServerUnavailable, "server-timeout"},
		{R{Status: 408}, ocserr.ServerUnavailable, "request-timeout"},
		// Everything else.
		{R{Status: 400}, ocserr.Unexpected, "bad-request"},
		{R{Status: 400, Diagnostics: diag(4010)}, ocserr.Unexpected, "endpoint-refused"},
		{R{Status: 415}, ocserr.Unexpected, "unsupported-media-type"},
		{R{Status: 420}, ocserr.Unexpected, "bad-extension"},
		{R{Status: 421, Diagnostics: diag(2057)}, ocserr.Unexpected, "extension-required"},
		{R{Status: 423}, ocserr.Unexpected, "interval-too-brief"},
		{R{Status: 488}, ocserr.Unexpected, "not-acceptable"},
		{R{Status: 606}, ocserr.Unexpected, "not-acceptable"},
		{R{Status: 489}, ocserr.Unexpected, "bad-event"},
		{R{Status: 500}, ocserr.Unexpected, "server-internal-error"},
		{R{Status: 603}, ocserr.Unexpected, "declined"},
		{R{Status: 302}, ocserr.Unexpected, "redirect-invalid"},
		{R{Status: 418}, ocserr.Unexpected, "unexpected-status"},
		{R{Status: 502}, ocserr.Unexpected, "unexpected-status"},
		{R{Status: 699}, ocserr.Unexpected, "unexpected-status"},
		{R{Status: 0}, ocserr.Unexpected, "unexpected-status"},
		{R{Status: 200}, ocserr.Unexpected, "unexpected-status"},
	} {
		e := ocserr.FromResponse(c.r)
		require.Equal(t, c.want, e.Cause, "%+v", c.r)
		require.Equal(t, c.code, e.Code, "%+v", c.r)
		require.Equal(t, ocserr.StageRegister, e.Stage)
		require.Equal(t, c.r.Status, e.Status)
	}
}

func TestFromResponseOfEveryStatusIsAFailureWithARow(t *testing.T) {
	for status := range 1000 {
		e := ocserr.FromResponse(ocserr.Response{Status: status})
		require.True(t, e.Code.Signin() && !e.Code.Success(), status)
		_, ok := ocserr.Lookup(e.Cause, e.Stage)
		require.True(t, ok, status)
	}
}

func TestFromResponseKeepsWhatTheServerSaid(t *testing.T) {
	r := ocserr.Response{
		Status: 403, Reason: "Forbidden", Diagnostics: diag(17003), Warnings: warn(312), RetryAfter: time.Minute, HasRetryAfter: true,
	}
	e := ocserr.FromResponse(r)
	require.Equal(t, r.Diagnostics, e.Diagnostics)
	require.Equal(t, r.Warnings, e.Warnings)
	require.Equal(t, time.Minute, e.RetryAfter)
	require.EqualError(t, e.Err, "SIP status 403 Forbidden")
}

func TestRetryAfterMakesNoRejectedPasswordRetryable(t *testing.T) {
	require.False(t, ocserr.FromResponse(ocserr.Response{Status: 404, HasRetryAfter: true}).Retry)
	require.False(t, ocserr.FromResponse(ocserr.Response{Status: 401, Authenticated: true, HasRetryAfter: true}).Retry)
	require.False(t, ocserr.FromResponse(ocserr.Response{Status: 603}).Retry)
	require.True(t, ocserr.FromResponse(ocserr.Response{Status: 603, HasRetryAfter: true}).Retry)
}
