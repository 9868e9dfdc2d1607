package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestSignInWithNTLM(t *testing.T) {
	for _, transport := range []string{"tcp", "tls"} {
		for version := 2; version <= 4; version++ {
			t.Run(fmt.Sprintf("%s version %d", transport, version), func(t *testing.T) {
				config := twoUsers()
				config.Version = version
				inBubble(t, config, func(t *testing.T, s *Server) {
					c := dialTest(t, s, clientConfig{transport: transport}).signIn()
					state := c.auth.State()
					require.Equal(t, "NTLM", state.Scheme)
					require.Equal(t, version, state.Version)
					require.True(t, state.ServerVerified)
					require.Equal(t, 3, c.cseq, "three REGISTERs")
					require.Equal(t, 200, c.do(c.request("OPTIONS", "", 1, sip.NewCallID())).StatusCode, "a signed request")
					require.Empty(t, c.refused)
					require.Zero(t, s.Rejected("alice"))
				})
			})
		}
	}
}

func TestSignInOverSockets(t *testing.T) {
	config := twoUsers()
	config.ListenTLS, config.ListenTCP = "127.0.0.1:0", "127.0.0.1:0"
	s := startTest(t, config)
	for address, dial := range map[string]func(string) (net.Conn, error){
		s.TLSAddr(): func(a string) (net.Conn, error) {
			return tls.Dial("tcp", a, &tls.Config{RootCAs: s.CA(), ServerName: "sip.ocs.test"})
		},
		s.TCPAddr(): func(a string) (net.Conn, error) { return net.Dial("tcp", a) },
	} {
		nc, err := dial(address)
		require.NoError(t, err)
		c := newTestClient(t, s, nc, clientConfig{}).signIn()
		require.True(t, c.auth.State().ServerVerified)
		require.Equal(t, 200, c.subscribe("vnd-microsoft-roaming-self").StatusCode)
	}
	require.Equal(t, "sip.ocs.test", s.History(KindTLS)[0].Name)
}

func TestLoginForms(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		for _, login := range []string{"alice", "ALICE", `OCS\alice`, `ocs.test\alice`, "alice@ocs.test", "Alice@OCS.test"} {
			res := dialTest(t, s, clientConfig{login: login}).register()
			require.Equal(t, 200, res.StatusCode, login)
		}
		for _, login := range []string{`OTHER\alice`, "alice@contoso.com", "alice "} {
			res := dialTest(t, s, clientConfig{login: login}).register()
			require.Equal(t, 401, res.StatusCode, login)
		}
	})
}

func TestRejectedCredentials(t *testing.T) {
	for name, who := range map[string]clientConfig{
		"wrong password": {user: "alice", password: "wrong"},
		"unknown user":   {user: "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
				c := dialTest(t, s, who)
				res := c.register()
				require.Equal(t, 401, res.StatusCode)
				require.Equal(t, []string{`NTLM realm="SIP Communications Service", targetname="server.ocs.test", version=4`}, sip.Values(res, "WWW-Authenticate"))
				require.Empty(t, sip.Value(res, "Authentication-Info"))
				diagnostics := sip.Diagnostics(res)
				require.Len(t, diagnostics, 1)
				require.Equal(t, 1000, diagnostics[0].ID)
				require.Equal(t, "Final handshake failed", diagnostics[0].Reason)
				require.Equal(t, "server.ocs.test", diagnostics[0].Source)
				require.Equal(t, 1, s.Rejected(who.user))
				rejected := s.History(KindRejected)
				require.Len(t, rejected, 1)
				require.Equal(t, who.user+"@ocs.test", rejected[0].User)
				require.Empty(t, s.Endpoints())
			})
		})
	}
}

func TestUnknownUserCanBeRevealed(t *testing.T) {
	config := twoUsers()
	config.RevealUnknownUsers = true
	inBubble(t, config, func(t *testing.T, s *Server) {
		res := dialTest(t, s, clientConfig{user: "nobody"}).register()
		require.Equal(t, 404, res.StatusCode)
		require.Equal(t, 1003, sip.Diagnostics(res)[0].ID)
		require.Equal(t, 200, dialTest(t, s, clientConfig{}).register().StatusCode)
	})
}

func TestSomebodyElsesAddressIsForbidden(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{user: "alice", login: "bob", password: "hidden"})
		res := c.register()
		require.Equal(t, 403, res.StatusCode)
		require.Equal(t, 4004, sip.Diagnostics(res)[0].ID)
		require.NotEmpty(t, sip.Value(res, "Authentication-Info"), "the password was right, so the answer is signed")
		require.Zero(t, s.Rejected("alice"))
	})
}

func TestFirstChallenge(t *testing.T) {
	for version, want := range map[int]string{
		2: `NTLM realm="SIP Communications Service", targetname="server.ocs.test"`,
		3: `NTLM realm="SIP Communications Service", targetname="server.ocs.test", version=3`,
		4: `NTLM realm="SIP Communications Service", targetname="server.ocs.test", version=4`,
	} {
		config := twoUsers()
		config.Version, config.Schemes = version, []string{"NTLM", "Digest"}
		inBubble(t, config, func(t *testing.T, s *Server) {
			c := dialTest(t, s, clientConfig{})
			res := c.do(c.registerRequest())
			require.Equal(t, 401, res.StatusCode)
			challenges := sip.Values(res, "WWW-Authenticate")
			require.Equal(t, want, challenges[0])
			require.True(t, strings.HasPrefix(challenges[len(challenges)-1], "Digest "), "a line for each scheme")
			require.Equal(t, time.Now().UTC().Format(time.RFC1123[:len(time.RFC1123)-3]+"GMT"), sip.Value(res, "Date"))
			require.Empty(t, sip.Value(res, "Authentication-Info"))
			require.Equal(t, "RTC/3.5", sip.Value(res, "Server"))
		})
	}
}

func TestAnswersRepeatTheRequestByteForByte(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		req := c.registerRequest()
		sip.Set(req, "From", `"Alice, A."<SIP:Alice@ocs.test>;epid=b34afb6ebb23;x="a;b";tag=0815`)
		sip.Add(req, "Via", "SIP/2.0/TLS edge.example.test:5061;branch=z9hG4bKx;received=192.0.2.1 , SIP/2.0/TCP b")
		sip.Add(req, "Record-Route", "<sip:edge.example.test;lr>")
		res := c.do(req)
		require.Equal(t, sip.Value(req, "From"), sip.Value(res, "From"))
		require.Equal(t, sip.Value(req, "Call-ID"), sip.Value(res, "Call-ID"))
		require.Equal(t, "1 REGISTER", sip.Value(res, "CSeq"))
		vias, port := sip.Values(res, "Via"), c.local[strings.LastIndexByte(c.local, ':')+1:]
		require.Equal(t, sip.Values(req, "Via")[0]+";ms-received-port="+port+";ms-received-cid=100", vias[0])
		require.Equal(t, sip.Values(req, "Via")[1], vias[1])
		require.Equal(t, sip.Values(req, "Record-Route"), sip.Values(res, "Record-Route"))
	})
}

func TestViaToldFromAnotherAddressGetsReceived(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		for _, sentBy := range []string{"10.0.0.1:5060", "host.example.test", "[2001:db8::1]:5060"} {
			res := c.do(c.registerRequest("Via: SIP/2.0/TCP " + sentBy))
			require.Contains(t, sip.Value(res, "Via"), sentBy+";received=127.0.0.1;ms-received-port=")
		}
	})
}

func TestToTagIsOneForAConnection(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		tags := map[string]bool{}
		for range 2 {
			c := dialTest(t, s, clientConfig{}).signIn()
			seen := map[string]bool{}
			for _, raw := range c.raw {
				m, err := sip.Parse([]byte(raw))
				require.NoError(t, err)
				seen[sip.Value(m, "To")] = true
			}
			require.Len(t, seen, 1)
			to := sip.Value(c.do(c.request("OPTIONS", "", 1, sip.NewCallID())), "To")
			require.Contains(t, seen, to)
			require.Regexp(t, `^<sip:alice@ocs\.test>;tag=[0-9A-F]{32}$`, to)
			tags[to] = true
		}
		require.Len(t, tags, 2)
	})
}

func TestUnsignedRequestIsChallenged(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		for name, spoil := range map[string]func(sip.Message){
			"unsigned":   func(m sip.Message) { sip.Del(m, "Authorization") },
			"wrong":      func(m sip.Message) { sip.Set(m, "Expires", "1") },
			"other user": func(m sip.Message) { sip.Set(m, "From", "<sip:bob@ocs.test>;tag=1;epid="+c.epid) },
			"other epid": func(m sip.Message) { sip.Set(m, "From", "<"+c.uri+">;tag=1;epid=other") },
			"other realm": func(m sip.Message) {
				sip.Set(m, "Authorization", strings.Replace(sip.Value(m, "Authorization"), "SIP C", "sip c", 1))
			},
		} {
			c.sign = spoil
			res := c.do(c.request("OPTIONS", "", 1, sip.NewCallID()))
			require.Equal(t, 401, res.StatusCode, name)
			require.NotContains(t, sip.Value(res, "WWW-Authenticate"), "opaque", name)
			require.Empty(t, sip.Value(res, "Authentication-Info"), name)
		}
		c.sign = nil
		require.Equal(t, 200, c.do(c.request("OPTIONS", "", 1, sip.NewCallID())).StatusCode)
	})
}

func TestReplayedRequestIsChallenged(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		req := c.request("OPTIONS", "", 1, "replayed")
		require.Equal(t, 200, c.do(req).StatusCode)
		credentials := sip.Value(req, "Authorization")
		c.sign = func(m sip.Message) { sip.Set(m, "Authorization", credentials) }
		require.Equal(t, 401, c.do(req).StatusCode)
	})
}

func TestCredentialsUnderTheProxyNameAreTaken(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		c.sign = func(m sip.Message) {
			if value := sip.Value(m, "Authorization"); value != "" {
				sip.Del(m, "Authorization")
				sip.Add(m, "Proxy-Authorization", value)
			}
		}
		c.signIn()
		require.Equal(t, 200, c.do(c.request("OPTIONS", "", 1, sip.NewCallID())).StatusCode)
	})
}

func TestSignInWithDigest(t *testing.T) {
	config := twoUsers()
	config.Schemes = []string{"Digest"}
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, "Digest", c.auth.State().Scheme)
		require.Equal(t, 2, c.cseq)
		require.Equal(t, 200, c.subscribe("vnd-microsoft-roaming-self").StatusCode, "presence all the same")

		require.Equal(t, 401, dialTest(t, s, clientConfig{password: "wrong"}).register().StatusCode)
		require.Equal(t, 401, dialTest(t, s, clientConfig{user: "nobody"}).register().StatusCode)
		require.Equal(t, 1, s.Rejected("alice"))
		require.Equal(t, 1, s.Rejected("nobody@ocs.test"))
	})
}

func TestPlainRegistrar(t *testing.T) {
	config := twoUsers()
	config.Schemes, config.PlainRegistrar = []string{"Digest"}, true
	inBubble(t, config, func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{})
		res := c.register("From: <sip:alice@ocs.test>;tag=1", "Contact: <sip:alice@127.0.0.1:5060>", "Event: registration", "Expires: 60")
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, []string{"<sip:alice@127.0.0.1:5060>;expires=60"}, sip.Values(res, "Contact"))
		for _, name := range []string{"Supported", "Allow-Events", "ms-keep-alive", "presence-state"} {
			require.Empty(t, sip.Values(res, name), name)
		}
		require.Equal(t, 489, c.subscribe("vnd-microsoft-roaming-self").StatusCode)
		require.Equal(t, 501, c.service(typePublish, initialPublication).StatusCode)
		res = c.register("From: <sip:alice@ocs.test>;tag=1", "Contact: *", "Expires: 0")
		require.Equal(t, 200, res.StatusCode)
		require.Empty(t, s.Endpoints())
	})
}

func TestPasswordsAreNowhere(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		require.Equal(t, 401, dialTest(t, s, clientConfig{password: "hunter2"}).register().StatusCode)
		c.conn.Close()
		for _, r := range s.History() {
			for _, secret := range []string{"secret", "hidden", "hunter2", "TlRMTVNTUA"} {
				require.NotContains(t, fmt.Sprintf("%+v", r), secret)
			}
		}
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", s.config.Users, s.config.Users[0], s.config.Users), "secret")
	})
}

func TestOneGoroutineAConnection(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{transport: "tls"}).signIn()
		c.quiet()
		require.Equal(t, 2, strings.Count(stacks(), "sip.(*Conn).read("), "the client's reader and the server's")
		require.Zero(t, strings.Count(stacks(), "conformance/server.(*connection)"))
	})
}

func TestKeepAlivesAreRecorded(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{}).signIn()
		c.conn.KeepAlive(time.Minute)
		time.Sleep(2*time.Minute + time.Second)
		c.quiet()
		require.Len(t, s.History(KindKeepAlive), 2)
	})
}

func TestServerClosesItsConnections(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		c := dialTest(t, s, clientConfig{transport: "tls"}).signIn()
		handshaking, err := s.Dial(t.Context(), "tcp", "server.ocs.test:5061")
		require.NoError(t, err)
		require.NoError(t, s.Close())
		<-c.conn.Done()
		_, err = handshaking.Read(make([]byte, 1))
		require.Error(t, err)
		require.NoError(t, s.Close())
	})
}
