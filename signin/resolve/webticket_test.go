package resolve

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

const ticketService = "https://web.contoso.com/ticket"

// forTicket answers a request with a right ticket as then does, and any other as servers do.
func forTicket(service string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-MS-WebTicket") == "opaque="+base64.StdEncoding.EncodeToString([]byte("<Assertion/>")) {
			then(w, r)
			return
		}
		w.Header().Set("X-MS-WebTicketURL", service)
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// demanding is a domain whose users' documents want a ticket.
func demanding(t testing.TB, service string) (*web, Config) {
	w := newWeb(t, map[string]http.HandlerFunc{
		"lyncdiscoverinternal.contoso.com/": inXML("", toUser),
		"web.contoso.com/user":              forTicket(service, inXML("internal", userInXML)),
	})
	return w, autodiscoverConfig(t, w)
}

func TestAutodiscoverShowsAWebTicket(t *testing.T) {
	for name, test := range map[string]struct {
		service string
		ticket  string
		err     error
		want    []string
		asked   int
		answer  string // to the first request for the document
	}{
		"right":                {ticketService, "<Assertion/>", nil, []string{fromPool}, 2, "401, web ticket obtained"},
		"wrong is shown once":  {ticketService, "<Nonsense/>", nil, nil, 2, "401, web ticket obtained"},
		"none to be had":       {ticketService, "", errors.New("no credentials"), nil, 1, "401, no web ticket: no credentials"},
		"service without TLS":  {"http://web.contoso.com/ticket", "<Assertion/>", nil, nil, 1, `401, no web ticket: a link leads to "http" and not to https`},
		"demand without a URL": {"", "<Assertion/>", nil, nil, 1, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			w, cfg := demanding(t, test.service)
			var wanted []string
			cfg.Autodiscover.WebTicket = func(_ context.Context, service, resource string) (string, error) {
				wanted = append(wanted, service, resource)
				return test.ticket, test.err
			}
			plan := discover(t, cfg)
			if strings.HasPrefix(test.service, "https:") {
				require.Equal(t, []string{test.service, "https://web.contoso.com/user"}, wanted)
			} else {
				require.Empty(t, wanted)
			}
			require.Equal(t, append(test.want, fromDNS...), brief(plan))
			asked := 0
			for _, u := range w.urls() {
				if u == "web.contoso.com/user" {
					asked++
				}
			}
			require.Equal(t, test.asked, asked)
			require.Contains(t, answered(plan), "GET https://web.contoso.com/user: "+test.answer)
		})
	}
}

func TestAutodiscoverWithoutCredentialsSaysSo(t *testing.T) {
	_, cfg := demanding(t, ticketService)
	plan := discover(t, cfg)
	require.Equal(t, fromDNS, brief(plan))
	require.Contains(t, answered(plan), "GET https://web.contoso.com/user: 401, no web ticket: no user name and password is given")
}

func TestAutodiscoverGetsATicketForEachDocument(t *testing.T) {
	w := newWeb(t, map[string]http.HandlerFunc{
		"lyncdiscoverinternal.contoso.com/": inXML("", toUser),
		"web.contoso.com/user":              forTicket("/ticket", inXML("", `<User><Link token="Redirect" href="https://edge.contoso.com/home"/></User>`)),
		"edge.contoso.com/home":             forTicket("https://edge.contoso.com/its-own", inXML("internal", userInXML)),
	})
	cfg := autodiscoverConfig(t, w)
	var wanted []string
	cfg.Autodiscover.WebTicket = func(_ context.Context, service, resource string) (string, error) {
		wanted = append(wanted, service+" for "+resource)
		return "<Assertion/>", nil
	}
	require.Equal(t, fromPool, brief(discover(t, cfg))[0])
	require.Equal(t, []string{
		ticketService + " for https://web.contoso.com/user", "https://edge.contoso.com/its-own for https://edge.contoso.com/home",
	}, wanted)
}

func TestAutodiscoverGetsNoMoreTicketsThanItReadsDocuments(t *testing.T) {
	again := forTicket(ticketService, inXML("", `<User><Link token="Redirect" href="/user"/></User>`))
	w := newWeb(t, map[string]http.HandlerFunc{"lyncdiscoverinternal.contoso.com/": inXML("", toUser), "web.contoso.com/user": again})
	cfg := autodiscoverConfig(t, w)
	tickets := 0
	cfg.Autodiscover.WebTicket = func(context.Context, string, string) (string, error) {
		tickets++
		return "<Assertion/>", nil
	}
	discover(t, cfg)
	require.Equal(t, maxHops-1, tickets)
}

func TestAutodiscoverCarriesCookiesOn(t *testing.T) {
	w := newWeb(t, map[string]http.HandlerFunc{
		"lyncdiscoverinternal.contoso.com/": inXML("", toUser),
		"web.contoso.com/user": func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "server", Value: "2"})
			forTicket(ticketService, inXML("internal", userInXML))(w, r)
		},
	})
	cfg := autodiscoverConfig(t, w)
	cfg.Autodiscover.WebTicket = func(context.Context, string, string) (string, error) { return "<Assertion/>", nil }
	discover(t, cfg)
	require.Empty(t, w.asked[1].Cookies())
	require.Len(t, w.asked[2].Cookies(), 1)
}

func TestAutodiscoverEndsDiscoveryWhenThePasswordIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, cfg := demanding(t, ticketService)
		w.answers["lyncdiscover.contoso.com/"] = inXML("external", userInXML)
		rejected := errors.New("wrong password")
		cfg.Autodiscover.WebTicket = func(context.Context, string, string) (string, error) {
			time.Sleep(time.Second)
			return "", ocserr.New(ocserr.CausePasswordRejected, rejected)
		}
		zone := cfg.Exchange
		cfg.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
			if strings.Contains(string(query), "_sip") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return zone(ctx, network, server, query)
		}
		start := time.Now()
		plan, err := Discover(t.Context(), cfg, "contoso.com")
		require.Equal(t, time.Second, time.Since(start), "no other question is waited for")
		requireCause(t, ocserr.CausePasswordRejected, err)
		require.ErrorIs(t, err, ocserr.InvalidPassword)
		require.ErrorIs(t, err, rejected)
		e, _ := errors.AsType[*ocserr.Error](err)
		require.Equal(t, ocserr.StageResolve, e.Stage)
		require.Empty(t, plan.Candidates)
		require.NotContains(t, strings.Join(w.urls(), " "), "lyncdiscover.contoso.com")
		require.Contains(t, strings.Join(answered(plan), "\n"), "GET https://web.contoso.com/user: 401, no web ticket: MSGR_E_INVALID_PASSWORD")
	})
}

func TestAutodiscoverTicketTiming(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		want  time.Duration
		first string
	}{
		"longer than open questions are waited for":     {patience + 2*time.Second, patience + 2*time.Second, fromPool},
		"longer than a request for a document may":      {requestTimeout + time.Second, requestTimeout + time.Second, fromPool},
		"for ever, which is until the end of discovery": {time.Hour, DefaultTimeout, fromDNS[0]},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, cfg := demanding(t, ticketService)
				cfg.Autodiscover.WebTicket = func(ctx context.Context, _, _ string) (string, error) {
					select {
					case <-time.After(test.takes):
						return "<Assertion/>", nil
					case <-ctx.Done():
						return "", ctx.Err()
					}
				}
				start := time.Now()
				plan := discover(t, cfg)
				require.Equal(t, test.want, time.Since(start))
				require.Equal(t, test.first, brief(plan)[0])
			})
		})
	}
}

// What is not answered when a ticket is there is waited for as long as ever.
func TestAutodiscoverIsPatientAnewAfterATicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, cfg := demanding(t, ticketService)
		cfg.Autodiscover.WebTicket = func(context.Context, string, string) (string, error) {
			time.Sleep(time.Second)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answers["web.contoso.com/user"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			return "<Assertion/>", nil
		}
		start := time.Now()
		plan := discover(t, cfg)
		require.Equal(t, time.Second+patience, time.Since(start))
		require.Equal(t, fromDNS, brief(plan))
	})
}
