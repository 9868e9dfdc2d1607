//go:build peers

package peers

import (
	"cmp"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// silentServer is an address at which the kernel accepts connections and nobody says anything.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l.Addr().String()
}

// Each of the ten values that OnSignin is documented to carry, by ocs on the real clock, from a program that nobody
// here wrote or from the kernel; with the exit status that is its own.
func TestEachOfTheTenCodes(t *testing.T) {
	registrar := func(status string, headers ...string) string {
		return startSIPp(t, registrarAnswer{status, headers}).address
	}
	k := startKamailio(t, kamailioConfig{})
	overTLS := []string{"--server", k.tls, "--ca", k.ca}
	nsd := startNSD(t)
	for _, test := range []struct {
		code, name, password string // empty: alice@ocs.test, and Kamailio's
		flags                []string
		interrupt            string // after this event
		exit                 int
	}{
		{code: "S_OK", flags: overTLS, exit: 0},
		{code: "MSGR_E_UNEXPECTED", flags: []string{"--server", registrar("500 Server Internal Error")}, exit: 1},
		{code: "MSGR_E_INVALID_SERVER_NAME", name: "alice@empty.test", flags: []string{"--dns", nsd}, exit: 10},
		{code: "MSGR_E_CONNECT", flags: []string{"--server", fmt.Sprintf("127.0.0.1:%d", freePort(t))}, exit: 11},
		{code: "MSGR_E_LOGON_TIMEOUT", flags: []string{"--server", silentServer(t)}, exit: 12},
		{code: "MSGR_E_SERVER_VERSION", flags: []string{"--server", registrar("505 Version Not Supported")}, exit: 13},
		{code: "MSGR_E_INVALID_PASSWORD", password: "wrong-1-word", flags: overTLS, exit: 14},
		{code: "MSGR_E_SERVER_TOO_BUSY", flags: []string{"--server", registrar("503 Service Unavailable", "Retry-After: 30")}, exit: 15},
		{code: "MSGR_E_SERVER_UNAVAILABLE", flags: []string{"--server", registrar("504 Server Time-out")}, exit: 16},
		{
			code: "MSGR_E_CANCEL", flags: []string{"--server", silentServer(t)},
			interrupt: "OnMyStatusChange S_OK MISTATUS_LOCAL_CONNECTING_TO_SERVER", exit: 130,
		},
	} {
		t.Run(test.code, func(t *testing.T) {
			flags := test.flags
			if flags[0] == "--server" && len(flags) == 2 {
				flags = append(flags, "--transport", "tcp")
			}
			s := startSignin(t, cmp.Or(test.name, "alice@ocs.test"), cmp.Or(test.password, password), flags...)
			if test.interrupt != "" {
				s.readTo(t, test.interrupt)
				s.interrupt(t)
			}

			require.Equal(t, test.exit, s.wait(t))
			require.Equal(t, test.code, s.first(t, "OnSignin").Code)
			n := 0
			for _, l := range s.read {
				require.NotEqual(t, "MSGR_E_USER_NOT_FOUND", l.Code)
				if l.Event == "OnSignin" {
					n++
				}
			}
			require.Equal(t, 1, n)
			require.Equal(t, "Report", s.read[len(s.read)-1].Event)
		})
	}
}
