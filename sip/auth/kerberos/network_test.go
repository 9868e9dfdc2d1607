package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/stretchr/testify/require"
)

// mute is a connection to a KDC that reads and says nothing.
func mute(t *testing.T) net.Conn {
	near, far := net.Pipe()
	t.Cleanup(func() { far.Close() })
	go func() {
		for b := make([]byte, 1024); ; {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	return near
}

const threeKDCs = `
[realms]
	OCS.TEST = {
		kdc = one.ocs.test
		kdc = two.ocs.test:8888
		kdc = tcp/[::1]:88
	}
`

func TestSilentKDCEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		c.Dial = func(context.Context, string, string) (net.Conn, error) { return mute(t), nil }
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := c.Step(ctx, nil)
		require.Equal(t, 15*time.Second, time.Since(began))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"tcp kdc.ocs.test:88", "udp kdc.ocs.test:88"}, requireKind(t, KindKDCSilent, err).KDCs)
		require.ErrorContains(t, err, "the KDC does not answer: OCS.TEST; asked tcp kdc.ocs.test:88, udp kdc.ocs.test:88")
	})
}

func TestKDCThatIsNotReachedEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { // its SYN is dropped
			<-ctx.Done()
			return nil, ctx.Err()
		}
		cause := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(700*time.Millisecond, func() { cancel(cause) })
		began := time.Now()
		_, _, err := c.Step(ctx, nil)
		require.Equal(t, 700*time.Millisecond, time.Since(began))
		require.ErrorIs(t, err, cause)
		require.Equal(t, []string{"tcp kdc.ocs.test:88"}, requireKind(t, KindKDCSilent, err).KDCs)
	})
}

func TestKDCThatFallsSilentHalfwayEndsWithTheContext(t *testing.T) {
	for answers := range 3 {
		t.Run(strconv.Itoa(answers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKDC(t)
				c := newClient(t, k)
				left := answers
				c.Dial = func(context.Context, string, string) (net.Conn, error) {
					if left == 0 {
						return mute(t), nil
					}
					left--
					return answering(k.Answer), nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				began := time.Now()
				_, _, err := c.Step(ctx, nil)
				require.Equal(t, 15*time.Second, time.Since(began))
				requireKind(t, KindKDCSilent, err)
			})
		})
	}
}

func TestNextKDCIsAskedAfterASecondOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKDC(t)
		site := &site{kdcs: map[string]*KDC{"two.ocs.test:8888": k}}
		n := &network{config: config(t, threeKDCs), dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "one.ocs.test:88" {
				return mute(t), nil
			}
			return site.dial(ctx, network, address)
		}}
		began := time.Now()
		_, from, err := n.exchange(t.Context(), realm, nil)
		require.NoError(t, err)
		require.Equal(t, endpoint{"tcp", "two.ocs.test:8888"}, from)
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestNextKDCIsAskedAtOnceAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKDC(t)
		site := &site{kdcs: map[string]*KDC{"[::1]:88": k}}
		n := &network{config: config(t, threeKDCs), dial: site.dial}
		began := time.Now()
		_, _, err := n.exchange(t.Context(), realm, nil)
		require.NoError(t, err)
		require.Zero(t, time.Since(began))
		require.Equal(t, []string{"tcp one.ocs.test:88", "tcp two.ocs.test:8888", "tcp [::1]:88"}, site.dialled)
	})
}

func TestKDCWithoutServiceIsPassedOver(t *testing.T) {
	k := newKDC(t)
	n := &network{config: config(t, threeKDCs), dial: func(_ context.Context, _, address string) (net.Conn, error) {
		if address == "one.ocs.test:88" {
			return answering(func([]byte) []byte { return krbError(t, errorcode.KDC_ERR_SVC_UNAVAILABLE, "") }), nil
		}
		return answering(k.Answer), nil
	}}
	_, from, err := n.exchange(context.Background(), realm, nil)
	require.NoError(t, err)
	require.Equal(t, "two.ocs.test:8888", from.address)
}

func TestEveryKDCThatFailsIsNamed(t *testing.T) {
	n := &network{config: config(t, threeKDCs), dial: (&site{}).dial}
	_, _, err := n.exchange(context.Background(), realm, nil)
	require.Equal(t,
		[]string{"tcp one.ocs.test:88", "tcp two.ocs.test:8888", "tcp [::1]:88", "udp one.ocs.test:88", "udp two.ocs.test:8888"},
		requireKind(t, KindKDCUnreachable, err).KDCs)
	require.ErrorContains(t, err, "udp two.ocs.test:8888: connection refused")
}

// A wrong password must not be counted twice: only the KDC that asked for the proof is given it.
func TestProofGoesToOneKDCOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKDC(t)
		var proofs atomic.Int32
		slow := func(request []byte) []byte {
			reply := k.Answer(request)
			if m := parseKRBError(reply); m != nil && m.ErrorCode == errorcode.KDC_ERR_PREAUTH_FAILED {
				proofs.Add(1)
				time.Sleep(10 * time.Second) // long enough to lose patience
			}
			return reply
		}
		c := newClient(t, nil)
		c.Password = "Wr0ng"
		c.Config = config(t, threeKDCs+"[libdefaults]\n default_realm = OCS.TEST\n")
		c.Dial = func(context.Context, string, string) (net.Conn, error) { return answering(slow), nil }
		_, _, err := c.Step(t.Context(), nil)
		requireKind(t, KindPasswordRejected, err)
		require.EqualValues(t, 1, proofs.Load())
	})
}

func TestTooLongAnswerIsNotRead(t *testing.T) {
	n := &network{dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			if _, err := readFrame(far); err != nil {
				return
			}
			_, _ = far.Write(binary.BigEndian.AppendUint32(nil, 1<<31))
		}()
		return near, nil
	}}
	_, err := n.ask(context.Background(), endpoint{"tcp", "kdc.ocs.test:88"}, nil)
	require.ErrorContains(t, err, "a message of 2147483648 bytes, more than 131072")
}

func TestKDCsAreFoundBySRV(t *testing.T) {
	for _, test := range []struct {
		name    string
		records map[string][]*net.SRV
		want    []endpoint
	}{
		{
			"tcp",
			map[string][]*net.SRV{"_kerberos._tcp.ocs.test": {{Target: "one.ocs.test.", Port: 88}, {Target: "two.ocs.test.", Port: 8888}}},
			[]endpoint{{"tcp", "one.ocs.test:88"}, {"tcp", "two.ocs.test:8888"}, {"udp", "one.ocs.test:88"}, {"udp", "two.ocs.test:8888"}},
		},
		{
			"udp only",
			map[string][]*net.SRV{"_kerberos._tcp.ocs.test": {{Target: "."}}, "_kerberos._udp.ocs.test": {{Target: "one.ocs.test.", Port: 88}}},
			[]endpoint{{"tcp", "one.ocs.test:88"}, {"udp", "one.ocs.test:88"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			lookups := 0
			n := &network{config: &Config{}, lookupSRV: func(_ context.Context, name string) ([]*net.SRV, error) {
				lookups++
				return test.records[name], nil
			}}
			found, err := n.locate(context.Background(), realm)
			require.NoError(t, err)
			require.Equal(t, test.want, found)
			again, err := n.locate(context.Background(), realm)
			require.NoError(t, err)
			require.Equal(t, found, again)
			require.LessOrEqual(t, lookups, 2, "the second time they are known")
		})
	}
}

func TestNoKDCFound(t *testing.T) {
	dns := errors.New("no such host")
	n := &network{config: &Config{}, lookupSRV: func(context.Context, string) ([]*net.SRV, error) { return nil, dns }}
	_, err := n.locate(context.Background(), realm)
	requireKind(t, KindKDCUnreachable, err)
	require.ErrorIs(t, err, dns)
	require.ErrorContains(t, err, "neither krb5.conf nor _kerberos._tcp.ocs.test, _kerberos._udp.ocs.test names a KDC")

	n.config = config(t, "[libdefaults]\n dns_lookup_kdc = no\n")
	_, err = n.locate(context.Background(), realm)
	requireKind(t, KindKDCUnreachable, err)
	require.NotErrorIs(t, err, dns)
}

func TestSilentDNSEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{config: &Config{}, lookupSRV: func(ctx context.Context, _ string) ([]*net.SRV, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, _, err := n.exchange(ctx, realm, nil)
		requireKind(t, KindKDCSilent, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "looking up _kerberos._tcp.ocs.test")
	})
}

// udpKDC is a KDC on a UDP port of loopback, with a TCP listener on the same port if it can have one. answer is
// called for each datagram with its number and returns the answer, or nil for none.
func udpKDC(t *testing.T, answer func(n int, request []byte) []byte) (address string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { pc.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 64<<10)
		for i := 0; ; i++ {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if reply := answer(i, b[:n]); reply != nil {
				_, _ = pc.WriteTo(reply, from)
			}
		}
	}()
	return pc.LocalAddr().String()
}

func TestUDP(t *testing.T) {
	k := newKDC(t)
	address := udpKDC(t, func(_ int, request []byte) []byte { return k.Answer(request) })
	c := newClient(t, k)
	c.Config, c.Dial = config(t, "[realms]\nOCS.TEST = {\n kdc = udp/"+address+"\n}\n[libdefaults]\n default_realm = OCS.TEST\n"), nil
	handshake(t, c, newServer(k))
}

func TestLostDatagramIsSentAgain(t *testing.T) {
	want := krbError(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, "")
	address := udpKDC(t, func(n int, _ []byte) []byte {
		if n == 0 {
			return nil
		}
		return want
	})
	reply, err := new(network).ask(context.Background(), endpoint{"udp", address}, []byte("request"))
	require.NoError(t, err)
	require.Equal(t, want, reply)
}

func TestAnswerTooLongForUDPIsFetchedByTCP(t *testing.T) {
	n := &network{dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "tcp" {
			return answering(func([]byte) []byte { return []byte("long") }), nil
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	address := udpKDC(t, func(int, []byte) []byte { return krbError(t, errorcode.KRB_ERR_RESPONSE_TOO_BIG, "") })
	reply, err := n.ask(context.Background(), endpoint{"udp", address}, []byte("request"))
	require.NoError(t, err)
	require.Equal(t, []byte("long"), reply)
}
