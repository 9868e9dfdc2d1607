package signintest_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/signintest"
)

func TestEveryFailureCanBeAskedFor(t *testing.T) {
	for _, info := range ocserr.Codes() {
		if !info.Code.Signin() || info.Code.Success() || info.Code == ocserr.Cancel {
			continue
		}
		t.Run(info.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := signin.New(signintest.Failing(t, info.Code))
				require.NoError(t, err)
				_, err = client.SignIn(t.Context())
				require.ErrorIs(t, err, info.Code)
			})
		})
	}
}

func TestConfigSignsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := signin.New(signintest.Config(t))
		require.NoError(t, err)
		session, err := client.SignIn(t.Context())
		require.NoError(t, err)
		require.NoError(t, session.SignOut(t.Context()))
	})
}
