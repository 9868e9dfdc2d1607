package server

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePageOfTheServerNamesEveryFault(t *testing.T) {
	raw, err := os.ReadFile("../../docs/server.md")
	require.NoError(t, err)
	page := string(raw)
	for _, stage := range faultStages() {
		require.Contains(t, page, "`"+string(stage.stage)+"`")
		for _, match := range stage.matches {
			require.Contains(t, page, "`"+match+"`", stage.stage)
		}
	}
	for _, action := range faultActions() {
		require.Contains(t, page, "`"+string(action.action)+"`")
		if action.action == ActionMutate { // too many
			continue
		}
		for _, how := range action.hows {
			require.Contains(t, page, "`"+how+"`", action.action)
		}
	}
}

func TestThePageOfTheServerNamesEveryKindOfRecord(t *testing.T) {
	page, err := os.ReadFile("../../docs/server.md")
	require.NoError(t, err)
	for _, kind := range historyKinds() {
		require.Contains(t, string(page), "`"+string(kind)+"`")
	}
}
