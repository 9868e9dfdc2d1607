package server

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

func TestSpellingsAreFoundInEveryForm(t *testing.T) {
	const secret = `pA55-&<"\ü-of-carol`
	spellings := SpellingsOf("another-one", secret)
	var wide []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	quoted, err := json.Marshal(map[string]string{"text": "it is " + secret})
	require.NoError(t, err)
	for form, text := range map[string]string{
		"clear text":            "password=" + secret,
		"UTF-16":                string(wide),
		"hexadecimal":           hex.EncodeToString([]byte(secret)),
		"hexadecimal of UTF-16": strings.ToUpper(hex.EncodeToString(wide)),
		"base64":                base64.StdEncoding.EncodeToString([]byte("carol:" + secret)),
		"base64 of UTF-16":      base64.StdEncoding.EncodeToString(wide),
		"URL-encoded":           url.Values{"p": {secret}}.Encode(),
		"JSON":                  string(quoted),
		"XML":                   "<p>pA55-&amp;&lt;&#34;\\ü-of-carol</p>",
	} {
		require.Equal(t, form, spellings.In([]byte("before "+text+" behind")), text)
	}
	for before := range 6 { // base64 of whatever comes before and behind
		text := base64.RawURLEncoding.EncodeToString(append(bytes.Repeat([]byte{0xFE}, before), secret+"\xFF\xFF"...))
		require.Equal(t, "base64", spellings.In([]byte(text)))
	}
	require.Equal(t, "hexadecimal of the NT hash", SpellingsOf("password").In([]byte("8846F7EAEE8FB117AD06BDD830B7586C"))) // MS-NLMP's is of "Password"
}

func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	require.Empty(t, SpellingsOf("", "x").In([]byte("x marks the spot")))
	require.Empty(t, SpellingsOf("secret").In([]byte("secre, and ecret")))
	require.Empty(t, SpellingsOf("abc").In([]byte(hex.EncodeToString([]byte("abc")))), "what is derived of a short secret could be there by chance")
	require.Empty(t, SpellingsOf().In([]byte("anything")))
}

// leaks are what a server has found.
func leaks(s *Server) (out []string) {
	for _, r := range s.History(KindLeak) {
		out = append(out, r.Transport+": "+r.Name)
	}
	return out
}

func TestASecretIsFoundAcrossReads(t *testing.T) {
	s, err := Start(Config{Secrets: []Secret{{Value: "pA55-of-alice"}}})
	require.NoError(t, err)
	defer s.Close()
	w := s.watch(atSIP, 7)
	for _, b := range []byte("User-Agent: pA55-of-alice pA55-of-alice") {
		w.saw([]byte{b})
	}
	require.Equal(t, []string{"sip: clear text"}, leaks(s))
	require.Equal(t, 7, s.History(KindLeak)[0].Conn)
}

func TestTheProxysPasswordMayBeShownToTheProxyAlone(t *testing.T) {
	s, err := Start(Config{Secrets: []Secret{{Value: "pA55-of-proxy", Proxy: true}, {Value: "pA55-of-alice"}}})
	require.NoError(t, err)
	defer s.Close()
	s.watch(atProxy, 0).saw([]byte("pA55-of-proxy"))
	require.Empty(t, leaks(s))
	s.watch(atProxy, 0).saw([]byte("pA55-of-alice"))
	s.watch(atSIP, 0).saw([]byte("pA55-of-proxy"))
	require.Equal(t, []string{"proxy: clear text", "sip: clear text"}, leaks(s))
}

func TestRequestsToTheWebServerAreSearched(t *testing.T) {
	s, err := Start(Config{Secrets: []Secret{{Value: "pA55-of-alice"}}})
	require.NoError(t, err)
	defer s.Close()
	handler := s.recorded(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { _, _ = new(bytes.Buffer).ReadFrom(req.Body) }))
	basic := httptest.NewRequest("GET", "/", nil)
	basic.SetBasicAuth("alice", "pA55-of-alice")
	for _, req := range []*http.Request{
		basic, httptest.NewRequest("GET", "/?p=pA55-of-alice", nil), httptest.NewRequest("POST", "/", strings.NewReader("<p>pA55-of-alice</p>")), httptest.NewRequest("POST", "/", strings.NewReader("nothing")),
	} {
		handler.ServeHTTP(httptest.NewRecorder(), req)
	}
	require.Equal(t, []string{"web: base64", "web: clear text", "web: clear text"}, leaks(s))
}
