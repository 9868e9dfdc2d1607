package resolve

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestReadHosts(t *testing.T) {
	addr := netip.MustParseAddr
	require.Equal(t, map[string][]netip.Addr{
		"localhost":       {addr("127.0.0.1")},
		"fe.contoso.com":  {addr("10.0.0.7"), addr("2001:db8::7"), addr("10.0.0.8")},
		"fe":              {addr("10.0.0.7")},
		"sip.contoso.com": {addr("10.0.0.10")},
	}, readHosts("testdata/hosts"))
}

func TestParseHostsReadsAMappedAddressAsIPv4(t *testing.T) {
	want := map[string][]netip.Addr{"fe": {netip.MustParseAddr("10.0.0.1")}}
	require.Equal(t, want, parseHosts(strings.NewReader("10.0.0.1 fe\n::ffff:10.0.0.1 fe\n::ffff:0.0.0.0 fe\n")))
}

func TestReadHostsWithoutFile(t *testing.T) {
	require.Empty(t, readHosts("testdata/none"))
}

func TestDiscoverUsesTheHostsFileForHostNames(t *testing.T) {
	cfg := newZone(t).config()
	cfg.HostsFile = "testdata/hosts"
	require.Equal(t, []string{"tls sip.contoso.com:5061 [10.0.0.10]", "tls sip.contoso.com:443 [10.0.0.10]"}, brief(discover(t, cfg)))
}

func TestUseSystemReadsServersAndSearchList(t *testing.T) {
	var r resolver
	r.useSystem("testdata/resolv.conf")
	require.Nil(t, r.system)
	require.Equal(t, []string{"192.0.2.1:53", "[2001:db8::53]:53"}, r.servers)
	require.Equal(t, []string{"fe.corp.contoso.com.", "fe.contoso.com.", "fe."}, r.search("fe"))
	require.Equal(t, []string{"fe.contoso.com."}, r.search("fe.contoso.com."))
}

func TestUseSystemWithoutServers(t *testing.T) {
	for _, file := range []string{"testdata/none", "testdata/hosts-empty"} {
		r := resolver{}
		r.useSystem(file)
		require.NotNil(t, r.system)
	}
}

// systemResolver returns a resolver that asks Go's own, which asks the zone over loopback.
func systemResolver(t *testing.T, z *zone) (*resolver, context.Context) {
	t.Helper()
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(z.answer(q)) })
	r, ctx, err := newResolver(t.Context(), Config{Server: server, HostsFile: "testdata/hosts-empty"})
	require.NoError(t, err)
	t.Cleanup(r.close)
	r.system = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
	return r, ctx
}

func TestSystemResolver(t *testing.T) {
	r, ctx := systemResolver(t, newZone(t, everything...))
	o := r.offer(ctx, Config{}, "contoso.com", service{"_sip._tls.contoso.com", TLS})
	require.Len(t, o.targets, 1)
	require.Equal(t, "edge.contoso.com", o.targets[0].host)
	require.Equal(t, 443, o.targets[0].port)
	require.Equal(t, "192.0.2.1, 2001:db8::1", join(o.targets[0].lookup.addrs))
	require.Equal(t, "system resolver", o.questions[0].Server)
	require.Equal(t, "0 0 443 edge.contoso.com", o.questions[0].Answer)
}

func TestSystemResolverTellsFailureFromNotFound(t *testing.T) {
	z := newZone(t)
	z.rcodes["broken.contoso.com"] = dns.RcodeServerFailure
	r, ctx := systemResolver(t, z)
	got, asked := r.ask(ctx, "none.contoso.com", dns.TypeSRV)
	require.Nil(t, got.failure)
	require.Equal(t, "not found", asked[0].Answer)
	got, _ = r.ask(ctx, "broken.contoso.com", dns.TypeA)
	require.NotNil(t, got.failure)
	require.Equal(t, ocserr.CauseDNSFailure, got.failure.cause)
}

func FuzzParseHosts(f *testing.F) {
	for _, file := range []string{"testdata/hosts", "testdata/hosts-empty"} {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add("10.0.0.1\tfe.contoso.com. FE.contoso.com # fe\r\n::ffff:10.0.0.1 fe.contoso.com\nfe80::1%eth0 x\n0.0.0.0 blocked\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, addrs := range parseHosts(strings.NewReader(text)) {
			require.NotEmpty(t, addrs)
			for i, addr := range addrs {
				require.True(t, usable(addr))
				require.False(t, addr.Is4In6())
				require.NotContains(t, addrs[:i], addr)
			}
		}
	})
}
