package signin_test

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

func TestEveryCandidateIsTriedAndReported(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		dial := w.config.Dial
		var dialled atomic.Int32
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialled.Add(1) == 1 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return dial(ctx, network, address)
		}
		c := w.client()
		s, err := c.SignIn(t.Context())
		require.NoError(t, err)
		tries := c.Report().Tries
		require.Greater(t, len(tries), 1)
		require.ErrorIs(t, tries[0].Error, syscall.ECONNREFUSED)
		require.Nil(t, tries[1].Error)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestASilentCandidateDelaysTheNextByTheStagger(t *testing.T) {
	inWorld(t, server.Config{}, func(t *testing.T, w *world) {
		dial := w.config.Dial
		var dialled atomic.Int32
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialled.Add(1) == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
		_, s := w.signIn()
		require.Equal(t, 250*time.Millisecond, w.since())
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestEachAddressOfACandidateIsATry(t *testing.T) {
	const zone = "$TTL 60\n@ SOA server hostmaster 1 3600 600 86400 60\n@ NS server\nserver A 192.0.2.1\nserver AAAA 2001:db8::1\nserver A 127.0.0.1\n_sipinternaltls._tcp SRV 0 0 5061 server\n"
	inWorld(t, server.Config{Zone: zone}, func(t *testing.T, w *world) {
		dial := w.config.Dial
		w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			switch address {
			case "192.0.2.1:5061": // silence
				<-ctx.Done()
				return nil, ctx.Err()
			case "[2001:db8::1]:5061":
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
			}
			return dial(ctx, network, address)
		}
		c, s := w.signIn()
		require.Equal(t, 250*time.Millisecond, w.since())
		tries := c.Report().Tries
		require.Len(t, tries, 3)
		for i, want := range []struct {
			address string
			took    int // ms
			givenUp bool
			cause   ocserr.Cause
		}{
			{"192.0.2.1", 250, true, ""},
			{"2001:db8::1", 0, false, ocserr.CauseHostUnreachable},
			{"127.0.0.1", 0, false, ""},
		} {
			try := tries[i]
			require.Equal(t, want.address, try.Address)
			require.Equal(t, want.took, int(try.Duration))
			require.Equal(t, want.givenUp, try.GivenUp)
			require.Equal(t, want.cause == "", try.Error == nil)
			if try.Error != nil {
				require.Equal(t, want.cause, try.Error.Cause)
			}
		}
		require.NoError(t, s.SignOut(t.Context()))
	})
}

// The servers that the domain publishes were not found; those that are guessed do not listen.
func TestServersThatWereNotTriedAreAmongTheReasons(t *testing.T) {
	const zone = "$TTL 60\n@ SOA server hostmaster 1 3600 600 86400 60\n@ NS server\nserver A 127.0.0.1\nsip A 192.0.2.1\n" +
		"_sipinternaltls._tcp SRV 0 0 5061 gone\n"
	inWorld(t, server.Config{Zone: zone, Faults: []server.Fault{{Stage: server.StageDNS, Action: server.ActionServFail, Match: server.Match{Name: "_sip._tls.ocs.test"}}}}, func(t *testing.T, w *world) {
		w.config.Dial = func(_ context.Context, network, _ string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		c := w.client()
		_, err := c.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CauseConnectionRefused, failed.Cause, "that is how the attempt ended")
		require.ErrorContains(t, err, "_sip._tls.ocs.test")
		require.ErrorContains(t, err, "SRV _sipinternaltls._tcp.ocs.test, priority 0, DNS has no address for gone.ocs.test")
		require.Equal(t, ocserr.CauseSRVTargetNotFound, c.Report().Discovery.Refused[0].Cause)
	})
}
