package sip

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// instants collects when CRLFCRLF reaches the peer, in seconds from the start of the bubble.
func instants(t *testing.T, p *peer, pings *[]time.Duration) {
	start := time.Now()
	p.f.blanks = func(raw []byte) {
		require.Equal(t, "\r\n\r\n", string(raw))
		*pings = append(*pings, time.Since(start))
	}
	go func() {
		for {
			if _, err := p.f.next(); err != nil {
				return
			}
		}
	}()
}

func TestKeepAliveIsSentWhenNothingWasSentForTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		var pings []time.Duration
		instants(t, p, &pings)
		c.KeepAlive(60 * time.Second)
		time.Sleep(100 * time.Second)
		require.NoError(t, c.Send(request(t, "BENOTIFY", "1", 1))) // restarts the interval
		time.Sleep(100 * time.Second)
		c.KeepAlive(7 * time.Second) // due long ago: at once
		time.Sleep(10 * time.Second)
		c.KeepAlive(0)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{60 * time.Second, 160 * time.Second, 200 * time.Second, 207 * time.Second}, pings)
	})
}

func TestKeepAliveEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		var pings []time.Duration
		instants(t, p, &pings)
		c.KeepAlive(time.Minute)
		c.Close()
		c.KeepAlive(time.Minute)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, pings)
	})
}

func TestKeepAlivesReceivedAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		c, p := dial(t, Config{Handle: func(*Conn, *Request) { handled++ }})
		p.send("\r\n")
		p.send("\r\n\r\n")
		p.send("\r\n" + string(Bytes(request(t, "BENOTIFY", "1", 1))) + "\r\n\r\n")
		synctest.Wait()
		require.NoError(t, c.Err())
		require.Equal(t, 1, handled)
		p.nc.SetReadDeadline(time.Now().Add(time.Minute))
		_, err := io.ReadAll(p.nc)
		require.Error(t, err, "and not answered")
	})
}
