package server

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func testPair() (client, server *memoryConn) {
	return newMemoryPair(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 49152}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5061})
}

func TestMemoryConnCarriesBothDirections(t *testing.T) {
	client, server := testPair()
	for _, way := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
		_, err := way.from.Write([]byte("hello"))
		require.NoError(t, err)
		got := make([]byte, 3)
		_, err = io.ReadFull(way.to, got)
		require.NoError(t, err)
		require.Equal(t, "hel", string(got))
		n, err := way.to.Read(got)
		require.NoError(t, err)
		require.Equal(t, "lo", string(got[:n]))
	}
	require.Equal(t, client.LocalAddr(), server.RemoteAddr())
	require.Equal(t, client.RemoteAddr(), server.LocalAddr())
}

func TestMemoryConnEnds(t *testing.T) {
	for _, test := range []struct {
		name     string
		end      func(server *memoryConn)
		readErr  error // of the client, after what has arrived
		writeErr error // of the client
		ownErr   error // of the server
	}{
		{"close", func(c *memoryConn) { c.Close() }, io.EOF, syscall.EPIPE, net.ErrClosed},
		{"half close", func(c *memoryConn) { c.CloseWrite() }, io.EOF, nil, net.ErrClosed},
		{"reset", func(c *memoryConn) { c.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET, net.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := testPair()
			_, err := server.Write([]byte("x"))
			require.NoError(t, err)
			test.end(server)
			b := make([]byte, 8)
			n, err := client.Read(b)
			require.NoError(t, err)
			require.Equal(t, "x", string(b[:n]))
			_, err = client.Read(b)
			require.ErrorIs(t, err, test.readErr)
			_, err = client.Write([]byte("y"))
			require.ErrorIs(t, err, test.writeErr)
			_, err = server.Write([]byte("z"))
			require.ErrorIs(t, err, test.ownErr)
		})
	}
}

func TestMemoryConnErrorsLookAsThoseOfSockets(t *testing.T) {
	client, server := testPair()
	require.NoError(t, server.Reset())
	_, err := client.Read(make([]byte, 1))
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "read tcp 127.0.0.1:49152->127.0.0.1:5061: read: connection reset by peer", err.Error())
}

func TestMemoryConnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testPair()
		begin := time.Now()
		require.NoError(t, client.SetReadDeadline(begin.Add(3*time.Second)))
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
		require.Equal(t, 3*time.Second, time.Since(begin))

		require.NoError(t, client.SetWriteDeadline(begin.Add(5*time.Second)))
		n, err := client.Write(make([]byte, streamLimit+1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, streamLimit, n)
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestMemoryConnDeadlineWakesAReaderThatWaitsAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testPair()
		done := make(chan error)
		go func() {
			_, err := client.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		require.NoError(t, client.SetDeadline(time.Now()))
		require.ErrorIs(t, <-done, os.ErrDeadlineExceeded)
	})
}

func TestMemoryConnWriterWaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := testPair()
		written := make(chan int)
		go func() {
			n, _ := client.Write(make([]byte, 3*streamLimit))
			written <- n
		}()
		n, err := io.ReadFull(server, make([]byte, 3*streamLimit))
		require.NoError(t, err)
		require.Equal(t, 3*streamLimit, n)
		require.Equal(t, n, <-written)
	})
}

func TestMemoryConnHoldsNothingAtRest(t *testing.T) {
	client, server := testPair()
	_, err := client.Write(make([]byte, 4096))
	require.NoError(t, err)
	_, err = io.ReadFull(server, make([]byte, 4096))
	require.NoError(t, err)
	require.Nil(t, server.in.buf)
}

func TestDialReachesWhatTheZonePublishes(t *testing.T) {
	s := startTest(t, Config{})
	for _, address := range []string{
		"server.ocs.test:5061", "SIP.ocs.test:5061", "sipinternal.ocs.test:5060", "127.0.0.1:5061", "127.0.0.1:5060",
	} {
		nc, err := s.Dial(t.Context(), "tcp", address)
		require.NoError(t, err, address)
		require.NoError(t, nc.Close())
	}
}

func TestDialFailsAsADiallerDoes(t *testing.T) {
	s := startTest(t, Config{})
	ended, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	for _, test := range []struct {
		name, network, address string
		ctx                    context.Context
		want                   error
	}{
		{"nothing listens", "tcp", "server.ocs.test:5062", t.Context(), syscall.ECONNREFUSED},
		{"not the server's address", "tcp", "192.0.2.1:5061", t.Context(), syscall.EHOSTUNREACH},
		{"context ended", "tcp", "server.ocs.test:5061", ended, cause},
		{"network", "udp", "server.ocs.test:5061", t.Context(), net.UnknownNetworkError("udp")},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Dial(test.ctx, test.network, test.address)
			require.ErrorIs(t, err, test.want)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
		})
	}
	_, err := s.Dial(t.Context(), "tcp", "nobody.ocs.test:5061")
	var notFound *net.DNSError
	require.ErrorAs(t, err, &notFound)
	require.True(t, notFound.IsNotFound)
	for _, address := range []string{"server.ocs.test", "server.ocs.test:sip"} {
		_, err := s.Dial(t.Context(), "tcp", address)
		require.Error(t, err)
	}
}

func TestDialOfAClosedServerIsRefused(t *testing.T) {
	s := startTest(t, Config{})
	require.NoError(t, s.Close())
	_, err := s.Dial(t.Context(), "tcp", "server.ocs.test:5061")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// startTest starts a server that ends with the test.
func startTest(t testing.TB, config Config) *Server {
	t.Helper()
	s, err := Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
