package resolve

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Autodiscover says how to ask the autodiscover service of Lync Server 2010 and later
// (MS-OCDISCWS): which user's, over which connections, with which ticket.
//
// https://lyncdiscoverinternal.<domain> is asked, and https://lyncdiscover.<domain> only after that failed. Each
// may lead on, to the service of the user's own pool at last, which names the servers for SIP inside
// and outside. Clear HTTP, which anybody on the way could answer, is neither asked nor followed to.
type Autodiscover struct {
	// SignInName is the user's address, "alice@contoso.com": a domain can have users in several places.
	// Empty: the service is asked for the domain alone.
	SignInName string

	// Dial opens a TLS connection that is verified for the host. It must return once ctx is done. The
	// addresses are those of the host; there are none only where Config.ByName leaves the name to a proxy.
	Dial func(ctx context.Context, host string, port int, addrs []netip.Addr) (net.Conn, error)

	// WebTicket gets a ticket for a resource, both URLs, from a web ticket service that a server
	// named: a SAML assertion, as XML. A user's own document is given out only for such a ticket. The
	// service is reached over HTTPS; whether to trust its host with credentials is for WebTicket to
	// decide. It must return once ctx is done, which is at the end of Discover at the latest. An error that is
	// an *ocserr.Error "password-rejected" ends Discover: whatever else there is to ask would ask for the password
	// again. Nil: there are no tickets.
	WebTicket func(ctx context.Context, service, resource string) (string, error)
}

// Limits of autodiscover.
const (
	maxHops        = 10              // documents read in a row from one of the two names, and redirects between
	maxDocument    = 64 << 10        // bytes of one answer
	maxLink        = 2 << 10         // bytes of a URL in it
	requestTimeout = 4 * time.Second // bounds one request, with its connection
)

// autodiscovered is what the autodiscover service says.
type autodiscovered struct {
	targets   []target
	service   string // which of the two names was asked, the last one
	questions []Question
	unknown   []*failure    // names on the way that DNS did not tell the addresses of
	failure   error         // why there are no targets, where a service was there to ask
	rejected  *ocserr.Error // the password was, and nothing more may be asked
}

// autodiscover asks both names in turn, and for the addresses of the servers that the answer names.
func (r *resolver) autodiscover(ctx context.Context, cfg Config, domain string) autodiscovered {
	var out autodiscovered
	if cfg.Autodiscover == nil || cfg.Policy == Communicator || cfg.OnlyTCP {
		return out
	}
	w := &walk{resolver: r, cfg: cfg.Autodiscover, byName: cfg.ByName}
	w.cookies, _ = cookiejar.New(nil) // it never fails
	transport := &http.Transport{DialTLSContext: w.dial, MaxResponseHeaderBytes: maxDocument}
	defer transport.CloseIdleConnections()
	w.transport = transport
	var servers []sipAccess
	for _, label := range []string{"lyncdiscoverinternal.", "lyncdiscover."} {
		out.service = label + domain
		start := &url.URL{Scheme: "https", Host: out.service, Path: "/"}
		if w.cfg.SignInName != "" {
			start.RawQuery = "sipuri=" + url.QueryEscape(w.cfg.SignInName)
		}
		var err error
		servers, err = w.servers(ctx, start)
		if err != nil && !errors.Is(err, errNoSuchService) {
			out.failure = errors.Join(out.failure, fmt.Errorf("%s: %w", out.service, err))
		}
		if e, ok := errors.AsType[*ocserr.Error](err); ok && e.Cause == ocserr.CausePasswordRejected {
			out.rejected = e.At(ocserr.StageResolve)
			r.stop()
		}
		if err == nil || over(ctx) {
			break
		}
	}
	out.questions, out.unknown = w.questions, w.unknown
	for _, s := range servers {
		host, port, err := s.server()
		if err != nil {
			out.failure = err
			continue
		}
		t := target{host: host, port: port, lookup: &lookup{}}
		if cfg.Naming.judge(domain, &t); t.cause == "" {
			t.lookup = r.addresses(ctx, host)
		}
		out.targets = append(out.targets, t)
	}
	if len(out.targets) > 0 {
		out.failure, out.unknown = nil, nil
	}
	return out
}

// errNoSuchService: the name has no address, so there is nobody to ask.
var errNoSuchService = errors.New("the name has no address")

// walk is the way from one of the two names to the servers.
type walk struct {
	resolver  *resolver
	cfg       *Autodiscover
	byName    func(host string, port int) bool
	transport http.RoundTripper
	cookies   http.CookieJar // pools keep a client with one of their servers by them
	questions []Question
	unknown   []*failure
}

// servers reads one document after the other until one names the servers.
func (w *walk) servers(ctx context.Context, at *url.URL) ([]sipAccess, error) {
	for range maxHops {
		got, err := w.get(ctx, at)
		if err != nil {
			return nil, err
		}
		if got.next == "" {
			return got.servers, nil
		}
		if at, err = link(at, got.next); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d redirects and links", maxHops)
}

// link reads a URL that a server named, where at is the one asked for, if it may be asked. The errors quote little of it,
// and nothing of its query, which can hold a ticket.
func link(at *url.URL, text string) (*url.URL, error) {
	if len(text) > maxLink {
		return nil, fmt.Errorf("a link of %d bytes", len(text))
	}
	u, err := at.Parse(text)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // which does not quote the whole
		}
		return nil, fmt.Errorf("a link is no URL: %.100s", err.Error())
	}
	host, err := hostname(u.Hostname())
	switch {
	case u.Scheme != "https":
		return nil, fmt.Errorf("a link leads to %.20q and not to https", u.Scheme)
	case err != nil:
		return nil, fmt.Errorf("a link leads nowhere: %.300s", err.Error())
	case u.User != nil:
		return nil, fmt.Errorf("a link to %s has a user name in it", host)
	}
	port, err := portOf(u)
	if err != nil {
		return nil, fmt.Errorf("a link to %s has no valid port", host)
	}
	if u.Host = host; port != 443 {
		u.Host = joinHostPort(host, port)
	}
	return u, nil
}

// portOf is the port of an https URL.
func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		return 443, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err == nil && port == 0 {
		err = strconv.ErrRange
	}
	return int(port), err
}

// get asks for one document. A server that demands a web ticket is asked again with one.
func (w *walk) get(ctx context.Context, at *url.URL) (*document, error) {
	l := w.find(ctx, at.Hostname())
	w.listed(l)
	if port, _ := portOf(at); len(l.addrs) == 0 && (w.byName == nil || !w.byName(at.Hostname(), port)) {
		if l.failure != nil {
			w.unknown = append(w.unknown, l.failure)
			return nil, l.failure.err
		}
		return nil, errNoSuchService
	}
	got, service, err := w.request(ctx, at, "")
	if service == "" {
		return got, err
	}
	ticket, failed := w.ticket(ctx, at, service)
	demand := &w.questions[len(w.questions)-1]
	if failed != nil {
		demand.Answer = fmt.Sprintf("%v, no web ticket: %.500s", err, failed.Error())
		return nil, fmt.Errorf("%w, no web ticket: %w", err, failed)
	}
	demand.Answer += ", web ticket obtained"
	got, _, err = w.request(ctx, at, ticket)
	return got, err
}

// find looks up a name on the way. Once it has an address the other family is not waited for much longer: there are DNS
// servers that drop AAAA.
func (w *walk) find(ctx context.Context, host string) *lookup {
	const otherFamily = 250 * time.Millisecond
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return w.resolver.find(ctx, host, func() { time.AfterFunc(otherFamily, stop) })
}

// ticket gets a web ticket for a document from the service that its server names.
func (w *walk) ticket(ctx context.Context, at *url.URL, service string) (string, error) {
	issuer, err := link(at, service)
	switch {
	case err != nil:
		return "", err
	case w.cfg.WebTicket == nil:
		return "", errors.New("no user name and password is given")
	}
	defer w.resolver.hold()()
	return w.cfg.WebTicket(ctx, issuer.String(), at.String())
}

// listed adds the questions of a lookup, once.
func (w *walk) listed(l *lookup) {
	for _, q := range l.questions {
		for _, known := range w.questions {
			if known.Name == q.Name && known.Type == q.Type {
				return
			}
		}
	}
	w.questions = append(w.questions, l.questions...)
}

// request sends one request. The service is that of the web tickets, where the server demands one.
func (w *walk) request(ctx context.Context, at *url.URL, ticket string) (got *document, service string, err error) {
	port, _ := portOf(at)
	q := Question{Name: shownURL(at), Type: "GET", Server: joinHostPort(at.Hostname(), port), Network: "https"}
	defer func() { w.questions = append(w.questions, q) }()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req := (&http.Request{Method: http.MethodGet, URL: at, Header: http.Header{}}).WithContext(ctx)
	req.Header.Set("Accept", xmlType+";v=1")
	if ticket != "" {
		req.Header.Set("X-MS-WebTicket", "opaque="+base64.StdEncoding.EncodeToString([]byte(ticket)))
	}
	for _, c := range w.cookies.Cookies(at) {
		req.AddCookie(c)
	}
	start := time.Now()
	resp, err := w.transport.RoundTrip(req)
	var body []byte
	if err == nil {
		defer resp.Body.Close()
		w.cookies.SetCookies(at, resp.Cookies())
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	}
	q.Duration = time.Since(start)
	if err != nil {
		q.Answer, q.Err = "no answer", err
		if ctx.Err() != nil {
			q.late(ctx)
		}
		return nil, "", err
	}
	got, err = read(resp, body)
	if err != nil {
		q.Answer = err.Error()
		if resp.StatusCode == http.StatusUnauthorized && ticket == "" {
			service = resp.Header.Get("X-MS-WebTicketURL")
		}
		return nil, service, err
	}
	q.Answer = got.String()
	return got, "", nil
}

// dial opens a connection for a request.
func (w *walk) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	return w.cfg.Dial(ctx, host, port, w.find(ctx, host).addrs)
}

// shownURL is a URL for people: without its query, which can hold a ticket, and not too long.
func shownURL(u *url.URL) string {
	const most = 200
	text := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	return text[:min(len(text), most)]
}
