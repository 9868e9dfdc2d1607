package resolve

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

// web is a set of web servers in process. Their connections stand for TLS connections.
type web struct {
	listener chan net.Conn
	answers  map[string]http.HandlerFunc // by host and path
	silent   map[string]bool             // hosts to which no connection comes about

	mu     sync.Mutex
	asked  []*http.Request
	dialed []string
}

func newWeb(t testing.TB, answers map[string]http.HandlerFunc) *web {
	w := &web{listener: make(chan net.Conn), answers: answers, silent: map[string]bool{}}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(w)
	}()
	t.Cleanup(func() {
		close(w.listener)
		_ = server.Close()
		<-done
	})
	return w
}

func (w *web) Accept() (net.Conn, error) {
	nc, ok := <-w.listener
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}

func (*web) Close() error   { return nil }
func (*web) Addr() net.Addr { return &net.TCPAddr{} }

func (w *web) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, in)
	answer := w.answers[in.Host+in.URL.Path]
	w.mu.Unlock()
	if answer == nil {
		answer = http.NotFound
	}
	answer(out, in)
}

// Dial is Autodiscover.Dial.
func (w *web) Dial(ctx context.Context, host string, port int, addrs []netip.Addr) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, joinHostPort(host, port)+" ["+join(addrs)+"]")
	w.mu.Unlock()
	if w.silent[host] {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	client, server := net.Pipe()
	w.listener <- server
	return client, nil
}

// urls are the requests that came, as URLs without scheme.
func (w *web) urls() []string {
	var list []string
	for _, r := range w.asked {
		list = append(list, r.Host+r.URL.RequestURI())
	}
	return list
}

// body answers with a body of a media type.
func body(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(text))
	}
}

// inXML answers with a response in XML: its AccessLocation, and what is in it.
func inXML(location, inside string) http.HandlerFunc {
	return body(xmlType+"; charset=utf-8", fmt.Sprintf(
		`<?xml version="1.0"?><AutodiscoverResponse xmlns="http://schemas.microsoft.com/rtc/autodiscover/2011" AccessLocation="%s">%s</AutodiscoverResponse>`,
		location, inside))
}

const (
	toUser    = `<Root><Link token="Domain" href="https://web.contoso.com/domain"/><Link token="User" href="https://web.contoso.com/user"/></Root>`
	userInXML = `<User><SipServerInternalAccess fqdn="no.contoso.com" port="1"/>` +
		`<SipClientInternalAccess fqdn="pool.contoso.com" port="5061"/><SipClientExternalAccess fqdn="edge.contoso.com" port="443"/></User>`
	userInJSON = `{"AccessLocation":"External","User":{"SipClientInternalAccess":{"fqdn":"pool.contoso.com","port":"5061"},` +
		`"SipClientExternalAccess":{"fqdn":"edge.contoso.com","port":443},"Links":[{"token":"Internal/Ucwa","href":"https://x"}]}}`
)

// webZone is a domain with both names of autodiscover, and one server that only DNS names.
var webZone = []string{
	"lyncdiscoverinternal.contoso.com. A 10.0.0.8", "lyncdiscover.contoso.com. A 192.0.2.8", "web.contoso.com. A 10.0.0.9",
	"pool.contoso.com. A 10.0.0.1", "edge.contoso.com. A 192.0.2.1", "sip.contoso.com. A 10.0.0.2",
}

// autodiscoverConfig asks a zone and web servers.
func autodiscoverConfig(t testing.TB, w *web) Config {
	cfg := newZone(t, webZone...).config()
	cfg.Autodiscover = &Autodiscover{SignInName: "alice@contoso.com", Dial: w.Dial}
	return cfg
}

const (
	fromPool = "tls pool.contoso.com:5061 [10.0.0.1]"
	fromEdge = "tls edge.contoso.com:443 [192.0.2.1]"
)

// fromDNS are the candidates that DNS gives for webZone.
var fromDNS = []string{"tls sip.contoso.com:5061 [10.0.0.2]", "tls sip.contoso.com:443 [10.0.0.2]"}

func TestAutodiscoverServers(t *testing.T) {
	start := "lyncdiscoverinternal.contoso.com/"
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for name, test := range map[string]struct {
		answers map[string]http.HandlerFunc
		want    []string
	}{
		"by the user's link": {
			map[string]http.HandlerFunc{start: inXML("", toUser), "web.contoso.com/user": inXML("", userInXML)},
			[]string{fromPool, fromEdge},
		},
		"inside":  {map[string]http.HandlerFunc{start: inXML("Internal", userInXML)}, []string{fromPool}},
		"outside": {map[string]http.HandlerFunc{start: inXML("eXternal", userInXML)}, []string{fromEdge}},
		"outside without server there": {
			map[string]http.HandlerFunc{start: inXML("External", `<User><SipClientInternalAccess fqdn="pool.contoso.com" port="5061"/></User>`)}, nil,
		},
		"redirect of the service before its user": {
			map[string]http.HandlerFunc{
				start:                       inXML("", `<Root><Link token="User" href="https://web.contoso.com/no"/><Link token="Redirect" href="https://web.contoso.com/root"/></Root>`),
				"web.contoso.com/root":      inXML("", toUser),
				"web.contoso.com/user":      inXML("", `<User><Link token="Redirect" href="https://web.contoso.com:8443/home"/></User>`),
				"web.contoso.com:8443/home": inXML("internal", userInXML),
			},
			[]string{fromPool},
		},
		"redirect of HTTP": {
			map[string]http.HandlerFunc{start: redirect("https://web.contoso.com/root"), "web.contoso.com/root": inXML("internal", userInXML)},
			[]string{fromPool},
		},
		"JSON": {map[string]http.HandlerFunc{start: body(jsonType+";v=1", userInJSON)}, []string{fromEdge}},
		"JSON by its links": {
			map[string]http.HandlerFunc{
				start:                  body("application/json", `{"_links":{"self":{"href":"https://x"},"user":{"href":"https://web.contoso.com/user"}}}`),
				"web.contoso.com/user": body("application/json; charset=utf-8", "\xef\xbb\xbf"+userInJSON),
			},
			[]string{fromEdge},
		},
		"a bad server beside a good one": {
			map[string]http.HandlerFunc{start: inXML("", `<User><SipClientInternalAccess fqdn="a b" port="5061"/><SipClientExternalAccess fqdn="edge.contoso.com" port="443"/></User>`)},
			[]string{fromEdge},
		},
		"second name after the first failed": {
			map[string]http.HandlerFunc{start: body("text/html", "welcome"), "lyncdiscover.contoso.com/": inXML("external", userInXML)},
			[]string{fromEdge},
		},
		"nothing there":       {nil, nil},
		"not a document":      {map[string]http.HandlerFunc{start: body(xmlType, "<AutodiscoverResponse><User>")}, nil},
		"port 0":              {map[string]http.HandlerFunc{start: inXML("", `<User><SipClientInternalAccess fqdn="pool.contoso.com" port="0"/></User>`)}, nil},
		"too large":           {map[string]http.HandlerFunc{start: inXML("", userInXML+strings.Repeat(" ", maxDocument))}, nil},
		"redirect to http":    {map[string]http.HandlerFunc{start: redirect("http://web.contoso.com/user"), "web.contoso.com/user": inXML("", userInXML)}, nil},
		"link with user name": {map[string]http.HandlerFunc{start: redirect("https://a:b@web.contoso.com/user"), "web.contoso.com/user": inXML("", userInXML)}, nil},
		"link to an address":  {map[string]http.HandlerFunc{start: redirect("https://10.0.0.9/user"), "10.0.0.9/user": inXML("", userInXML)}, nil},
		"redirect to itself":  {map[string]http.HandlerFunc{start: redirect("/")}, nil},
		"error with a document": {
			map[string]http.HandlerFunc{start: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", xmlType)
				w.WriteHeader(http.StatusInternalServerError)
				inXML("", userInXML)(w, r)
			}},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := discover(t, autodiscoverConfig(t, newWeb(t, test.answers)))
			require.Equal(t, append(test.want, fromDNS...), brief(plan))
			if test.want != nil {
				require.Contains(t, plan.Candidates[0].Why, "autodiscover lyncdiscover")
			}
			require.Equal(t, fromDNS[0], brief(&Plan{Candidates: plan.Under(Communicator)})[0], "Communicator knows no autodiscover")
		})
	}
}

func TestAutodiscoverRequests(t *testing.T) {
	w := newWeb(t, map[string]http.HandlerFunc{
		"lyncdiscover.contoso.com/": inXML("", toUser), "web.contoso.com/user": inXML("internal", userInXML),
	})
	plan := discover(t, autodiscoverConfig(t, w))
	require.Equal(t, []string{
		"lyncdiscoverinternal.contoso.com/?sipuri=alice%40contoso.com", "lyncdiscover.contoso.com/?sipuri=alice%40contoso.com", "web.contoso.com/user",
	}, w.urls())
	require.Equal(t, "application/vnd.microsoft.rtc.autodiscover+xml;v=1", w.asked[0].Header.Get("Accept"))
	require.Equal(t, []string{
		"lyncdiscoverinternal.contoso.com:443 [10.0.0.8]", "lyncdiscover.contoso.com:443 [192.0.2.8]", "web.contoso.com:443 [10.0.0.9]",
	}, w.dialed)
	require.Equal(t, []string{
		"A lyncdiscoverinternal.contoso.com: 10.0.0.8", "AAAA lyncdiscoverinternal.contoso.com: NOERROR, no data",
		"GET https://lyncdiscoverinternal.contoso.com/: 404",
		"A lyncdiscover.contoso.com: 192.0.2.8", "AAAA lyncdiscover.contoso.com: NOERROR, no data",
		"GET https://lyncdiscover.contoso.com/: user",
		"A web.contoso.com: 10.0.0.9", "AAAA web.contoso.com: NOERROR, no data",
		"GET https://web.contoso.com/user: pool.contoso.com:5061",
		"A pool.contoso.com: 10.0.0.1", "AAAA pool.contoso.com: NOERROR, no data",
	}, answered(plan)[:11])
}

func TestAutodiscoverStopsAtTheTenthLink(t *testing.T) {
	w := newWeb(t, map[string]http.HandlerFunc{
		"lyncdiscoverinternal.contoso.com/": inXML("", `<Root><Link token="Redirect" href="/"/></Root>`),
	})
	discover(t, autodiscoverConfig(t, w))
	require.Len(t, w.asked, maxHops+1, "ten of the first name and one of the second")
}

func TestAutodiscoverIsAskedOnlyWhereItMayBe(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"off":          func(c *Config) { c.Autodiscover = nil },
		"Communicator": func(c *Config) { c.Policy = Communicator },
		"TCP":          func(c *Config) { c.OnlyTCP = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t, nil)
			cfg := autodiscoverConfig(t, w)
			set(&cfg)
			plan := discover(t, cfg)
			require.Empty(t, w.asked)
			require.NotContains(t, strings.Join(answered(plan), "\n"), "lyncdiscover")
		})
	}
}

func TestAutodiscoverWithoutNamesIsNoFailure(t *testing.T) {
	w := newWeb(t, nil)
	cfg := newZone(t).config()
	cfg.Autodiscover = &Autodiscover{Dial: w.Dial}
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseNoServerFound, err)
	require.Empty(t, w.dialed)

	cfg.ByName = func(host string, _ int) bool { return strings.HasPrefix(host, "lyncdiscover") }
	_, err = Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseAutodiscoverFailed, err)
	require.Equal(t, []string{"lyncdiscoverinternal.contoso.com:443 []", "lyncdiscover.contoso.com:443 []"}, w.dialed)
}

func TestAutodiscoverFailureIsTold(t *testing.T) {
	w := newWeb(t, nil)
	cfg := autodiscoverConfig(t, w)
	cfg.Exchange = newZone(t, webZone[:2]...).Exchange
	_, err := Discover(t.Context(), cfg, "contoso.com")
	requireCause(t, ocserr.CauseAutodiscoverFailed, err)
	require.ErrorContains(t, err, "lyncdiscoverinternal.contoso.com: 404")
	require.ErrorContains(t, err, "lyncdiscover.contoso.com: 404")
}

func TestAutodiscoverObeysTheNamingPolicy(t *testing.T) {
	cfg := autodiscoverConfig(t, newWeb(t, map[string]http.HandlerFunc{"lyncdiscoverinternal.contoso.com/": inXML("", userInXML)}))
	cfg.Naming = NamingStrict
	plan := discover(t, cfg)
	require.Equal(t, fromDNS, brief(plan))
	require.Len(t, plan.Refused, 2)
}

func TestAutodiscoverTiming(t *testing.T) {
	for name, test := range map[string]struct {
		silent  []string
		records []string
		want    time.Duration
		cause   ocserr.Cause
		answer  string
	}{
		"silent, and DNS knows a server": {[]string{"lyncdiscoverinternal.contoso.com"}, webZone, patience, "", "no answer yet"},
		"silent, then the second name":   {[]string{"lyncdiscoverinternal.contoso.com"}, webZone[:5], requestTimeout, "", "timeout"},
		"both silent":                    {[]string{"lyncdiscoverinternal.contoso.com", "lyncdiscover.contoso.com"}, webZone[:5], 2 * requestTimeout, ocserr.CauseAutodiscoverFailed, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWeb(t, map[string]http.HandlerFunc{"lyncdiscover.contoso.com/": inXML("external", userInXML)})
				for _, host := range test.silent {
					w.silent[host] = true
				}
				cfg := autodiscoverConfig(t, w)
				cfg.Exchange = newZone(t, test.records...).Exchange
				start := time.Now()
				plan, err := Discover(t.Context(), cfg, "contoso.com")
				require.Equal(t, test.want, time.Since(start))
				if test.cause == "" {
					require.NoError(t, err)
				} else {
					requireCause(t, test.cause, err)
				}
				require.Contains(t, answered(plan), "GET https://lyncdiscoverinternal.contoso.com/: "+test.answer)
			})
		})
	}
}

func TestAutodiscoverCancelReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeb(t, nil)
		w.silent["lyncdiscoverinternal.contoso.com"] = true
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := Discover(ctx, autodiscoverConfig(t, w), "contoso.com")
		require.Equal(t, time.Second, time.Since(start))
		requireCause(t, ocserr.CauseCancelled, err)
	})
}

func FuzzLink(f *testing.F) {
	for _, text := range []string{"https://web.contoso.com:8443/user?a=b", "/user", "//x", "https://[::1]/", "https:x", "https://a:b@c", "https://bücher.test/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := link(&url.URL{Scheme: "https", Host: "web.contoso.com", Path: "/"}, text)
		if err != nil {
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		_, err = hostname(u.Hostname())
		require.NoError(t, err)
		_, err = portOf(u)
		require.NoError(t, err)
		require.LessOrEqual(t, len(shownURL(u)), 200)
	})
}

func TestLinkQuotesLittle(t *testing.T) {
	long := strings.Repeat("A", 1500)
	for name, text := range map[string]string{
		"escape":  "https://fe.contoso.com/%zz" + long + "?ticket=SECRET",
		"host":    "https://" + strings.Repeat("a..", 300) + "?ticket=SECRET",
		"port":    "https://fe.contoso.com:" + long + "?ticket=SECRET",
		"scheme":  long + "://fe.contoso.com?ticket=SECRET",
		"control": "https://fe.contoso.com/?ticket=SECRET\x01",
		"nowhere": "https:///?ticket=SECRET",
		"user":    "https://alice@fe.contoso.com/?ticket=SECRET",
		"no port": "https://fe.contoso.com:0/?ticket=SECRET",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := link(&url.URL{Scheme: "https", Host: "fe.contoso.com"}, text)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "SECRET")
			require.Less(t, len(err.Error()), 350)
		})
	}
}

func TestAutodiscoverWhereDNSDropsAAAA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeb(t, map[string]http.HandlerFunc{"lyncdiscoverinternal.contoso.com/": inXML("Internal", userInXML)})
		z := newZone(t, webZone...)
		for _, host := range []string{"lyncdiscoverinternal", "lyncdiscover", "pool", "sip", "sipinternal", "sipexternal"} {
			z.silent["AAAA "+host+".contoso.com"] = true
		}
		cfg := z.config()
		cfg.Autodiscover = &Autodiscover{SignInName: "alice@contoso.com", Dial: w.Dial}
		require.Equal(t, fromPool, brief(discover(t, cfg))[0])
	})
}

// The pool is a web server too: it was looked up before it was a candidate.
func TestOpenQuestionsAreNotWaitedForLongWhereThePoolIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWeb(t, map[string]http.HandlerFunc{
			"lyncdiscoverinternal.contoso.com/": inXML("", `<Root><Link token="User" href="https://pool.contoso.com/user"/></Root>`),
			"pool.contoso.com/user":             inXML("Internal", userInXML),
		})
		z := newZone(t, webZone[0], webZone[3])
		z.silent["_sip._tls.contoso.com"] = true
		cfg := z.config()
		cfg.Autodiscover = &Autodiscover{SignInName: "alice@contoso.com", Dial: w.Dial}
		start := time.Now()
		require.Equal(t, []string{fromPool}, brief(discover(t, cfg)))
		require.Equal(t, patience, time.Since(start))
	})
}
