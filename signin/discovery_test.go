package signin_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

func TestAutodiscoverIsAskedWhereItIsWanted(t *testing.T) {
	inWorld(t, server.Config{Autodiscover: &server.Autodiscover{}}, func(t *testing.T, w *world) {
		_, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
		require.NotContains(t, s.Report().Tries[0].Why, "autodiscover")

		w.config.Autodiscover = true
		c, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
		require.True(t, strings.HasPrefix(c.Report().Tries[0].Why, "autodiscover "), c.Report().Tries[0].Why)
	})
}

func TestDiscoverIsTheFirstStageAlone(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		plan, err := signin.Discover(t.Context(), w.config, "ocs.test")
		require.NoError(t, err)
		require.Equal(t, "server.ocs.test", plan.Candidates[0].Host)
		_, err = signin.Discover(t.Context(), w.config, "nowhere.ocs.test")
		require.ErrorIs(t, err, ocserr.InvalidServerName)
		require.Empty(t, w.server.Messages(nil))
	})
}
