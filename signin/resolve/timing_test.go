package resolve

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestDiscoverAsksAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, everything...)
		z.delay = 100 * time.Millisecond
		start := time.Now()
		plan := discover(t, z.config())
		require.Equal(t, 200*time.Millisecond, time.Since(start), "SRV and host names, then the targets")
		require.Equal(t, 100*time.Millisecond, plan.Questions[0].Duration)
	})
}

func TestDiscoverSilentDNSEndsAtTheLimit(t *testing.T) {
	for _, test := range []struct{ timeout, want time.Duration }{
		{0, 10 * time.Second},
		{5 * time.Second, 5 * time.Second},
	} {
		t.Run(test.want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				z := newZone(t)
				z.silent["@192.0.2.53:53"] = true
				cfg := z.config()
				cfg.Timeout = test.timeout
				start := time.Now()
				plan, err := Discover(t.Context(), cfg, "contoso.com")
				require.Equal(t, test.want, time.Since(start))
				requireCause(t, ocserr.CauseDNSTimeout, err)
				require.Equal(t, "timeout", plan.Questions[0].Answer)
				require.Equal(t, 2*time.Second, plan.Questions[0].Duration)
			})
		})
	}
}

func TestDiscoverCancelReturnsAtOnceWithTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t)
		z.silent["@192.0.2.53:53"] = true
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the user closed the window")
		time.AfterFunc(200*time.Millisecond, func() { cancel(reason) })
		start := time.Now()
		plan, err := Discover(ctx, z.config(), "contoso.com")
		require.Equal(t, 200*time.Millisecond, time.Since(start))
		requireCause(t, ocserr.CauseCancelled, err)
		require.ErrorIs(t, err, reason)
		require.Equal(t, "no answer yet", plan.Questions[0].Answer)
	})
}

func TestDiscoverCancelledBeforehandAsksNobodyTwice(t *testing.T) {
	z := newZone(t, everything...)
	z.silent["@192.0.2.53:53"] = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Discover(ctx, z.config(), "contoso.com")
	requireCause(t, ocserr.CauseCancelled, err)
	require.Equal(t, 1, z.count("SRV _sip._tls.contoso.com"))
}

func TestDiscoverWaitsForSilentQuestionsNoLongerThanPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, everything...)
		z.silent["AAAA pool.contoso.com"] = true
		start := time.Now()
		plan := discover(t, z.config())
		require.Equal(t, patience, time.Since(start))
		require.Equal(t, "tls pool.contoso.com:5061 [10.0.0.1]", brief(plan)[0])
	})
}

func TestDiscoverAsksAgainAfterALostPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZone(t, "_sipinternaltls._tcp.contoso.com. SRV 0 0 5061 pool.contoso.com.", "pool.contoso.com. A 10.0.0.1")
		lost := z.Exchange
		cfg := z.config()
		cfg.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
			if z.count("SRV _sipinternaltls._tcp.contoso.com") == 0 {
				answer, _ := lost(ctx, network, server, query)
				q := new(dns.Msg)
				if err := q.Unpack(query); err != nil || q.Question[0].Qtype != dns.TypeSRV {
					return answer, err
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return lost(ctx, network, server, query)
		}
		start := time.Now()
		plan := discover(t, cfg)
		require.Equal(t, tryTimeout, time.Since(start))
		require.Equal(t, []string{"tls pool.contoso.com:5061 [10.0.0.1]"}, brief(plan))
	})
}
