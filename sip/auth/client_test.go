package auth

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

func requireCause(t testing.TB, want ocserr.Cause, err error) *ocserr.Error {
	t.Helper()
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause, "%v", err)
	return e
}

func requireSignature(t testing.TB, want ocserr.Cause, err error) {
	t.Helper()
	var e *SignatureError
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Cause, "%v", err)
}

func TestNTLMSignInTakesThreeRegisters(t *testing.T) {
	for _, n := range []int{2, 3, 4} {
		t.Run(fmt.Sprintf("version %d", n), func(t *testing.T) {
			w := newWire(t, config(version(n)))
			_, registers, err := w.register()
			require.NoError(t, err)
			require.NoError(t, w.verdict.Err)
			require.Equal(t, 3, registers)
			require.Equal(t, alice, w.verdict.Account.URI)

			require.NotEmpty(t, w.param("gssapi-data"))
			echoed := map[int]string{2: "", 3: "3", 4: "4"}[n]
			require.Equal(t, echoed, w.param("version"))
			first := "" // the number of the message that completes the handshake
			if n == 4 {
				first = "1"
			}
			require.Equal(t, first, w.param("cnum"))

			res := w.send(w.request("SUBSCRIBE"))
			require.NoError(t, w.client.Verify(res))
			require.True(t, w.verdict.OK)
			require.Empty(t, w.param("gssapi-data"))
			require.Empty(t, w.param("version"))
			require.Equal(t, map[int]string{2: "1", 3: "1", 4: "2"}[n], w.param("cnum"))
			require.Equal(t, State{
				Challenged: true, Offered: []string{NTLM, Digest}, Scheme: NTLM, Version: n,
				PasswordSent: true, PasswordTested: true, ServerVerified: true, Verified: 2,
			}, w.client.State())
		})
	}
}

func TestStateBeforeAndWithoutChallenge(t *testing.T) {
	w := newWire(t, config(nil))
	require.Equal(t, State{}, w.client.State())
	req := w.request("REGISTER")
	require.NoError(t, w.client.Sign(req))
	require.Empty(t, sip.Value(req, "Authorization"))
	require.NoError(t, w.client.Verify(sip.NewResponse(req, 200, "OK")))
	require.Equal(t, State{}, w.client.State(), "a server that does not challenge has tested nothing")
}

func TestChoiceOfScheme(t *testing.T) {
	const (
		ntlm     = `NTLM realm="r", targetname="s", version=4`
		kerberos = `Kerberos realm="r", targetname="sip/s", version=4`
		tlsDSK   = `TLS-DSK realm="r", targetname="s", version=4, sts-uri="https://s/"`
		md5      = `Digest realm="r", nonce="n", algorithm=MD5, qop="auth"`
		unknown  = `Digest realm="r", nonce="n", algorithm=SHA3-512, qop="auth"`
	)
	for _, tc := range []struct {
		name    string
		offers  []string
		allowed []string
		offered []string
		want    string // "": no common scheme
	}{
		{"as OCS offers", []string{ntlm, kerberos}, nil, []string{NTLM, Kerberos}, NTLM},
		{"as Lync offers", []string{ntlm, kerberos, tlsDSK}, nil, []string{NTLM, Kerberos, TLSDSK}, NTLM},
		{"Digest alone", []string{md5}, nil, []string{Digest}, Digest},
		{"NTLM before Digest", []string{md5, ntlm}, nil, []string{Digest, NTLM}, NTLM},
		{"Digest allowed only", []string{md5, ntlm}, []string{"digest"}, []string{Digest, NTLM}, Digest},
		{"the case of a scheme", []string{"ntlm" + ntlm[4:]}, []string{"Ntlm"}, []string{NTLM}, NTLM},
		{"Digest algorithm unknown, then known", []string{unknown, md5}, nil, []string{Digest}, Digest},
		{"Digest algorithm unknown", []string{unknown}, nil, []string{Digest}, ""},
		{"not configured", []string{kerberos, tlsDSK}, nil, []string{Kerberos, TLSDSK}, ""},
		{"not allowed", []string{ntlm}, []string{Digest}, []string{NTLM}, ""},
		{"foreign scheme", []string{`Basic realm="r"`}, nil, []string{"Basic"}, ""},
		{"unreadable line among good ones", []string{`"`, ntlm}, nil, []string{NTLM}, NTLM},
		{"no challenge at all", nil, nil, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}, Schemes: tc.allowed})
			err := c.Challenge(ctx, challenge(t, 401, tc.offers...))
			require.Equal(t, tc.offered, c.State().Offered)
			require.Equal(t, tc.want, c.State().Scheme)
			require.False(t, c.State().PasswordTested)
			if tc.want == "" {
				requireCause(t, ocserr.CauseNoCommonScheme, err)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestAnOfferThatCannotBeTakenUpIsExplained(t *testing.T) {
	for offer, want := range map[string]struct {
		cause ocserr.Cause
		says  string
	}{
		`Digest nonce="n"`: {ocserr.CauseBadChallenge, "realm"},
		`Digest realm="r", nonce="n", qop="auth-int"`:       {ocserr.CauseNoCommonScheme, `quality of protection "auth-int"`},
		`Digest realm="r", nonce="n", algorithm=SHA3-512`:   {ocserr.CauseNoCommonScheme, `algorithm "SHA3-512"`},
		`Kerberos realm="r", targetname="sip/s", version=4`: {ocserr.CauseNoCommonScheme, "the server offers Kerberos; the client may use NTLM, Digest"},
	} {
		c := NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}, Schemes: []string{Kerberos, NTLM, Digest}})
		err := c.Challenge(t.Context(), challenge(t, 401, offer))
		requireCause(t, want.cause, err)
		require.ErrorContains(t, err, want.says)
	}
}

// challenge is a response to the first REGISTER.
func challenge(t testing.TB, status int, values ...string) *sip.Response {
	res := parse(t, `
SIP/2.0 `+strconv.Itoa(status)+` Unauthorized
Call-ID: call
CSeq: 1 REGISTER
Content-Length: 0`).(*sip.Response)
	for _, v := range values {
		sip.Add(res, headersOf(status).challenge, v)
	}
	return res
}

func TestProxyChallengeIsAnsweredInItsOwnHeader(t *testing.T) {
	c := NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}})
	require.NoError(t, c.Challenge(ctx, challenge(t, 407, `NTLM realm="r", targetname="s", version=4`)))
	req := newWire(t, config(nil)).request("REGISTER")
	require.NoError(t, c.Sign(req))
	require.Empty(t, sip.Value(req, "Authorization"))
	require.Equal(t, `NTLM qop="auth", realm="r", targetname="s", gssapi-data="", version=4`, sip.Value(req, "Proxy-Authorization"))
}

// A proxy's challenge that has been answered says nothing about the registrar's, and the other way round.
func TestProxyAndRegistrarAreSeparateConversations(t *testing.T) {
	c := NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}})
	w := newWire(t, config(nil))
	const digestOffer = `Digest realm="proxy", nonce="n", qop="auth"`
	require.NoError(t, c.Challenge(ctx, challenge(t, 407, digestOffer)))
	req := w.request("REGISTER")
	require.NoError(t, c.Sign(req))
	res := sip.NewResponse(req, 401, "Unauthorized")
	sip.Add(res, "WWW-Authenticate", `Digest realm="registrar", nonce="m", qop="auth"`)
	require.NoError(t, c.Challenge(ctx, res), "the registrar has not judged the password yet")
	require.False(t, c.State().PasswordTested)

	again := w.request("REGISTER")
	require.NoError(t, c.Sign(again))
	require.Contains(t, sip.Value(again, "Proxy-Authorization"), `realm="proxy"`)
	require.Contains(t, sip.Value(again, "Authorization"), `realm="registrar"`)
}

func TestRejectedPassword(t *testing.T) {
	unknown := func(c *ServerConfig) { c.Accounts = func(string, string) (Account, bool) { return Account{}, false } }
	for _, tc := range []struct {
		name   string
		change func(*ServerConfig)
		secret Secret
	}{
		{"wrong password", nil, "wrong"},
		{"unknown user", unknown, "secret"},
		{"version 2", version(2), "wrong"},
		{"version 3", version(3), "wrong"},
		{"Digest", only(Digest), "wrong"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, config(tc.change))
			w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: tc.secret}})
			_, _, err := w.register()
			e := requireCause(t, ocserr.CausePasswordRejected, err)
			require.ErrorIs(t, err, ocserr.InvalidPassword)
			require.Equal(t, 401, e.Status)
			require.Equal(t, 1000, e.Diagnostics[0].ID)
			require.True(t, w.client.State().PasswordTested)
			require.False(t, w.client.State().ServerVerified)

			for range 3 { // the lock-out guard
				req := w.request("REGISTER")
				require.NoError(t, w.client.Sign(req))
				require.Empty(t, sip.Value(req, "Authorization"))
				requireCause(t, ocserr.CausePasswordRejected, w.client.Challenge(ctx, w.answer(over(t, req))))
				w.client.Reset()
			}
		})
	}
}

func TestTimeSkewIsNotARejectedPassword(t *testing.T) {
	w := newWire(t, config(nil))
	w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: "wrong"}})
	w.meddle = func(res *sip.Response) {
		if sip.Value(res, "ms-diagnostics") != "" {
			sip.Set(res, "ms-diagnostics", `1013;reason="Significant time skew detected during authentication"`)
		}
	}
	_, _, err := w.register()
	e := requireCause(t, ocserr.CauseClockSkew, err)
	require.Equal(t, ocserr.AuthTimeSkew, e.Detail)
	require.False(t, w.client.State().PasswordTested)
}

func TestClockSkewIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC 2000-01-01
		for date, want := range map[string]string{
			"Sat, 01 Jan 2000 00:20:00 GMT": "20m0s",
			"Fri, 31 Dec 1999 23:59:30 GMT": "-30s",
			"yesterday":                     "0s",
			"":                              "0s",
		} {
			c := NewClient(ClientConfig{Password: Password{User: "alice"}})
			res := challenge(t, 401, `NTLM realm="r", targetname="s"`)
			sip.Add(res, "Date", date)
			require.NoError(t, c.Challenge(ctx, res))
			require.Equal(t, want, c.State().ClockSkew.String(), date)
		}
	})
}

func TestChallengeThatCannotBeAnswered(t *testing.T) {
	token := func(change func(string) string) func(*sip.Response) {
		return func(res *sip.Response) {
			if v := sip.Value(res, "WWW-Authenticate"); strings.Contains(v, "gssapi-data") {
				sip.Del(res, "WWW-Authenticate")
				if v = change(v); v != "" {
					sip.Add(res, "WWW-Authenticate", v)
				}
			}
		}
	}
	for _, tc := range []struct {
		name   string
		meddle func(*sip.Response)
		want   ocserr.Cause
	}{
		{"no challenge in mid-handshake", token(func(string) string { return "" }), ocserr.CauseSchemeFailed},
		{"other scheme in mid-handshake", token(func(string) string {
			return `Digest realm="r", nonce="n"`
		}), ocserr.CauseSchemeFailed},
		{"no token in mid-handshake", token(func(string) string {
			return `NTLM realm="SIP Communications Service", targetname="sip.ocs.test", version=4`
		}), ocserr.CauseSchemeFailed},
		{"skew in mid-handshake", func(res *sip.Response) {
			if strings.Contains(sip.Value(res, "WWW-Authenticate"), "gssapi-data") {
				sip.Del(res, "WWW-Authenticate")
				sip.Add(res, "ms-diagnostics", "1013")
			}
		}, ocserr.CauseClockSkew},
		{"token is not base64", token(func(v string) string {
			return strings.Replace(v, `gssapi-data="`, `gssapi-data="?`, 1)
		}), ocserr.CauseBadChallenge},
		{"token is not NTLM", token(func(v string) string {
			return strings.Replace(v, `gssapi-data="TlRM`, `gssapi-data="AAAA`, 1)
		}), ocserr.CauseSchemeFailed},
		{"version is not a number", token(func(v string) string {
			return strings.Replace(v, "version=4", "version=four", 1)
		}), ocserr.CauseBadChallenge},
		{"no realm", func(res *sip.Response) {
			setParam(t, res, "WWW-Authenticate", "realm", nil)
		}, ocserr.CauseBadChallenge},
		{"no target name", func(res *sip.Response) {
			setParam(t, res, "WWW-Authenticate", "targetname", nil)
		}, ocserr.CauseBadChallenge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, config(only(NTLM)))
			w.client.cfg.Schemes = []string{NTLM}
			w.meddle = tc.meddle
			_, _, err := w.register()
			requireCause(t, tc.want, err)
			require.False(t, w.client.State().PasswordTested)
		})
	}
}

func TestNoCredentials(t *testing.T) {
	c := NewClient(ClientConfig{})
	err := c.Challenge(ctx, challenge(t, 401, `NTLM realm="r", targetname="s"`))
	requireCause(t, ocserr.CauseNoCredentials, err)
	require.True(t, c.State().Challenged)
}

// A server that says stale to every answer would keep an honest client busy for ever.
func TestChallengesAreBounded(t *testing.T) {
	w := newWire(t, config(only(Digest)))
	w.server.cfg.Accounts = nil // never asked: the nonce in use is never the last
	w.meddle = func(res *sip.Response) {
		nonce := fmt.Sprint("nonce ", w.cseq)
		sip.Del(res, "WWW-Authenticate")
		sip.Add(res, "WWW-Authenticate", `Digest realm="r", stale=true, qop="auth", nonce="`+nonce+`"`)
	}
	_, n, err := w.register()
	requireCause(t, ocserr.CauseChallengeLoop, err)
	require.Equal(t, maxRounds+1, n)
	require.False(t, w.client.State().PasswordTested)
}

// Requests may be under way when the first challenge arrives. Their 401s are no verdict, and no new handshake.
func TestChallengeToAnEarlierRequest(t *testing.T) {
	for _, scheme := range []string{NTLM, Digest} {
		t.Run(scheme, func(t *testing.T) {
			w := newWire(t, config(only(scheme)))
			early := w.send(w.request("SUBSCRIBE")) // 401, read late
			for w.client.State().Verified == 0 {
				res := w.send(w.request("REGISTER"))
				require.NoError(t, w.client.Verify(res))
				if res.StatusCode == 200 {
					break
				}
				require.NoError(t, w.client.Challenge(ctx, res))
				require.NoError(t, w.client.Challenge(ctx, early))
				require.NoError(t, w.client.Verify(early))
			}
			require.True(t, w.client.State().ServerVerified)
		})
	}
}

func TestVerifyOnceTheAssociationIsUp(t *testing.T) {
	response := func(status int) func(*wire) sip.Message {
		return func(w *wire) sip.Message { return sip.NewResponse(w.request("REGISTER"), status, "") }
	}
	signed := func(change func(w *wire, m sip.Message)) func(*wire) sip.Message {
		return func(w *wire) sip.Message {
			m := w.notify("NOTIFY")
			change(w, m)
			return m
		}
	}
	for _, tc := range []struct {
		name string
		make func(*wire) sip.Message
		want ocserr.Cause // "": passes
	}{
		{"signed request", signed(func(*wire, sip.Message) {}), ""},
		{"signed BENOTIFY", func(w *wire) sip.Message { return w.notify("BENOTIFY") }, ""},
		{"parameter name in capitals", signed(func(w *wire, m sip.Message) {
			sip.Set(m, "Authentication-Info", strings.Replace(sip.Value(m, "Authentication-Info"), "rspauth", "RSPAUTH", 1))
		}), ""},
		{"signature in lower case", signed(func(w *wire, m sip.Message) {
			v, _ := params(w.t, sip.Value(m, "Authentication-Info")).Get("rspauth")
			v = strings.ToLower(v)
			setParam(w.t, m, "Authentication-Info", "rspauth", &v)
		}), ""},
		{"in Proxy-Authentication-Info", signed(func(w *wire, m sip.Message) {
			v := sip.Value(m, "Authentication-Info")
			sip.Del(m, "Authentication-Info")
			sip.Add(m, "Proxy-Authentication-Info", v)
		}), ""},
		{"beside a value of somebody else", signed(func(w *wire, m sip.Message) {
			sip.Add(m, "Proxy-Authentication-Info", `NTLM rspauth="00", srand="0", snum="1", realm="other", targetname="other"`)
		}), ""},
		{"without opaque", signed(func(w *wire, m sip.Message) { setParam(w.t, m, "Authentication-Info", "opaque", nil) }), ""},
		{"unsigned 100", response(100), ""},
		{"unsigned 180", response(180), ""},
		{"unsigned 401", response(401), ""},
		{"unsigned 407", response(407), ""},
		{"unsigned 200", response(200), ocserr.CauseServerSignatureMissing},
		{"unsigned 301", response(301), ocserr.CauseServerSignatureMissing},
		{"unsigned 403", response(403), ocserr.CauseServerSignatureMissing},
		{"unsigned 503", response(503), ocserr.CauseServerSignatureMissing},
		{"unsigned request", signed(func(w *wire, m sip.Message) { sip.Del(m, "Authentication-Info") }), ocserr.CauseServerSignatureMissing},
		{"of another realm", signed(func(w *wire, m sip.Message) {
			v := "other"
			setParam(w.t, m, "Authentication-Info", "realm", &v)
		}), ocserr.CauseServerSignatureMissing},
		{"of another opaque", signed(func(w *wire, m sip.Message) {
			v := "00000000"
			setParam(w.t, m, "Authentication-Info", "opaque", &v)
		}), ocserr.CauseServerSignatureMissing},
		{"no rspauth", signed(func(w *wire, m sip.Message) { setParam(w.t, m, "Authentication-Info", "rspauth", nil) }), ocserr.CauseServerSignatureWrong},
		{"rspauth of another message", signed(func(w *wire, m sip.Message) {
			other, _ := params(w.t, sip.Value(w.notify("NOTIFY"), "Authentication-Info")).Get("rspauth")
			setParam(w.t, m, "Authentication-Info", "rspauth", &other)
		}), ocserr.CauseServerSignatureWrong},
		{"changed From", signed(func(w *wire, m sip.Message) { sip.Set(m, "From", "<sip:mallory@ocs.test>;tag=2") }), ocserr.CauseServerSignatureWrong},
		{"changed Expires", signed(func(w *wire, m sip.Message) { sip.Add(m, "Expires", "0") }), ocserr.CauseServerSignatureWrong},
		{"snum is not a number", signed(func(w *wire, m sip.Message) {
			v := "-1"
			setParam(w.t, m, "Authentication-Info", "snum", &v)
		}), ocserr.CauseServerSignatureWrong},
		{"replayed", signed(func(w *wire, m sip.Message) { require.NoError(w.t, w.client.Verify(m)) }), ocserr.CauseServerSignatureWrong},
		{"the client's own signature sent back", func(w *wire) sip.Message {
			req := w.request("NOTIFY")
			require.NoError(w.t, w.client.Sign(req))
			v := strings.NewReplacer("crand", "srand", "cnum", "snum", "response", "rspauth").Replace(sip.Value(req, "Authorization"))
			sip.Add(req, "Authentication-Info", v)
			return req
		}, ocserr.CauseServerSignatureWrong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, config(only(NTLM))).signIn()
			before := w.client.State()
			m := tc.make(w)
			err := w.client.Verify(m)
			if tc.want == "" {
				require.NoError(t, err)
				require.Zero(t, w.client.State().Refused)
				return
			}
			requireSignature(t, tc.want, err)
			require.Equal(t, before.Refused+1, w.client.State().Refused)
		})
	}
}

// In version 2 and 3 the final REGISTER is not signed, but its answer is, and must be.
func TestAnswerToTheFinalRegisterMustBeSigned(t *testing.T) {
	for _, n := range []int{2, 3, 4} {
		for _, status := range []int{200, 301, 403} {
			w := newWire(t, config(version(n)))
			w.meddle = func(res *sip.Response) {
				if res.StatusCode == 200 {
					res.StatusCode = status
					sip.Del(res, "Authentication-Info")
				}
			}
			_, _, err := w.register()
			requireSignature(t, ocserr.CauseServerSignatureMissing, err)
			require.False(t, w.client.State().PasswordTested)
			require.False(t, w.client.State().ServerVerified)
		}
	}
}

func TestErrorStatusWithAGoodSignatureProvesThePassword(t *testing.T) {
	w := newWire(t, config(nil))
	w.from = "sip:bob@ocs.test"
	res, _, err := w.register()
	require.NoError(t, err)
	require.Equal(t, 403, res.StatusCode)
	require.True(t, w.client.State().PasswordTested)
	require.True(t, w.client.State().ServerVerified)
	requireCause(t, ocserr.CauseIdentityRefused, sip.StatusError(res, true))
}

func TestEveryMessageIsSigned(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	for i, method := range []string{"SUBSCRIBE", "SERVICE", "ACK", "BYE", "REGISTER"} {
		req := w.request(method)
		require.NoError(t, w.client.Sign(req))
		require.Equal(t, strconv.Itoa(i+2), mustParam(t, req, "cnum"))
		v := w.server.Authenticate(ctx, over(t, req))
		require.NoError(t, v.Err)
		require.True(t, v.OK, method)
	}
	for _, status := range []int{100, 200, 481} {
		res := sip.NewResponse(w.notify("NOTIFY"), status, "")
		require.NoError(t, w.client.Sign(res))
		require.NoError(t, w.server.Verify(over(t, res)))
	}
}

func mustParam(t testing.TB, m sip.Message, name string) string {
	value, ok := params(t, sip.Value(m, "Authorization")).Get(name)
	require.True(t, ok)
	return value
}

func TestSigningAgainReplacesTheCredentials(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	req := w.request("SERVICE")
	require.NoError(t, w.client.Sign(req))
	require.NoError(t, w.client.Sign(req))
	require.Len(t, sip.Values(req, "Authorization"), 1)
	require.Equal(t, "3", mustParam(t, req, "cnum"))
}

func TestResetRenewsTheAssociationOnTheSameConnection(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	first := w.param("opaque")
	w.client.Reset()

	req := w.request("REGISTER")
	require.NoError(t, w.client.Sign(req))
	require.Empty(t, sip.Value(req, "Authorization"), "the first REGISTER has no credentials")
	res := w.answer(over(t, req))
	require.NoError(t, w.client.Verify(res))
	require.NoError(t, w.client.Challenge(ctx, res))

	// In the meantime the old association is in force.
	require.NoError(t, w.client.Verify(w.notify("NOTIFY")))
	require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
	require.True(t, w.verdict.OK)
	require.Equal(t, first, w.param("opaque"))
	unsigned := sip.NewResponse(w.request("REGISTER"), 200, "OK")
	requireSignature(t, ocserr.CauseServerSignatureMissing, w.client.Verify(unsigned))

	late := w.notify("NOTIFY") // signed with the old keys, read after the switch
	res, n, err := w.register()
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, 2, n)
	require.NotEqual(t, first, w.param("opaque"))
	require.Equal(t, "1", w.param("cnum"))
	require.NoError(t, w.client.Verify(w.notify("NOTIFY")))
	requireSignature(t, ocserr.CauseServerSignatureMissing, w.client.Verify(late))
}

func TestMessageSignedBeforeTheSwitchIsStillGood(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	w.client.Reset()
	late := w.notify("NOTIFY")
	for range 2 {
		res := w.send(w.request("REGISTER"))
		require.NoError(t, w.client.Challenge(ctx, res))
	}
	final := w.send(w.request("REGISTER")) // the client has switched
	require.NoError(t, w.client.Verify(late))
	require.True(t, w.client.State().ServerVerified)
	require.NoError(t, w.client.Verify(final))
}

// A server that has lost the association answers a signed request with an initial challenge.
func TestLostAssociationIsRenewed(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	w.server.endpoints[0].sa = nil
	res, n, err := w.register()
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, 3, n)
}

func TestRejectedInRenewal(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	w.server.cfg.Accounts = func(string, string) (Account, bool) { return Account{Password: "changed", URI: alice}, true }
	w.client.Reset()
	_, _, err := w.register()
	requireCause(t, ocserr.CausePasswordRejected, err)
}

func TestSignatureErrorText(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	err := w.client.Verify(sip.NewResponse(w.request("SUBSCRIBE"), 200, "OK"))
	require.EqualError(t, err, "auth: 200 SUBSCRIBE: not signed")
	require.ErrorIs(t, err, errUnsigned)
}

func TestRandomSourceThatFails(t *testing.T) {
	w := newWire(t, config(only(NTLM)))
	w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}, Rand: random(t)})
	_, _, err := w.register()
	requireCause(t, ocserr.CauseSchemeFailed, err)

	w = newWire(t, config(only(NTLM)))
	w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}, Rand: random(t, strings.Repeat("00", 24))})
	for range 2 {
		require.NoError(t, w.client.Challenge(ctx, w.send(w.request("REGISTER"))))
	}
	require.ErrorContains(t, w.client.Sign(w.request("REGISTER")), "random bytes")
}
