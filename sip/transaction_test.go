package sip

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPipelinedCallsAnsweredInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		var calls []*Call
		for i := range 10 {
			call, err := c.Start(request(t, "SUBSCRIBE", strconv.Itoa(i), 1))
			require.NoError(t, err)
			calls = append(calls, call)
		}
		var reqs []Message
		for range calls {
			reqs = append(reqs, p.receive())
		}
		for i, req := range slices.Backward(reqs) {
			p.answer(req, 200+i)
		}
		for i, call := range calls {
			res, err := call.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, 200+i, res.StatusCode)
		}
		require.Nil(t, c.calls, "nothing is kept of calls that have ended")
	})
}

func TestACallNobodyWaitsForDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		_, err := c.Start(request(t, "SUBSCRIBE", "forgotten", 1))
		require.NoError(t, err)
		for range 3 {
			p.answer(request(t, "SUBSCRIBE", "forgotten", 1), 180)
		}
		p.receive()
		go func() { p.answer(p.receive(), 200) }()
		_, err = c.Do(t.Context(), request(t, "SUBSCRIBE", "2", 1))
		require.NoError(t, err)
	})
}

func TestResponsesAreMatchedByCallIDAndCSeq(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		call, err := c.Start(request(t, "REGISTER", "id", 7))
		require.NoError(t, err)
		req := p.receive()
		require.NotContains(t, Value(req, "Via"), "branch")

		p.send(lines("SIP/2.0 404 No", "Call-ID: ID", "CSeq: 7 REGISTER")) // Call-IDs differ in case
		p.send(lines("SIP/2.0 404 No", "Call-ID: id", "CSeq: 8 REGISTER"))
		p.send(lines("SIP/2.0 404 No", "Call-ID: id", "CSeq: 7 SUBSCRIBE"))
		p.send(lines("SIP/2.0 404 No", "Call-ID: id", "CSeq: 7"))
		p.send(lines("SIP/2.0 404 No", "CSeq: 7 REGISTER"))
		p.send(lines("SIP/2.0 404 No", "Call-ID: id", "CSeq: x REGISTER"))
		p.send(lines("SIP/2.0 100 Trying", "Call-ID: id", "CSeq: 7 REGISTER"))
		p.send(lines("SIP/2.0 202 Yes", "i: id", "CSEQ: 007 \t register", "Via: SIP/2.0/TLS 10.0.0.1;branch=foreign"))
		res, err := call.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 202, res.StatusCode)
	})
}

func TestTheEndOfTheContextIsItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		boom := errors.New("the user cancelled")
		ctx, cancel := context.WithCancelCause(t.Context())
		call, err := c.Start(request(t, "REGISTER", "1", 1))
		require.NoError(t, err)
		req := p.receive()
		cancel(boom)
		_, err = call.Wait(ctx)
		require.Equal(t, boom, err)
		_, err = c.Do(ctx, request(t, "REGISTER", "2", 1))
		require.Equal(t, boom, err, "and nothing was sent")

		p.answer(req, 200) // late
		synctest.Wait()
		_, err = call.Wait(t.Context())
		require.Equal(t, boom, err, "a call that was given up stays so")
		require.Nil(t, c.calls)
		require.NoError(t, c.Err())
	})
}

func TestADeadlineEndsTheWaitExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		go p.receive()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, err := c.Do(ctx, request(t, "REGISTER", "1", 1))
		require.Equal(t, context.DeadlineExceeded, err)
		require.Equal(t, 15*time.Second, time.Since(start))
	})
}

func TestATransactionWithoutAnswerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		go func() { p.answer(p.receive(), 100) }()
		start := time.Now()
		_, err := c.Do(t.Context(), request(t, "REGISTER", "1", 1))
		require.Equal(t, ErrTimeout, err)
		require.Equal(t, 32*time.Second, time.Since(start))
		require.NoError(t, c.Err())
	})
}

func TestTheSameRequestTwiceIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		first, err := c.Start(request(t, "REGISTER", "1", 1))
		require.NoError(t, err)
		_, err = c.Start(request(t, "REGISTER", "1", 1))
		require.ErrorContains(t, err, "under way")
		p.answer(p.receive(), 200)
		_, err = first.Wait(t.Context())
		require.NoError(t, err, "the first is not disturbed")
	})
}

func TestARequestNeedsCallIDAndCSeq(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dial(t, Config{})
		for name, spoil := range map[string]func(*Request){
			"no Call-ID":         func(r *Request) { Del(r, "Call-ID") },
			"no CSeq":            func(r *Request) { Del(r, "CSeq") },
			"CSeq of another":    func(r *Request) { Set(r, "CSeq", "1 NOTIFY") },
			"CSeq too large":     func(r *Request) { Set(r, "CSeq", "2147483648 REGISTER") },
			"CSeq with no blank": func(r *Request) { Set(r, "CSeq", "1") },
		} {
			req := request(t, "REGISTER", "1", 1)
			spoil(req)
			_, err := c.Do(t.Context(), req)
			require.Error(t, err, name)
		}
	})
}

func TestAFailedInviteIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signed := 0
		c, p := dial(t, Config{Sign: func(Message) error { signed++; return nil }})
		go func() { p.answer(p.receive(), 486) }()
		res, err := c.Do(t.Context(), request(t, "INVITE", "1", 1))
		require.NoError(t, err)
		require.Equal(t, 486, res.StatusCode)
		ack := p.receive().(*Request)
		require.Equal(t, RequestMethod("ACK"), ack.Method)
		require.Equal(t, "1 ACK", Value(ack, "CSeq"))
		require.Equal(t, 2, signed, "an ACK is signed, too")
	})
}

func TestAnAnswerBeforeTheEndIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 500 {
			c, p := dial(t, Config{})
			call, err := c.Start(request(t, "REGISTER", "1", 1))
			require.NoError(t, err)
			p.answer(p.receive(), 403)
			p.nc.Close()
			<-c.Done()
			res, err := call.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, 403, res.StatusCode)
		}
	})
}

func TestManyCallsWhileTheConnectionDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				for seq := range 10 {
					if _, err := c.Do(t.Context(), request(t, "SERVICE", strconv.Itoa(i), seq)); err != nil {
						if _, ok := errors.AsType[*ConnError](err); !ok {
							t.Error(err)
						}
					}
				}
			})
		}
		for range 150 {
			p.answer(p.receive(), 200)
		}
		p.nc.Close()
		all.Wait()
		require.Error(t, c.Err())
	})
}
