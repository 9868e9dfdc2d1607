package signin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

func TestNewRefusesWordsThatItDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*signin.Config)
		text string
	}{
		"policy":       {func(c *signin.Config) { c.Policy = "Communicator" }, `policy "Communicator" is unknown: use resilient or communicator`},
		"naming":       {func(c *signin.Config) { c.Naming = "Strict" }, `naming "Strict" is unknown: use domain or strict`},
		"transport":    {func(c *signin.Config) { c.Transport = "udp" }, `transport "udp" is unknown: use tls or tcp`},
		"server check": {func(c *signin.Config) { c.ServerCheck = "on" }, `server check "on" is unknown: use strict or off`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := signin.Config{SignInName: "alice@contoso.com"}
			test.set(&cfg)
			_, err := signin.New(cfg)
			var invalid *ocserr.Error
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, ocserr.CauseInvalidConfig, invalid.Cause)
			require.ErrorContains(t, err, test.text)
		})
	}
}
