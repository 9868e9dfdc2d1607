package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelectGoesByPathSegment(t *testing.T) {
	var all []Case
	for _, id := range []string{"reg/basic", "reg/keepalive", "regx/basic", "tls/name-mismatch", "tls/ok"} {
		all = append(all, Case{ID: id})
	}
	for _, c := range []struct {
		selectors string
		want      string // ids, or "error"
	}{
		{"", "reg/basic reg/keepalive regx/basic tls/name-mismatch tls/ok"},
		{"reg", "reg/basic reg/keepalive"},
		{"reg/", "reg/basic reg/keepalive"},
		{"reg/basic", "reg/basic"},
		{"re", "error"},
		{"reg*", "reg/basic reg/keepalive regx/basic"},
		{"*/basic", "reg/basic regx/basic"},
		{"tls/*name*", "tls/name-mismatch"},
		{"tls/na", "error"},
		{"reg/basic/more", "error"},
		{"tls/ok reg/basic", "reg/basic tls/ok"},
		{"tls/ok nonsense", "error"},
		{"[", "error"},
	} {
		selected, err := Select(all, strings.Fields(c.selectors)...)
		if c.want == "error" {
			require.Error(t, err, c.selectors)
			continue
		}
		require.NoError(t, err, c.selectors)
		var ids []string
		for _, s := range selected {
			ids = append(ids, s.ID)
		}
		require.Equal(t, c.want, strings.Join(ids, " "), c.selectors)
	}
}

func TestMissingNamesWhatDidNotRun(t *testing.T) {
	results := []Result{
		{Case: Case{ID: "a/ran"}, Verdict: Fail},
		{Case: Case{ID: "a/skipped"}, Verdict: Skip},
		{Case: Case{ID: "a/lacking"}, Verdict: Unimplemented},
		{Case: Case{ID: "a/known"}, Verdict: Unimplemented, Deviation: "no such thing"},
	}
	require.Equal(t, []string{"a/skipped", "a/lacking", "a/gone"}, Missing([]string{"a/ran", "a/skipped", "a/lacking", "a/known", "a/gone"}, results))
}
