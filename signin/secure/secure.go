// Package secure makes the TLS connection to a server, by the policy of the caller, and reports what
// the server showed: version, suite, certificates, and the exact fault where there is one.
//
// The files:
//
//	secure.go  the policy and the handshake
//	read.go    reading record by record, so that a connection at rest holds no large buffer
//	report.go  what is remembered of a handshake
//	fault.go   why a handshake failed, in a cause and in words
//	late.go    the verdict on the client's certificate that comes after the handshake
//	legacy.go  what servers of 2007 need, where Config.Legacy allows it
//
// What verifies certificates is crypto/tls itself; this package only explains its verdict. With
// Config.Legacy it proves signatures itself, and leaves everything else to crypto/x509.
package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Config is the TLS policy of one connection. TLS 1.2 is the lowest version, unless Legacy is set.
type Config struct {
	// ServerName is the host name or IP literal that the certificate must carry: that of the SRV
	// target, of the host asked for, or of the configured server. A host name is sent as SNI without
	// trailing dot; an IP literal never is (RFC 6066 3). Required.
	ServerName string

	// Roots are the authorities trusted. Nil: the system's.
	Roots *x509.CertPool

	// Legacy allows what servers of 2007 need, where a server has nothing better: TLS 1.0 and 1.1, RSA key
	// exchange, 3DES and RC4, chains signed with SHA-1, and certificates with the name in the common name only.
	// Report.Legacy tells what of it was used. None of it resists a determined attacker.
	Legacy bool

	// Authorities are certificates that belong to Roots, once more, for a pool does not give out what it holds:
	// without its issuer's certificate a signature with SHA-1 cannot be proved, and few servers send their root.
	// They are not trusted unless they are in Roots. Used with Legacy only.
	Authorities []*x509.Certificate

	// Certificate is what a server is shown that asks for a client certificate. Nil: none.
	Certificate *tls.Certificate

	// InsecureSkipVerify completes the handshake whatever the certificates are. The report still tells
	// their fault.
	InsecureSkipVerify bool

	// KeyLog receives the session's secrets in NSS key log format, with which anybody can read the
	// recorded connection. Nil: no log.
	KeyLog io.Writer
}

// Handshake makes a TLS connection over nc. It returns a report after failure too, with as much as the
// server had shown by then; nc is closed then. nc must hold what is written to it as TCP does: over a
// net.Pipe, a client that refuses a certificate and a server that is still writing wait for each other.
//
// The error is an *ocserr.Error. The certificate: "tls-expired", "tls-not-yet-valid",
// "tls-wrong-name", "tls-no-san", "tls-sha1", "tls-untrusted", "tls-bad-certificate". The handshake:
// "tls-not-tls", "tls-incompatible", "tls-client-certificate-refused", "tls-handshake-failed",
// "connection-reset", "connection-closed". Once ctx is done, Handshake returns at once with
// "cancelled", or "logon-timeout" if a deadline ended ctx, wrapping the context's cause.
func Handshake(ctx context.Context, nc net.Conn, cfg Config) (*tls.Conn, *Report, error) {
	h := &handshake{
		name: serverName(cfg.ServerName), roots: cfg.Roots,
		legacy: cfg.Legacy, authorities: cfg.Authorities,
	}
	demanded, certificate := new(bool), cfg.Certificate // alone, for the connection keeps them
	config := &tls.Config{
		ServerName:         h.name,
		RootCAs:            cfg.Roots,
		InsecureSkipVerify: cfg.InsecureSkipVerify,
		KeyLogWriter:       cfg.KeyLog,
		MinVersion:         tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			*demanded = true
			if certificate == nil {
				return new(tls.Certificate), nil // none
			}
			return certificate, nil
		},
	}
	var chains [][]*x509.Certificate
	var used []string
	if cfg.Legacy {
		config.MinVersion, config.CipherSuites = tls.VersionTLS10, legacySuites()
		config.InsecureSkipVerify = true // crypto/tls would not accept what h.verify does
		config.VerifyConnection = func(state tls.ConnectionState) (err error) {
			if h.chain = state.PeerCertificates; cfg.InsecureSkipVerify {
				return nil
			}
			if chains, used, err = h.verify(); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: h.chain, Err: err}
			}
			return nil
		}
	}
	conn := tls.Client(&frugal{Conn: nc}, config)
	err := conn.HandshakeContext(ctx)

	state := conn.ConnectionState()
	h.chain, h.version = state.PeerCertificates, state.Version
	h.client = clientCertificate{demanded: *demanded, given: certificate != nil, late: state.Version == tls.VersionTLS13}
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		h.chain = refused.UnverifiedCertificates
	}
	report := newReport(h.name, state, h.chain)
	report.client = h.client

	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			return nil, report, ended(ctx)
		}
		f := h.fault(err)
		report.Cause, report.Fault = f.cause, f.text
		return nil, report, f.coded()
	}
	switch {
	case cfg.InsecureSkipVerify:
		if chains, used, err = h.verify(); err != nil {
			f := h.fault(err)
			report.Cause, report.Fault = f.cause, f.text
		}
	case !cfg.Legacy:
		chains = state.VerifiedChains
	}
	if len(chains) > 0 {
		report.Verified, report.Expiry = true, expiry(chains)
	}
	if cfg.Legacy {
		report.Legacy = append(legacyOf(state.Version, state.CipherSuite), used...)
	}
	return conn, report, nil
}

// serverName returns a name as certificates carry it: without trailing dot, without IPv6 zone.
func serverName(name string) string {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.WithZone("").String()
	}
	return strings.TrimSuffix(name, ".")
}

// ended is the error of a handshake that the end of ctx cut short.
func ended(ctx context.Context) error {
	cause := ocserr.CauseCancelled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		cause = ocserr.CauseLogonTimeout
	}
	return ocserr.New(cause, context.Cause(ctx)).At(ocserr.StageSecure)
}
