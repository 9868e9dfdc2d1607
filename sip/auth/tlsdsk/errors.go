package tlsdsk

import (
	"errors"
	"fmt"
)

var (
	// ErrToken says that a token is not a flight of TLS records: malformed, cut off, too long, incomplete,
	// or out of turn.
	ErrToken = errors.New("tlsdsk: bad token")
	// ErrHandshake says that the two sides did not come to terms, or that one does not trust the other. An
	// *AlertError in the chain means that the peer said so.
	ErrHandshake = errors.New("tlsdsk: handshake failed")
	// ErrSignature says that a signature does not fit the message.
	ErrSignature = errors.New("tlsdsk: signature is wrong")

	errNotEstablished = errors.New("tlsdsk: the handshake is not complete")
	errEnded          = errors.New("the handshake has ended")
)

// AlertError is an alert in which the peer gave up the handshake (RFC 5246 section 7.2). It is an
// ErrHandshake.
type AlertError struct {
	Description byte // "bad_certificate" is 42
}

// Error names the alert as the RFC does.
func (e *AlertError) Error() string {
	return fmt.Sprintf("tlsdsk: the peer refused the handshake: %s (%d)", e.Name(), e.Description)
}

// Unwrap makes it an ErrHandshake.
func (e *AlertError) Unwrap() error { return ErrHandshake }

// Certificate reports whether the alert is about the certificate that was shown to the peer: another
// certificate may be accepted, the same one will not.
func (e *AlertError) Certificate() bool {
	switch e.Description {
	case 42, 43, 44, 45, 46, 48, 49:
		return true
	}
	return false
}

// Name is the alert's name in RFC 5246 section 7.2 or RFC 6066 section 9.
func (e *AlertError) Name() string {
	switch e.Description {
	case 0:
		return "close_notify"
	case 10:
		return "unexpected_message"
	case 20:
		return "bad_record_mac"
	case 21:
		return "decryption_failed"
	case 22:
		return "record_overflow"
	case 30:
		return "decompression_failure"
	case 40:
		return "handshake_failure"
	case 41:
		return "no_certificate"
	case 42:
		return "bad_certificate"
	case 43:
		return "unsupported_certificate"
	case 44:
		return "certificate_revoked"
	case 45:
		return "certificate_expired"
	case 46:
		return "certificate_unknown"
	case 47:
		return "illegal_parameter"
	case 48:
		return "unknown_ca"
	case 49:
		return "access_denied"
	case 50:
		return "decode_error"
	case 51:
		return "decrypt_error"
	case 60:
		return "export_restriction"
	case 70:
		return "protocol_version"
	case 71:
		return "insufficient_security"
	case 80:
		return "internal_error"
	case 86:
		return "inappropriate_fallback"
	case 90:
		return "user_canceled"
	case 100:
		return "no_renegotiation"
	case 110:
		return "unsupported_extension"
	case 112:
		return "unrecognized_name"
	case 116:
		return "certificate_required"
	}
	return "alert"
}
