package signin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/status"
)

const (
	ticketPath = "/WebTicket/WebTicketService.svc"
	userPath   = "/Autodiscover/AutodiscoverService.svc/root/user"
)

// ticketed is a server whose users' documents want a web ticket, with faults of its web server.
func ticketed(faults ...server.Fault) server.Config {
	for i := range faults {
		faults[i].Stage = server.StageWeb
	}
	return server.Config{Autodiscover: &server.Autodiscover{WebTicket: true}, Faults: faults}
}

// document is the first answer to the request for the user's document, in the plan.
func document(p *resolve.Plan) string {
	for _, q := range p.Questions {
		if strings.HasSuffix(q.Name, userPath) {
			return q.Answer
		}
	}
	return "not asked"
}

// web are the requests that the web server has got, as "GET /path".
func (w *world) web() (list []string) {
	for _, r := range w.server.History(server.KindWeb) {
		list = append(list, r.Name)
	}
	return list
}

// dialled lets the world's client dial what it likes, and keeps where to.
func (w *world) dialled() *[]string {
	var mu sync.Mutex
	list, dial := new([]string), w.config.Dial
	w.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, address)
		return dial(ctx, network, address)
	}
	return list
}

func TestAutodiscoverWithAWebTicket(t *testing.T) {
	inWorld(t, ticketed(), func(t *testing.T, w *world) {
		w.config.Autodiscover = true
		c, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
		require.Equal(t, "401, web ticket obtained", document(c.Report().Discovery))
		require.True(t, strings.HasPrefix(c.Report().Tries[0].Why, "autodiscover "), c.Report().Tries[0].Why)
		require.Equal(t, []string{
			"GET /", "GET " + userPath,
			"GET " + ticketPath + "/mex", "POST " + ticketPath, "POST " + ticketPath, "POST " + ticketPath,
			"GET " + userPath,
		}, w.web())
		require.Zero(t, w.server.Rejected("alice"))
	})
}

func TestPasswordThatTheTicketServiceTookIsTested(t *testing.T) {
	cfg := ticketed()
	cfg.PlainRegistrar = true
	cfg.Faults = append(cfg.Faults, server.Fault{Stage: server.StageRegister, Action: server.ActionUnchallenged})
	inWorld(t, cfg, func(t *testing.T, w *world) {
		w.config.Autodiscover = true
		c, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
		require.False(t, c.Report().Authentication.Challenged)
		require.True(t, c.Report().Authentication.PasswordTested)
	})
}

func TestPasswordThatTheTicketServiceRejectsEndsTheAttempt(t *testing.T) {
	inWorld(t, ticketed(), func(t *testing.T, w *world) {
		w.config.Autodiscover, w.config.Credentials.Secret = true, "wrong"
		c := w.client()
		r := record(t, c)
		_, err := c.SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.InvalidPassword)
		var e *ocserr.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, ocserr.CausePasswordRejected, e.Cause)
		require.Equal(t, ocserr.StageResolve, e.Stage)
		require.True(t, c.Report().Authentication.PasswordTested)
		require.Contains(t, document(c.Report().Discovery), "401, no web ticket: MSGR_E_INVALID_PASSWORD")
		require.Equal(t, []string{
			"OnMyStatusChange(S_OK, MISTATUS_LOCAL_FINDING_SERVER)", "OnSignin(MSGR_E_INVALID_PASSWORD)",
			"OnMyStatusChange(" + e.Code.StatusChange().Name() + ", " + status.Offline.String() + ")",
		}, r.stop())
		require.Equal(t, 1, w.server.Rejected("alice"))
		require.Empty(t, w.server.History(server.KindConnect), "no SIP server was tried")
		require.Equal(t, "POST "+ticketPath, w.web()[len(w.web())-1], "nor lyncdiscover")
	})
}

// Where there is no ticket for another reason, DNS knows servers too.
func TestTicketThatIsNotToBeHadCostsTheQuestionAlone(t *testing.T) {
	foreign := map[string]string{"X-MS-WebTicketURL": "https://web.example.test" + ticketPath}
	wsdl := `<definitions><service><port name="WebTicketServiceWinNegotiate"><address location="https://web.example.test/"/></port></service></definitions>`
	for name, test := range map[string]struct {
		server server.Config
		client func(*signin.Config)
		answer string // to the request for the document

		untrusted bool // with credentials
	}{
		"service fails":                 {ticketed(server.Fault{Action: server.ActionStatus, Status: 503, Match: server.Match{Name: ticketPath}}), nil, "HTTP 503", false},
		"document refused all the same": {ticketed(server.Fault{Action: server.ActionStatus, Status: 401, Match: server.Match{Name: userPath}, Headers: map[string]string{"X-MS-WebTicketURL": "https://server.ocs.test" + ticketPath}}), nil, "web ticket obtained", false},
		"service outside the domain":    {ticketed(server.Fault{Action: server.ActionStatus, Status: 401, Match: server.Match{Name: userPath}, Headers: foreign}), func(c *signin.Config) { c.Naming = resolve.NamingDomain }, `"web.example.test" may not serve "ocs.test"`, true},
		"strictly":                      {ticketed(server.Fault{Action: server.ActionStatus, Status: 401, Match: server.Match{Name: userPath}, Headers: foreign}), func(c *signin.Config) { c.Naming = resolve.NamingStrict }, `"web.example.test" may not serve "ocs.test"`, true},
		"credentials wanted outside the domain": {
			ticketed(server.Fault{Action: server.ActionStatus, Status: 200, Match: server.Match{Name: ticketPath + "/mex"}, Text: wsdl}),
			func(c *signin.Config) { c.Naming = resolve.NamingDomain }, `"web.example.test" may not serve "ocs.test"`, true,
		},
		"service not over TLS":     {ticketed(server.Fault{Action: server.ActionStatus, Status: 401, Match: server.Match{Name: userPath}, Headers: map[string]string{"X-MS-WebTicketURL": "http://server.ocs.test" + ticketPath}}), nil, "not to https", true},
		"certificate not verified": {ticketed(), func(c *signin.Config) { c.Roots, c.InsecureSkipVerify = nil, true }, "MSGR_E_CONNECT", true},
		"Digest alone is allowed": {
			func() server.Config { c := ticketed(); c.Schemes = []string{"Digest"}; return c }(),
			func(c *signin.Config) { c.Schemes = []string{"Digest"} }, "a web service takes NTLM and Kerberos; the client may use Digest", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, test.server, func(t *testing.T, w *world) {
				w.config.Autodiscover = true
				if test.client != nil {
					test.client(&w.config)
				}
				dialled := w.dialled()
				plan, err := signin.Discover(t.Context(), withUser(w.config), "ocs.test")
				if w.config.Naming != resolve.NamingStrict { // "server" is no name for that
					require.NoError(t, err)
					require.True(t, strings.HasPrefix(plan.Candidates[0].Why, "SRV "), plan.Candidates[0].Why)
				}
				require.Contains(t, document(plan), test.answer)
				require.NotContains(t, strings.Join(*dialled, " "), "example")
				if test.untrusted {
					require.NotContains(t, w.web(), "POST "+ticketPath)
				}
			})
		})
	}
}

// withUser is a configuration as a Client completes it.
func withUser(c signin.Config) signin.Config {
	c.Credentials.User = c.SignInName
	return c
}

func TestServiceOfTicketsThatIsSilentCannotOutlastDiscovery(t *testing.T) {
	silent := server.Fault{Action: server.ActionSilent, Match: server.Match{Name: ticketPath}}
	inWorld(t, ticketed(silent), func(t *testing.T, w *world) {
		w.config.Autodiscover = true
		plan, err := signin.Discover(t.Context(), withUser(w.config), "ocs.test")
		require.NoError(t, err)
		require.Equal(t, resolve.DefaultTimeout, w.since())
		require.Contains(t, document(plan), "no web ticket: ocauthws: web ticket from https://server.ocs.test"+ticketPath+": context deadline exceeded")
		require.True(t, strings.HasPrefix(plan.Candidates[0].Why, "SRV "))
	})
}

func TestDiscoverNeedsNoCredentials(t *testing.T) {
	inWorld(t, ticketed(), func(t *testing.T, w *world) {
		w.config.Autodiscover, w.config.Credentials = true, signin.Password{}
		plan, err := signin.Discover(t.Context(), w.config, "ocs.test")
		require.NoError(t, err)
		require.Equal(t, "401, no web ticket: auth: neither name and password nor a Kerberos ticket is given", document(plan))
		require.Zero(t, w.server.Rejected("alice"))
	})
}

func TestNoSecretOfAWebTicketIsShown(t *testing.T) {
	for _, password := range []string{"secret-Zebra", "wrong-Zebra"} {
		t.Run(password, func(t *testing.T) {
			inWorld(t, ticketed(), func(t *testing.T, w *world) {
				var shown bytes.Buffer
				w.config.Autodiscover = true
				if password == "wrong-Zebra" {
					w.config.Credentials.Secret = "wrong-Zebra"
				}
				w.config.Log = slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
				plan, err := signin.Discover(t.Context(), withUser(w.config), "ocs.test")
				require.Equal(t, password == "wrong-Zebra", err != nil)
				require.NoError(t, json.NewEncoder(&shown).Encode([]any{plan, err, w.server.History()}))
				fmt.Fprintf(&shown, "%v %+v %#v %+v", err, err, err, plan)
				require.Contains(t, shown.String(), `"step":"web ticket"`)
				for _, secret := range []string{"Zebra", "SamlSecurityToken", "Assertion", "opaque=", "NTLM TlRM"} {
					require.NotContains(t, shown.String(), secret)
				}
			})
		})
	}
}

func TestCancelInAWebTicketReturnsAtOnce(t *testing.T) {
	silent := server.Fault{Action: server.ActionSilent, Match: server.Match{Name: ticketPath}}
	inWorld(t, ticketed(silent), func(t *testing.T, w *world) {
		w.config.Autodiscover = true
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := w.client().SignIn(ctx)
		require.ErrorIs(t, err, ocserr.Cancel)
		require.Equal(t, time.Second, w.since())
	})
}
