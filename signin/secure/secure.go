// Package secure makes the TLS connection to a server, by the policy of the caller, and reports what
// the server showed: version, suite, certificates, and the exact fault where there is one.
//
// The files:
//
//	secure.go  the policy and the handshake
//	read.go    reading record by record, so that a connection at rest holds no large buffer
//	report.go  what is remembered of a handshake
//	fault.go   why a handshake failed, in a cause and in words
//
// What verifies certificates is crypto/tls itself; this package only explains its verdict.
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

// Config is the TLS policy of one connection. TLS 1.2 is the lowest version.
type Config struct {
	// ServerName is the host name or IP literal that the certificate must carry: that of the SRV
	// target, of the host asked for, or of the configured server. A host name is sent as SNI without
	// trailing dot; an IP literal never is (RFC 6066 3). Required.
	ServerName string

	// Roots are the authorities trusted. Nil: the system's.
	Roots *x509.CertPool

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
	h := handshake{name: serverName(cfg.ServerName), roots: cfg.Roots}
	demanded := new(bool) // alone, for the connection keeps it: the server asked for a client certificate
	conn := tls.Client(&frugal{Conn: nc}, &tls.Config{
		ServerName:         h.name,
		RootCAs:            cfg.Roots,
		InsecureSkipVerify: cfg.InsecureSkipVerify,
		KeyLogWriter:       cfg.KeyLog,
		MinVersion:         tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			*demanded = true
			return new(tls.Certificate), nil // none
		},
	})
	err := conn.HandshakeContext(ctx)

	state := conn.ConnectionState()
	h.chain, h.version, h.certificateDemanded = state.PeerCertificates, state.Version, *demanded
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		h.chain = refused.UnverifiedCertificates
	}
	report := newReport(h.name, state, h.chain)

	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			return nil, report, ended(ctx)
		}
		f := h.fault(err)
		report.Cause, report.Fault = f.cause, f.text
		return nil, report, ocserr.New(f.cause, f).At(ocserr.StageSecure)
	}
	chains := state.VerifiedChains
	if cfg.InsecureSkipVerify {
		if chains, err = h.verify(); err != nil {
			f := h.fault(err)
			report.Cause, report.Fault = f.cause, f.text
		}
	}
	if len(chains) > 0 {
		report.Verified, report.Expiry = true, expiry(chains)
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
