package kerberos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/stretchr/testify/require"
)

const (
	realm    = "OCS.TEST"
	password = "Passw0rd! ü"
	target   = "sip/server.ocs.test"
)

// newKDC is a KDC that knows alice and the server, and what else it is told.
func newKDC(t testing.TB, more ...Account) *KDC {
	t.Helper()
	k, err := NewKDC(realm, append([]Account{{Name: "alice", Password: password, Enctypes: "aes256-cts rc4"}, {Name: target}}, more...)...)
	require.NoError(t, err)
	return k
}

// site is the KDCs that a client can reach, by address, and what it has dialled.
type site struct {
	kdcs map[string]*KDC

	mu      sync.Mutex
	dialled []string
}

// dial connects in memory.
func (s *site) dial(_ context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	s.dialled = append(s.dialled, network+" "+address)
	s.mu.Unlock()
	k := s.kdcs[address]
	if k == nil || network != "tcp" {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	go k.ServeConn(far)
	return near, nil
}

// config parses a krb5.conf.
func config(t testing.TB, text string) *Config {
	t.Helper()
	c, err := ParseConfig(text)
	require.NoError(t, err)
	return c
}

const oneRealm = `
[libdefaults]
	default_realm = OCS.TEST
[realms]
	OCS.TEST = {
		kdc = kdc.ocs.test
	}
`

// newClient is alice's with her password, at the KDC.
func newClient(t testing.TB, k *KDC) *Client {
	t.Helper()
	s := &site{kdcs: map[string]*KDC{"kdc.ocs.test:88": k}}
	return &Client{User: "alice", Password: password, Target: target, Config: config(t, oneRealm), Dial: s.dial}
}

// step makes the client's token.
func step(t testing.TB, c *Client) []byte {
	t.Helper()
	token, done, err := c.Step(context.Background(), nil)
	require.NoError(t, err)
	require.True(t, done)
	return token
}

func newServer(k *KDC) *Server {
	return &Server{Keytab: k.Keytab(target), Target: target, Replays: new(ReplayCache)}
}

// handshake runs a handshake to its end.
func handshake(t testing.TB, c *Client, s *Server) {
	t.Helper()
	out, done, err := s.Step(context.Background(), step(t, c))
	require.NoError(t, err)
	require.True(t, done)
	require.Empty(t, out)
}

func requireSignaturesBothWays(t *testing.T, c *Client, s *Server) {
	t.Helper()
	for _, way := range []struct {
		sign   func([]byte) ([]byte, error)
		verify func(buffer, signature []byte) error
	}{{c.Sign, s.Verify}, {s.Sign, c.Verify}} {
		first, err := way.sign(signedText)
		require.NoError(t, err)
		second, err := way.sign(signedText)
		require.NoError(t, err)
		require.NotEqual(t, first, second, "the sequence number rises")
		require.NoError(t, way.verify(signedText, second))
		require.NoError(t, way.verify(signedText, first), "the order is not checked here")
		require.ErrorIs(t, way.verify([]byte("another"), first), ErrSignature)
	}
}

// requireKind requires an Error of a kind, and returns it.
func requireKind(t testing.TB, kind Kind, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, err)
	return e
}

func TestHandshakeWithEveryEncryptionType(t *testing.T) {
	for _, name := range []string{"aes256-cts", "aes128-cts", "aes256-sha2", "aes128-sha2", "rc4-hmac"} {
		t.Run(name, func(t *testing.T) {
			k, err := NewKDC(realm, Account{Name: "alice", Password: password, Enctypes: name}, Account{Name: target, Enctypes: name})
			require.NoError(t, err)
			c, s := newClient(t, k), newServer(k)
			handshake(t, c, s)
			requireSignaturesBothWays(t, c, s)

			require.Equal(t, parseEnctypes(name)[0], c.session.key.KeyType)
			require.NotEqual(t, c.ticket.key, c.session.key, "the messages are under a subkey")
			user, home := s.Names()
			require.Equal(t, "alice@OCS.TEST", user+"@"+home)
			require.Equal(t, "alice@OCS.TEST", c.Principal())
			require.True(t, c.PasswordTested())
		})
	}
}

func TestHandshakeWithTheEncryptionTypeOfKrb5Conf(t *testing.T) {
	k := newKDC(t)
	c, s := newClient(t, k), newServer(k)
	c.Config = config(t, oneRealm+"[libdefaults]\n permitted_enctypes = rc4\n")
	handshake(t, c, s)
	requireSignaturesBothWays(t, c, s)
	require.Equal(t, enctypeNames["rc4"][0], c.session.key.KeyType)
}

func TestExpiryIsTheTicketsOnBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKDC(t)
		k.Lifetime = 90 * time.Minute
		c, s := newClient(t, k), newServer(k)
		require.True(t, c.Expiry().IsZero())
		require.True(t, s.Expiry().IsZero())
		handshake(t, c, s)
		require.True(t, c.Expiry().Equal(time.Now().Add(90*time.Minute)))
		require.True(t, s.Expiry().Equal(c.Expiry()))
	})
}

func TestHandshakeWithAKeytab(t *testing.T) {
	k := newKDC(t)
	for _, user := range []string{"alice", ""} {
		c, s := newClient(t, k), newServer(k)
		c.User, c.Password, c.Keytab = user, "", k.Keytab("alice")
		handshake(t, c, s)
		require.Equal(t, "alice@OCS.TEST", c.Principal())
	}
}

func TestHandshakeOfAUserWithoutPreauthentication(t *testing.T) {
	k := newKDC(t, Account{Name: "dave", Password: password, NoPreauth: true})
	c, s := newClient(t, k), newServer(k)
	c.User = "dave"
	handshake(t, c, s)
	require.True(t, c.PasswordTested())
}

func TestHandshakeOfAnEnterpriseName(t *testing.T) {
	k := newKDC(t, Account{Name: "erna", Password: password, Alias: "erna@contoso.com"})
	c, s := newClient(t, k), newServer(k)
	c.User = "erna@contoso.com@OCS.TEST"
	handshake(t, c, s)
	require.Equal(t, "erna@OCS.TEST", c.Principal())
}

const twoRealms = `
[libdefaults]
	default_realm = OCS.TEST
[realms]
	OCS.TEST = {
		kdc = kdc.ocs.test
	}
	FAR.TEST = {
		kdc = kdc.far.test
	}
`

// newFarKDC is a second realm with a server of its own, and the first one with the key to it.
func newFarKDC(t *testing.T) (near, far *KDC, s *site) {
	t.Helper()
	near = newKDC(t, Account{Name: "krbtgt/FAR.TEST", Password: "trust"})
	far, err := NewKDC("FAR.TEST",
		Account{Name: "krbtgt/FAR.TEST@OCS.TEST", Password: "trust"},
		Account{Name: "sip/server.far.test"}, Account{Name: "bob", Password: password})
	require.NoError(t, err)
	return near, far, &site{kdcs: map[string]*KDC{"kdc.ocs.test:88": near, "kdc.far.test:88": far}}
}

func TestHandshakeWithAServerInAnotherRealm(t *testing.T) {
	for name, how := range map[string]struct{ conf, refer string }{
		"by domain_realm": {twoRealms + "[domain_realm]\n .far.test = FAR.TEST\n", ""},
		"by referral":     {twoRealms, "FAR.TEST"},
	} {
		t.Run(name, func(t *testing.T) {
			near, far, site := newFarKDC(t)
			near.Refer = how.refer
			c := newClient(t, near)
			c.Config, c.Dial, c.Target = config(t, how.conf), site.dial, "sip/server.far.test"
			s := &Server{Keytab: far.Keytab("sip/server.far.test"), Replays: new(ReplayCache)}
			handshake(t, c, s)
			requireSignaturesBothWays(t, c, s)
			user, home := s.Names()
			require.Equal(t, "alice@OCS.TEST", user+"@"+home)
		})
	}
}

func TestRealmsThatReferInCirclesEnd(t *testing.T) {
	near, far, site := newFarKDC(t)
	near.Refer, far.Refer = "FAR.TEST", "FAR.TEST"
	c := newClient(t, near)
	c.Config, c.Dial, c.Target = config(t, twoRealms), site.dial, "sip/nowhere.test"
	_, _, err := c.Step(context.Background(), nil)
	require.ErrorIs(t, err, errCircles)
}

func TestUserOfAnotherRealmIsFound(t *testing.T) {
	near, far, site := newFarKDC(t)
	near.Refer = "FAR.TEST"
	c := newClient(t, near)
	c.User, c.Config, c.Target = "bob", config(t, twoRealms), "sip/server.far.test"
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "kdc.ocs.test:88" {
			return site.dial(ctx, network, address)
		}
		return answering(func([]byte) []byte { return krbError(t, errorcode.KDC_ERR_WRONG_REALM, "FAR.TEST") }), nil
	}
	s := &Server{Keytab: far.Keytab("sip/server.far.test"), Replays: new(ReplayCache)}
	handshake(t, c, s)
	require.Equal(t, "bob@FAR.TEST", c.Principal())
}

func TestNothingSecretIsPrinted(t *testing.T) {
	k := newKDC(t)
	c, s := newClient(t, k), newServer(k)
	c.Keytab = k.Keytab("alice")
	handshake(t, c, s)
	for _, value := range []any{c, *c, s, *s, k, *k, c.Keytab, *c.Keytab} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			printed := fmt.Sprintf(format, value)
			require.Less(t, len(printed), 60, printed)
			require.NotContains(t, printed, password)
		}
	}
}
