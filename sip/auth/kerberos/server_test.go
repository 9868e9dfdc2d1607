package kerberos

import (
	"context"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

// recordedAt is when MIT's libgssapi (krb5 1.20.1) made the tokens of testdata, with a ticket of MIT's KDC.
var recordedAt = time.Date(2026, 11, 22, 14, 12, 10, 0, time.UTC)

func recordedToken(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/mit-" + name + ".token")
	require.NoError(t, err)
	return unhex(t, strings.ReplaceAll(string(b), "\n", ""))
}

func TestTokensOfMITAreAccepted(t *testing.T) {
	keytab, err := LoadKeytab("testdata/mit.keytab")
	require.NoError(t, err)
	for _, test := range []struct{ name, mic string }{
		{"aes256", recordedMICs[0].mic},
		{"aes128", recordedMICs[2].mic},
		{"aes256-sha384", recordedMICs[4].mic},
		{"rc4", recordedMICs[6].mic},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(recordedAt))
				s := &Server{Keytab: keytab, Replays: new(ReplayCache)}
				_, done, err := s.Step(t.Context(), recordedToken(t, test.name))
				require.NoError(t, err)
				require.True(t, done)
				user, home := s.Names()
				require.Equal(t, "alice@OCS.TEST", user+"@"+home)
				require.NoError(t, s.Verify(signedText, unhex(t, test.mic)))
			})
		})
	}
}

func TestTokenIsGoodForFiveMinutes(t *testing.T) {
	keytab, err := LoadKeytab("testdata/mit.keytab")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		late time.Duration
		kind Kind
	}{
		"early":   {-6 * time.Minute, KindFailed}, // the ticket is not valid yet
		"late":    {6 * time.Minute, KindClockSkew},
		"expired": {25 * time.Hour, KindTicketExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(recordedAt.Add(test.late)))
				s := &Server{Keytab: keytab, Replays: new(ReplayCache)}
				_, _, err := s.Step(t.Context(), recordedToken(t, "aes256"))
				e := requireKind(t, test.kind, err)
				if test.kind == KindClockSkew {
					require.Equal(t, -test.late, e.Skew.Round(time.Minute))
				}
			})
		})
	}
}

func TestReplayedTokenIsRefused(t *testing.T) {
	k := newKDC(t)
	c, s := newClient(t, k), newServer(k)
	token := step(t, c)
	_, _, err := s.Step(context.Background(), token)
	require.NoError(t, err)
	again := &Server{Keytab: s.Keytab, Target: target, Replays: s.Replays}
	out, done, err := again.Step(context.Background(), token)
	require.False(t, done)
	requireKind(t, KindReplay, err)

	_, _, err = c.Step(context.Background(), out)
	require.Equal(t, errorcode.KRB_AP_ERR_REPEAT, requireKind(t, KindReplay, err).Code, "and the client is told")
}

func TestReplayCacheForgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c ReplayCache
		add := func(name string) (fresh, room bool) { return c.add([]byte(name), time.Now().Add(time.Minute)) }
		fresh, room := add("a")
		require.True(t, fresh && room)
		fresh, _ = add("a")
		require.False(t, fresh)
		time.Sleep(time.Minute + 1)
		fresh, _ = add("a")
		require.True(t, fresh)
	})
}

func TestFullReplayCacheRefusesUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c ReplayCache
		for i := range maxReplays {
			c.add([]byte{byte(i >> 8), byte(i)}, time.Now().Add(time.Minute))
		}
		fresh, room := c.add([]byte("one more"), time.Now().Add(time.Minute))
		require.True(t, fresh)
		require.False(t, room)
		time.Sleep(time.Minute + 1)
		_, room = c.add([]byte("one more"), time.Now().Add(time.Minute))
		require.True(t, room)
		require.Len(t, c.seen, 1)
	})
}

// forged makes a token with the ticket of a client, after change has had its way with the request.
func forged(t *testing.T, k *KDC, change func(a *types.Authenticator, r *messages.APReq)) []byte {
	t.Helper()
	c := newClient(t, k)
	step(t, c)
	a := newAuthenticator(c.ticket.client)
	a.Cksum = types.Checksum{CksumType: checksumGSS, Checksum: contextFlags(flagIntegrity)}
	r := messages.APReq{APOptions: types.NewKrbFlags()}
	change(&a, &r)
	request, err := messages.NewAPReq(c.ticket.sealed, c.ticket.key, a)
	require.NoError(t, err)
	request.APOptions = r.APOptions
	b, err := request.Marshal()
	require.NoError(t, err)
	token, err := frame(tokenAPReq, b)
	require.NoError(t, err)
	return token
}

func TestServerRefuses(t *testing.T) {
	k := newKDC(t, Account{Name: "sip/other.ocs.test"})
	right := step(t, newClient(t, k))
	for _, test := range []struct {
		name   string
		change func(a *types.Authenticator, r *messages.APReq)
		server func(s *Server)
		code   int32
	}{
		{"another user's authenticator", func(a *types.Authenticator, _ *messages.APReq) { a.CName.NameString = []string{"bob"} }, nil, 36},
		{"another realm's authenticator", func(a *types.Authenticator, _ *messages.APReq) { a.CRealm = "FAR.TEST" }, nil, 36},
		{"an old authenticator", func(a *types.Authenticator, _ *messages.APReq) { a.CTime = a.CTime.Add(-time.Hour) }, nil, 37},
		{"a checksum that is not GSS-API's", func(a *types.Authenticator, _ *messages.APReq) { a.Cksum.CksumType = 7 }, nil, 0},
		{"a short checksum", func(a *types.Authenticator, _ *messages.APReq) { a.Cksum.Checksum = a.Cksum.Checksum[:23] }, nil, 0},
		{"mutual authentication", func(a *types.Authenticator, _ *messages.APReq) { a.Cksum.Checksum = contextFlags(flagMutual) }, nil, 0},
		{"mutual authentication in the request", func(_ *types.Authenticator, r *messages.APReq) {
			types.SetFlag(&r.APOptions, flags.APOptionMutualRequired)
		}, nil, 0},
		{"a subkey of another size", func(a *types.Authenticator, _ *messages.APReq) {
			a.SubKey = types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 16)}
		}, nil, 0},
		{"a ticket for another server", nil, func(s *Server) { s.Target = "sip/other.ocs.test" }, 35},
		{"a ticket without a key in the keytab", nil, func(s *Server) { s.Keytab = k.Keytab("sip/other.ocs.test") }, 45},
		{"a ticket under another key", nil, func(s *Server) { s.Keytab = newKDC(t).Keytab(target) }, 41},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := right
			if test.change != nil {
				token = forged(t, k, test.change)
			}
			s := newServer(k)
			if test.server != nil {
				test.server(s)
			}
			out, done, err := s.Step(context.Background(), token)
			require.False(t, done)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.code, e.Code, err)
			require.Equal(t, test.code != 0, out != nil)
			user, _ := s.Names()
			require.Empty(t, user)
			_, err = s.Sign(signedText)
			require.ErrorIs(t, err, errNotEstablished)
		})
	}
}

func TestTokenWithoutSubkeyIsUnderTheSessionKey(t *testing.T) {
	k := newKDC(t)
	s := newServer(k)
	_, done, err := s.Step(context.Background(), forged(t, k, func(a *types.Authenticator, _ *messages.APReq) { a.SeqNumber = -1 }))
	require.NoError(t, err)
	require.True(t, done)
	m, err := s.Sign(signedText)
	require.NoError(t, err)
	require.Equal(t, "040401ffffffffff00000000ffffffff", hex.EncodeToString(m[:16]), "the acceptor counts from the initiator's number")
}

func TestServerWithoutTargetAcceptsEveryPrincipalOfItsKeytab(t *testing.T) {
	k := newKDC(t)
	c, s := newClient(t, k), newServer(k)
	s.Target = ""
	handshake(t, c, s)
}

func TestServerNeedsItsKeytabAndReplayCache(t *testing.T) {
	k := newKDC(t)
	for _, s := range []*Server{{Keytab: k.Keytab(target)}, {Replays: new(ReplayCache)}} {
		_, _, err := s.Step(context.Background(), step(t, newClient(t, k)))
		requireKind(t, KindConfig, err)
	}
}

func TestServerTakesOneToken(t *testing.T) {
	k := newKDC(t)
	s := newServer(k)
	handshake(t, newClient(t, k), s)
	_, done, err := s.Step(context.Background(), step(t, newClient(t, k)))
	require.Error(t, err)
	require.False(t, done)
}

func TestDamagedTokensAreRefused(t *testing.T) {
	k := newKDC(t)
	token := step(t, newClient(t, k))
	for i := range token {
		_, done, err := newServer(k).Step(context.Background(), token[:i])
		require.Errorf(t, err, "the first %d bytes", i)
		require.False(t, done)
	}
	for i := range token {
		changed := append([]byte(nil), token...)
		changed[i] ^= 0x55
		s := newServer(k)
		if _, done, err := s.Step(context.Background(), changed); err == nil {
			// Key versions and name types are hints that no one protects.
			require.True(t, done)
			require.NotNil(t, s.session)
		}
	}
}
