package cases

import (
	"bytes"
	"context"
	"net"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// missigned makes the signatures of answers wrong in their last digit.
func missigned(b []byte) []byte {
	const begin = `response="`
	at := bytes.Index(b, []byte(begin))
	if !bytes.HasPrefix(b, []byte("SIP/2.0 ")) || at < 0 {
		return b
	}
	last := &b[at+len(begin)+bytes.IndexByte(b[at+len(begin):], '"')-1]
	if *last == '0' {
		*last = '1'
	} else {
		*last = '0'
	}
	return b
}

// unremoved drops the REGISTER that ends a registration.
func unremoved(b []byte) []byte {
	if bytes.HasPrefix(b, []byte("REGISTER ")) && bytes.Contains(b, []byte("\r\nExpires: 0\r\n")) {
		return nil
	}
	return b
}

// hesitant is our engine that hears the order to stop late.
func hesitant(d time.Duration) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			time.Sleep(d)
			cancel()
		})
		defer stop()
		return conformance.Engine(inner, s, tell)
	}
}

// persistent is our engine that tries again and again where an attempt has failed with a code, and tells of it as one.
func persistent(code ocserr.Code, most int) conformance.Client {
	client := conformance.Client(conformance.Engine)
	for range most {
		client = twiceBy(client, conformance.Engine, code, func(*conformance.Settings) {})
	}
	return client
}

// sessionMutants go wrong in a registration, or at its end.
func sessionMutants() []mutant {
	removes := rewiring(nil, unremoved)
	return []mutant{
		{name: "answers-no-notify", does: "the notice of a removal gets no answer", caught: "reg/removed-by-server", client: rewiring(nil, answersNobody)},
		{name: "answers-missigned", does: "answers to the server's requests are signed wrong", caught: "auth/client-signs", client: rewiring(nil, missigned)},
		{name: "server-signs-forgery", does: "the notice that ends the registration is no forgery", caught: "auth/forged-removal", server: func(c *server.Config) { c.Faults = nil }},
		{name: "deaf-to-other-endpoints", does: "a status that another endpoint sets is not shown", caught: "pres/other-endpoint", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Status != status.Busy {
				on(e)
			}
		})},
		{name: "server-without-events", does: "the server has nothing to subscribe to", caught: "pres/subscribes-to-self", server: func(c *server.Config) { c.PlainRegistrar = true }},
		{name: "no-removal-of-refused-server", does: "a server whose version is refused keeps the registration", caught: "err/server-header-too-old", client: removes},
		{name: "no-removal-without-presence", does: "a registration that presence failed for stays", caught: "pres/no-online-when-publish-fails", client: removes},
		{name: "no-removal-after-cancelling", does: "a registration that is cancelled while it synchronizes stays", caught: "time/cancel-after-connect", client: removes},
		{name: "no-withdrawal", does: "a REGISTER that is cancelled is not withdrawn", caught: "time/cancel-withdraws", client: removes},
		{name: "cancels-late", does: "the order to cancel is heard six seconds late", caught: "time/cancel-after-connect", client: hesitant(6 * time.Second)},
		{name: "one-at-a-time", does: "the next candidate is not tried while the first is silent", caught: "disc/srv-failover-opt", client: dialling(func(dial dialFunc) dialFunc {
			turn := make(chan struct{}, 1)
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				select {
				case turn <- struct{}{}:
					defer func() { <-turn }()
				case <-ctx.Done():
					return nil, ctx.Err()
				}
				return dial(ctx, network, address)
			}
		})},
		{name: "next-candidate-late", does: "the next candidate is tried a second after the first", caught: "disc/srv-failover-opt", client: dialling(func(dial dialFunc) dialFunc {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				if !strings.HasPrefix(address, conformance.Swallowed) {
					time.Sleep(750 * time.Millisecond)
				}
				return dial(ctx, network, address)
			}
		})},
		{name: "answers-challenges-for-ever", does: "a challenge loop gets an answer dozens of times", caught: "auth/challenge-loop", client: persistent(ocserr.Unexpected, 30)},
		{name: "raises-expiry-twice", does: "a registration that is too short is asked for again and again", caught: "reg/423-min-expires", client: twice(ocserr.Unexpected, func(*conformance.Settings) {})},
	}
}
