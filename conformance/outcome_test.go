package conformance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// timedOut is the record of an attempt that ends after a time of connecting.
func timedOut(after time.Duration) *Record {
	start := time.Date(2007, 7, 31, 12, 0, 0, 0, time.UTC)
	return &Record{Started: start, Events: []Event{
		{At: start, Kind: status.OnMyStatusChange, Status: status.FindingServer},
		{At: start.Add(time.Second), Kind: status.OnMyStatusChange, Status: status.Connecting},
		{At: start.Add(time.Second + after), Kind: status.OnSignin, HR: ocserr.LogonTimeout, Cause: ocserr.CauseLogonTimeout, Detail: ocserr.SIPTimeout},
		{At: start.Add(time.Second + after), Kind: status.OnMyStatusChange, HR: ocserr.LogonTimeout, Status: status.Offline},
	}}
}

func TestOutcomeComparesTime(t *testing.T) {
	limit := Outcome{Code: ocserr.LogonTimeout, After: 15 * time.Second}
	for _, c := range []struct {
		after time.Duration
		exact bool
		fits  bool
	}{
		{15 * time.Second, true, true},
		{15*time.Second + 1, true, false},
		{15*time.Second - 1, true, false},
		{15*time.Second + 200*time.Millisecond, false, true},
		{14 * time.Second, false, false},
		{17 * time.Second, false, false},
	} {
		require.Equalf(t, c.fits, limit.misfit(timedOut(c.after), c.exact) == "", "%s, exact %v", c.after, c.exact)
	}
}

func TestOutcomeComparesWhatTheClientTells(t *testing.T) {
	r := timedOut(time.Second)
	require.Empty(t, Outcome{Code: ocserr.LogonTimeout, Cause: ocserr.CauseLogonTimeout, Detail: ocserr.SIPTimeout}.misfit(r, false))
	require.NotEmpty(t, Outcome{Code: ocserr.Connect}.misfit(r, false))
	require.NotEmpty(t, Outcome{Code: ocserr.LogonTimeout, Cause: ocserr.CauseProxySilent}.misfit(r, false))
	require.NotEmpty(t, Outcome{Code: ocserr.LogonTimeout, Detail: ocserr.TLSFail}.misfit(r, false))
	for i := range r.Events { // a client that tells codes alone
		r.Events[i].Cause, r.Events[i].Detail = "", 0
	}
	require.Empty(t, Outcome{Code: ocserr.LogonTimeout, Cause: ocserr.CauseProxySilent, Detail: ocserr.TLSFail}.misfit(r, false))
}

func TestOptionalEventsMayBeMissing(t *testing.T) {
	require.True(t, fits([]string{"a", "?b", "c"}, []string{"a", "b", "c"}))
	require.True(t, fits([]string{"a", "?b", "c"}, []string{"a", "c"}))
	require.False(t, fits([]string{"a", "?b", "c"}, []string{"a", "b"}))
	require.False(t, fits([]string{"a"}, []string{"a", "b"}))
}

func TestEventsAreReadAsTheyAreWritten(t *testing.T) {
	for _, e := range timedOut(time.Second).Events {
		e.Text, e.Stage = "text", ocserr.StageDial
		line := mustJSON(t, e.line(e.At))
		read, err := parseEvent(line, nil)
		require.NoError(t, err)
		e.At = time.Time{}
		require.Equal(t, e, read)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"event":"onSignin"}`, `{"event":"onMyStatusChange","hr":0}`, `{"event":"onSignin","hr":0,"detail":"NONSENSE"}`} {
		_, err := parseEvent([]byte(bad), nil)
		require.Error(t, err, bad)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"event":"onMyStatusChange","hr":0,"status":256}`))
	f.Add([]byte(`{"event":"onSignin","hr":-2130705663,"detail":"MSGR_E_TLS_FAIL","cause":"tls-expired"}`))
	f.Add([]byte(`{"event":"ready"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseEvent(line, nil)
		if err != nil {
			return
		}
		again, err := parseEvent(mustJSON(t, e.line(e.At)), nil)
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
