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

	TLS  *tls.Certificate // nil: made here, with an authority of its own (Server.CA)
	Zone string           // the zone of the domain, as a zone file; empty: service and host names of this server

	Schemes []string // offered, in this order: "NTLM", "Digest"; nil: NTLM
	Version int      // of the authentication protocol: 2, 3 or 4; 0: 4
	Server  string   // the Server header; empty: "RTC/3.5"

	Expires   time.Duration // of a registration; 0: 7200 s
	KeepAlive time.Duration // asked of clients by ms-keep-alive; 0: 300 s

	// PlainRegistrar makes it a registrar by RFC 3261 alone: no presence, no GRUU, none of Microsoft's
	// headers, and an endpoint needs no epid.
	PlainRegistrar bool
	// RevealUnknownUsers answers REGISTER of an unknown user 404 with ms-diagnostics 1003, without a
	// challenge. Otherwise an unknown user looks as a wrong password does.
	RevealUnknownUsers bool

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
	for _, scheme := range c.Schemes {
		if !strings.EqualFold(scheme, "NTLM") && !strings.EqualFold(scheme, "Digest") {
			return c, fmt.Errorf("server: unknown scheme %q; known: NTLM, Digest", scheme)
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
