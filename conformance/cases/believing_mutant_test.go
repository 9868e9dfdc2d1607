package cases

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	gotls "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// verifying is an engine with another way to verify certificates: TLS with the server is its own, and our engine has TLS
// with it, by a certificate that is right in every way.
func verifying(verify func(chain []*x509.Certificate, roots *x509.CertPool, host string) error) conformance.Client {
	return set(func(s *conformance.Settings) {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(s.CA))
		dial := s.Network.Dial
		own, pemOfOwn := ownCertificate()
		s.CA += pemOfOwn
		s.Network.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			there, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			here, between := net.Pipe()
			go relay(between, there, own, func(state gotls.ConnectionState) error {
				return verify(state.PeerCertificates, roots, state.ServerName)
			})
			return here, nil
		}
	})
}

// relay is the one in the middle: it has TLS on both sides.
func relay(client, there net.Conn, own gotls.Certificate, verify func(gotls.ConnectionState) error) {
	defer client.Close()
	defer there.Close()
	var host string
	secured := gotls.Server(client, &gotls.Config{GetConfigForClient: func(hello *gotls.ClientHelloInfo) (*gotls.Config, error) {
		host = hello.ServerName
		return &gotls.Config{Certificates: []gotls.Certificate{own}}, nil
	}})
	if secured.Handshake() != nil {
		return
	}
	outer := gotls.Client(there, &gotls.Config{ServerName: host, InsecureSkipVerify: true, VerifyConnection: verify})
	if outer.Handshake() != nil {
		return
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(outer, secured)
		_ = outer.Close()
	}()
	_, _ = io.Copy(secured, outer)
	_ = secured.Close()
	<-over
}

// ownCertificate is one that our engine trusts, with its authority.
func ownCertificate() (gotls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"server.ocs.test", "sip.ocs.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return gotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// believingMutants believe what they should not.
func believingMutants() []mutant {
	anything := func(chain []*x509.Certificate, _ *x509.CertPool, host string) error {
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: poolOf(chain[len(chain)-1]), DNSName: host})
		return err
	}
	whenever := func(chain []*x509.Certificate, roots *x509.CertPool, host string) error {
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: chain[0].NotBefore.Add(time.Minute)})
		return err
	}
	whoever := func(chain []*x509.Certificate, roots *x509.CertPool, _ string) error {
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots})
		return err
	}
	return []mutant{
		{name: "believes-any-authority", does: "dates and name of a certificate are verified, its authority is not", caught: "tls/untrusted", client: verifying(anything)},
		{name: "believes-any-end", does: "authority and name of a certificate are verified, its end is not", caught: "tls/expired", client: verifying(whenever)},
		{name: "believes-any-beginning", does: "authority and name of a certificate are verified, its beginning is not", caught: "tls/not-yet-valid", client: verifying(whenever)},
		{name: "believes-any-name", does: "authority and dates of a certificate are verified, its name is not", caught: "tls/name-mismatch", client: verifying(whoever)},
		{name: "limit-16s", does: "OnSignin is told a second after the limit", caught: "time/15s-register-silent", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Kind == status.OnSignin && e.HR == ocserr.LogonTimeout {
				time.Sleep(time.Second)
				e.At = time.Now()
			}
			on(e)
		})},
		{name: "late-200-counts", does: "the attempt goes on behind the timeout that was told, and signs in", caught: "time/timeout-then-late-200", client: goingOn},
	}
}

func poolOf(authority *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return pool
}

// goingOn is our engine that tells of a timeout and goes on.
func goingOn(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
	late := false
	report, err := conformance.Engine(ctx, s, func(e conformance.Event) {
		late = late || e.HR == ocserr.LogonTimeout
		tell(e)
	})
	if !late || err != nil {
		return report, err
	}
	_, again := conformance.Engine(ctx, s, func(e conformance.Event) {
		if e.Status.Online() || e.Kind == conformance.Ready {
			tell(e)
		}
	})
	return report, errors.Join(err, again)
}

// Who believes a certificate signs in: such a mutant is caught for that, and not for what else is wrong with it.
func TestWhoBelievesACertificateSignsIn(t *testing.T) {
	for _, m := range believingMutants()[:4] {
		selected, err := conformance.Select(All(), m.caught, "tls/ok")
		require.NoError(t, err)
		for _, c := range selected {
			result := virtual(t, c, conformance.Runner{Client: m.client, Own: true}, time.Hour)
			told, ok := result.Records[0].Signin()
			require.True(t, ok && told.HR.Success(), "%s: %s", m.name, explain(result))
		}
	}
}
