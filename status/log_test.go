package status_test

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/status"
)

// numbered returns an event that carries i as its code.
func numbered(i int) status.Event {
	return status.Event{Kind: status.OnSignin, HR: ocserr.Code(i)}
}

func change(s status.Status) status.Event {
	return status.Event{Kind: status.OnMyStatusChange, Status: s}
}

// read takes n events from a reader.
func read(events iter.Seq[status.Event], n int) (got []status.Event) {
	if n == 0 {
		return nil
	}
	for e := range events {
		if got = append(got, e); len(got) == n {
			break
		}
	}
	return got
}

func TestEveryReaderGetsEveryEventInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		log := status.NewLog()
		var wg sync.WaitGroup
		took := make([]time.Duration, 3)
		got := make([][]status.Event, 3)
		begin := time.Now()
		for i, pause := range []time.Duration{0, 0, time.Second} { // the last one is slow
			events := log.Events(t.Context())
			wg.Go(func() {
				for e := range events {
					got[i] = append(got[i], e)
					time.Sleep(pause)
				}
				took[i] = time.Since(begin)
			})
		}
		for i := range n {
			log.Append(numbered(i))
			if i%10 == 0 {
				synctest.Wait()
			}
		}
		require.Equal(t, begin, time.Now(), "appending waits for nobody")
		log.Close()
		wg.Wait()
		for _, events := range got {
			require.Len(t, events, n+1)
			require.Equal(t, status.Offline, events[0].Status)
			for i, e := range events[1:] {
				require.Equal(t, ocserr.Code(i), e.HR)
			}
		}
		require.Equal(t, []time.Duration{0, 0, (n + 1) * time.Second}, took, "a slow reader delays nobody")
	})
}

func TestAReaderSeesTheCurrentStateFirst(t *testing.T) {
	log := status.NewLog()
	log.Append(change(status.FindingServer), change(status.Connecting), numbered(0))
	require.Equal(t, status.Connecting, log.Current())
	late := log.Events(t.Context())
	log.Append(change(status.Synchronizing))
	got := read(late, 2)
	require.Equal(t, status.Connecting, got[0].Status)
	require.Equal(t, status.Synchronizing, got[1].Status)
}

func TestAFreshLogIsOffline(t *testing.T) {
	log := status.NewLog()
	require.Equal(t, status.Offline, log.Current())
	got := read(log.Events(t.Context()), 1)
	require.Equal(t, []status.Event{{Kind: status.OnMyStatusChange, HR: ocserr.OK, Status: status.Offline}}, got)
}

func TestNothingIsLostBetweenEventsAndTheFirstRange(t *testing.T) {
	log := status.NewLog()
	events := log.Events(t.Context())
	log.Append(numbered(1), numbered(2))
	log.Close()
	got := read(events, 3)
	require.Equal(t, status.Offline, got[0].Status)
	require.Equal(t, []ocserr.Code{1, 2}, []ocserr.Code{got[1].HR, got[2].HR})
}

func TestARangeLeftEarlyIsContinued(t *testing.T) {
	log := status.NewLog()
	events := log.Events(t.Context())
	log.Append(numbered(1), numbered(2))
	require.Len(t, read(events, 2), 2)
	require.Equal(t, ocserr.Code(2), read(events, 1)[0].HR)
}

func TestContextEndsAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := status.NewLog()
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var wg sync.WaitGroup
		events := log.Events(ctx)
		wg.Go(func() {
			for range events {
				n++
			}
		})
		synctest.Wait() // it waits for a second event
		cancel()
		wg.Wait()
		require.Equal(t, 1, n)
		log.Append(numbered(1))
		require.Empty(t, read(log.Events(ctx), 1), "a context that is done gives nothing")
	})
}

func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := status.NewLog()
		var got []status.Event
		var wg sync.WaitGroup
		events := log.Events(t.Context())
		wg.Go(func() {
			for e := range events {
				got = append(got, e)
				time.Sleep(time.Second)
			}
		})
		log.Append(numbered(1), numbered(2))
		log.Close()
		log.Close()
		log.Append(numbered(3))
		wg.Wait()
		require.Len(t, got, 3)
		require.Equal(t, ocserr.Code(2), got[2].HR)
		require.Len(t, read(log.Events(t.Context()), 9), 1, "a closed log still tells its state")
	})
}

func TestAnEventGetsItsTimeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := status.NewLog()
		events := log.Events(t.Context())
		past := time.Now().Add(-time.Hour)
		log.Append(status.Event{Kind: status.OnSignout, At: past}, change(status.Offline))
		got := read(events, 3)
		require.Equal(t, past, got[1].At)
		require.Equal(t, time.Now(), got[2].At)
	})
}

func TestEventsOfOneAppendStayTogether(t *testing.T) {
	log := status.NewLog()
	events := log.Events(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				log.Append(numbered(2*i), numbered(2*i+1))
			}
		})
	}
	wg.Wait()
	got := read(events, 1601)[1:]
	for i := 0; i < len(got); i += 2 {
		require.Equal(t, got[i].HR+1, got[i+1].HR)
	}
}

func TestAnEventIsFreedOnceEveryReaderHasPassedIt(t *testing.T) {
	log := status.NewLog()
	quick, slow := log.Events(t.Context()), log.Events(t.Context())
	var reasons []weak.Pointer[ocserr.Error]
	for i := range 100 {
		err := ocserr.New(ocserr.CauseUnexpected, nil)
		reasons = append(reasons, weak.Make(err))
		e := numbered(i)
		e.Err = err
		log.Append(e)
	}
	alive := func() (n int) {
		runtime.GC()
		for _, r := range reasons {
			if r.Value() != nil {
				n++
			}
		}
		return n
	}
	require.Equal(t, 100, alive())
	read(quick, 101)
	require.Equal(t, 100, alive(), "the slow reader has read none")
	read(slow, 51)
	require.Equal(t, 51, alive(), "the slow reader's place and what follows")
	read(slow, 50)
	require.Equal(t, 1, alive(), "the last event stays until the next")
	log.Append(numbered(100))
	read(quick, 1)
	read(slow, 1)
	require.Equal(t, 0, alive())
	runtime.KeepAlive(quick)
	runtime.KeepAlive(slow)
	runtime.KeepAlive(log)
}

func TestAForgottenReaderKeepsNothing(t *testing.T) {
	log := status.NewLog()
	log.Events(t.Context())
	err := ocserr.New(ocserr.CauseUnexpected, nil)
	reason := weak.Make(err)
	e := numbered(0)
	e.Err = err
	log.Append(e, numbered(1))
	runtime.GC()
	require.Nil(t, reason.Value())
	runtime.KeepAlive(log)
}

func BenchmarkLogAtRest(b *testing.B) {
	logs := make([]*status.Log, 0, b.N)
	b.ReportAllocs()
	for b.Loop() {
		log := status.NewLog()
		log.Append(change(status.FindingServer), change(status.Connecting), change(status.Online))
		logs = append(logs, log)
	}
	before := memory()
	clear(logs)
	b.ReportMetric(float64(before-memory())/float64(b.N), "rest-B/log")
	runtime.KeepAlive(logs)
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
