package cases

import (
	"context"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

// unreasoned is our engine that tells of a failure in another way.
func unreasoned(change func(*conformance.Event)) conformance.Client {
	return always(func(e conformance.Event, on func(conformance.Event)) {
		if !e.HR.Success() {
			change(&e)
		}
		on(e)
	})
}

// misreportingError is our engine whose report has another error.
func misreportingError(change func(*ocserr.Error)) conformance.Client {
	return misreporting(func(r *signin.Report) {
		if r.Error != nil {
			told := *r.Error
			change(&told)
			r.Error = &told
		}
	})
}

// reasonMutants do not say why, or something else.
func reasonMutants() []mutant {
	return []mutant{
		{name: "never-says-why", does: "a failure has no cause", caught: "err/says-why", client: unreasoned(func(e *conformance.Event) { e.Cause, e.Detail = "", 0 })},
		{name: "cause-without-stage", does: "a failure has no stage", caught: "err/says-why", client: unreasoned(func(e *conformance.Event) { e.Stage = "" })},
		{name: "report-without-remedy", does: "the report does not say what to do", caught: "err/says-why", client: misreportingError(func(e *ocserr.Error) { e.Remedy = "" })},
		{name: "report-disagrees", does: "the report has another cause than the events", caught: "err/says-why", client: misreportingError(func(e *ocserr.Error) { e.Cause = ocserr.CauseUnexpected })},
		{name: "report-without-error", does: "the report of a session that was lost has no error", caught: "err/says-why", client: misreporting(func(r *signin.Report) { r.Error = nil })},
		{name: "expired-is-untrusted", does: "every fault of a certificate is said to be its authority", caught: "tls/expired", client: unreasoned(func(e *conformance.Event) { e.Cause = ocserr.CauseTLSUntrusted })},
		{name: "silent-proxy-is-server", does: "a proxy that is silent is said to be the server", caught: "proxy/connect-silent", client: unreasoned(func(e *conformance.Event) { e.Cause = ocserr.CauseLogonTimeout })},
		{name: "no-detail", does: "the finer code is missing", caught: "disc/auto-nothing", client: unreasoned(func(e *conformance.Event) { e.Detail = 0 })},
		{name: "detail-always", does: "the finer code is the same for everything", caught: "err/480", client: unreasoned(func(e *conformance.Event) { e.Detail = ocserr.ServerError })},
		{name: "retry-hint-lost", does: "the report forgets when the server wants to be asked again", caught: "err/503-retry-after", client: misreportingError(func(e *ocserr.Error) { e.RetryAfter = 0 })},
		{name: "retry-never", does: "the report says of nothing that another attempt may help", caught: "err/408", client: misreportingError(func(e *ocserr.Error) { e.Retry = false })},
		{name: "retry-always", does: "the report says of everything that another attempt may help", caught: "err/403-external", client: misreportingError(func(e *ocserr.Error) { e.Retry = true })},
		{name: "says-nothing", does: "the program ends at once, without an event", caught: "time/exactly-once", client: func(context.Context, conformance.Settings, func(conformance.Event)) (*signin.Report, error) {
			return nil, nil
		}},
	}
}
