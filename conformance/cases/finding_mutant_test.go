package cases

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/ocsgo/ocs/conformance"
)

// resolving is our engine with another way to ask DNS.
func resolving(change func(query []byte) error, reading func(answer []byte) []byte) conformance.Client {
	return set(func(s *conformance.Settings) {
		exchange := s.Network.Exchange
		s.Network.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
			if err := change(query); err != nil {
				return nil, err
			}
			answer, err := exchange(ctx, network, server, query)
			return reading(answer), err
		}
	})
}

// never is our engine that does not ask for what has these bytes in its query.
func never(what string) conformance.Client {
	return resolving(func(query []byte) error {
		if bytes.Contains(query, []byte(what)) {
			return errors.New("not asked")
		}
		return nil
	}, func(answer []byte) []byte { return answer })
}

// findingMutants look for servers in another way.
func findingMutants() []mutant {
	return []mutant{
		{name: "never-asks-internal-tcp", does: "_sipinternal._tcp is not asked for", caught: "disc/srv-order", client: never("\x0c_sipinternal\x04_tcp")},
		{name: "never-asks-sipinternal", does: "the host name sipinternal is not asked for", caught: "disc/a-fallback-order", client: never("\x0bsipinternal\x03ocs")},
		{name: "never-asks-aaaa", does: "no AAAA record is asked for", caught: "disc/asks-for-ipv6", client: never("\x04test\x00\x00\x1c\x00\x01")},
		{name: "lightest-first", does: "the weight of SRV records counts the other way round", caught: "disc/srv-weight", client: resolving(func([]byte) error { return nil }, func(answer []byte) []byte {
			return bytes.ReplaceAll(answer, []byte("\x00\x0a\xff\xff\x13\xc5"), []byte("\x00\x0b\xff\xff\x13\xc5"))
		})},
		{name: "no-port-443", does: "host names are tried at port 5061 alone", caught: "disc/port-443", client: dialling(func(dial dialFunc) dialFunc {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasSuffix(address, ":443") {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return dial(ctx, network, address)
			}
		})},
	}
}
