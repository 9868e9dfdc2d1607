package resolve

import (
	"context"
	"net"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// serve answers on a UDP and a TCP port of the loopback interface and returns their address.
func serve(t *testing.T, handle dns.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		_ = listener.Close()
		t.Skipf("the UDP port of the same number is taken: %v", err)
	}
	for _, server := range []*dns.Server{{Listener: listener, Handler: handle}, {PacketConn: packets, Handler: handle}} {
		ready, done := make(chan struct{}), make(chan error, 1)
		server.NotifyStartedFunc = func() { close(ready) }
		go func() { done <- server.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() {
			require.NoError(t, server.Shutdown())
			require.NoError(t, <-done)
		})
	}
	return listener.Addr().String()
}

func TestDiscoverOverLoopback(t *testing.T) {
	z := newZone(t, everything...)
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(z.answer(q)) })
	plan := discover(t, Config{Server: server, HostsFile: "testdata/hosts-empty"})
	require.Equal(t, "tls pool.contoso.com:5061 [10.0.0.1]", brief(plan)[0])
	require.Equal(t, server, plan.Questions[0].Server)
}

func TestExchangeTruncatedThenTCP(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		a := z.answer(q)
		if w.RemoteAddr().Network() == "udp" {
			a.Truncated, a.Answer = true, nil
		}
		_ = w.WriteMsg(a)
	})
	got, asked := ask(t, Config{Server: server})
	require.Len(t, got.records, 1)
	require.Equal(t, []string{server + " udp truncated", server + " tcp 10.0.0.1"}, outcomes(asked))
}

func TestExchangeIgnoresPacketsThatAreNotTheAnswer(t *testing.T) {
	z := newZone(t, "contoso.com. A 10.0.0.1")
	server := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		forged := z.answer(q)
		forged.Id++
		forged.Answer = []dns.RR{&dns.A{Hdr: *forged.Answer[0].Header(), A: net.IPv4(192, 0, 2, 66)}}
		_ = w.WriteMsg(forged)
		_, _ = w.Write([]byte("noise"))
		_ = w.WriteMsg(z.answer(q))
	})
	got, _ := ask(t, Config{Server: server})
	require.Equal(t, "10.0.0.1", join(addressesOf(got.records)))
}

func TestExchangeCancel(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			server := serve(t, func(dns.ResponseWriter, *dns.Msg) { cancel() }) // and no answer
			query, err := new(dns.Msg).SetQuestion("contoso.com.", dns.TypeA).Pack()
			require.NoError(t, err)
			_, err = exchange(ctx, network, server, query)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestExchangeWithNobodyListening(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	server := packets.LocalAddr().String()
	require.NoError(t, packets.Close())
	got, _ := ask(t, Config{Server: server})
	require.Equal(t, ocserr.CauseDNSUnreachable, got.failure.cause)
	var op *net.OpError
	require.ErrorAs(t, got.failure.err, &op)
}

func TestExchangeClosedInAnAnswerOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 512))
		_, _ = conn.Write([]byte{0xff, 0xff, 0x00})
		_ = conn.Close()
	}()
	query, err := new(dns.Msg).SetQuestion("contoso.com.", dns.TypeA).Pack()
	require.NoError(t, err)
	_, err = exchange(t.Context(), "tcp", listener.Addr().String(), query)
	require.Error(t, err)
	<-done
	require.NoError(t, listener.Close())
}
