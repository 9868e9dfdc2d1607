package presence

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSubscriptionIsRefreshedBeforeItEnds(t *testing.T) {
	for expires, want := range map[string]time.Duration{
		"31000": 30880 * time.Second, "240": 2 * time.Minute, "60": 30 * time.Second, "1": 500 * time.Millisecond, "0": 0, "": 0, "x": 0,
	} {
		require.Equal(t, want, refreshIn(expires), expires)
	}
}
