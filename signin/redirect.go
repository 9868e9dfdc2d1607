package signin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/signin/resolve"
)

// maxRedirects bounds the redirects of one attempt. A director needs one.
const maxRedirects = 5

// follow turns a redirect into candidates. The next server gets a connection and an authentication of its own;
// nothing of the server before is kept but its place in the report. The limit on connecting goes on.
func (a *attempt) follow(ctx context.Context, from resolve.Candidate, r *register.Redirect) ([]resolve.Candidate, error) {
	a.earlier, a.auth = a.authentication(), nil
	here := net.JoinHostPort(from.Host, strconv.Itoa(from.Port))
	hop := Redirect{From: here, Status: r.Status, Contact: r.Contact}
	defer func() { a.report.Redirects = append(a.report.Redirects, hop) }()
	refuse := func(cause ocserr.Cause, err error) ([]resolve.Candidate, error) {
		e := ocserr.New(cause, err).At(ocserr.StageRegister)
		e.Status = r.Status
		if why, ok := errors.AsType[*ocserr.Error](err); ok && why.Stage == ocserr.StageResolve {
			e.Retry = why.Retry // DNS may know the server later
		}
		return nil, e
	}
	switch {
	case len(a.report.Redirects) == maxRedirects:
		return refuse(ocserr.CauseRedirectLoop, fmt.Errorf("%w; %d redirects were followed before", r, maxRedirects))
	case r.Transport == string(resolve.TCP) && a.cfg.Transport != TransportTCP:
		return refuse(ocserr.CauseInsecureTransport, r)
	}
	if err := a.cfg.Naming.Check(a.cfg.domain(), hostOf(r.Server)); err != nil && r.Transport != string(resolve.TCP) {
		return refuse(ocserr.CauseStrictNamingRefused, fmt.Errorf("%w: %w", r, err)) // a foreign name is not even looked up
	}
	plan, err := resolve.Manual(ctx, a.cfg.resolver(), r.Server, resolve.Transport(r.Transport))
	hop.Questions = plan.Questions
	if err != nil {
		return refuse(ocserr.CauseRedirectInvalid, fmt.Errorf("%w: %w", r, err))
	}
	for i := range plan.Candidates {
		plan.Candidates[i].Why = "redirect from " + here
	}
	return plan.Candidates, nil
}

// hostOf is the host of "host" or "host:port".
func hostOf(server string) string {
	if host, _, err := net.SplitHostPort(server); err == nil {
		return host
	}
	return server
}
