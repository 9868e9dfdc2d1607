package signin_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// With TLS 1.3 the verdict comes when REGISTER waits for its answer.
func TestAServerThatDemandsAClientCertificateIsNamed(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			profile := server.TLSProfile{MaxVersion: version, ClientCAs: x509.NewCertPool()}
			inWorld(t, server.Config{TLSProfile: profile}, func(t *testing.T, w *world) {
				_, err := w.client().SignIn(t.Context())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, ocserr.CauseTLSClientRefused, failed.Cause, failed.Error())
				require.Equal(t, ocserr.StageSecure, failed.Stage)
				require.ErrorIs(t, err, ocserr.Connect)
				require.ErrorContains(t, err, "it demands a client certificate, and there is none for it")
			})
		})
	}
}
