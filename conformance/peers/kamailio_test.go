//go:build peers

package peers

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// password is alice's in Kamailio's configuration.
const password = "Wonder-1and"

// kamailio is a running Kamailio that serves alice@ocs.test, see kamailio.cfg.
type kamailio struct {
	*process
	tls, tcp string // host:port of its listeners
	ca       string // PEM file of the authority that its certificate comes from
	control  string // its control socket, for kamcmd
}

// kamailioConfig says how Kamailio differs from the ordinary. The zero value means MD5, nonces that may
// be used again with a new count, and a certificate for localhost.
type kamailioConfig struct {
	algorithm    string
	oneTimeNonce bool
	name         string    // in the certificate
	notAfter     time.Time // of the certificate
}

// startKamailio runs Kamailio until the test ends.
func startKamailio(t *testing.T, cfg kamailioConfig) *kamailio {
	t.Helper()
	if cfg.algorithm == "" {
		cfg.algorithm = "MD5"
	}
	if cfg.name == "" {
		cfg.name = "localhost"
	}
	if cfg.notAfter.IsZero() {
		cfg.notAfter = time.Now().Add(24 * time.Hour)
	}
	dir := scratch(t)
	certificate := newCertificate(t, dir, cfg.notAfter, cfg.name)
	tlsPort, tcpPort := freePort(t), freePort(t)
	k := &kamailio{
		tls:     fmt.Sprintf("localhost:%d", tlsPort),
		tcp:     fmt.Sprintf("localhost:%d", tcpPort),
		ca:      certificate.ca,
		control: "unix:" + filepath.Join(dir, "control"),
	}
	config, err := filepath.Abs("kamailio.cfg")
	require.NoError(t, err)
	args := []string{
		"-DD", "-E", "-f", config, "-w", dir, "-Y", dir, // in the foreground, with all its files in dir
		"-m", "16", "-M", "4", // megabytes
		"-A", fmt.Sprintf("LISTEN_TLS=tls:127.0.0.1:%d", tlsPort),
		"-A", fmt.Sprintf("LISTEN_TCP=tcp:127.0.0.1:%d", tcpPort),
		"-A", fmt.Sprintf("CONTROL_SOCKET=%q", k.control),
		"-A", fmt.Sprintf("CERTIFICATE=%q", certificate.certificate),
		"-A", fmt.Sprintf("PRIVATE_KEY=%q", certificate.key),
		"-A", fmt.Sprintf("ALGORITHM=%q", cfg.algorithm),
		"-A", fmt.Sprintf("PASSWORD=%q", password),
	}
	if cfg.oneTimeNonce {
		args = append(args, "-A", "ONE_TIME_NONCE")
	}
	k.process = start(t, dir, "kamailio", args...)
	k.waitListening(t, fmt.Sprintf("127.0.0.1:%d", tlsPort), fmt.Sprintf("127.0.0.1:%d", tcpPort))
	return k
}

var verdict = regexp.MustCompile(`(?m)NOTICE: <script>: peer: (.*)$`)

// verdicts are what Kamailio thought of each request, in order.
func (k *kamailio) verdicts(t *testing.T) []string {
	t.Helper()
	var verdicts []string
	for _, match := range verdict.FindAllStringSubmatch(k.said(t), -1) {
		verdicts = append(verdicts, match[1])
	}
	return verdicts
}

// binding asks Kamailio's location table for alice's contacts.
func (k *kamailio) binding(t *testing.T) string {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), program(t, "kamcmd"),
		"-s", k.control, "ul.lookup", "location", "alice@ocs.test").CombinedOutput() // fails if there are none
	return string(out)
}

// signedIn are the events of a sign-in that is followed by a sign-out.
var signedIn = []string{
	"OnMyStatusChange S_OK MISTATUS_LOCAL_FINDING_SERVER",
	"OnMyStatusChange S_OK MISTATUS_LOCAL_CONNECTING_TO_SERVER",
	"OnSignin S_OK",
	"OnMyStatusChange S_OK MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER",
	online,
	"OnMyStatusChange S_OK MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER",
	"OnSignout",
	"OnMyStatusChange S_OK MISTATUS_OFFLINE",
	"Report",
}

const online = "OnMyStatusChange S_OK MISTATUS_ONLINE"

func TestKamailioRightPasswordIsOnline(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		for _, transport := range []string{"tls", "tcp"} {
			t.Run(algorithm+" over "+transport, func(t *testing.T) {
				k := startKamailio(t, kamailioConfig{algorithm: algorithm})
				flags := []string{"--server", k.tls, "--ca", k.ca}
				if transport == "tcp" {
					flags = []string{"--server", k.tcp, "--transport", "tcp"}
				}
				s := startSignin(t, "alice@ocs.test", password, flags...)

				require.Equal(t, 0, s.wait(t))
				require.Equal(t, signedIn, s.events())
				require.Equal(t, authentication{
					Challenged: true, Scheme: "Digest", PasswordTested: true,
					ServerVerified: true, // by Authentication-Info
				}, s.first(t, "Report").Report.Authentication)
				require.Equal(t, []string{
					"REGISTER challenged",
					"REGISTER accepted", // the sign-in
					"REGISTER accepted", // the sign-out
				}, k.verdicts(t))
			})
		}
	}
}

func TestKamailioHasTheBindingUntilSignOut(t *testing.T) {
	k := startKamailio(t, kamailioConfig{})
	s := startSignin(t, "alice@ocs.test", password, "--server", k.tls, "--ca", k.ca, "--stay")

	s.readTo(t, online)
	bound := k.binding(t)
	require.Contains(t, bound, "AoR: alice@ocs.test")
	require.Contains(t, bound, "Socket: tls:")
	require.Contains(t, bound, "Instance: <urn:uuid:")

	s.interrupt(t)
	require.Equal(t, 0, s.wait(t))
	require.Equal(t, signedIn, s.events())
	require.Contains(t, k.binding(t), "AOR not found")
}

// A server may let each nonce serve once (RFC 7616 3.3): the sign-out is challenged again, with
// stale=true, which asks for a new answer and does not mean that the password is wrong.
func TestKamailioStaleNonceIsAnsweredAnew(t *testing.T) {
	k := startKamailio(t, kamailioConfig{oneTimeNonce: true})
	s := startSignin(t, "alice@ocs.test", password, "--server", k.tls, "--ca", k.ca)

	require.Equal(t, 0, s.wait(t))
	require.Equal(t, signedIn, s.events())
	require.Equal(t, []string{
		"REGISTER challenged",
		"REGISTER accepted",
		"REGISTER challenged: stale nonce",
		"REGISTER accepted",
	}, k.verdicts(t))
	require.Contains(t, k.binding(t), "AOR not found")
}

// A rejected password is sent once and never again, because servers lock accounts.
func TestKamailioRejectedCredentialsAreInvalidPassword(t *testing.T) {
	for _, test := range []struct{ behaviour, name, password, algorithm, rejected string }{
		{"wrong password, MD5", "alice@ocs.test", "wrong-1-word", "MD5", "REGISTER rejected: wrong password"},
		{"wrong password, SHA-256", "alice@ocs.test", "wrong-1-word", "SHA-256", "REGISTER rejected: wrong password"},
		{"unknown user", "bob@ocs.test", password, "MD5", "REGISTER rejected: unknown user bob"},
	} {
		t.Run(test.behaviour, func(t *testing.T) {
			k := startKamailio(t, kamailioConfig{algorithm: test.algorithm})
			s := startSignin(t, test.name, test.password, "--server", k.tls, "--ca", k.ca)

			require.Equal(t, 14, s.wait(t))
			require.Equal(t, "MSGR_E_INVALID_PASSWORD", s.first(t, "OnSignin").Code)
			require.Equal(t, authentication{Challenged: true, Scheme: "Digest", PasswordTested: true},
				s.first(t, "Report").Report.Authentication)
			require.Equal(t, []string{"REGISTER challenged", test.rejected}, k.verdicts(t))
		})
	}
}

func TestKamailioCertificateFaultIsNamed(t *testing.T) {
	for _, test := range []struct {
		cause    string
		trusted  bool
		name     string
		notAfter time.Time
	}{
		{cause: "tls-untrusted"},
		{cause: "tls-wrong-name", trusted: true, name: "kamailio.ocs.test"},
		{cause: "tls-expired", trusted: true, notAfter: time.Now().Add(-time.Hour)},
	} {
		t.Run(test.cause, func(t *testing.T) {
			k := startKamailio(t, kamailioConfig{name: test.name, notAfter: test.notAfter})
			flags := []string{"--server", k.tls}
			if test.trusted {
				flags = append(flags, "--ca", k.ca)
			}
			s := startSignin(t, "alice@ocs.test", password, flags...)

			require.Equal(t, 11, s.wait(t))
			failed := s.first(t, "OnSignin")
			require.Equal(t, "MSGR_E_CONNECT", failed.Code)
			require.Equal(t, "MSGR_E_INVALID_CERTIFICATE", failed.Detail)
			require.Equal(t, "secure", failed.Stage)
			report := s.first(t, "Report").Report
			require.Equal(t, test.cause, report.Error.Cause)
			require.Zero(t, report.Authentication)
			require.Empty(t, k.verdicts(t), "nothing may be sent to a server that is not who it says")
		})
	}
}
