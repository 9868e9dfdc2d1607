package register

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRefreshComesBeforeTheEnd(t *testing.T) {
	for expires, want := range map[time.Duration]time.Duration{
		2 * time.Hour: 2*time.Hour - 30*time.Second, time.Minute: 30 * time.Second, 31 * time.Second: 15500 * time.Millisecond, 2 * time.Second: time.Second,
	} {
		require.Equal(t, want, Granted{Expires: expires}.RefreshIn(), expires)
	}
}

func TestRefreshIsInTimeForTheSecurityAssociation(t *testing.T) {
	require.Equal(t, time.Minute, Granted{Expires: 2 * time.Hour, renewIn: time.Minute}.RefreshIn())
	require.Equal(t, margin, Granted{Expires: 2 * time.Hour, renewIn: time.Second}.RefreshIn())
}
