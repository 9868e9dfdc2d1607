package auth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestFirstChallengeNamesEveryScheme(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*ServerConfig)
		ntlm   string
		count  int
	}{
		{"version 4 unless said otherwise", nil, `NTLM realm="SIP Communications Service", targetname="sip.ocs.test", version=4`, 3},
		{"version 3", version(3), `NTLM realm="SIP Communications Service", targetname="sip.ocs.test", version=3`, 3},
		{"version 2 is not announced", version(2), `NTLM realm="SIP Communications Service", targetname="sip.ocs.test"`, 3},
		{"NTLM alone", only("ntlm"), `NTLM realm="SIP Communications Service", targetname="sip.ocs.test", version=4`, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, config(tc.change))
			v := w.server.Authenticate(ctx, w.request("REGISTER"))
			require.False(t, v.OK)
			require.False(t, v.Drop())
			require.Equal(t, 401, v.Status)
			require.ErrorIs(t, v.Err, errNoCredentials)
			require.Empty(t, v.Diagnostic)
			require.Len(t, v.Challenges, tc.count)
			require.Equal(t, tc.ntlm, v.Challenges[0])
			for _, digest := range v.Challenges[1:] {
				require.True(t, strings.HasPrefix(digest, "Digest "))
			}
		})
	}
}

// ready returns a wire whose next request, built and signed, is the one that completes the handshake, or with
// n = 0 the empty token.
func ready(t *testing.T, change func(*ServerConfig), n int) (*wire, *sip.Request) {
	w := newWire(t, config(change))
	for range n + 1 {
		require.NoError(t, w.client.Challenge(ctx, w.send(w.request("REGISTER"))))
	}
	req := w.request("REGISTER")
	require.NoError(t, w.client.Sign(req))
	return w, over(t, req)
}

func TestServerRefusesHandshakeMessage(t *testing.T) {
	set := func(name, value string) func(*testing.T, *sip.Request) {
		return func(t *testing.T, req *sip.Request) { setParam(t, req, "Authorization", name, &value) }
	}
	drop := func(name string) func(*testing.T, *sip.Request) {
		return func(t *testing.T, req *sip.Request) { setParam(t, req, "Authorization", name, nil) }
	}
	for _, tc := range []struct {
		name       string
		version    int
		step       int // 0: the empty token, 1: the last token
		change     func(*testing.T, *sip.Request)
		status     int
		diagnostic string
	}{
		{"no epid", 4, 0, func(_ *testing.T, r *sip.Request) { sip.Set(r, "From", "<"+alice+">;tag=1") }, 400, "4010"},
		{"no qop", 4, 0, drop("qop"), 401, ""},
		{"other qop", 4, 0, set("qop", "auth-int"), 401, ""},
		{"other realm", 4, 0, set("realm", "Other"), 401, ""},
		{"other target name", 4, 0, set("targetname", "other.test"), 401, ""},
		{"no target name", 4, 0, drop("targetname"), 401, ""},
		{"version not echoed", 4, 0, drop("version"), 401, ""},
		{"other version", 4, 0, set("version", "3"), 401, ""},
		{"quoted version", 4, 0, func(_ *testing.T, r *sip.Request) {
			sip.Set(r, "Authorization", strings.Replace(sip.Value(r, "Authorization"), "version=4", `version="4"`, 1))
		}, 401, ""},
		{"version where none was announced", 2, 0, func(_ *testing.T, r *sip.Request) {
			sip.Set(r, "Authorization", sip.Value(r, "Authorization")+", version=2")
		}, 401, ""},
		{"not in REGISTER", 4, 0, func(_ *testing.T, r *sip.Request) { r.Method = "SUBSCRIBE" }, 401, ""},
		{"unreadable credentials", 4, 0, func(_ *testing.T, r *sip.Request) { sip.Set(r, "Authorization", `NTLM realm="`) }, 401, ""},

		{"no opaque", 4, 1, drop("opaque"), 401, ""},
		{"other opaque", 4, 1, set("opaque", "00000000"), 401, ""},
		{"other epid", 4, 1, func(_ *testing.T, r *sip.Request) { sip.Set(r, "From", "<"+alice+">;tag=1;epid=00") }, 401, ""},
		{"token is not base64", 4, 1, set("gssapi-data", "?"), 401, "1000"},
		{"token is not NTLM", 4, 1, set("gssapi-data", "AAAA"), 401, "1000"},
		{"no signature in version 4", 4, 1, drop("response"), 401, "1000"},
		{"no cnum in version 4", 4, 1, drop("cnum"), 401, "1000"},
		{"wrong signature in version 4", 4, 1, set("response", strings.Repeat("0", 32)), 401, "1000"},
		{"changed message in version 4", 4, 1, func(_ *testing.T, r *sip.Request) { sip.Add(r, "Expires", "1") }, 401, "1000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, req := ready(t, version(tc.version), tc.step)
			tc.change(t, req)
			v := w.server.Authenticate(ctx, req)
			require.False(t, v.OK)
			require.Error(t, v.Err)
			require.Equal(t, tc.status, v.Status)
			require.True(t, strings.HasPrefix(v.Diagnostic, tc.diagnostic), v.Diagnostic)
			require.Equal(t, tc.diagnostic == "", v.Diagnostic == "")
			if tc.status == 401 {
				require.Equal(t, fmt.Sprint(tc.version > 2), fmt.Sprint(strings.Contains(v.Challenges[0], "version=")))
				require.NotContains(t, v.Challenges[0], "gssapi-data", "the handshake begins anew")
			}
			res := sip.NewResponse(req, v.Status, "")
			require.NoError(t, w.server.Sign(res))
			require.Empty(t, sip.Value(res, "Authentication-Info"), "there is nothing to sign with")
		})
	}
}

func TestUnknownUserAndWrongPasswordLookTheSame(t *testing.T) {
	verdict := func(user string, secret Secret, scheme string) Verdict {
		w := newWire(t, config(only(scheme)))
		w.client = NewClient(ClientConfig{Password: Password{User: user, Secret: secret}})
		_, _, err := w.register()
		require.Error(t, err)
		return w.verdict
	}
	for _, scheme := range []string{NTLM, Digest} {
		wrong, unknown := verdict("alice", "wrong", scheme), verdict("nobody", "secret", scheme)
		require.Equal(t, `1000;reason="Final handshake failed";source="sip.ocs.test";HRESULT="0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"`, wrong.Diagnostic)
		require.Equal(t, wrong.Err, unknown.Err)
		require.Len(t, unknown.Challenges, len(wrong.Challenges))
		wrong.Challenges, unknown.Challenges = nil, nil // nonces differ
		require.Equal(t, wrong, unknown)
	}
}

func TestServerAcceptsWhatTheSpecificationAllows(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*sip.Request)
	}{
		{"in Proxy-Authorization", func(r *sip.Request) {
			v := sip.Value(r, "Authorization")
			sip.Del(r, "Authorization")
			sip.Add(r, "Proxy-Authorization", v)
		}},
		{"parameters in another order", func(r *sip.Request) {
			c, _ := sip.ParseCredentials(sip.Value(r, "Authorization"))
			slices.Reverse(c.Params)
			sip.Set(r, "Authorization", c.String())
		}},
		{"signature in lower case", func(r *sip.Request) {
			sip.Set(r, "Authorization", lowerResponse(sip.Value(r, "Authorization")))
		}},
		{"header name in capitals", func(r *sip.Request) {
			v := sip.Value(r, "Authorization")
			sip.Del(r, "Authorization")
			sip.Add(r, "AUTHORIZATION", v)
		}},
		{"beside credentials for another realm", func(r *sip.Request) {
			v := sip.Value(r, "Authorization")
			sip.Del(r, "Authorization")
			sip.Add(r, "Authorization", `Digest username="a", realm="proxy", nonce="n", uri="u", response="r"`)
			sip.Add(r, "Authorization", v)
		}},
		{"an unknown parameter", func(r *sip.Request) {
			sip.Set(r, "Authorization", sip.Value(r, "Authorization")+`, future="yes"`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, req := ready(t, nil, 1)
			tc.change(req)
			v := w.server.Authenticate(ctx, over(t, req))
			require.NoError(t, v.Err)
			require.True(t, v.OK)
			next := w.request("SUBSCRIBE")
			require.NoError(t, w.client.Sign(next))
			tc.change(next)
			v = w.server.Authenticate(ctx, over(t, next))
			require.NoError(t, v.Err)
			require.True(t, v.OK)
		})
	}
}

func lowerResponse(v string) string {
	i := strings.Index(v, "response=")
	return v[:i] + strings.ToLower(v[i:])
}

// The signature covers the scheme as the message spells it.
func TestServerAcceptsSchemeInLowerCase(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	w.client.registrar.sa.scheme = "ntlm"
	require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode)
	require.True(t, strings.HasPrefix(sip.Value(w.sent, "Authorization"), "ntlm qop"))
}

func TestServerRefusesSignedMessage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*testing.T, *wire, *sip.Request)
	}{
		{"no credentials", func(_ *testing.T, _ *wire, r *sip.Request) { sip.Del(r, "Authorization") }},
		{"other opaque", func(t *testing.T, _ *wire, r *sip.Request) {
			v := "00000000"
			setParam(t, r, "Authorization", "opaque", &v)
		}},
		{"no opaque", func(t *testing.T, _ *wire, r *sip.Request) { setParam(t, r, "Authorization", "opaque", nil) }},
		{"other epid", func(_ *testing.T, _ *wire, r *sip.Request) { sip.Set(r, "From", "<"+alice+">;tag=1;epid=00") }},
		{"no qop", func(t *testing.T, _ *wire, r *sip.Request) { setParam(t, r, "Authorization", "qop", nil) }},
		{"wrong signature", func(t *testing.T, _ *wire, r *sip.Request) {
			v := strings.Repeat("0", 32)
			setParam(t, r, "Authorization", "response", &v)
		}},
		{"changed To", func(_ *testing.T, _ *wire, r *sip.Request) { sip.Set(r, "To", "<sip:bob@ocs.test>") }},
		{"changed crand", func(t *testing.T, _ *wire, r *sip.Request) {
			v := "00000000"
			setParam(t, r, "Authorization", "crand", &v)
		}},
		{"replay", func(t *testing.T, w *wire, r *sip.Request) {
			require.True(t, w.server.Authenticate(ctx, r).OK)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWire(t, config(nil)).signIn()
			req := w.request("SUBSCRIBE")
			require.NoError(t, w.client.Sign(req))
			req = over(t, req)
			tc.change(t, w, req)
			v := w.server.Authenticate(ctx, req)
			require.False(t, v.OK)
			require.Equal(t, 401, v.Status)
			require.Error(t, v.Err)
			require.Empty(t, v.Diagnostic, "no verdict on the password")
			require.NotEmpty(t, v.Challenges)

			res := sip.NewResponse(req, 401, "")
			require.NoError(t, w.server.Sign(res))
			require.Empty(t, sip.Value(res, "Authentication-Info"))
			require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode, "the association survives")
		})
	}
}

func TestRequestsMayArriveWithGapsAndOutOfOrder(t *testing.T) {
	w := newWire(t, config(nil)).signIn()
	var requests []*sip.Request
	for range 5 {
		req := w.request("SUBSCRIBE")
		require.NoError(t, w.client.Sign(req))
		requests = append(requests, over(t, req))
	}
	for _, i := range []int{4, 0, 2} {
		require.True(t, w.server.Authenticate(ctx, requests[i]).OK)
	}
}

func TestAckAndCancelAreNeverChallenged(t *testing.T) {
	for _, method := range []string{"ACK", "CANCEL"} {
		w := newWire(t, config(nil))
		v := w.server.Authenticate(ctx, w.request(method))
		require.True(t, v.Drop())
		require.Empty(t, v.Challenges)
		require.Error(t, v.Err)

		w.signIn()
		req := w.request(method)
		require.NoError(t, w.client.Sign(req))
		require.True(t, w.server.Authenticate(ctx, over(t, req)).OK)
	}
}

func TestUserMustOwnTheFromURI(t *testing.T) {
	for _, scheme := range []string{NTLM, Digest} {
		t.Run(scheme, func(t *testing.T) {
			w := newWire(t, config(only(scheme)))
			w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}})
			w.from = "sip:bob@ocs.test"
			res, _, err := w.register()
			require.NoError(t, err)
			require.Equal(t, 403, res.StatusCode)
			require.Equal(t, alice, w.verdict.Account.URI)
			require.True(t, strings.HasPrefix(w.verdict.Diagnostic, "4004;reason="))
			if scheme == NTLM {
				require.NotEmpty(t, sip.Value(res, "Authentication-Info"), "the verdict is signed")
			}
			require.Equal(t, 403, w.send(w.request("SUBSCRIBE")).StatusCode)
			w.from = "SIP:Alice@OCS.test"
			require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode)
		})
	}
}

func TestServerSigns(t *testing.T) {
	w := newWire(t, config(only(NTLM))).signIn()
	for _, tc := range []struct {
		name string
		m    sip.Message
		want bool
	}{
		{"200", sip.NewResponse(w.request("SUBSCRIBE"), 200, ""), true},
		{"404", sip.NewResponse(w.request("SUBSCRIBE"), 404, ""), true},
		{"301", sip.NewResponse(w.request("REGISTER"), 301, ""), true},
		{"100", sip.NewResponse(w.request("SUBSCRIBE"), 100, ""), false},
		{"401", sip.NewResponse(w.request("SUBSCRIBE"), 401, ""), false},
		{"407", sip.NewResponse(w.request("SUBSCRIBE"), 407, ""), false},
		{"own request", w.notify("NOTIFY"), true},
	} {
		require.NoError(t, w.server.Sign(tc.m))
		require.NoError(t, w.server.Sign(tc.m))
		require.Equal(t, tc.want, len(sip.Values(tc.m, "Authentication-Info")) == 1, tc.name)
	}
}

func TestServerSignsRequestWithoutEpidIfThereIsOneEndpoint(t *testing.T) {
	w := newWire(t, config(only(NTLM))).signIn()
	w.epid = ""
	require.NoError(t, w.client.Verify(w.notify("NOTIFY")))
	require.Equal(t, 2, w.client.State().Verified)
}

func TestServerVerifiesResponses(t *testing.T) {
	w := newWire(t, config(nil))
	res := sip.NewResponse(w.request("NOTIFY"), 200, "")
	require.NoError(t, w.server.Verify(res), "nothing is agreed yet")

	w.signIn()
	require.ErrorIs(t, w.server.Verify(res), errUnsigned)
	require.NoError(t, w.client.Sign(res))
	forged := over(t, res)
	forged.StatusCode = 481
	require.EqualError(t, w.server.Verify(forged), "auth: response 481 NOTIFY: ntlm: signature is wrong")
	require.NoError(t, w.server.Verify(over(t, res)))
	require.ErrorContains(t, w.server.Verify(over(t, res)), "used before")
}

func TestEndpointsOfOneConnectionAreSeparate(t *testing.T) {
	cfg := config(only(NTLM))
	a := newWire(t, cfg).signIn()
	b := newWire(t, cfg)
	b.server, b.epid = a.server, "d2ff665153"
	b.signIn()
	require.NotEqual(t, a.param("opaque"), b.param("opaque"))
	for _, w := range []*wire{a, b} {
		require.NoError(t, w.client.Verify(w.send(w.request("SUBSCRIBE"))))
		require.True(t, w.verdict.OK)
		require.NoError(t, w.client.Verify(w.notify("NOTIFY")))
		res := sip.NewResponse(w.request("NOTIFY"), 200, "")
		require.NoError(t, w.client.Sign(res))
		require.NoError(t, w.server.Verify(over(t, res)))
	}
	a.epid = b.epid // the keys of one endpoint do not open the other
	require.Equal(t, 401, a.send(a.request("SUBSCRIBE")).StatusCode)
}

func TestEndpointsAreBounded(t *testing.T) {
	w := newWire(t, config(only(NTLM)))
	for i := range 3 * maxEndpoints {
		req := w.request("REGISTER")
		sip.Set(req, "From", fmt.Sprintf("<%s>;tag=1;epid=%d", alice, i))
		sip.Add(req, "Authorization", `NTLM qop="auth", realm="SIP Communications Service", targetname="sip.ocs.test", gssapi-data="", version=4`)
		require.Equal(t, 401, w.server.Authenticate(ctx, req).Status)
	}
	require.Len(t, w.server.endpoints, maxEndpoints)
	w.signIn()
}

// A REGISTER without credentials begins a new handshake: a token for the one before is no longer taken.
func TestRegisterWithoutCredentialsAbandonsTheHandshake(t *testing.T) {
	w, final := ready(t, nil, 1)
	require.Equal(t, 401, w.answer(w.request("REGISTER")).StatusCode)
	v := w.server.Authenticate(ctx, final)
	require.Equal(t, 401, v.Status)
	require.Empty(t, v.Diagnostic)
}

func TestTokenIsGoodOnce(t *testing.T) {
	w, final := ready(t, version(3), 1)
	require.True(t, w.server.Authenticate(ctx, final).OK)
	require.Equal(t, 401, w.server.Authenticate(ctx, final).Status)
}

func TestServerWithoutRandomness(t *testing.T) {
	w := newWire(t, config(func(c *ServerConfig) { c.Schemes, c.Rand = []string{NTLM}, random(t) }))
	require.NoError(t, w.client.Challenge(ctx, w.send(w.request("REGISTER"))))
	require.Equal(t, 500, w.send(w.request("REGISTER")).StatusCode)
}

// Whatever a client sends as credentials, the server gives a verdict, and never lets it in.
func FuzzAuthenticate(f *testing.F) {
	f.Add(`NTLM qop="auth", realm="SIP Communications Service", targetname="sip.ocs.test", gssapi-data="", version=4`,
		`NTLM qop="auth", opaque="00000000", realm="SIP Communications Service", targetname="sip.ocs.test", gssapi-data="TlRMTVNTUAADAAAA", version=4, crand="00000000", cnum="1", response="00"`)
	f.Add(`Digest username="alice", realm="SIP Communications Service", nonce="n", uri="sip:ocs.test", response="r", qop=auth, nc=00000001, cnonce="c", opaque="n"`,
		`NTLM qop="auth", opaque="00000000", realm="SIP Communications Service", targetname="sip.ocs.test", crand="1", cnum="4294967295", response="01"`)
	f.Add(`Kerberos qop="auth", realm="SIP Communications Service", targetname="sip/sip.ocs.test", gssapi-data="YIIB", version=4, crand="1", cnum="1", response="0404"`,
		`Kerberos qop="auth", opaque="00000000", realm="SIP Communications Service", targetname="sip/sip.ocs.test", crand="1", cnum="2", response="0404"`)
	f.Add(`TLS-DSK qop="auth", realm="SIP Communications Service", targetname="sip.ocs.test", gssapi-data="FgMBADUBAAAxAwFrArYs1ZYp4vfzQywjAhxEa8IbrvIDTVeoLmzbqtLvVwAACgAEAAUALwA1AAMBAA==", version=4`,
		`TLS-DSK qop="auth", opaque="00000000", realm="SIP Communications Service", targetname="sip.ocs.test", version=4, crand="1", cnum="1", response="00"`)
	cfg := newDomain(f, func(c *ServerConfig) { c.Rand = zeros{} }).server
	f.Fuzz(func(t *testing.T, first, second string) {
		w := newWire(t, cfg)
		defer w.server.Close()
		for _, value := range []string{first, second} {
			req := w.request("REGISTER")
			sip.Add(req, "Authorization", value)
			v := w.server.Authenticate(ctx, req)
			require.False(t, v.OK)
			require.Contains(t, []int{400, 401}, v.Status)
		}
	})
}

// zeros is a source of randomness that lets a fuzzer find the handles.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
