package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/sip/auth"
)

// startSchemes runs a test server that offers schemes, with all that they need, and makes its KDC that of the system.
func startSchemes(t *testing.T, schemes ...string) *server.Server {
	srv := startServer(t, func(cfg *server.Config) {
		cfg.Schemes, cfg.ListenWeb, cfg.ListenKDC = schemes, "127.0.0.1:0", "127.0.0.1:0"
	})
	t.Setenv("KRB5_CONFIG", writeFile(t, "krb5.conf", fmt.Appendf(nil,
		"[libdefaults]\ndefault_realm = OCS.TEST\n[realms]\nOCS.TEST = {\n kdc = %s\n}\n", srv.KDCAddr())))
	return srv
}

func TestSigninWithEachScheme(t *testing.T) {
	for _, test := range []struct {
		offered []string
		flags   []string
		scheme  string
	}{
		{[]string{auth.NTLM}, nil, "NTLM, SIPAE version 4"},
		{[]string{auth.Digest}, nil, "Digest"},
		{[]string{auth.TLSDSK}, nil, "TLS-DSK, SIPAE version 4"},
		{[]string{auth.Kerberos}, []string{"--auth", "kerberos"}, "Kerberos, SIPAE version 4"},
		{auth.Schemes(), nil, "TLS-DSK, SIPAE version 4"},
		{auth.Schemes(), []string{"--auth", "kerberos"}, "Kerberos, SIPAE version 4"},
		{auth.Schemes(), []string{"--auth", "ntlm"}, "NTLM, SIPAE version 4"},
		{auth.Schemes(), []string{"--auth", "digest"}, "Digest"},
	} {
		t.Run(fmt.Sprint(test.offered, test.flags), func(t *testing.T) {
			srv := startSchemes(t, test.offered...)
			r := invocation{env: password("wonderland")}.run(t, append([]string{
				"signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv),
			}, test.flags...)...)

			require.Zero(t, r.status, r.stdout+r.stderr)
			require.Contains(t, r.stdout, "; "+test.scheme+", password tested, server signature verified\n")
		})
	}
}

func TestCertificateForTLSDSKIsUsedAgain(t *testing.T) {
	srv := startSchemes(t, auth.TLSDSK)
	folder := filepath.Join(t.TempDir(), "certificates")
	args := []string{"signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv), "--cert-cache", folder}
	for _, test := range [][2]string{
		{"wonderland", "TLS-DSK, SIPAE version 4, password tested"},
		{"not needed any more", "TLS-DSK, SIPAE version 4, password NOT tested"},
	} {
		r := invocation{env: password(test[0])}.run(t, args...)
		require.Zero(t, r.status, r.stdout+r.stderr)
		require.Contains(t, r.stdout, test[1])
	}
}

func TestKerberosWithoutATicketSaysWhatToDo(t *testing.T) {
	srv := startSchemes(t, auth.Kerberos)
	t.Setenv("KRB5CCNAME", filepath.Join(t.TempDir(), "none"))
	r := invocation{}.run(t, "signin", "alice@ocs.test", "--dns", srv.DNSAddr(), "--ca", authorityOf(t, srv), "--auth", "kerberos")

	require.Equal(t, 1, r.status)
	require.Contains(t, r.stderr, "Run kinit")
	require.Contains(t, r.stderr, "password   was not tested")
}
