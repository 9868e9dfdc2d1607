package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

// Config says what a server is like. Its zero value is a server in process (see Server.Dial) for the
// domain "ocs.test" that nobody can sign in to, since it has no users.
type Config struct {
	Domain string // the SIP domain; empty: "ocs.test"
	Host   string // the server's name in it; empty: "server"
	Users  []User // who may sign in

	// Where to listen, as "host:port"; port 0 takes a free one, empty means not at all. Without a TLS and
	// a TCP listener the server is reached by Dial only, and its zone names the ports 5061 and 5060.
	ListenTLS, ListenTCP, ListenDNS, ListenManagement string
	// ListenProxy is where the proxy listens (see StageProxy). Empty: it is reached by Dial only, under the
	// name "proxy" in the domain at the ports 3128 and 1080.
	ListenProxy string
	Proxy       ProxyAuth // who may use the proxy

	TLS        *tls.Certificate // nil: made here, with an authority of its own (Server.CA)
	TLSProfile TLSProfile       // versions, suites, client certificates; empty: those of today
	Zone       string           // the zone of the domain, as a zone file; empty: service and host names of this server

	Schemes []string // offered, in this order: "NTLM", "Kerberos", "TLS-DSK", "Digest"; nil: NTLM
	// Keytab has the keys of the server's principals "sip/...", as another KDC knows them. nil: with Kerberos
	// offered the server has a KDC of its own, for the realm that is Domain in capitals.
	Keytab *kerberos.Keytab `json:"-"`
	// Where the KDC and the web services (HTTPS: certificates for TLS-DSK, web tickets, autodiscover) listen, on TCP, beside
	// Dial and the proxy, where they are at any host name of the zone and the ports 88 and 443. Empty: there alone.
	// Autodiscover is asked at port 443 wherever clients are.
	ListenKDC, ListenWeb string

	// Autodiscover is what the web server answers as Lync's autodiscover service. nil: there is none.
	Autodiscover *Autodiscover

	Version int    // of the authentication protocol: 2, 3 or 4; 0: 4
	Server  string // the Server header; empty: "RTC/3.5"

	Expires   time.Duration // of a registration; 0: 7200 s
	KeepAlive time.Duration // asked of clients by ms-keep-alive; 0: 300 s

	// MaxEndpoints is how many endpoints a user has at a time: one more, and the oldest is logged out (RemovedUnregistered).
	// 0: any number.
	MaxEndpoints int

	// PlainRegistrar makes it a registrar by RFC 3261 alone: no presence, no GRUU, none of Microsoft's
	// headers, and an endpoint needs no epid.
	PlainRegistrar bool
	// RevealUnknownUsers answers REGISTER of an unknown user 404 with ms-diagnostics 1003, without a
	// challenge. Otherwise an unknown user looks as a wrong password does.
	RevealUnknownUsers bool

	// Varied writes the headers of every message in another way than the last: names in capitals or in their
	// compact form, lines folded, another order. Nothing of it means anything to a client that reads as it
	// should (RFC 3261 section 7.3). The history tells of messages as they were before.
	Varied bool

	// Secrets are what no client may send in a form that can be read (KindLeak).
	Secrets []Secret `json:"-"`

	Faults  []Fault      // the fault script at the start
	History int          // records to keep; 0: 4096; negative: none
	Rand    io.Reader    // of challenges, tags and handles; nil: crypto/rand
	Log     *slog.Logger // nil: none
}

// User is one who may sign in.
type User struct {
	Name     string // the part before the "@": "alice" is sip:alice@ocs.test and logs in as alice, OCS\alice or alice@ocs.test
	Password string `json:"-"`
}

// String returns the name: a password is not for logs.
func (u User) String() string { return u.Name }

// GoString does likewise.
func (u User) GoString() string { return u.Name }

// LogValue does likewise.
func (u User) LogValue() slog.Value { return slog.StringValue(u.Name) }

// complete checks a Config and fills in what it leaves open.
func (c Config) complete() (Config, error) {
	if c.Domain == "" {
		c.Domain = "ocs.test"
	}
	c.Domain = strings.ToLower(strings.TrimSuffix(c.Domain, "."))
	if strings.ContainsAny(c.Domain, "@:/ \t\r\n") || strings.Contains(c.Domain, "..") || strings.HasPrefix(c.Domain, ".") {
		return c, fmt.Errorf("server: %q is not a domain", c.Domain)
	}
	if c.Host == "" {
		c.Host = "server"
	}
	if strings.ContainsAny(c.Host, "@:/. \t\r\n") {
		return c, fmt.Errorf("server: %q is not a host name without a domain", c.Host)
	}
	users := make([]User, len(c.Users))
	for i, u := range c.Users {
		u.Name = strings.ToLower(strings.TrimSuffix(u.Name, "@"+c.Domain))
		if u.Name == "" || strings.ContainsAny(u.Name, "@:;<>\\/\" \t\r\n") {
			return c, fmt.Errorf("server: %q is not a user of %s", u.Name, c.Domain)
		}
		if slices.ContainsFunc(users[:i], func(other User) bool { return other.Name == u.Name }) {
			return c, fmt.Errorf("server: user %q is given twice", u.Name)
		}
		users[i] = u
	}
	c.Users = users
	if len(c.Schemes) == 0 {
		c.Schemes = []string{"NTLM"}
	}
	known := []string{auth.NTLM, auth.Kerberos, auth.TLSDSK, auth.Digest}
	for _, scheme := range c.Schemes {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, scheme) }) {
			return c, fmt.Errorf("server: unknown scheme %q; known: %s", scheme, list(known))
		}
	}
	switch c.Version {
	case 0:
		c.Version = 4
	case 2, 3, 4:
	default:
		return c, fmt.Errorf("server: unknown version %d of the authentication protocol; known: 2, 3, 4", c.Version)
	}
	if c.Server == "" {
		c.Server = "RTC/3.5"
	}
	if strings.ContainsAny(c.Server, "\r\n") {
		return c, errors.New("server: the Server header must be one line")
	}
	if c.Expires == 0 {
		c.Expires = 2 * time.Hour
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = 5 * time.Minute
	}
	if c.Expires < time.Second || c.KeepAlive < time.Second {
		return c, errors.New("server: Expires and KeepAlive are at least a second")
	}
	if c.MaxEndpoints < 0 {
		return c, errors.New("server: MaxEndpoints is not negative")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// address makes "alice@ocs.test" of a user's name with or without the domain, in lower case.
func (c Config) address(user string) string {
	user = strings.ToLower(user)
	if !strings.Contains(user, "@") {
		user += "@" + c.Domain
	}
	return user
}

// addressOfURI makes "alice@ocs.test" of "sip:alice@ocs.test;param" in lower case.
func addressOfURI(uri string) string {
	if _, rest, ok := strings.Cut(uri, ":"); ok {
		uri = rest
	}
	if end := strings.IndexAny(uri, ";?"); end >= 0 {
		uri = uri[:end]
	}
	return strings.ToLower(uri)
}
