package main

import (
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
)

// hint is the flag that does what the remedy of a failure speaks of, with what it does; empty: there is none.
func hint(r *signin.Report, e *ocserr.Error) string {
	switch e.Cause {
	case ocserr.CauseServerVersionRefused:
		return "--accept-server VERSION accepts the version, --server-check off accepts all"
	case ocserr.CauseInsecureTransport:
		return "--transport tcp allows TCP"
	case ocserr.CauseStrictNamingRefused:
		return "--naming any allows every name"
	case ocserr.CauseTLSUntrusted:
		return "--ca FILE trusts the authorities in FILE"
	case ocserr.CauseTLSNoSAN, ocserr.CauseTLSSHA1, ocserr.CauseTLSIncompatible:
		return "--legacy-tls allows what servers of 2007 have"
	case ocserr.CauseTLSClientRefused:
		return "--client-cert FILE shows a certificate"
	case ocserr.CauseProxyAuthRequired, ocserr.CauseProxyPassword:
		return "HTTPS_PROXY=http://user:password@host:port in the environment gives the proxy's credentials (--proxy does too, where others can read it)"
	case ocserr.CauseConnectionClosed, ocserr.CauseConnectionReset:
		if c := r.Connection; c != nil && c.Transport == resolve.TCP && e.Stage == ocserr.StageRegister {
			return "without --transport tcp the connection is by TLS, which this port may expect"
		}
	}
	return ""
}
