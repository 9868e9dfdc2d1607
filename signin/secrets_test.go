package signin_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	//lint:ignore SA1019 NTLM is defined on MD4
	"golang.org/x/crypto/md4"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/sip/auth"
)

// Sign-ins with every scheme, with the right password and a wrong one, while everything is on that shows something:
// neither log nor transcript, report, error, history or print has the password or its hash, in any spelling.
func TestNoSecretIsShownBySignIns(t *testing.T) {
	const password = "hunter2-Zebra"
	h := md4.New()
	for _, c := range password {
		h.Write([]byte{byte(c), 0})
	}
	var secrets []string
	for _, b := range [][]byte{[]byte(password), h.Sum(nil)} {
		secrets = append(secrets, string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
			base64.StdEncoding.EncodeToString(b), strings.Trim(fmt.Sprint(b), "[]"))
	}
	for _, schemes := range [][]string{{auth.TLSDSK}, {auth.Kerberos}, {auth.NTLM}, {auth.Digest}, auth.Schemes()} {
		for _, given := range []auth.Secret{password, password + "?"} {
			t.Run(fmt.Sprint(schemes, given == password), func(t *testing.T) {
				var shown locked
				srv, err := server.Start(server.Config{
					Users: []server.User{{Name: "alice", Password: password}}, Schemes: schemes,
					Log: slog.New(slog.NewTextHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				require.NoError(t, err)
				defer srv.Close()
				cfg := signin.Config{
					SignInName: "alice@ocs.test", Credentials: signin.Password{User: "alice@ocs.test", Secret: given},
					Dial: srv.Dial, Exchange: srv.Exchange, DNS: "127.0.0.1:53", Roots: srv.CA(), Hostname: "vm",
					Kerberos:   tickets(),
					Log:        slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug})),
					Transcript: &shown,
				}
				c, err := signin.New(cfg)
				require.NoError(t, err)
				s, err := c.SignIn(t.Context())
				fmt.Fprintf(&shown, "%v %+v %#v %v %+v\n", err, err, c, cfg, cfg)
				if given == password {
					require.NoError(t, err)
					require.NoError(t, s.SignOut(t.Context()))
					require.Equal(t, schemes[0], s.Report().Authentication.Scheme)
					require.True(t, s.Report().Authentication.ServerVerified)
					require.NoError(t, json.NewEncoder(&shown).Encode(s.Report()))
				} else {
					require.Error(t, err)
					require.NoError(t, json.NewEncoder(&shown).Encode(err))
				}
				require.NoError(t, json.NewEncoder(&shown).Encode(srv.History()))
				text := shown.String()
				require.Contains(t, text, "REGISTER sip:ocs.test") // the transcript is there
				for _, secret := range secrets {
					if strings.Contains(text, secret) { // not NotContains, which would show the text
						require.Failf(t, "a secret is shown", "%q", secret)
					}
				}
			})
		}
	}
}

// locked is a buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*locked)(nil)

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
