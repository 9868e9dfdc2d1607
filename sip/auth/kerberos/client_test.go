package kerberos

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/stretchr/testify/require"
)

// answering is a connection to a KDC that answers every request with what answer returns.
func answering(answer func(request []byte) []byte) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		for {
			request, err := readFrame(far)
			if err != nil {
				return
			}
			if writeFrame(far, answer(request)) != nil {
				return
			}
		}
	}()
	return near
}

// krbError makes a KRB-ERROR message.
func krbError(t testing.TB, code int32, clientRealm string) []byte {
	t.Helper()
	m := messages.NewKRBError(ticketGranting(realm), realm, code, "the KDC's words\n\x1b[31m")
	m.CRealm = clientRealm
	b, err := m.Marshal()
	require.NoError(t, err)
	return b
}

func TestErrorsOfTheKDCAreToldApart(t *testing.T) {
	k := newKDC(t,
		Account{Name: "dave", Password: password, NoPreauth: true},
		Account{Name: "rick", Password: password, Enctypes: "rc4"},
		Account{Name: "expired", Password: password, Refuse: errorcode.KDC_ERR_NAME_EXP},
		Account{Name: "disabled", Password: password, Refuse: errorcode.KDC_ERR_CLIENT_REVOKED},
		Account{Name: "mustchange", Password: password, Refuse: errorcode.KDC_ERR_KEY_EXPIRED},
		Account{Name: "policy", Password: password, Refuse: errorcode.KDC_ERR_POLICY},
		Account{Name: "sip/policy.ocs.test", Refuse: errorcode.KDC_ERR_POLICY})
	for _, test := range []struct {
		name   string
		change func(c *Client, k *KDC)
		kind   Kind
		code   int32
		tested bool
	}{
		{"wrong password", func(c *Client, _ *KDC) { c.Password = "Wr0ng" }, KindPasswordRejected, 24, true},
		{"wrong password without preauthentication", func(c *Client, _ *KDC) { c.User, c.Password = "dave", "Wr0ng" }, KindPasswordRejected, 0, true},
		{"unknown user", func(c *Client, _ *KDC) { c.User = "nobody" }, KindUserUnknown, 6, false},
		{"unknown server", func(c *Client, _ *KDC) { c.Target = "sip/other.ocs.test" }, KindServerUnknown, 7, true},
		{"clock of the KDC ahead", func(_ *Client, k *KDC) { k.ClockOffset = time.Hour }, KindClockSkew, 37, false},
		{"no common encryption type", func(c *Client, _ *KDC) { c.User = "rick" }, KindNoCommonEnctype, 14, false},
		{"account expired", func(c *Client, _ *KDC) { c.User = "expired" }, KindAccountDisabled, 1, false},
		{"account disabled", func(c *Client, _ *KDC) { c.User = "disabled" }, KindAccountDisabled, 18, false},
		{"password must change", func(c *Client, _ *KDC) { c.User = "mustchange" }, KindPasswordExpired, 23, false},
		{"policy", func(c *Client, _ *KDC) { c.User = "policy" }, KindFailed, 12, false},
		{"server out of bounds", func(c *Client, _ *KDC) { c.Target = "sip/policy.ocs.test" }, KindFailed, 12, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			k.ClockOffset = 0
			c := newClient(t, k)
			c.Config = config(t, oneRealm+"[libdefaults]\n permitted_enctypes = aes\n")
			test.change(c, k)
			_, done, err := c.Step(context.Background(), nil)
			require.False(t, done)
			e := requireKind(t, test.kind, err)
			require.Equal(t, test.code, e.Code)
			require.Equal(t, []string{"tcp kdc.ocs.test:88"}, e.KDCs)
			require.Equal(t, test.tested, c.PasswordTested())
			require.NotContains(t, err.Error(), c.Password)
			_, err = c.Sign(signedText)
			require.ErrorIs(t, err, errNotEstablished)
		})
	}
}

func TestClockSkewIsMeasured(t *testing.T) {
	for words, offset := range map[string]time.Duration{"1h0m0s behind": -time.Hour, "10m0s ahead": 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			k := newKDC(t)
			k.ClockOffset = offset
			_, _, err := newClient(t, k).Step(context.Background(), nil)
			require.Equal(t, offset, requireKind(t, KindClockSkew, err).Skew)
			require.ErrorContains(t, err, "; the other clock is "+words+";")
		})
	}
}

func TestOlderKDCsWordForAWrongPassword(t *testing.T) {
	c := newClient(t, nil)
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		return answering(func([]byte) []byte { return krbError(t, errorcode.KRB_AP_ERR_BAD_INTEGRITY, "") }), nil
	}
	_, _, err := c.Step(context.Background(), nil)
	requireKind(t, KindPasswordRejected, err)
}

func TestTextOfTheKDCIsQuoted(t *testing.T) {
	c := newClient(t, nil)
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		return answering(func([]byte) []byte { return krbError(t, errorcode.KRB_ERR_GENERIC, "") }), nil
	}
	_, _, err := c.Step(context.Background(), nil)
	require.EqualError(t, err, `kerberos: failed: alice@OCS.TEST: (60) KRB_ERR_GENERIC Generic error (description in e-text); asked tcp kdc.ocs.test:88: it says "the KDC's words\n\x1b[31m"`)
}

func TestAProofOtherThanAPasswordIsNotTried(t *testing.T) {
	m := messages.NewKRBError(ticketGranting(realm), realm, errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	m.EData = []byte{0x30, 0x00} // no method at all
	b, err := m.Marshal()
	require.NoError(t, err)
	c := newClient(t, nil)
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		return answering(func([]byte) []byte { return b }), nil
	}
	_, _, err = c.Step(context.Background(), nil)
	requireKind(t, KindFailed, err)
	require.False(t, c.PasswordTested())
}

func TestAnswersThatAreNoneFail(t *testing.T) {
	for name, answer := range map[string]string{"garbage": "HTTP/1.1 400 Bad Request\r\n\r\n", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, nil)
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				return answering(func([]byte) []byte { return []byte(answer) }), nil
			}
			_, _, err := c.Step(context.Background(), nil)
			requireKind(t, KindFailed, err)
		})
	}
}

func TestAnswerToAnotherRequestIsRefused(t *testing.T) {
	k := newKDC(t)
	var recorded []byte
	replaying := func(request []byte) []byte {
		if recorded == nil || parseKRBError(recorded) != nil {
			recorded = k.Answer(request)
		}
		return recorded
	}
	asRep := func() error {
		n := &network{config: config(t, oneRealm), dial: func(context.Context, string, string) (net.Conn, error) { return answering(replaying), nil }}
		_, err := n.initialTicket(context.Background(), principal{k.accounts["alice@OCS.TEST"].principal.name, realm}, secret{password: password})
		return err
	}
	require.NoError(t, asRep())
	require.ErrorContains(t, asRep(), "the answer is to another request")
}

func TestWhatCannotBeUsedIsAConfigurationError(t *testing.T) {
	for name, change := range map[string]func(*Client){
		"no user":             func(c *Client) { c.User = "" },
		"no realm":            func(c *Client) { c.Config = &Config{} },
		"target without host": func(c *Client) { c.Target = "server.ocs.test" },
		"target with realm":   func(c *Client) { c.Target = "sip/server.ocs.test@OCS.TEST" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, newKDC(t))
			change(c)
			_, _, err := c.Step(context.Background(), nil)
			requireKind(t, KindConfig, err)
		})
	}
}

func TestMissingKrb5ConfIsAConfigurationError(t *testing.T) {
	t.Setenv("KRB5_CONFIG", filepath.Join(t.TempDir(), "krb5.conf"))
	c := newClient(t, newKDC(t))
	c.Config = nil
	_, _, err := c.Step(context.Background(), nil)
	requireKind(t, KindConfig, err)
}

func TestKeytabWithoutTheUserIsNotTried(t *testing.T) {
	k := newKDC(t)
	c := newClient(t, k)
	c.Password, c.Keytab = "", k.Keytab(target)
	_, _, err := c.Step(context.Background(), nil)
	requireKind(t, KindNoCommonEnctype, err)
}

func TestRealmIsTheDomainWithoutKrb5Conf(t *testing.T) {
	k := newKDC(t)
	c := newClient(t, k)
	c.Config, c.Domain = &Config{}, "ocs.test"
	c.LookupSRV = func(_ context.Context, name string) ([]*net.SRV, error) {
		require.Equal(t, "_kerberos._tcp.ocs.test", name)
		return []*net.SRV{{Target: "kdc.ocs.test.", Port: 88}}, nil
	}
	handshake(t, c, newServer(k))
}

func TestTokensOutOfTurnAreRefused(t *testing.T) {
	c := newClient(t, newKDC(t))
	_, _, err := c.Step(context.Background(), []byte("early"))
	require.Error(t, err)
	step(t, c)
	_, done, err := c.Step(context.Background(), nil)
	require.Error(t, err)
	require.False(t, done)
}

func TestRefusalOfTheServerIsTold(t *testing.T) {
	c := newClient(t, newKDC(t))
	step(t, c)
	token := refuse(target, errorcode.KRB_AP_ERR_SKEW)
	_, done, err := c.Step(context.Background(), token)
	require.False(t, done)
	require.Equal(t, errorcode.KRB_AP_ERR_SKEW, requireKind(t, KindClockSkew, err).Code)

	_, _, err = c.Step(context.Background(), token[:len(token)-1])
	requireKind(t, KindFailed, err)
}

func TestErrorKeepsItsCause(t *testing.T) {
	cause := errors.New("cause")
	require.ErrorIs(t, describe(cause, "about"), cause)
	require.NoError(t, describe(nil, "about"))
}
