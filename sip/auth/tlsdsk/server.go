package tlsdsk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"
)

// Server is the server's side of one handshake and of the security association it leads to. Its exported
// fields are set before the first Step and not changed afterwards. It is not for concurrent use. Who drops it
// before Step is done or has failed calls Close.
type Server struct {
	Certificate tls.Certificate `json:"-"` // of the server: an RSA key and its certificate
	ClientCAs   *x509.CertPool  // the authorities of users' certificates; nil: the system's

	MinVersion, MaxVersion uint16   // 0: TLS 1.0, TLS 1.2
	CipherSuites           []uint16 // nil: the suites with SHA-1 (see package crypto/tls for the values)

	handshake *handshake
}

// Step takes the client's token and returns the next one: for the ClientHello the flight from ServerHello to
// ServerHelloDone, for the client's second flight ChangeCipherSpec and Finished, which still have to be sent
// although the server is done. The context is looked at before each step, none of which waits for anything.
// Errors are an ErrToken, an ErrHandshake (an *AlertError if the client gave up; a
// *tls.CertificateVerificationError in the chain if its certificate is not accepted), or the context's cause; a
// token returned with an error is the alert that tells the client.
func (s *Server) Step(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	if s.handshake == nil {
		config, err := s.config()
		if err != nil {
			return nil, false, err
		}
		s.handshake = newHandshake(tls.Server, config)
	}
	if len(in) == 0 {
		err = fmt.Errorf("%w: it is empty", ErrToken)
		s.handshake.end(err)
		return nil, false, err
	}
	return s.handshake.step(ctx, in)
}

func (s *Server) config() (*tls.Config, error) {
	if _, err := leaf(s.Certificate); err != nil {
		return nil, err
	}
	config, err := newConfig(s.MinVersion, s.MaxVersion, s.CipherSuites)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{s.Certificate}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, s.ClientCAs
	return config, nil
}

// Sign returns the signature of a signature buffer (MS-SIPAE 3.2.5.1). It needs a complete handshake.
func (s *Server) Sign(buffer []byte) ([]byte, error) {
	keys, err := s.handshake.established()
	if err != nil {
		return nil, err
	}
	return keys.sign(keys.server, buffer), nil
}

// Verify checks the client's signature of a signature buffer.
func (s *Server) Verify(buffer, signature []byte) error {
	keys, err := s.handshake.established()
	if err != nil {
		return err
	}
	return keys.verify(keys.client, buffer, signature)
}

// ClientCertificate is the certificate by which the user was proved; nil before Step is done.
func (s *Server) ClientCertificate() *x509.Certificate {
	if certs := s.handshake.state().PeerCertificates; len(certs) > 0 {
		return certs[0]
	}
	return nil
}

// Expiry is when the user's certificate expires, and the security association with it; the zero time before
// Step is done.
func (s *Server) Expiry() time.Time {
	if cert := s.ClientCertificate(); cert != nil {
		return cert.NotAfter
	}
	return time.Time{}
}

// ConnectionState is what the two sides agreed on, once Step is done: version, suite and certificates.
func (s *Server) ConnectionState() tls.ConnectionState { return s.handshake.state() }

// Close ends a handshake that will not be completed. After a complete one it does nothing.
func (s *Server) Close() error {
	if s.handshake != nil {
		s.handshake.end(errEnded)
	}
	return nil
}

// Format keeps the private key out of every print.
func (s Server) Format(f fmt.State, _ rune) { fmt.Fprint(f, "tlsdsk.Server{}") }

// LogValue keeps it out of every log.
func (s Server) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }
