package kerberos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// Kind says what went wrong, as far as a remedy depends on it.
type Kind string

// The kinds of failure.
const (
	KindConfig           Kind = "config"            // krb5.conf, keytab, user name or target cannot be used as given
	KindKDCUnreachable   Kind = "kdc-unreachable"   // no KDC was found, or none could be reached
	KindKDCSilent        Kind = "kdc-silent"        // the context ended before a KDC had answered
	KindNoTicket         Kind = "no-ticket"         // the credential cache is missing, unreadable, or holds no usable ticket
	KindTicketExpired    Kind = "ticket-expired"    // the ticket has expired
	KindUserUnknown      Kind = "user-unknown"      // the realm does not know the client principal
	KindServerUnknown    Kind = "server-unknown"    // the realm does not know the server principal; server role: the keytab has no key for it
	KindPasswordRejected Kind = "password-rejected" // the password, or the keytab's key, is wrong
	KindPasswordExpired  Kind = "password-expired"  // the password must be changed first
	KindAccountDisabled  Kind = "account-disabled"  // the account is disabled, locked out, or has expired
	KindClockSkew        Kind = "clock-skew"        // the clocks differ too much
	KindNoCommonEnctype  Kind = "no-common-enctype" // no encryption type that both sides accept
	KindReplay           Kind = "replay"            // server role: the token was seen before
	KindFailed           Kind = "failed"            // anything else: Err says what
)

// Error is a failure of Kerberos. It holds no secret.
type Error struct {
	Kind  Kind
	Code  int32         // of the KRB-ERROR message received (RFC 4120 7.5.9); 0: there was none
	About string        // the principal, file or realm in question; may be empty
	KDCs  []string      // whom was asked: "tcp 192.0.2.1:88"
	Skew  time.Duration // with KindClockSkew: how far the other clock is ahead of this one; 0: not told
	Err   error         // the cause: of a silent KDC the context's; may be nil

	realm string // with KDC_ERR_WRONG_REALM: the realm to ask instead
}

// Error says it in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("kerberos: " + meanings[e.Kind])
	if e.About != "" {
		b.WriteString(": " + e.About)
	}
	if e.Code != 0 {
		b.WriteString(": " + errorcode.Lookup(e.Code))
	}
	if e.Skew > 0 {
		fmt.Fprintf(&b, "; the other clock is %v ahead", e.Skew.Round(time.Second))
	} else if e.Skew < 0 {
		fmt.Fprintf(&b, "; the other clock is %v behind", -e.Skew.Round(time.Second))
	}
	if len(e.KDCs) > 0 {
		b.WriteString("; asked " + strings.Join(e.KDCs, ", "))
	}
	if e.Err != nil {
		b.WriteString(": " + strings.ReplaceAll(e.Err.Error(), "\n", "; "))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var meanings = map[Kind]string{
	KindConfig:           "cannot be used as configured",
	KindKDCUnreachable:   "no KDC found or reached",
	KindKDCSilent:        "the KDC does not answer",
	KindNoTicket:         "no ticket",
	KindTicketExpired:    "the ticket has expired",
	KindUserUnknown:      "the realm does not know the user",
	KindServerUnknown:    "the server's principal is not known",
	KindPasswordRejected: "the password is wrong",
	KindPasswordExpired:  "the password must be changed",
	KindAccountDisabled:  "the account is disabled, locked out or expired",
	KindClockSkew:        "the clocks differ too much",
	KindNoCommonEnctype:  "no common encryption type",
	KindReplay:           "the token was seen before",
	KindFailed:           "failed",
}

// kinds gives the codes of KRB-ERROR that mean the same in every exchange their kind.
var kinds = map[int32]Kind{
	errorcode.KDC_ERR_NAME_EXP:            KindAccountDisabled,
	errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN: KindUserUnknown,
	errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN: KindServerUnknown,
	errorcode.KDC_ERR_ETYPE_NOSUPP:        KindNoCommonEnctype,
	errorcode.KDC_ERR_CLIENT_REVOKED:      KindAccountDisabled,
	errorcode.KDC_ERR_KEY_EXPIRED:         KindPasswordExpired,
	errorcode.KDC_ERR_PREAUTH_FAILED:      KindPasswordRejected,
	errorcode.KRB_AP_ERR_TKT_EXPIRED:      KindTicketExpired,
	errorcode.KRB_AP_ERR_REPEAT:           KindReplay,
	errorcode.KRB_AP_ERR_SKEW:             KindClockSkew,
	errorcode.KRB_AP_ERR_NOKEY:            KindServerUnknown,
	errorcode.KRB_AP_ERR_BADKEYVER:        KindServerUnknown,
}

// fromKRBError turns a KRB-ERROR message into an Error. The message is not protected by anything, and its
// text comes from the network.
func fromKRBError(m *messages.KRBError) *Error {
	e := &Error{Kind: KindFailed, Code: m.ErrorCode}
	if k, ok := kinds[m.ErrorCode]; ok {
		e.Kind = k
	}
	if e.Kind == KindClockSkew && !m.STime.IsZero() {
		e.Skew = time.Until(m.STime)
	}
	if m.ErrorCode == errorcode.KDC_ERR_WRONG_REALM {
		e.realm = m.CRealm
	}
	if text := m.EText; text != "" && e.Kind == KindFailed {
		e.Err = fmt.Errorf("it says %.200q", text)
	}
	return e
}

// silent is the error of a context that ended during an exchange.
func silent(ctx context.Context, about string, asked []string) *Error {
	return &Error{Kind: KindKDCSilent, About: about, KDCs: asked, Err: context.Cause(ctx)}
}

// describe makes an error an Error, and adds what an Error does not say yet: what it is about, and whom was
// asked.
func describe(err error, about string, asked ...endpoint) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: KindFailed, Err: err}
	}
	if e.About == "" {
		e.About = about
	}
	if len(e.KDCs) == 0 {
		for _, kdc := range asked {
			e.KDCs = append(e.KDCs, kdc.String())
		}
	}
	return e
}
