//go:build peers

package peers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

const (
	krb5Realm    = "OCS.TEST"
	krb5Password = "Passw0rd! ü"
	sipServer    = "sip/server.ocs.test"
)

// krb5 is a realm of MIT Kerberos: a krb5kdc on loopback and its files in a scratch folder. The environment of
// the test makes MIT's programs use it.
type krb5 struct {
	dir     string
	address string // of the KDC, TCP and UDP
	config  *kerberos.Config
	keytab  *kerberos.Keytab
}

const krb5Conf = `
[libdefaults]
	default_realm = OCS.TEST
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	rdns = false
	allow_rc4 = true
[realms]
	OCS.TEST = {
		kdc = %s
	}
[domain_realm]
	.ocs.test = OCS.TEST
`

const kdcConf = `
[kdcdefaults]
	kdc_listen = %[1]s
	kdc_tcp_listen = %[1]s
[realms]
	OCS.TEST = {
		database_name = %[2]s/principal
		acl_file = %[2]s/kadm5.acl
		key_stash_file = %[2]s/stash
		supported_enctypes = aes256-cts:normal aes128-cts:normal arcfour-hmac:normal
	}
`

// principals are those of the realm, in the language of kadmin. MIT's KDC gives an AES256 session key wherever it
// may, hence the session_enctypes. sip/mixed is what a domain controller makes of an account without AES keys: an RC4
// ticket with an AES session key.
const principals = `
addprinc +requires_preauth -pw "Passw0rd! ü" alice
addprinc +requires_preauth -pw "Passw0rd! ü" -e arcfour-hmac:normal rick
addprinc -requires_preauth -pw "Passw0rd! ü" dave
addprinc +requires_preauth -pw "Passw0rd! ü" +needchange mustchange
addprinc +requires_preauth -pw "Passw0rd! ü" -expire "1 January 2020" expired
addprinc +requires_preauth -pw "Passw0rd! ü" -allow_tix disabled
addprinc -randkey sip/server.ocs.test
addprinc -randkey -e aes128-cts:normal sip/aes128.ocs.test
addprinc -randkey -e aes256-sha2:normal sip/sha2.ocs.test
addprinc -randkey -e arcfour-hmac:normal sip/rc4.ocs.test
addprinc -randkey -e arcfour-hmac:normal sip/mixed.ocs.test
setstr sip/aes128.ocs.test session_enctypes aes128-cts
setstr sip/sha2.ocs.test session_enctypes aes256-sha2
setstr sip/rc4.ocs.test session_enctypes arcfour-hmac
setstr sip/mixed.ocs.test session_enctypes aes256-cts
ktadd -k %[1]s/keytab -norandkey sip/server.ocs.test sip/aes128.ocs.test sip/sha2.ocs.test sip/rc4.ocs.test sip/mixed.ocs.test
ktadd -k %[1]s/alice.keytab -norandkey alice
`

// startKrb5 makes the realm and starts its KDC.
func startKrb5(t *testing.T) *krb5 {
	t.Helper()
	k := &krb5{dir: scratch(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	write := func(name, content string) string {
		path := filepath.Join(k.dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	conf := write("krb5.conf", fmt.Sprintf(krb5Conf, k.address))
	t.Setenv("KRB5_CONFIG", conf)
	t.Setenv("KRB5_KDC_PROFILE", write("kdc.conf", fmt.Sprintf(kdcConf, k.address, k.dir)))
	t.Setenv("KRB5CCNAME", filepath.Join(k.dir, "ccache"))
	t.Setenv("KRB5_KTNAME", filepath.Join(k.dir, "keytab"))
	t.Setenv("KRB5RCACHEDIR", k.dir)
	run(t, "", "kdb5_util", "create", "-r", krb5Realm, "-s", "-P", "master")
	run(t, fmt.Sprintf(principals, k.dir), "kadmin.local")
	start(t, k.dir, "krb5kdc", "-n").waitListening(t, k.address)

	var err error
	k.config, err = kerberos.LoadConfig("")
	require.NoError(t, err)
	k.keytab, err = kerberos.LoadKeytab(filepath.Join(k.dir, "keytab"))
	require.NoError(t, err)
	return k
}

// run runs a program to its end.
func run(t *testing.T, input, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s: %s", name, out)
}

// client is one with alice's password.
func (k *krb5) client(target string) *kerberos.Client {
	return &kerberos.Client{User: "alice", Password: krb5Password, Target: target, Config: k.config}
}

// requireSignaturesBothWays lets the judge verify our signature and us the judge's, and refuse each under
// another text. form is how signatures begin, and size their length in bytes.
func requireSignaturesBothWays(t *testing.T, j *judge, m mechanism, form string, size int) {
	t.Helper()
	text, other := []byte("<Kerberos><1><sip/server.ocs.test>"), []byte("<Kerberos><2><sip/server.ocs.test>")
	for range 2 { // sequence numbers rise
		ours, err := m.Sign(text)
		require.NoError(t, err)
		require.Equal(t, form, hex.EncodeToString(ours)[:len(form)])
		require.Len(t, ours, size)
		_, err = j.ask("verify", hex.EncodeToString(other), hex.EncodeToString(ours))
		require.ErrorContains(t, err, "invalid Message Integrity Check")
		_, err = j.ask("verify", hex.EncodeToString(text), hex.EncodeToString(ours))
		require.NoError(t, err)

		answer, err := j.ask("sign", hex.EncodeToString(text))
		require.NoError(t, err)
		theirs, err := hex.DecodeString(answer)
		require.NoError(t, err)
		require.Len(t, theirs, size)
		require.NoError(t, m.Verify(text, theirs))
		require.ErrorIs(t, m.Verify(other, theirs), kerberos.ErrSignature)
	}
}

const (
	formRFC4121 = "0404"
	formRFC4757 = "602306092a864886f71201020201011100ffffffff"
)

// services are the servers by the keys that their tickets lead to.
var services = []struct {
	name, target, form string
	size               int
}{
	{"AES256", "sip/server.ocs.test", formRFC4121, 28},
	{"AES128", "sip/aes128.ocs.test", formRFC4121, 28},
	{"AES256-SHA384", "sip/sha2.ocs.test", formRFC4121, 40},
	{"RC4", "sip/rc4.ocs.test", formRFC4757, 37},
	{"RC4 ticket with AES session key", "sip/mixed.ocs.test", formRFC4121, 28},
}

func TestKerberosWithMIT(t *testing.T) {
	k := startKrb5(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kinit := func(t *testing.T) { run(t, krb5Password+"\n", "kinit", "alice") }

	for _, service := range services {
		t.Run("client role "+service.name, func(t *testing.T) {
			j := newJudge(t, "krb5_judge.py")
			c := k.client(service.target)
			token, done, err := c.Step(ctx, nil)
			require.NoError(t, err)
			require.True(t, done)
			require.True(t, c.PasswordTested())
			require.True(t, c.Expiry().After(time.Now()))

			name, err := j.ask("accept", hex.EncodeToString(token))
			require.NoError(t, err)
			require.Equal(t, "alice@OCS.TEST", name)
			requireSignaturesBothWays(t, j, c, service.form, service.size)

			_, err = j.ask("accept", hex.EncodeToString(token))
			require.ErrorContains(t, err, "Request is a replay")
		})
		t.Run("server role "+service.name, func(t *testing.T) {
			kinit(t)
			j := newJudge(t, "krb5_judge.py")
			kind, host, _ := strings.Cut(service.target, "/")
			answer, err := j.ask("initiate", kind, host)
			require.NoError(t, err)
			token, err := hex.DecodeString(answer)
			require.NoError(t, err)

			replays := new(kerberos.ReplayCache)
			s := &kerberos.Server{Keytab: k.keytab, Target: service.target, Replays: replays}
			_, done, err := s.Step(ctx, token)
			require.NoError(t, err)
			require.True(t, done)
			user, realm := s.Names()
			require.Equal(t, "alice@OCS.TEST", user+"@"+realm)
			requireSignaturesBothWays(t, j, s, service.form, service.size)

			_, _, err = (&kerberos.Server{Keytab: k.keytab, Target: service.target, Replays: replays}).Step(ctx, token)
			requireKind(t, kerberos.KindReplay, err)
		})
	}

	t.Run("ticket of kinit", func(t *testing.T) {
		kinit(t)
		requireAccepted(t, ctx, &kerberos.Client{Target: sipServer, Config: k.config})
	})
	t.Run("service ticket of kvno", func(t *testing.T) {
		kinit(t)
		run(t, "", "kvno", sipServer)
		requireAccepted(t, ctx, &kerberos.Client{
			CCache: "FILE:" + filepath.Join(k.dir, "ccache"), Target: sipServer, Config: k.config,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no KDC is needed")
			},
		})
	})
	t.Run("ticket of kinit has expired", func(t *testing.T) {
		run(t, krb5Password+"\n", "kinit", "-l", "1s", "alice")
		time.Sleep(1100 * time.Millisecond)
		_, _, err := (&kerberos.Client{Target: sipServer, Config: k.config}).Step(ctx, nil)
		requireKind(t, kerberos.KindTicketExpired, err)
	})
	t.Run("no kinit", func(t *testing.T) {
		run(t, "", "kdestroy")
		_, _, err := (&kerberos.Client{Target: sipServer, Config: k.config}).Step(ctx, nil)
		requireKind(t, kerberos.KindNoTicket, err)
	})
	t.Run("keytab", func(t *testing.T) {
		keytab, err := kerberos.LoadKeytab(filepath.Join(k.dir, "alice.keytab"))
		require.NoError(t, err)
		requireAccepted(t, ctx, &kerberos.Client{Keytab: keytab, Target: sipServer, Config: k.config})
	})
	t.Run("user without preauthentication", func(t *testing.T) {
		c := k.client(sipServer)
		c.User = "dave"
		requireAccepted(t, ctx, c)
	})
	t.Run("user with an RC4 key only", func(t *testing.T) {
		c := k.client(sipServer)
		c.User = "rick"
		requireAccepted(t, ctx, c)
	})
	t.Run("over UDP", func(t *testing.T) {
		c := k.client(sipServer)
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if network != "udp" {
				return nil, errors.New("only UDP")
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		requireAccepted(t, ctx, c)
	})

	for _, failure := range []struct {
		name   string
		change func(*kerberos.Client)
		kind   kerberos.Kind
		code   int32
	}{
		{"wrong password", func(c *kerberos.Client) { c.Password = "Passw0rd?" }, kerberos.KindPasswordRejected, 24},
		{"wrong password without preauthentication", func(c *kerberos.Client) { c.User, c.Password = "dave", "Passw0rd?" }, kerberos.KindPasswordRejected, 0},
		{"unknown user", func(c *kerberos.Client) { c.User = "nobody" }, kerberos.KindUserUnknown, 6},
		{"unknown server", func(c *kerberos.Client) { c.Target = "sip/other.ocs.test" }, kerberos.KindServerUnknown, 7},
		{"password must change", func(c *kerberos.Client) { c.User = "mustchange" }, kerberos.KindPasswordExpired, 23},
		{"account has expired", func(c *kerberos.Client) { c.User = "expired" }, kerberos.KindAccountDisabled, 1},
		{"account is disabled", func(c *kerberos.Client) { c.User = "disabled" }, kerberos.KindAccountDisabled, 18},
	} {
		t.Run(failure.name, func(t *testing.T) {
			c := k.client(sipServer)
			failure.change(c)
			_, _, err := c.Step(ctx, nil)
			e := requireKind(t, failure.kind, err)
			require.Equal(t, failure.code, e.Code)
			require.Equal(t, []string{"tcp " + k.address}, e.KDCs)
			require.NotContains(t, err.Error(), c.Password)
		})
	}
}

// requireAccepted makes a token and lets the judge accept it.
func requireAccepted(t *testing.T, ctx context.Context, c *kerberos.Client) {
	t.Helper()
	j := newJudge(t, "krb5_judge.py")
	token, _, err := c.Step(ctx, nil)
	require.NoError(t, err)
	name, err := j.ask("accept", hex.EncodeToString(token))
	require.NoError(t, err)
	require.Equal(t, c.Principal(), name)
	requireSignaturesBothWays(t, j, c, formRFC4121, 28)
}

func requireKind(t *testing.T, kind kerberos.Kind, err error) *kerberos.Error {
	t.Helper()
	var e *kerberos.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, err)
	return e
}
