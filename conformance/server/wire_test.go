package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestSplitMessageArrivesWhole(t *testing.T) {
	for _, transport := range []string{"tcp", "tls"} {
		for _, fault := range []Fault{
			{Stage: StageRegister, Action: ActionSplit},
			{Stage: StageRegister, Action: ActionSplit, Bytes: 100, Delay: time.Second},
			{Stage: StageAccept, Action: ActionSplit},
		} {
			t.Run(transport+" "+string(fault.Stage), func(t *testing.T) {
				inBubble(t, withFaults(fault), func(t *testing.T, s *Server) {
					begin := time.Now()
					c := dialTest(t, s, clientConfig{transport: transport}).signIn()
					pieces := 0
					for _, raw := range c.raw {
						pieces += (len(raw) + 99) / 100
					}
					want := time.Duration(0)
					if fault.Delay > 0 { // none after the last piece that the client waits for
						want = time.Duration(pieces-1) * time.Second
					}
					require.Equal(t, want, time.Since(begin))
				})
			})
		}
	}
}

func TestSplitBytesComeOneByOne(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageAccept, Action: ActionSplit, Bytes: 3}), func(t *testing.T, s *Server) {
		nc := greeted(t, s)
		b := make([]byte, 100)
		for range 10 {
			n, err := nc.Read(b)
			require.NoError(t, err)
			require.Equal(t, 3, n)
		}
	})
}

// options is a request that every server answers.
const options = "OPTIONS sip:ocs.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:1\r\nFrom: <sip:alice@ocs.test>;tag=1;epid=1\r\n" +
	"To: <sip:ocs.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

// greeted dials over TCP and sends an OPTIONS, which the server answers with 401.
func greeted(t *testing.T, s *Server) net.Conn {
	t.Helper()
	nc, err := s.Dial(t.Context(), "tcp", "server.ocs.test:5060")
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	_, err = nc.Write([]byte(options))
	require.NoError(t, err)
	return nc
}

func TestCut(t *testing.T) {
	const total = 400
	for _, transport := range []string{"tcp", "tls"} {
		for _, test := range []struct {
			action Action
			want   []error
		}{
			{ActionClose, []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE}},
			{ActionReset, []error{syscall.ECONNRESET}},
			{ActionSilent, []error{context.DeadlineExceeded}},
		} {
			t.Run(transport+" "+string(test.action), func(t *testing.T) {
				for at := 1; at < total; at += 13 {
					inBubble(t, withFaults(Fault{Stage: StageAccept, Action: test.action, Bytes: at, Count: 1}), func(t *testing.T, s *Server) {
						nc, err := s.Dial(t.Context(), "tcp", map[string]string{"tcp": "server.ocs.test:5060", "tls": "server.ocs.test:5061"}[transport])
						require.NoError(t, err)
						err = patient(t, s, nc, transport == "tls")
						matches := false
						for _, want := range test.want {
							matches = matches || errors.Is(err, want)
						}
						require.True(t, matches, "%d: %v", at, err)
						require.NoError(t, nc.Close())
						synctest.Wait()
						require.EqualValues(t, at, s.History(KindClose)[0].Bytes)
						dialTest(t, s, clientConfig{transport: transport}).signIn()
					})
				}
			})
		}
	}
}

// patient makes REGISTER requests over a connection until one fails, and waits 20 s for each answer.
func patient(t *testing.T, s *Server, nc net.Conn, secure bool) error {
	if secure { // beforehand: a goroutine that waits for another's handshake does not let virtual time pass
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		tc := tls.Client(nc, &tls.Config{ServerName: "server.ocs.test", RootCAs: s.CA(), Time: time.Now})
		if err := tc.HandshakeContext(ctx); err != nil {
			return err
		}
		nc = tc
	}
	c := newTestClient(t, s, nc, clientConfig{})
	for {
		if _, err := c.doFor(20*time.Second, c.registerRequest()); err != nil {
			return err
		}
	}
}

func TestCutIsExactToTheByte(t *testing.T) {
	for _, split := range []bool{false, true} {
		inBubble(t, withFaults(Fault{Stage: StageAccept, Action: ActionClose, Bytes: 17, Delay: time.Second}), func(t *testing.T, s *Server) {
			if split {
				require.NoError(t, s.AddFaults(Fault{Stage: StageAccept, Action: ActionSplit, Bytes: 5}))
			}
			begin := time.Now()
			got, err := io.ReadAll(greeted(t, s))
			require.NoError(t, err)
			require.Equal(t, "SIP/2.0 401 Unaut", string(got))
			require.Equal(t, time.Second, time.Since(begin), "silent, then closed")
		})
	}
}

func TestNewConnectionsThatAreNone(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  error
		after time.Duration
	}{
		{Fault{Action: ActionRefuse}, syscall.ECONNREFUSED, 0},
		{Fault{Action: ActionBlackhole}, context.DeadlineExceeded, 15 * time.Second},
	} {
		t.Run(string(test.fault.Action), func(t *testing.T) {
			test.fault.Stage, test.fault.Count = StageAccept, 1
			inBubble(t, withFaults(test.fault), func(t *testing.T, s *Server) {
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := s.Dial(ctx, "tcp", "server.ocs.test:5061")
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.after, time.Since(begin))
				require.Len(t, s.History(KindFault), 1)
				require.Empty(t, s.History(KindConnect))
				dialTest(t, s, clientConfig{}).signIn()
			})
		})
	}
}

func TestBlackholeEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Start(withFaults(Fault{Stage: StageAccept, Action: ActionBlackhole}))
		require.NoError(t, err)
		done := make(chan error)
		go func() {
			_, err := s.Dial(context.Background(), "tcp", "server.ocs.test:5061")
			done <- err
		}()
		synctest.Wait()
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-done, syscall.ECONNREFUSED)
	})
}

func TestBanner(t *testing.T) {
	for text, want := range map[string]string{"": "220 mail.example.test ESMTP\r\n", "RFB 003.008\n": "RFB 003.008\n"} {
		inBubble(t, withFaults(Fault{Stage: StageAccept, Match: Match{Transport: "tls"}, Action: ActionBanner, Text: text, Delay: time.Second}), func(t *testing.T, s *Server) {
			nc, err := s.Dial(t.Context(), "tcp", "server.ocs.test:5061")
			require.NoError(t, err)
			begin := time.Now()
			got := make([]byte, 100)
			n, err := nc.Read(got)
			require.NoError(t, err)
			require.Equal(t, want, string(got[:n]))
			require.Equal(t, time.Second, time.Since(begin))
			err = tls.Client(nc, &tls.Config{ServerName: "server.ocs.test"}).SetDeadline(time.Now().Add(time.Minute))
			require.NoError(t, err)
			_, err = nc.Read(got)
			require.Equal(t, time.Minute, time.Since(begin)-time.Second, "and then nothing: %v", err)
			require.NoError(t, nc.Close())
		})
	}
}

func TestSlowServerClosesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Start(withFaults(Fault{Stage: StageAccept, Action: ActionSplit, Delay: time.Hour}))
		require.NoError(t, err)
		greeted(t, s)
		time.Sleep(time.Second)
		begin := time.Now()
		s.Reset()
		require.NoError(t, s.Close())
		require.LessOrEqual(t, time.Since(begin), 2*time.Second)
	})
}

func TestWhatComesBeforeAndBehindAnAnswer(t *testing.T) {
	status := func(raw string) string { return raw[8:11] }
	for _, test := range []struct {
		name  string
		fault Fault
		want  []string
	}{
		{"twice", Fault{Action: ActionDuplicate}, []string{"401", "401"}},
		{"a copy that is forged", Fault{Action: ActionUnsolicited, Status: 403, Headers: map[string]string{"Via": "SIP/2.0/TCP 127.0.0.1:1;branch=other", "CSeq": "99 REGISTER"}}, []string{"403", "401"}},
		{"a text", Fault{Action: ActionUnsolicited, Text: "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:1\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"}, []string{"200", "401"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fault.Stage, test.fault.Count = StageRegister, 1
			inBubble(t, withFaults(test.fault), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				res := c.do(c.registerRequest())
				require.Equal(t, 401, res.StatusCode)
				synctest.Wait()
				var got []string
				for _, raw := range c.raw {
					got = append(got, status(raw))
				}
				require.Equal(t, test.want, got)
				require.Len(t, s.Messages(func(r Record) bool { return r.Sent }), 1)
			})
		})
	}
}

func TestForgedCopyIsNotSigned(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Status: 200}, Action: ActionUnsolicited, Status: 404}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		for range 2 {
			require.NoError(t, c.auth.Challenge(t.Context(), c.do(c.registerRequest())))
		}
		_, err := c.conn.Do(t.Context(), c.registerRequest())
		var refused *sip.VerifyError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 404, refused.Status)
		synctest.Wait()
		require.True(t, strings.HasPrefix(c.raw[2], "SIP/2.0 404"))
	})
}

func TestCoalescedAnswers(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageLive, Action: ActionCoalesce, Count: 1}), func(t *testing.T, s *Server) {
		nc := greeted(t, s)
		begin := time.Now()
		time.Sleep(300 * time.Millisecond)
		_, err := nc.Write([]byte(strings.Replace(options, "CSeq: 1", "CSeq: 2", 1)))
		require.NoError(t, err)
		b := make([]byte, 4096)
		n, err := nc.Read(b)
		require.NoError(t, err)
		require.Equal(t, 300*time.Millisecond, time.Since(begin))
		require.Equal(t, 2, bytes.Count(b[:n], []byte("SIP/2.0 401")))
	})
}

func TestCoalescedAnswerWithoutANext(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageRegister, Action: ActionCoalesce, Delay: 5 * time.Second}), func(t *testing.T, s *Server) {
		begin := time.Now()
		c := dialTest(t, s, clientConfig{})
		require.Equal(t, 401, c.do(c.registerRequest()).StatusCode)
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestDamage(t *testing.T) {
	const message = "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 4\r\nServer: x\r\n\r\nbody"
	for _, test := range []struct {
		how   Damage
		bytes int
		want  string
	}{
		{DamageLonger, 0, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 14\r\nServer: x\r\n\r\nbody"},
		{DamageLonger, 3, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 7\r\nServer: x\r\n\r\nbody"},
		{DamageShorter, 3, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 4\r\nServer: x\r\n\r\nbody..."},
		{DamageNoLength, 0, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nServer: x\r\n\r\nbody"},
		{DamageHeader, 3, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 4\r\nServer: x\r\nX-Padding: ...\r\n\r\nbody"},
		{DamageBody, 6, "SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 6\r\nServer: x\r\n\r\n......"},
		{DamageGarbage, 4, "\xFF\x00\x7F\x80\r\n\r\n"},
	} {
		t.Run(string(test.how), func(t *testing.T) {
			before := []byte(message)
			require.Equal(t, test.want, string(damage(before, test.how, test.bytes)))
			require.Equal(t, message, string(before))
		})
	}
	require.Equal(t, "A\r\nContent-Length: 3\r\n\r\n", string(damage([]byte("A\r\n\r\n"), DamageLonger, 3)))
}

func TestCorruptAnswersEndTheConnectionOrTheWait(t *testing.T) {
	for _, how := range []Damage{DamageGarbage, DamageLonger, DamageHeader, DamageBody} {
		t.Run(string(how), func(t *testing.T) {
			inBubble(t, withFaults(Fault{Stage: StageRegister, Action: ActionCorrupt, How: string(how)}), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				_, err := c.doFor(time.Minute, c.registerRequest())
				require.Error(t, err)
			})
		})
	}
}
