package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// resolves makes a Config.Resolve that knows one name.
func resolves(t *testing.T, want string, list []netip.Addr, err error) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		require.Equal(t, want, host)
		return list, err
	}
}

func TestDialTriesEveryAddressOfTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dialer{fails: map[string]error{"10.0.0.1:3128": connectionRefused, "10.0.0.2:3128": nil, "10.0.0.3:3128": connectionRefused}}
		cfg := Config{
			Dial: d.dial, Proxy: &Proxy{Scheme: HTTP, Host: "proxy", Port: 3128},
			Resolve: resolves(t, "proxy", addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"), nil),
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := Dial(ctx, cfg, "fe.contoso.com", 5061, nil)
		require.Error(t, err)
		require.Equal(t, []string{"tcp 10.0.0.1:3128", "tcp 10.0.0.2:3128", "tcp 10.0.0.3:3128"}, d.dialed)
	})
}

func TestDialDoesNotResolveTheAddressOfAProxy(t *testing.T) {
	d := &dialer{fails: map[string]error{"[2001:db8::1]:3128": connectionRefused}}
	cfg := Config{
		Dial: d.dial, Proxy: &Proxy{Scheme: HTTP, Host: "2001:db8::1", Port: 3128},
		Resolve: func(context.Context, string) ([]netip.Addr, error) { panic("asked") },
	}
	_, _, err := Dial(t.Context(), cfg, "fe.contoso.com", 5061, nil)
	requireCause(t, ocserr.CauseProxyUnreachable, err)
	require.Equal(t, []string{"tcp [2001:db8::1]:3128"}, d.dialed)
}

func TestAProxyWithoutAddress(t *testing.T) {
	why := errors.New("in its own words")
	for given, want := range map[ocserr.Cause]ocserr.Cause{
		ocserr.CauseHostNotFound:         ocserr.CauseProxyNotFound,
		ocserr.CauseDNSFailure:           ocserr.CauseDNSFailure,
		ocserr.CauseDNSTimeout:           ocserr.CauseDNSTimeout,
		ocserr.CauseInvalidServerAddress: ocserr.CauseInvalidProxy,
	} {
		t.Run(string(given), func(t *testing.T) {
			cfg := Config{Proxy: &Proxy{Scheme: SOCKS5, Host: "proxy", Port: 1080}, Resolve: resolves(t, "proxy", nil, ocserr.New(given, why))}
			_, record, err := Dial(t.Context(), cfg, "fe.contoso.com", 5061, nil)
			requireCause(t, want, err)
			require.ErrorIs(t, err, why)
			require.ErrorContains(t, err, "(proxy proxy:1080: in its own words)")
			require.Empty(t, record.Steps)
		})
	}
}

func TestAProxyWhoseNameIsLeftToDial(t *testing.T) {
	for _, test := range []struct {
		err  net.DNSError
		want ocserr.Cause
	}{
		{net.DNSError{Err: "no such host", IsNotFound: true}, ocserr.CauseProxyNotFound},
		{net.DNSError{Err: "server misbehaving", IsTemporary: true}, ocserr.CauseDNSFailure},
		{net.DNSError{Err: "i/o timeout", IsTimeout: true}, ocserr.CauseDNSTimeout},
	} {
		t.Run(test.err.Err, func(t *testing.T) {
			d := &dialer{fails: map[string]error{"proxy:3128": &test.err}}
			_, _, err := Dial(t.Context(), Config{Dial: d.dial, Proxy: &Proxy{Scheme: HTTP, Host: "proxy", Port: 3128}}, "fe.contoso.com", 5061, nil)
			requireCause(t, test.want, err)
			var e *ocserr.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.want != ocserr.CauseProxyNotFound, e.Retry)
		})
	}
}
