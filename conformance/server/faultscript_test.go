package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// doFor sends a request and waits so long.
func (c *testClient) doFor(d time.Duration, req *sip.Request) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), d)
	defer cancel()
	return c.conn.Do(ctx, req)
}

func withFaults(script ...Fault) Config {
	config := twoUsers()
	config.Faults = script
	return config
}

func TestAcceptFaults(t *testing.T) {
	for _, stage := range []FaultStage{StageAccept, StageTLS} {
		for _, test := range []struct {
			action Action
			want   error
		}{
			{ActionSilent, context.DeadlineExceeded},
			{ActionClose, io.EOF},
			{ActionReset, syscall.ECONNRESET},
		} {
			t.Run(string(stage)+" "+string(test.action), func(t *testing.T) {
				inBubble(t, withFaults(Fault{Stage: stage, Action: test.action, Count: 1}), func(t *testing.T, s *Server) {
					shake := func() error {
						nc, err := s.Dial(t.Context(), "tcp", "sip.ocs.test:5061")
						require.NoError(t, err)
						defer nc.Close()
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						return tls.Client(nc, &tls.Config{ServerName: "sip.ocs.test", RootCAs: s.CA(), Time: time.Now}).HandshakeContext(ctx)
					}
					begin := time.Now()
					err := shake()
					if errors.Is(err, syscall.EPIPE) { // the client was still writing
						err = io.EOF
					}
					require.ErrorIs(t, err, test.want)
					if test.action == ActionSilent {
						require.Equal(t, time.Minute, time.Since(begin))
					} else {
						require.Zero(t, time.Since(begin))
					}
					require.NoError(t, shake(), "once only")
				})
			})
		}
	}
}

func TestAcceptFaultsOnSockets(t *testing.T) {
	config := withFaults(Fault{Stage: StageAccept, Action: ActionReset, Count: 1}, Fault{Stage: StageAccept, Action: ActionClose, Count: 1})
	config.ListenTCP = "127.0.0.1:0"
	s := startTest(t, config)
	for _, want := range []error{syscall.ECONNRESET, io.EOF} {
		nc, err := net.Dial("tcp", s.TCPAddr())
		if err == nil { // a reset may come before connecting has returned
			_, err = nc.Read(make([]byte, 1))
			require.NoError(t, nc.Close())
		}
		require.ErrorIs(t, err, want)
	}
}

func TestRegisterFaultBeforeAuthentication(t *testing.T) {
	inBubble(t, withFaults(Fault{
		Stage: StageRegister, Action: ActionStatus, Status: 503, Reason: "Busy",
		Headers: map[string]string{"Retry-After": "30", "ms-diagnostics": `17000;reason="Server overloaded"`}, Count: 1,
	}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register()
		require.Equal(t, 503, res.StatusCode)
		require.Equal(t, "Busy", res.Reason)
		require.Equal(t, "30", sip.Value(res, "Retry-After"))
		require.Equal(t, 17000, sip.Diagnostics(res)[0].ID)
		require.Empty(t, sip.Value(res, "Authentication-Info"))
		c.signIn()
	})
}

func TestRegisterFaultAfterAuthentication(t *testing.T) {
	yes := true
	inBubble(t, withFaults(Fault{
		Stage: StageRegister, Match: Match{Authenticated: &yes}, Action: ActionStatus, Status: 301,
		Headers: map[string]string{"Contact": "<sip:home.ocs.test:5061;transport=tls>"},
	}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register()
		require.Equal(t, 301, res.StatusCode)
		require.NotEmpty(t, sip.Value(res, "Authentication-Info"), "signed")
		require.Empty(t, c.refused)
		require.Equal(t, "<sip:home.ocs.test:5061;transport=tls>", sip.Value(res, "Contact"))
		require.Equal(t, 3, c.cseq)
		require.Empty(t, s.Endpoints())
	})
}

func TestRegisterFaultForRefreshesOnly(t *testing.T) {
	yes := true
	inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Registered: &yes}, Action: ActionStatus, Status: 500, Count: 1}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 500, c.do(c.registerRequest()).StatusCode)
		require.Equal(t, 200, c.do(c.registerRequest()).StatusCode)
	})
}

func TestSilentAndDelayedRegister(t *testing.T) {
	inBubble(t, withFaults(
		Fault{Stage: StageRegister, Action: ActionSilent, Count: 1},
		Fault{Stage: StageRegister, Action: ActionDelay, Delay: 3 * time.Second, Count: 1},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		begin := time.Now()
		_, err := c.doFor(15*time.Second, c.registerRequest())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 15*time.Second, time.Since(begin))

		begin = time.Now()
		require.Equal(t, 401, c.do(c.registerRequest()).StatusCode)
		require.Equal(t, 3*time.Second, time.Since(begin))
		c.signIn()
	})
}

func TestConnectionEndsInsteadOfAnAnswer(t *testing.T) {
	for action, want := range map[Action]error{ActionClose: io.EOF, ActionReset: syscall.ECONNRESET} {
		for _, transport := range []string{"tcp", "tls"} {
			t.Run(string(action)+" "+transport, func(t *testing.T) {
				yes := true
				inBubble(t, withFaults(Fault{Stage: StageRegister, Match: Match{Authenticated: &yes}, Action: action}), func(t *testing.T, s *Server) {
					c := dialTest(t, s, clientConfig{transport: transport})
					for {
						res, err := c.conn.Do(t.Context(), c.registerRequest())
						if err != nil {
							require.ErrorIs(t, err, want)
							break
						}
						require.NoError(t, c.auth.Challenge(t.Context(), res))
					}
					require.Equal(t, 3, c.cseq)
				})
			})
		}
	}
}

func TestSignatureFaults(t *testing.T) {
	for action, told := range map[Action]string{ActionDropSignature: "not signed", ActionCorruptSignature: "signature"} {
		t.Run(string(action), func(t *testing.T) {
			inBubble(t, withFaults(Fault{Stage: StageRegister, Action: action, Count: 1}), func(t *testing.T, s *Server) {
				c := dialTest(t, s, clientConfig{})
				var err error
				for {
					var res *sip.Response
					if res, err = c.conn.Do(t.Context(), c.registerRequest()); err != nil {
						break
					}
					require.Equal(t, 401, res.StatusCode)
					require.NoError(t, c.auth.Challenge(t.Context(), res))
				}
				var refused *sip.VerifyError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, 200, refused.Status)
				require.ErrorContains(t, err, told)
			})
		})
	}
}

func TestPublishFault(t *testing.T) {
	inBubble(t, withFaults(
		Fault{Stage: StagePublish, Match: Match{User: "bob@ocs.test"}, Action: ActionSilent},
		Fault{Stage: StagePublish, Action: ActionStatus, Status: 480, Count: 1},
	), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 480, c.service(typePublish, initialPublication).StatusCode)
		require.Equal(t, 200, c.service(typePublish, initialPublication).StatusCode)
	})
}

func TestSubscribeFaultOfOneEvent(t *testing.T) {
	inBubble(t, withFaults(Fault{Stage: StageSubscribe, Match: Match{Event: "vnd-microsoft-roaming-contacts"}, Action: ActionStatus, Status: 488}), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 488, c.subscribe("vnd-microsoft-roaming-contacts").StatusCode)
		require.Equal(t, 200, c.subscribe("vnd-microsoft-roaming-self").StatusCode)
	})
}

func TestLiveFaultsStrikeNotifications(t *testing.T) {
	notify := func(action Action) Fault {
		return Fault{Stage: StageLive, Match: Match{Method: "BENOTIFY"}, Action: action, Count: 1}
	}
	inBubble(t, withFaults(notify(ActionSilent), notify(ActionDropSignature), notify(ActionCorruptSignature)), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.subscribe("vnd-microsoft-roaming-self")
		c.publish(published{"machineState", 7, 0, 3500})
		c.quiet()
		require.Empty(t, c.refused)
		for i := 1; i < 3; i++ {
			c.publish(published{"machineState", 7, i, 3500})
			synctest.Wait()
			require.Len(t, c.refused, i)
		}
		require.NoError(t, s.AddFaults(notify(ActionReset)))
		req := c.request("SERVICE", "", 1, sip.NewCallID())
		sip.SetBody(req, typePublish, []byte(initialPublication))
		require.NoError(t, c.conn.Send(req))
		<-c.conn.Done()
		require.ErrorIs(t, c.conn.Err(), syscall.ECONNRESET)
	})
}

func TestRawFaultsOnSockets(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
		err   error
	}{
		{Fault{Action: ActionClose, Bytes: 17}, "SIP/2.0 401 Unaut", nil},
		{Fault{Action: ActionRefuse}, "", syscall.ECONNRESET},
		{Fault{Action: ActionSplit, Bytes: 7}, "SIP/2.0 401 Unauthorized\r\n", nil},
	} {
		t.Run(string(test.fault.Action), func(t *testing.T) {
			test.fault.Stage = StageAccept
			config := withFaults(test.fault)
			config.ListenTCP = "127.0.0.1:0"
			s := startTest(t, config)
			nc, err := net.Dial("tcp", s.TCPAddr())
			got := make([]byte, max(len(test.want), 1))
			if err == nil {
				defer nc.Close()
				_, wrote := nc.Write([]byte(options)) // a reset that comes before is told here, and only once
				_, err = io.ReadFull(nc, got)
				err = errors.Join(wrote, err)
			}
			require.ErrorIs(t, err, test.err)
			if test.err == nil {
				require.Equal(t, test.want, string(got))
			}
			if test.fault.Action == ActionClose {
				_, err = nc.Read(got)
				require.Error(t, err)
			}
		})
	}
}
