//go:build peers

package peers

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startServe starts `ocs serve` with flags and returns where its TLS port and its authority's file are.
func startServe(t *testing.T, flags ...string) (tls, ca string) {
	t.Helper()
	dir := scratch(t)
	ready := filepath.Join(dir, "ready.json")
	start(t, dir, ocsProgram, append([]string{
		"serve", "--listen-tls", "127.0.0.1:0", "--listen-management", "off",
		"--ca-out", filepath.Join(dir, "ca.pem"), "--ready-file", ready,
	}, flags...)...)
	var listens struct{ TLS, CA string }
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &listens) == nil
	}, patience, 20*time.Millisecond)
	return listens.TLS, listens.CA
}

// The whole of it, and no password tested, for none was there: a ticket that MIT's kinit got from MIT's KDC, no password, and a server that holds the key.
func TestKerberosSignInWithATicketOfKinit(t *testing.T) {
	k := startKrb5(t)
	run(t, krb5Password+"\n", "kinit", "alice")
	server, ca := startServe(t, "--auth", "kerberos", "--keytab", filepath.Join(k.dir, "keytab"))

	s := startSignin(t, "alice@ocs.test", "", "--server", server, "--ca", ca, "--auth", "kerberos", "--ccache", filepath.Join(k.dir, "ccache"))
	require.Equal(t, 0, s.wait(t))
	require.Equal(t, authentication{Challenged: true, Scheme: "Kerberos", ServerVerified: true},
		s.first(t, "Report").Report.Authentication)
}

// A KDC that says nothing uses up the 15 seconds of connecting, on the real clock, and no more.
func TestASilentKDCEndsInLogonTimeout(t *testing.T) {
	k := startKrb5(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	conf := filepath.Join(k.dir, "silent.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, krb5Conf, silent.Addr()), 0o600))
	server, ca := startServe(t, "--auth", "kerberos", "--keytab", filepath.Join(k.dir, "keytab"))
	t.Setenv("KRB5_CONFIG", conf)

	s := startSignin(t, "alice@ocs.test", krb5Password, "--server", server, "--ca", ca, "--auth", "kerberos")
	require.Equal(t, 12, s.wait(t))
	ended := s.first(t, "OnSignin")
	require.Equal(t, "MSGR_E_LOGON_TIMEOUT", ended.Code)
	require.Less(t, ended.T, 15500.0)
	require.GreaterOrEqual(t, ended.T, 15000.0)
	require.Contains(t, s.first(t, "Report").Report.Error.Message, silent.Addr().String(), "the report names the KDC")
}
