package ocserr

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Response is what a final SIP response to REGISTER says about its failure.
type Response struct {
	Status        int
	Reason        string // the reason phrase
	Diagnostics   []Diagnostic
	Warnings      []Warning
	RetryAfter    time.Duration
	HasRetryAfter bool
	Authenticated bool // a handshake had completed: a repeated 401 or 407 is a rejected password
}

// FromResponse maps a final response to REGISTER to its error. ms-diagnostics and Warning decide
// before the status where they are more precise (MS-OCER 2.2.1, MS-SIPREGE 3.4.2.5). The caller has
// dealt with what needs no error: success, challenges that can be answered, redirects that can be
// followed.
func FromResponse(r Response) *Error {
	line := strings.TrimSpace("SIP status " + strconv.Itoa(r.Status) + " " + r.Reason)
	e := New(r.cause(), errors.New(line))
	e.Status = r.Status
	e.Diagnostics = slices.Clone(r.Diagnostics)
	e.Warnings = slices.Clone(r.Warnings)
	if r.HasRetryAfter {
		e.RetryAfter = r.RetryAfter
		// RFC 3261 20.33: the server itself says that the request may be repeated.
		e.Retry = e.Retry || e.Code == Unexpected
	}
	return e
}

func (r Response) cause() Cause {
	switch {
	case r.Status == 401 || r.Status == 407:
		switch {
		case r.diagnosed(1013):
			return CauseClockSkew
		case r.Authenticated || r.diagnosed(1000): // 1000: Final handshake failed
			return CausePasswordRejected
		}
		return CauseChallengeUnanswered
	case r.diagnosed(17000), r.HasRetryAfter && (r.Status == 486 || r.Status == 503 || r.Status == 600):
		return CauseServerTooBusy
	}
	switch r.Status {
	case 400:
		if r.diagnosed(4010, 4011, 4012) {
			return CauseEndpointRefused
		}
		return CauseBadRequest
	case 403:
		return r.forbidden()
	case 404:
		if r.diagnosed(1005) {
			return CauseDomainUnknown
		}
		return CauseUserUnknown
	case 408:
		return CauseRequestTimeout
	case 415:
		return CauseUnsupportedMedia
	case 420:
		return CauseBadExtension
	case 421:
		return CauseExtensionRequired
	case 423:
		return CauseIntervalTooBrief
	case 480, 503, 504:
		return r.unavailable()
	case 486, 600:
		return CauseServerBusy
	case 488, 606:
		return CauseNotAcceptable
	case 489:
		return CauseBadEvent
	case 500:
		return CauseServerError
	case 505:
		return CauseSIPVersion
	case 603:
		return CauseDeclined
	}
	if r.Status >= 300 && r.Status < 400 {
		return CauseRedirectInvalid
	}
	return CauseUnexpectedStatus
}

// forbidden tells the kinds of 403 apart. The version filter comes first: it answers before the
// server looks at the user.
func (r Response) forbidden() Cause {
	switch {
	case r.diagnosed(17003) || r.warned(312, 313, 314):
		return CauseClientUpgradeNeeded
	case r.diagnosed(17002) || r.warned(310):
		return CauseClientVersionRefused
	case r.diagnosed(4004):
		return CauseIdentityRefused
	case r.diagnosed(4003):
		return CauseRemoteAccessRefused
	case r.diagnosed(1012):
		return CauseExternalRefused
	case r.diagnosed(4141):
		return CauseUserDisabled
	}
	return CauseForbidden
}

// unavailable tells the kinds of 480, 503 and 504 apart.
func (r Response) unavailable() Cause {
	switch {
	case r.Status == 480 && r.diagnosed(1003, 4005, 4006):
		return CauseUserUnknown // MS-OCER: "User not found in pool" comes with 404 and 480
	case r.diagnosed(1005, 1007, 1008, 1009, 1010, 1014):
		return CauseRoutingFailed
	case r.Status == 480:
		return CauseTemporarilyUnavailable
	case r.Status == 504:
		return CauseServerTimeout
	}
	return CauseServiceUnavailable
}

// diagnosed reports whether the server gave one of the ErrorIds.
func (r Response) diagnosed(ids ...int) bool {
	return slices.ContainsFunc(r.Diagnostics, func(d Diagnostic) bool { return slices.Contains(ids, d.ID) })
}

// warned reports whether the server gave one of the warn-codes.
func (r Response) warned(codes ...int) bool {
	return slices.ContainsFunc(r.Warnings, func(w Warning) bool { return slices.Contains(codes, w.Code) })
}
