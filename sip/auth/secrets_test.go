package auth

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	//lint:ignore SA1019 NTLM is defined on MD4
	"golang.org/x/crypto/md4"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

// spellings are the ways in which secret bytes could be shown.
func spellings(secret []byte) []string {
	return []string{
		string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
		strings.Trim(fmt.Sprint(secret), "[]"),
	}
}

// Sign-ins with every scheme, good and bad, while everything that can be shown is: the redacted transcript, log,
// states, errors, and the values themselves. What must not be in there are the password, what is derived from it, the
// tokens of the handshakes, signatures, and private keys.
func TestNoSecretOfAnySchemeIsShown(t *testing.T) {
	var shown bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
	secrets := spellings([]byte(hunter))
	h := md4.New()
	for _, c := range hunter {
		h.Write([]byte{byte(c), 0})
	}
	secrets = append(secrets, spellings(h.Sum(nil))...) // the NT hash
	const sessionKey = "a session key of"
	secrets = append(secrets, spellings([]byte(sessionKey))...)
	private := authority().key
	for _, n := range append([]fmt.Stringer{private.D}, stringers(private)...) {
		secrets = append(secrets, n.String())
	}
	secrets = append(secrets, spellings(private.D.Bytes())...)

	show := func(values ...any) {
		for _, v := range values {
			shown.WriteString(shows(v))
			log.Debug("value", "v", v)
		}
	}
	// run lets a client register and records it.
	run := func(t *testing.T, d *domain) {
		w := d.wire(t)
		w.meddle = func(res *sip.Response) {
			for _, m := range []sip.Message{w.sent, res} {
				shown.Write(sip.Redact(sip.Bytes(m)))
				for _, name := range []string{"Authorization", "WWW-Authenticate", "Authentication-Info"} {
					for _, value := range sip.Values(m, name) {
						c, err := sip.ParseCredentials(value)
						require.NoError(t, err)
						for _, param := range []string{"gssapi-data", "response", "rspauth"} {
							if v, ok := c.Params.Get(param); ok && v != "" {
								secrets = append(secrets, v)
							}
						}
					}
				}
			}
		}
		_, _, err := w.register()
		unsigned := w.client.Verify(sip.NewResponse(w.request("SUBSCRIBE"), 200, "OK"))
		w.client.Reset()
		d.client.Rand = nil // which knows the session key
		show(err, unsigned, w.client, w.server, w.client.State(), w.verdict, d.client, d.server, &d.client, &d.server,
			struct{ a, B any }{w.client, w.server}, w.client.registrar.sa, w.client.registrar.failed)
		if sa := w.client.registrar.sa; sa != nil {
			show(sa.keys)
		}
	}
	for _, scheme := range Schemes() {
		t.Run(scheme, func(t *testing.T) {
			for _, password := range []Secret{hunter, hunter + "?"} {
				d := newDomain(t, only(scheme))
				d.kdc = must(kerberos.NewKDC("OCS.TEST", kerberos.Account{Name: "alice", Password: hunter}, kerberos.Account{Name: sipPrincipal}))
				d.server.Kerberos.Keytab = d.kdc.Keytab(sipPrincipal)
				d.server.Accounts = func(user, _ string) (Account, bool) {
					return Account{User: user, Password: hunter, URI: alice}, true
				}
				d.client.Password.Secret = password
				d.client.Rand = random(t, hex.EncodeToString([]byte("8 bytes:"+sessionKey)), strings.Repeat("01", 64))
				show(d.kdc, d.server.Kerberos.Keytab, provisioning(&d.client, func() {}), kerberosClient(&d.client, sipPrincipal))
				run(t, d)
			}
			d := newDomain(t, only(scheme)) // nobody can be asked
			d.client.Password.Secret, d.dial = hunter, refuseToDial
			require.NoError(t, d.cache.Drop("sip.ocs.test", "alice@ocs.test"))
			run(t, d)
		})
	}
	require.Greater(t, shown.Len(), 100_000)
	require.Contains(t, shown.String(), `gssapi-data="***`)
	text := shown.String()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			i := strings.Index(text, secret)
			require.Fail(t, "a secret is shown", "%q in %q", secret, text[max(0, i-200):i+len(secret)])
		}
	}
}

func stringers(key *rsa.PrivateKey) []fmt.Stringer {
	var primes []fmt.Stringer
	for _, p := range key.Primes {
		primes = append(primes, p)
	}
	return primes
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(errors.Join(errors.New("test"), err))
	}
	return v
}
