package main

import (
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
)

const withoutTLS = "--transport tcp speaks SIP without TLS, which this port may expect"

// hint is the flag that does what the remedy of a failure speaks of, with what it does; empty: there is none.
func hint(r *signin.Report, e *ocserr.Error) string {
	switch e.Cause {
	case ocserr.CauseServerVersionRefused:
		return "--accept-server VERSION accepts the version, --server-check off accepts all"
	case ocserr.CauseInsecureTransport:
		return "--transport tcp allows TCP"
	case ocserr.CauseStrictNamingRefused:
		return "--naming any allows every name"
	case ocserr.CauseTLSNotTLS:
		return withoutTLS
	case ocserr.CauseTLSUntrusted:
		return "--ca FILE trusts the authorities in FILE"
	case ocserr.CauseTLSNoSAN, ocserr.CauseTLSSHA1, ocserr.CauseTLSIncompatible:
		return "--legacy-tls allows what servers of 2007 have"
	case ocserr.CauseTLSClientRefused:
		return "--client-cert FILE shows a certificate"
	case ocserr.CauseProxyAuthRequired, ocserr.CauseProxyPassword:
		return "the proxy's URL takes them, as scheme://user:password@host:port: HTTPS_PROXY in the environment, or --proxy, where others can read it"
	case ocserr.CauseConnectionClosed, ocserr.CauseConnectionReset:
		if e.Stage == ocserr.StageSecure {
			return withoutTLS
		}
		if c := r.Connection; c != nil && c.Transport == resolve.TCP && e.Stage == ocserr.StageRegister {
			return "without --transport tcp the connection is by TLS, which this port may expect"
		}
	}
	return ""
}
