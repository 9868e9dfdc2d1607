package digest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Known answers. Those of RFC 7616 and RFC 2617 are printed there; the session forms and the response digests
// of the same inputs were computed with another implementation of the hashes.
func TestKnownAnswers(t *testing.T) {
	rfc7616 := Credentials{
		Username: "Mufasa", Realm: "http-auth@example.org", Nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		URI: "/dir/index.html", CNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", NC: "00000001", QOP: "auth",
	}
	with := func(a Algorithm) Credentials {
		c := rfc7616
		c.Algorithm = a
		return c
	}
	for _, tc := range []struct {
		name             string
		credentials      Credentials
		method, password string
		want             string
	}{
		{"RFC 7616 3.9.1 MD5", with("MD5"), "GET", "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec"},
		{"RFC 7616 3.9.1 SHA-256", with("SHA-256"), "GET", "Circle of Life", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{"no algorithm is MD5", with(""), "GET", "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec"},
		{"the name's case is ignored", with("sha-256"), "GET", "Circle of Life", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		{"RFC 7616 3.9.2 SHA-512-256 (erratum 4897)", Credentials{
			Username: "Jäsøn Doe", Realm: "api@example.org", Nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
			URI: "/doe.json", CNonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", NC: "00000001", QOP: "auth",
			Algorithm: "SHA-512-256",
		}, "GET", "Secret, or not?", "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
		{"RFC 2617 3.5", Credentials{
			Username: "Mufasa", Realm: "testrealm@host.com", Nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			URI: "/dir/index.html", CNonce: "0a4f113b", NC: "00000001", QOP: "auth",
		}, "GET", "Circle Of Life", "6629fae49393a05397450978507c4ef1"},
		{"RFC 2069 2.4 (erratum 749), no qop", Credentials{
			Username: "Mufasa", Realm: "testrealm@host.com", Nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", URI: "/dir/index.html",
		}, "GET", "CircleOfLife", "1949323746fe6a43ef61f9606e7febea"},
		{"nonce with equals signs", Credentials{
			Username: "bob", Realm: "members only", Nonce: "5UImQA==3d76b2ab859e1770ec60ed285ec68a3e63028461",
			URI: "/digest_auth/test.html", CNonce: "1672b410efa182c061c2f0a58acaa17d", NC: "00000001", QOP: "auth",
		}, "GET", "bob", "3d9ebe6b9534a7135a3fde59a5a72668"},
		{"MD5-sess", with("MD5-sess"), "GET", "Circle of Life", "e783283f46242139c486a698fec7211d"},
		{"SHA-256-sess", with("SHA-256-sess"), "GET", "Circle of Life", "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"},
		{"SHA-512-256-sess", with("SHA-512-256-sess"), "GET", "Circle of Life", "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"},
		{"rspauth MD5", with("MD5"), "", "Circle of Life", "9b712497bc9f91499fbcca1dfc5f09a5"},
		{"rspauth SHA-256", with("SHA-256"), "", "Circle of Life", "86d3b25618d41854ca5039a5d7e53ff6355d5134a9b1fb088a78ac3c462195a0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, tc.credentials.compute(tc.method, tc.password))
		})
	}
}

// params is the look-up of a header's parameters, read from the text that String makes.
func params(header string) Params {
	m := map[string]string{}
	_, list, _ := strings.Cut(header, " ")
	if !strings.HasPrefix(header, "Digest ") {
		list = header
	}
	for item := range strings.SplitSeq(list, ", ") {
		name, value, _ := strings.Cut(item, "=")
		if quoted, ok := strings.CutPrefix(value, `"`); ok {
			value = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(strings.TrimSuffix(quoted, `"`))
		}
		m[name] = value
	}
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func TestHeadersSurviveWritingAndReading(t *testing.T) {
	for _, ch := range []Challenge{
		{Realm: "ocs.test", Nonce: "abc", QOP: []string{"auth"}},
		{Realm: `a "quoted" \ realm`, Nonce: "5UImQA==", Opaque: "xyz", Algorithm: SHA512256Sess, Stale: true, QOP: []string{"auth", "auth-int"}},
		{Realm: "", Nonce: "n"},
	} {
		got, err := ParseChallenge(params(ch.String()))
		require.NoError(t, err)
		require.Equal(t, ch, got)
	}
	for _, c := range []Credentials{
		{Username: `EXAMPLE\alice`, Realm: "r", Nonce: "n", URI: "sip:ocs.test", Response: "00"},
		{Username: "a", Realm: "r", Nonce: "n", URI: "u", Response: "00", Algorithm: SHA256, CNonce: "c", Opaque: "o", QOP: "auth", NC: "00000001"},
	} {
		got, err := ParseCredentials(params(c.String()))
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
}

func TestParseChallengeRefuses(t *testing.T) {
	for _, header := range []string{`Digest nonce="n"`, `Digest realm="r"`, `Digest realm="r", nonce=""`} {
		_, err := ParseChallenge(params(header))
		require.Error(t, err, header)
	}
}

func TestUsable(t *testing.T) {
	for _, tc := range []struct {
		ch   Challenge
		want string
	}{
		{Challenge{}, ""},
		{Challenge{Algorithm: "md5", QOP: []string{"auth-int", "auth"}}, ""},
		{Challenge{Algorithm: "SHA-512"}, `unknown algorithm "SHA-512"`},
		{Challenge{QOP: []string{"auth-int"}}, `quality of protection "auth-int"`},
	} {
		err := tc.ch.Usable()
		if tc.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, tc.want)
		_, err = (&Client{}).Authorize("REGISTER", "sip:ocs.test", tc.ch)
		require.ErrorContains(t, err, tc.want)
	}
}

func newServer(algorithms ...Algorithm) *Server {
	return &Server{Realm: "ocs.test", Algorithms: algorithms, Password: func(user string) (string, bool) {
		return "secret", user == "alice"
	}}
}

func challenge(t *testing.T, s *Server) Challenge {
	t.Helper()
	all, err := s.Challenges(false)
	require.NoError(t, err)
	return all[0]
}

func TestClientAgainstServer(t *testing.T) {
	for _, a := range []Algorithm{MD5, MD5Sess, SHA256, SHA256Sess, SHA512256, SHA512256Sess} {
		t.Run(string(a), func(t *testing.T) {
			s, c := newServer(a), &Client{User: "alice", Password: "secret"}
			ch := challenge(t, s)
			for _, nc := range []string{"00000001", "00000002", "00000003"} {
				cred, err := c.Authorize("REGISTER", "sip:ocs.test", ch)
				require.NoError(t, err)
				require.Equal(t, nc, cred.NC)
				require.NoError(t, s.Check("REGISTER", "sip:ocs.test", cred))

				proved, err := c.CheckInfo(cred, params(s.Info(cred)))
				require.NoError(t, err)
				require.True(t, proved)
			}
		})
	}
}

func TestNonceCountBeginsAnewWithEachNonce(t *testing.T) {
	s, c := newServer(MD5), &Client{User: "alice", Password: "secret"}
	first, second := challenge(t, s), challenge(t, s)
	one, err := c.Authorize("REGISTER", "sip:ocs.test", first)
	require.NoError(t, err)
	two, err := c.Authorize("REGISTER", "sip:ocs.test", second)
	require.NoError(t, err)
	require.Equal(t, "00000001", one.NC)
	require.Equal(t, "00000001", two.NC)
	require.NotEqual(t, one.CNonce, two.CNonce)
}

func TestServerOffersTheStrongerAlgorithmFirst(t *testing.T) {
	all, err := newServer().Challenges(true)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, SHA256, all[0].Algorithm)
	require.Equal(t, MD5, all[1].Algorithm)
	require.True(t, all[0].Stale)
	require.Equal(t, all[0].Nonce, all[1].Nonce)
}

func TestServerRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Credentials)
		want   string
	}{
		{"other realm", func(c *Credentials) { c.Realm = "contoso.com" }, "realm"},
		{"algorithm not offered", func(c *Credentials) { c.Algorithm = SHA512256 }, "algorithm"},
		{"algorithm left out", func(c *Credentials) { c.Algorithm = "" }, "algorithm"},
		{"no qop", func(c *Credentials) { c.QOP = "" }, "quality of protection"},
		{"auth-int", func(c *Credentials) { c.QOP = "auth-int" }, "quality of protection"},
		{"no cnonce", func(c *Credentials) { c.CNonce = "" }, "cnonce"},
		{"uri of another request", func(c *Credentials) { c.URI = "sip:contoso.com" }, "Request-URI"},
		{"opaque not sent back", func(c *Credentials) { c.Opaque = "" }, "opaque"},
		{"nonce count zero", func(c *Credentials) { c.NC = "00000000" }, "nonce count"},
		{"nonce count short", func(c *Credentials) { c.NC = "1" }, "nonce count"},
		{"nonce count not hexadecimal", func(c *Credentials) { c.NC = "0000000x" }, "nonce count"},
		{"wrong response", func(c *Credentials) { c.Response = strings.Repeat("0", 64) }, ErrDenied.Error()},
		{"unknown user", func(c *Credentials) {
			c.Username = "nobody"
			c.Response = c.compute("REGISTER", "secret")
		}, ErrDenied.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := newServer(SHA256), &Client{User: "alice", Password: "secret"}
			cred, err := c.Authorize("REGISTER", "sip:ocs.test", challenge(t, s))
			require.NoError(t, err)
			tc.change(&cred)
			require.ErrorContains(t, s.Check("REGISTER", "sip:ocs.test", cred), tc.want)
		})
	}
}

func TestReplayIsStale(t *testing.T) {
	s, c := newServer(MD5), &Client{User: "alice", Password: "secret"}
	cred, err := c.Authorize("REGISTER", "sip:ocs.test", challenge(t, s))
	require.NoError(t, err)
	require.NoError(t, s.Check("REGISTER", "sip:ocs.test", cred))
	require.ErrorIs(t, s.Check("REGISTER", "sip:ocs.test", cred), ErrStale)
}

func TestNonceGoesStaleAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newServer(MD5), &Client{User: "alice", Password: "secret"}
		ch := challenge(t, s)
		time.Sleep(5*time.Minute - 1)
		cred, err := c.Authorize("REGISTER", "sip:ocs.test", ch)
		require.NoError(t, err)
		require.NoError(t, s.Check("REGISTER", "sip:ocs.test", cred))
		time.Sleep(time.Nanosecond)
		cred, err = c.Authorize("REGISTER", "sip:ocs.test", ch)
		require.NoError(t, err)
		require.ErrorIs(t, s.Check("REGISTER", "sip:ocs.test", cred), ErrStale)
		cred.Response = strings.Repeat("0", 32)
		require.ErrorIs(t, s.Check("REGISTER", "sip:ocs.test", cred), ErrDenied, "a wrong password is never called stale")
	})
}

func TestTableOfNoncesIsBounded(t *testing.T) {
	s, c := newServer(MD5), &Client{User: "alice", Password: "secret"}
	oldest := challenge(t, s)
	for range maxNonces {
		challenge(t, s)
	}
	require.Len(t, s.nonces, maxNonces)
	cred, err := c.Authorize("REGISTER", "sip:ocs.test", oldest)
	require.NoError(t, err)
	require.ErrorIs(t, s.Check("REGISTER", "sip:ocs.test", cred), ErrStale)
}

func TestInfoOfSomebodyElse(t *testing.T) {
	s, c := newServer(MD5), &Client{User: "alice", Password: "secret"}
	first, err := c.Authorize("REGISTER", "sip:ocs.test", challenge(t, s))
	require.NoError(t, err)
	second, err := c.Authorize("REGISTER", "sip:ocs.test", challenge(t, s))
	require.NoError(t, err)

	proved, err := c.CheckInfo(second, params(s.Info(first)))
	require.ErrorIs(t, err, ErrInfo)
	require.False(t, proved)
	proved, err = c.CheckInfo(first, params(`nextnonce="abc"`))
	require.NoError(t, err)
	require.False(t, proved)
}

func TestRandomSourceThatFails(t *testing.T) {
	empty := strings.NewReader("")
	_, err := (&Server{Rand: empty}).Challenges(false)
	require.ErrorIs(t, err, io.EOF)
	_, err = (&Client{Rand: empty}).Authorize("REGISTER", "sip:ocs.test", Challenge{Nonce: "n"})
	require.ErrorIs(t, err, io.EOF)
}

func TestNoSecretInPrints(t *testing.T) {
	c := &Client{User: "alice", Password: "hunter2"}
	cred, err := c.Authorize("REGISTER", "sip:ocs.test", Challenge{Realm: "r", Nonce: "n"})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(verb, []any{c, *c, cred}), "hunter2")
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add("ocs.test", "abc", "xyz", "SHA-256", "true", "auth,auth-int")
	f.Add("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "", "", "")
	f.Add(`"\`, "5UImQA==", ",", "md5-SESS", "FALSE", " , auth ,")
	f.Fuzz(func(t *testing.T, realm, nonce, opaque, algorithm, stale, qop string) {
		values := map[string]string{
			"realm": realm, "nonce": nonce, "opaque": opaque, "algorithm": algorithm, "stale": stale, "qop": qop,
		}
		ch, err := ParseChallenge(func(name string) (string, bool) {
			v, ok := values[name]
			return v, ok
		})
		if err != nil {
			require.Empty(t, nonce)
			return
		}
		_ = ch.String()
		cred, err := (&Client{User: "alice", Password: "secret"}).Authorize("REGISTER", "sip:ocs.test", ch)
		require.Equal(t, ch.Usable() == nil, err == nil)
		if err == nil {
			require.NotEmpty(t, cred.Response)
			_ = cred.String()
		}
	})
}
