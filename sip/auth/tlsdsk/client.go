package tlsdsk

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ErrNoCertificateRequest says that the server completed the handshake without asking for a certificate, so
// that nobody was proved to it.
var ErrNoCertificateRequest = errors.New("tlsdsk: the server asked for no certificate")

// Client is the client's side of one handshake and of the security association it leads to. Its exported
// fields are set before the first Step and not changed afterwards. It is not for concurrent use. Who drops it
// before Step is done or has failed calls Close.
type Client struct {
	Certificate tls.Certificate `json:"-"` // proves the user: an RSA key and its certificate
	// Roots are the authorities that the server's certificate must come from, for ServerName; nil: the
	// certificate is not judged. That is the practice: clients in the field look neither at chain nor at name
	// nor at date. What a false server could gain is only its own role, since the client's proof is good for
	// this one handshake; that role is denied to it by the TLS connection around SIP.
	Roots      *x509.CertPool
	ServerName string // the challenge's targetname; sent as server_name (RFC 6066) with Roots only

	MinVersion, MaxVersion uint16   // 0: TLS 1.0, TLS 1.2
	CipherSuites           []uint16 // nil: the suites with SHA-1 (see package crypto/tls for the values)

	handshake *handshake
	asked     bool // the server asked for a certificate
}

// Step takes the server's token and returns the next one: with an empty token the ClientHello, then the flight
// from Certificate to Finished, and at last, with done, none at all. The context is looked at before each
// step, none of which waits for anything. Errors are an ErrToken, an ErrHandshake (an *AlertError if the server
// gave up), ErrNoCertificateRequest, or the context's cause; a token returned with an error is the alert that
// tells the server.
func (c *Client) Step(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	switch {
	case c.handshake == nil && len(in) != 0:
		return nil, false, fmt.Errorf("%w: a token before the handshake has begun", ErrToken)
	case c.handshake == nil:
		config, err := c.config()
		if err != nil {
			return nil, false, err
		}
		c.handshake = newHandshake(tls.Client, config)
		c.handshake.accept = func() error {
			if !c.asked {
				return ErrNoCertificateRequest
			}
			return nil
		}
	case len(in) == 0:
		err = fmt.Errorf("%w: it is empty", ErrToken)
		c.handshake.end(err)
		return nil, false, err
	}
	return c.handshake.step(ctx, in)
}

func (c *Client) config() (*tls.Config, error) {
	if _, err := leaf(c.Certificate); err != nil {
		return nil, err
	}
	config, err := newConfig(c.MinVersion, c.MaxVersion, c.CipherSuites)
	if err != nil {
		return nil, err
	}
	if c.Roots == nil {
		config.InsecureSkipVerify = true // see Roots
	} else {
		config.RootCAs, config.ServerName = c.Roots, c.ServerName
	}
	// Not Config.Certificates: those are held back from a server that names other authorities.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked = true
		return &c.Certificate, nil
	}
	return config, nil
}

// Sign returns the signature of a signature buffer (MS-SIPAE 3.2.5.1). It needs a complete handshake.
func (c *Client) Sign(buffer []byte) ([]byte, error) {
	keys, err := c.handshake.established()
	if err != nil {
		return nil, err
	}
	return keys.sign(keys.client, buffer), nil
}

// Verify checks the server's signature of a signature buffer.
func (c *Client) Verify(buffer, signature []byte) error {
	keys, err := c.handshake.established()
	if err != nil {
		return err
	}
	return keys.verify(keys.server, buffer, signature)
}

// Expiry is when the certificate expires, and the security association with it; the zero time if there is no
// certificate.
func (c *Client) Expiry() time.Time {
	cert, err := leaf(c.Certificate)
	if err != nil {
		return time.Time{}
	}
	return cert.NotAfter
}

// ConnectionState is what the two sides agreed on, once Step is done: version, suite and certificates. The
// server's identity was verified if VerifiedChains is not empty.
func (c *Client) ConnectionState() tls.ConnectionState { return c.handshake.state() }

// Close ends a handshake that will not be completed. After a complete one it does nothing.
func (c *Client) Close() error {
	if c.handshake != nil {
		c.handshake.end(errEnded)
	}
	return nil
}

// Format keeps the private key out of every print.
func (c Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "tlsdsk.Client{%s}", c.ServerName) }

// LogValue keeps it out of every log.
func (c Client) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// newConfig is what both sides' configurations have in common.
func newConfig(minVersion, maxVersion uint16, suites []uint16) (*tls.Config, error) {
	if minVersion == 0 {
		minVersion = tls.VersionTLS10
	}
	if maxVersion == 0 {
		maxVersion = tls.VersionTLS12
	}
	if minVersion < tls.VersionTLS10 || maxVersion > tls.VersionTLS12 || minVersion > maxVersion {
		return nil, fmt.Errorf("tlsdsk: versions %s to %s; TLS 1.0 to TLS 1.2 are possible",
			tls.VersionName(minVersion), tls.VersionName(maxVersion))
	}
	if suites == nil {
		suites = defaultSuites()
	}
	for _, suite := range suites {
		if suiteDigest(suite) == nil {
			return nil, fmt.Errorf("tlsdsk: cipher suite %s has no digest to sign with", tls.CipherSuiteName(suite))
		}
	}
	return &tls.Config{
		MinVersion: minVersion, MaxVersion: maxVersion, CipherSuites: suites,
		SessionTicketsDisabled: true, // a resumed session has no CertificateVerify
	}, nil
}

// leaf returns the certificate that a side shows, whose key must be RSA: no server of this protocol has
// another.
func leaf(pair tls.Certificate) (*x509.Certificate, error) {
	if len(pair.Certificate) == 0 || pair.PrivateKey == nil {
		return nil, errors.New("tlsdsk: no certificate")
	}
	cert := pair.Leaf
	if cert == nil {
		var err error
		if cert, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("tlsdsk: certificate: %w", err)
		}
	}
	if _, ok := cert.PublicKey.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("tlsdsk: a certificate with a key of %s; it must be RSA", cert.PublicKeyAlgorithm)
	}
	return cert, nil
}
