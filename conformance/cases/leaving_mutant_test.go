package cases

import (
	"context"
	"net"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// leaving is our engine that does something beside signing in.
func leaving(something func(s conformance.Settings, tell func(conformance.Event))) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		something(s, tell)
		return conformance.Engine(ctx, s, tell)
	}
}

// first is a change of the first sign-in of an attempt alone.
func first(client conformance.Client) conformance.Client {
	done := false
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		if done {
			return conformance.Engine(ctx, s, tell)
		}
		done = true
		return client(ctx, s, tell)
	}
}

// leavingMutants leave something behind.
func leavingMutants() []mutant {
	twofold := dialling(func(dial dialFunc) dialFunc {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			if _, err := dial(ctx, network, address); err != nil {
				return nil, err
			}
			return dial(ctx, network, address)
		}
	})
	return []mutant{
		{name: "leaks-connection", does: "a connection stays open", caught: "tear/no-leak", client: twofold},
		{name: "leaks-at-first", does: "a connection of the first of two sign-ins stays open", caught: "tear/again", client: first(twofold)},
		{name: "closes-late", does: "connections are closed a second after the end", caught: "tear/no-leak", client: dialling(func(dial dialFunc) dialFunc {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return lateCloser{conn}, nil
			}
		})},
		{name: "leaks-goroutine", does: "a goroutine stays", caught: "tear/no-leak", client: leaving(func(conformance.Settings, func(conformance.Event)) { go time.Sleep(time.Hour) })},
		{name: "leaks-timer-that-dials", does: "an hour after the end a timer connects again", caught: "tear/no-leak", client: leaving(func(s conformance.Settings, _ func(conformance.Event)) {
			time.AfterFunc(time.Hour, func() {
				if conn, err := s.Network.Dial(context.Background(), "tcp", "127.0.0.1:5061"); err == nil {
					_ = conn.Close()
				}
			})
		})},
		{name: "leaks-timer-that-tells", does: "an hour after the end a timer tells of another event", caught: "tear/no-leak", client: leaving(func(_ conformance.Settings, tell func(conformance.Event)) {
			time.AfterFunc(time.Hour, func() { tell(conformance.Event{Kind: status.OnSignout}) })
		})},
	}
}

// lateCloser closes its connection a second late.
type lateCloser struct{ net.Conn }

func (c lateCloser) Close() error {
	time.AfterFunc(time.Second, func() { _ = c.Conn.Close() }) // nobody waits for it
	return nil
}
