package sip

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRequestsAreHandledInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		var got []string
		_, p := dial(t, Config{Handle: func(_ *Conn, r *Request) { got = append(got, Value(r, "Call-ID")) }})
		var want []string
		w := bufio.NewWriterSize(p.nc, 700) // cuts messages anywhere
		for i := range n {
			want = append(want, strconv.Itoa(i))
			w.Write(Bytes(request(t, "BENOTIFY", strconv.Itoa(i), 1)))
		}
		w.Flush()
		synctest.Wait()
		require.Equal(t, want, got)
	})
}

func TestRequestsNobodyHandlesAreAnswered501(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := dial(t, Config{})
		p.send(string(Bytes(request(t, "BENOTIFY", "1", 1))))
		p.send(string(Bytes(request(t, "ACK", "2", 1))))
		p.send(string(Bytes(request(t, "MESSAGE", "3", 1))))
		res := p.receive().(*Response)
		require.Equal(t, 501, res.StatusCode)
		require.Equal(t, "3", Value(res, "Call-ID"), "neither BENOTIFY nor ACK has a response")
		require.Equal(t, "0", Value(res, "Content-Length"))
	})
}

// resetConn ends as a connection does that the peer has reset.
type resetConn struct{ net.Conn }

func (c resetConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

func TestDeathReachesEveryWaiterAtOnceWithItsCause(t *testing.T) {
	tests := []struct {
		name string
		wrap func(net.Conn) net.Conn
		end  func(*Conn, *peer)
		op   string
		want error
	}{
		{"end of file", nil, func(_ *Conn, p *peer) { p.nc.Close() }, "read", io.EOF},
		{"end inside a message", nil, func(_ *Conn, p *peer) { p.send("SIP/2.0 200"); p.nc.Close() }, "read", io.ErrUnexpectedEOF},
		{"reset", func(nc net.Conn) net.Conn { return resetConn{nc} }, func(_ *Conn, p *peer) { p.nc.Close() }, "read", syscall.ECONNRESET},
		{"not SIP", nil, func(_ *Conn, p *peer) { p.send("HTTP/1.1 400 Bad Request\r\n") }, "parse", ErrNotSIP},
		{"too large", nil, func(_ *Conn, p *peer) { p.send(lines("SIP/2.0 200 OK", "Content-Length: 1048577")) }, "parse", ErrTooLarge},
		{"closed by us", nil, func(c *Conn, _ *peer) { c.Close() }, "closed", net.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				var nc net.Conn = near
				if tt.wrap != nil {
					nc = tt.wrap(near)
				}
				var told []error
				c := NewConn(nc, Config{Closed: func(err error) { told = append(told, err) }})
				p := &peer{t: t, nc: far, f: newFramer(far)}
				defer far.Close()

				var waiters sync.WaitGroup
				errs := make([]error, 3)
				for i := range errs {
					waiters.Go(func() { _, errs[i] = c.Do(t.Context(), request(t, "SERVICE", strconv.Itoa(i), 1)) })
					p.receive()
				}
				start := time.Now()
				tt.end(c, p)
				waiters.Wait()
				<-c.Done()

				require.Zero(t, time.Since(start))
				synctest.Wait()
				require.Equal(t, []error{c.Err()}, told)
				for _, err := range slices.Concat(errs, []error{c.Err()}) {
					var ce *ConnError
					require.ErrorAs(t, err, &ce)
					require.Equal(t, tt.op, ce.Op)
					require.ErrorIs(t, err, tt.want)
				}
				_, err := c.Do(t.Context(), request(t, "SERVICE", "after", 1))
				require.Equal(t, c.Err(), err)
				require.Equal(t, c.Err(), c.Send(request(t, "BENOTIFY", "after", 1)))
			})
		})
	}
}

func TestAMessageOnceBegunMustBeWholeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{MessageTimeout: 7 * time.Second})
		time.Sleep(time.Hour) // between messages there is no limit
		start := time.Now()
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			for _, b := range lines("SIP/2.0 200 OK", "A: b") {
				if _, err := io.WriteString(p.nc, string(b)); err != nil {
					return
				}
				time.Sleep(time.Second) // progress does not extend the limit
			}
		})
		<-c.Done()
		require.Equal(t, 7*time.Second, time.Since(start))
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
	})
}

func TestAPeerThatDoesNotReadEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dial(t, Config{WriteTimeout: 5 * time.Second})
		start := time.Now()
		_, err := c.Do(t.Context(), request(t, "REGISTER", "1", 1))
		require.Equal(t, 5*time.Second, time.Since(start))
		var ce *ConnError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, "write", ce.Op)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

func TestWhatWaitsForAPeerThatDoesNotReadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dial(t, Config{})
		req := request(t, "BENOTIFY", "1", 1)
		SetBody(req, "text/plain", make([]byte, 1<<20))
		var err error
		n := 0
		for ; err == nil; n++ {
			err = c.Send(req)
			synctest.Wait() // the first is on the wire, and stays there
		}
		var ce *ConnError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, "write", ce.Op)
		require.Equal(t, 6, n, "one on the wire, four in the queue and one refused")
		require.NoError(t, c.Err())
	})
}

// Over net.Pipe nothing is buffered: two peers that write before they read would never end.
func TestTwoPeersThatAnswerWhileTheyAskDoNotBlockEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		answer := func(c *Conn, r *Request) {
			c.Respond(NewResponse(r, 200, "OK"))
			if r.Method == "SUBSCRIBE" {
				for i := range 5 {
					c.Start(request(t, "NOTIFY", Value(r, "Call-ID")+"n", i))
				}
			}
		}
		a, b := NewConn(near, Config{Handle: answer}), NewConn(far, Config{Handle: answer})
		start := time.Now()
		var all sync.WaitGroup
		for i, c := range []*Conn{a, b, a, b, a, b} {
			all.Go(func() {
				for seq := range 50 {
					res, err := c.Do(t.Context(), request(t, "SUBSCRIBE", fmt.Sprint(i, "-", seq), seq))
					if err != nil || res.StatusCode != 200 {
						t.Error(res, err)
					}
				}
			})
		}
		all.Wait()
		require.Zero(t, time.Since(start))
		a.Close()
		b.Close()
	})
}

func TestHooksRunInWireOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var signed, verified []string
		name := func(m Message) string {
			if r, ok := m.(*Response); ok {
				return strconv.Itoa(r.StatusCode) + " " + Value(m, "CSeq")
			}
			return Value(m, "CSeq")
		}
		n := 0
		c, p := dial(t, Config{
			Sign: func(m Message) error {
				n++
				Add(m, "Signature", strconv.Itoa(n))
				signed = append(signed, name(m))
				return nil
			},
			Verify: func(m Message) error { verified = append(verified, name(m)); return nil },
			Handle: func(c *Conn, r *Request) { c.Respond(NewResponse(r, 200, "OK")) },
		})
		const count = 100
		var all sync.WaitGroup
		for i := range count {
			all.Go(func() { c.Do(t.Context(), request(t, "SERVICE", "x", i)) })
		}
		var onWire, sent []string
		for i := range count {
			m := p.receive()
			require.Equal(t, strconv.Itoa(i+1), Value(m, "Signature"), "signatures are in wire order")
			onWire = append(onWire, name(m))
			p.answer(m, 100)
			p.answer(m, 200)
			sent = append(sent, "100 "+name(m), "200 "+name(m))
		}
		all.Wait()
		p.send(string(Bytes(request(t, "NOTIFY", "y", 1))))
		onWire = append(onWire, name(p.receive()))
		require.Equal(t, onWire, signed)
		require.Equal(t, append(sent, "1 NOTIFY"), verified)
	})
}

func TestASignErrorSendsNothingAndGoesToTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("no key")
		c, p := dial(t, Config{Sign: func(m Message) error {
			if Value(m, "Call-ID") == "bad" {
				return boom
			}
			return nil
		}})
		_, err := c.Do(t.Context(), request(t, "SERVICE", "bad", 1))
		require.ErrorIs(t, err, boom)
		require.ErrorIs(t, c.Send(request(t, "BENOTIFY", "bad", 1)), boom)
		require.NoError(t, c.Send(request(t, "BENOTIFY", "good", 1)))
		require.Equal(t, "good", Value(p.receive(), "Call-ID"))
	})
}

func TestUnverifiedMessagesReachNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forged := errors.New("wrong signature")
		handled := 0
		c, p := dial(t, Config{
			Verify: func(m Message) error {
				if Value(m, "Forged") != "" {
					return forged
				}
				return nil
			},
			Handle: func(*Conn, *Request) { handled++ },
		})
		call, err := c.Start(request(t, "SERVICE", "1", 1))
		require.NoError(t, err)
		req := p.receive()
		bad := request(t, "BENOTIFY", "2", 1)
		Add(bad, "Forged", "yes")
		p.send(string(Bytes(bad)))
		p.answer(req, 180, "Forged: yes")
		synctest.Wait()
		require.Zero(t, handled)
		select {
		case <-call.done:
			t.Fatal("a provisional response ended the call")
		default:
		}

		p.answer(req, 200, "Forged: yes")
		_, err = call.Wait(t.Context())
		var ve *VerifyError
		require.ErrorAs(t, err, &ve)
		require.Equal(t, 200, ve.Status)
		require.ErrorIs(t, err, forged)
		require.NoError(t, c.Err(), "the connection lives on")
	})
}

// countConn counts writes.
type countConn struct {
	net.Conn
	writes []string
}

func (c *countConn) Write(b []byte) (int, error) {
	c.writes = append(c.writes, string(b))
	return c.Conn.Write(b)
}

func TestEveryMessageIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		counted := &countConn{Conn: near}
		c := NewConn(counted, Config{})
		go io.Copy(io.Discard, far)
		var want []string
		for i := range 5 {
			req := request(t, "BENOTIFY", strconv.Itoa(i), 1)
			SetBody(req, "text/plain", []byte("body"))
			want = append(want, string(Bytes(req)))
			require.NoError(t, c.Send(req))
		}
		synctest.Wait()
		require.Equal(t, want, counted.writes)
		c.Close()
	})
}

func TestMessagesThatWouldNotArriveAsMeantAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dial(t, Config{})
		for name, spoil := range map[string]func(*Request){
			"line end in a value": func(r *Request) { Add(r, "Subject", "x\r\nInjected: y") },
			"line end in a name":  func(r *Request) { Add(r, "Subject\r\nInjected", "y") },
			"blank in the method": func(r *Request) { r.Method = "BENOTIFY sip:x SIP/2.0\r\n" },
			"wrong length":        func(r *Request) { Add(r, "Content-Length", "7") },
		} {
			req := request(t, "BENOTIFY", "1", 1)
			spoil(req)
			require.Error(t, c.Send(req), name)
		}
		res := NewResponse(request(t, "NOTIFY", "1", 1), 200, "OK\r\nInjected: y")
		require.Error(t, c.Respond(res))
	})
}

func TestWhatWasSentBeforeCloseStillLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{Handle: func(c *Conn, r *Request) {
			c.Respond(NewResponse(r, 200, "OK"))
			c.Send(request(t, "BENOTIFY", "last", 1))
			c.Close()
		}})
		p.send(string(Bytes(request(t, "REGISTER", "1", 1))))
		<-c.Done()
		time.Sleep(closeLinger / 2)
		require.Equal(t, 200, p.receive().(*Response).StatusCode)
		require.Equal(t, "last", Value(p.receive(), "Call-ID"))
		_, err := p.f.next()
		require.Equal(t, io.EOF, err)
	})
}

func TestCloseDoesNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := dial(t, Config{})
		require.NoError(t, c.Send(request(t, "BENOTIFY", "1", 1)))
		start := time.Now()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "twice is once")
		<-c.Done()
		require.Zero(t, time.Since(start))
		time.Sleep(closeLinger)
		synctest.Wait()
		_, err := p.nc.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe, "and the net.Conn is closed a second later")
	})
}

func TestTraceSeesTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		c, p := dial(t, Config{Trace: func(sent bool, raw []byte) { got = append(got, fmt.Sprint(sent, " ", string(raw))) }})
		req := request(t, "BENOTIFY", "1", 1)
		SetBody(req, "", nil)
		require.NoError(t, c.Send(req))
		p.receive()
		c.KeepAlive(time.Second)
		raw := make([]byte, 4)
		io.ReadFull(p.nc, raw)
		p.send("\r\n\r\n" + string(Bytes(req)))
		synctest.Wait()
		require.Equal(t, []string{
			"true " + string(Bytes(req)),
			"true \r\n\r\n",
			"false \r\n\r\n",
			"false " + string(Bytes(req)),
		}, got)
	})
}

func TestConnWorksOverTLSAndClosesWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		client := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
		server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
		go server.Handshake()
		require.NoError(t, client.Handshake())
		a := NewConn(client, Config{})
		b := NewConn(server, Config{Handle: func(c *Conn, r *Request) { c.Respond(NewResponse(r, 200, "OK")) }})
		for i := range 10 {
			res, err := a.Do(t.Context(), request(t, "OPTIONS", "1", i))
			require.NoError(t, err)
			require.Equal(t, 200, res.StatusCode)
		}
		start := time.Now()
		a.Close()
		<-b.Done()
		require.Zero(t, time.Since(start))
		require.ErrorIs(t, b.Err(), io.EOF)
	})
}

func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestResetOfARealSocketIsTheCause(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		io.ReadFull(nc, make([]byte, 10))
		nc.(*net.TCPConn).SetLinger(0)
		nc.Close()
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	c := NewConn(nc, Config{})
	_, err = c.Do(context.Background(), request(t, "REGISTER", "1", 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, nc.LocalAddr(), c.LocalAddr())
	require.Equal(t, l.Addr(), c.RemoteAddr())
}
