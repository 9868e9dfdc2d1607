//go:build peers

package peers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A server of 2007 as ocs signin meets it: OpenSSL with TLS 1.0, RSA key exchange and a SHA-1 chain. It speaks no SIP, but
// sends back each line reversed (-rev), so that only what comes before SIP can succeed.
func startReversing2007(t *testing.T) (address, ca string) {
	t.Helper()
	files := issue(t, "sha1", "1024", true)
	return startSServer(t, files, "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-rev"), files.ca
}

func TestSigninWithLegacyTLSComesToSIP(t *testing.T) {
	address, ca := startReversing2007(t)
	s := startSignin(t, "alice@ocs.test", password, "--server", address, "--ca", ca, "--legacy-tls")
	require.Equal(t, 1, s.wait(t))
	failed := s.first(t, "OnSignin")
	require.Equal(t, "MSGR_E_UNEXPECTED", failed.Code)
	require.Equal(t, "register", failed.Stage)
	tries := s.first(t, "Report").Report.Tries
	require.Len(t, tries, 1)
	require.Equal(t, &tlsReport{Version: "TLS 1.0", Verified: true, Legacy: []string{"TLS 1.0", "RSA key exchange", "SHA-1 signature"}}, tries[0].TLS)
}

func TestSigninWithoutLegacyTLSIsRefused(t *testing.T) {
	address, ca := startReversing2007(t)
	s := startSignin(t, "alice@ocs.test", password, "--server", address, "--ca", ca)
	require.Equal(t, 11, s.wait(t))
	failed := s.first(t, "OnSignin")
	require.Equal(t, "MSGR_E_CONNECT", failed.Code)
	require.Equal(t, "secure", failed.Stage)
	require.Equal(t, "tls-incompatible", s.first(t, "Report").Report.Error.Cause)
}
