package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

func TestSplitUser(t *testing.T) {
	for _, tc := range []struct{ login, user, domain string }{
		{`CONTOSO\alice`, "alice", "CONTOSO"},
		{"CONTOSO/alice", "alice", "CONTOSO"},
		{"alice", "alice", ""},
		{"alice@contoso.com", "alice@contoso.com", ""},
		{`alice\@contoso.com`, "alice@contoso.com", ""},
		{`contoso.com\alice@other`, "alice@other", "contoso.com"},
		{`A\b\c`, `b\c`, "A"},
		{`\alice`, "alice", ""},
		{"", "", ""},
	} {
		user, domain := SplitUser(tc.login)
		require.Equal(t, tc.user, user, tc.login)
		require.Equal(t, tc.domain, domain, tc.login)
	}
}

const hunter = "hunter2-Zebra"

// shows renders a value in every way that a log or a report might.
func shows(v any) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	if text, err := json.Marshal(v); err == nil {
		b.Write(text)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("", "v", v)
	return b.String()
}

func TestNoSecretIsEverShown(t *testing.T) {
	cfg := config(func(c *ServerConfig) {
		c.Accounts = func(string, string) (Account, bool) {
			return Account{User: "alice", Password: hunter, URI: alice}, true
		}
	})
	var values []any
	for _, scheme := range []string{NTLM, Digest} {
		cfg.Schemes = []string{scheme}
		right, wrong := newWire(t, cfg), newWire(t, cfg)
		clientCfg := ClientConfig{Password: Password{User: `OCS\alice`, Secret: hunter}}
		right.client = NewClient(clientCfg)
		right.signIn()
		wrong.client = NewClient(ClientConfig{Password: Password{User: `OCS\alice`, Secret: hunter + "?"}})
		_, _, rejected := wrong.register()
		require.Error(t, rejected)

		right.meddle = func(res *sip.Response) { sip.Del(res, "Authentication-Info") }
		unsigned := right.client.Verify(right.send(right.request("SUBSCRIBE")))
		values = append(values, clientCfg, &clientCfg, right.client, right.server, wrong.client, right.client.State(),
			wrong.client.State(), rejected, unsigned, right.verdict, wrong.verdict, cfg,
			struct{ C *Client }{right.client}, struct{ s *Server }{right.server}, struct{ c *Client }{right.client})
	}
	values = append(values, Secret(hunter), Password{"alice", hunter}, []Secret{hunter}, map[string]Secret{"a": hunter},
		fmt.Errorf("wrapped: %v", Secret(hunter)), errors.New(fmt.Sprint(Password{"alice", hunter})))
	hash := fmt.Sprintf("%x", hunter)
	for _, v := range values {
		text := shows(v)
		require.NotContains(t, text, hunter, "%T", v)
		require.NotContains(t, strings.ToLower(text), hash, "%T", v)
	}
}
