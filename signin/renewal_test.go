package signin_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

// tickets are those of the server in memory, by password.
func tickets() *kerberos.Client {
	return &kerberos.Client{
		Config: new(kerberos.Config),
		LookupSRV: func(context.Context, string) ([]*net.SRV, error) {
			return []*net.SRV{{Target: "server.ocs.test.", Port: 88}}, nil
		},
	}
}

// A security association lives 8 hours at most. It is renewed five minutes before, on the same connection, and nobody
// notices.
func TestSessionOutlivesItsSecurityAssociations(t *testing.T) {
	for _, scheme := range []string{auth.TLSDSK, auth.Kerberos, auth.NTLM} {
		t.Run(scheme, func(t *testing.T) {
			inWorld(t, server.Config{Schemes: []string{scheme}}, func(t *testing.T, w *world) {
				w.config.Credentials.User = "alice@ocs.test"
				w.config.Kerberos = tickets()
				c, session := w.signIn()
				events := record(t, c)
				time.Sleep(30 * time.Hour)
				require.Empty(t, events.stop())
				require.NoError(t, session.Err())

				var begun []time.Duration // handshakes: a REGISTER without credentials was challenged
				for _, r := range w.server.Messages(func(r server.Record) bool { return r.Sent && r.Method == "REGISTER" && r.Status == 401 }) {
					if at := r.Time.Sub(w.start).Truncate(time.Minute); !slices.Contains(begun, at) {
						begun = append(begun, at)
					}
				}
				renewal := 8*time.Hour - 5*time.Minute
				require.Equal(t, []time.Duration{0, renewal, 2 * renewal, 3 * renewal}, begun)
				require.NoError(t, session.SignOut(t.Context()))
			})
		})
	}
}
