package docs

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
)

func TestTheShimPageNamesEverySetting(t *testing.T) {
	page, err := os.ReadFile("shim.md")
	require.NoError(t, err)
	for field := range reflect.TypeFor[conformance.Settings]().Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key != "-" {
			require.Contains(t, string(page), "\n| `"+key+"` |")
		}
	}
}
