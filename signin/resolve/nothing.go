package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// nothing is the error of a plan without a candidate: the most telling thing that happened. What could not be found out
// comes before every "no", for it may have been the server.
func (p *Plan) nothing(auto autodiscovered, offers []offer, lookups []*lookup) error {
	if p.Policy == Communicator {
		if i := slices.IndexFunc(offers, func(o offer) bool { return o.made() }); i >= 0 {
			offers, lookups = offers[:i+1], nil // it looks no further
		}
	}
	var failures []*failure
	var homeless, declined []string
	for _, o := range offers {
		failures = append(failures, o.failure)
		for _, t := range o.targets {
			failures = append(failures, t.lookup.failure)
			if t.cause == "" {
				homeless = append(homeless, t.host)
			}
		}
		if o.declined {
			declined = append(declined, o.name)
		}
	}
	for _, l := range lookups {
		failures = append(failures, l.failure)
	}
	for _, t := range auto.targets {
		failures = append(failures, t.lookup.failure)
	}
	failures = slices.DeleteFunc(append(failures, auto.unknown...), func(f *failure) bool { return f == nil })
	switch {
	case len(failures) > 0:
		errs := make([]error, len(failures))
		for i, f := range failures {
			errs[i] = f.err
		}
		return ocserr.New(failures[0].cause, errors.Join(errs...))
	case p.refusal(ocserr.CauseStrictNamingRefused, ocserr.CauseSRVRecordInvalid) != nil:
		return p.refusal(ocserr.CauseStrictNamingRefused, ocserr.CauseSRVRecordInvalid)
	case len(homeless) > 0:
		slices.Sort(homeless)
		homeless = slices.Compact(homeless)
		return ocserr.New(ocserr.CauseSRVTargetNotFound, fmt.Errorf("DNS has no address for %s", strings.Join(homeless, ", ")))
	case len(auto.targets) > 0: // none was refused
		return auto.homeless()
	case p.refusal(ocserr.CauseInsecureTransport) != nil:
		return p.refusal(ocserr.CauseInsecureTransport)
	case len(declined) > 0:
		return ocserr.New(ocserr.CauseServiceNotOffered, fmt.Errorf("the target of %s is \".\"", strings.Join(declined, ", ")))
	case auto.failure != nil:
		return ocserr.New(ocserr.CauseAutodiscoverFailed, auto.failure)
	}
	return ocserr.New(ocserr.CauseNoServerFound, fmt.Errorf("DNS has no SRV record and no address for the servers of %q", p.Domain))
}

// refusal is the error of the first server that was refused for one of these causes; nil: there is none.
func (p *Plan) refusal(causes ...ocserr.Cause) error {
	for _, r := range p.Refused {
		if slices.Contains(causes, r.Cause) {
			return ocserr.New(r.Cause, errors.New(r.Reason)).At(ocserr.StageResolve)
		}
	}
	return nil
}

// homeless is the error of servers that autodiscover named and that have no address.
func (a *autodiscovered) homeless() error {
	hosts := make([]string, len(a.targets))
	for i, t := range a.targets {
		hosts[i] = t.host
	}
	e := ocserr.New(ocserr.CauseAutodiscoverFailed, fmt.Errorf("%s names %s, and DNS has no address for it", a.service, strings.Join(hosts, " and ")))
	e.Detail = ocserr.DNSAResFail
	e.Remedy = "Create the A or AAAA record of the server that autodiscover names, or correct the name in the server's topology."
	return e
}

// cancelled is the error of a plan that the caller gave up.
func cancelled(ctx context.Context) error {
	return ocserr.New(ocserr.CauseCancelled, context.Cause(ctx)).At(ocserr.StageResolve)
}
