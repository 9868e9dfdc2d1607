package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"

	ocserr "github.com/ocsgo/ocs/errors"
)

// toProxy opens a connection to the proxy, at the first of its addresses that answers.
func (d *dialogue) toProxy(ctx context.Context) (net.Conn, error) {
	var addrs []netip.Addr
	if _, notAddress := netip.ParseAddr(d.proxy.Host); notAddress != nil && d.cfg.Resolve != nil {
		var err error
		if addrs, err = d.cfg.Resolve(ctx, d.proxy.Host); err != nil {
			return nil, d.unresolved(err)
		}
	}
	conn, err := direct(ctx, d.cfg, d.proxy.Host, d.proxy.Port, addrs)
	if err == nil {
		return conn, nil
	}
	cause := ocserr.CauseProxyUnreachable
	if e, ok := errors.AsType[*net.DNSError](err); ok { // of Dial, which was given the name
		switch {
		case e.IsNotFound:
			cause = ocserr.CauseProxyNotFound
		case e.IsTimeout:
			cause = ocserr.CauseDNSTimeout
		default:
			cause = ocserr.CauseDNSFailure
		}
	}
	return nil, d.failToProxy(cause, err)
}

// unresolved is the error of a proxy whose name has no address, or of which that could not be found out.
func (d *dialogue) unresolved(err error) error {
	cause := ocserr.CauseProxyNotFound
	if e, ok := errors.AsType[*ocserr.Error](err); ok {
		switch e.Cause {
		case ocserr.CauseHostNotFound:
		case ocserr.CauseInvalidServerAddress:
			cause = ocserr.CauseInvalidProxy
		default:
			cause = e.Cause
		}
	}
	return d.failToProxy(cause, err)
}

// failToProxy makes the error of a way to the proxy. What err says about a server is left out.
func (d *dialogue) failToProxy(cause ocserr.Cause, err error) error {
	if e, ok := errors.AsType[*ocserr.Error](err); ok && e.Err != nil {
		err = e.Err
	}
	e := d.fail(cause, err)
	if e.Detail == ocserr.DNSSRVFail {
		e.Detail = ocserr.DNSAResFail // no SRV record was asked for
	}
	return e
}
