package dial

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Scheme is the protocol that a proxy speaks, as the scheme of its URL.
type Scheme string

// The protocols of proxies.
const (
	HTTP    Scheme = "http"    // CONNECT over TCP
	HTTPS   Scheme = "https"   // CONNECT over TLS
	SOCKS4  Scheme = "socks4"  // IPv4 addresses only
	SOCKS4A Scheme = "socks4a" // SOCKS 4 with names
	SOCKS5  Scheme = "socks5"  // names, and a password
)

// Proxy is a proxy to go through. No form of printing it shows the password.
type Proxy struct {
	Scheme   Scheme
	Host     string // name or IP address
	Port     int
	User     string // empty: no credentials. DOMAIN\name or name@domain where the proxy wants NTLM
	Password string `json:"-"`
}

// ParseProxy reads a proxy's URL: scheme://[user[:password]@]host[:port], with special characters of user
// and password percent-encoded. The schemes are http, https, socks4, socks4a and socks5; socks5h is another
// name of socks5, and http may be left out. The default ports are 80, 443 and, for SOCKS, 1080.
//
// The error is an *ocserr.Error with the cause "invalid-proxy" that says what is wrong, and never quotes the
// password.
func ParseProxy(text string) (*Proxy, error) {
	p, err := parseProxy(text)
	if err != nil {
		return nil, ocserr.New(ocserr.CauseInvalidProxy, err)
	}
	return p, nil
}

func parseProxy(text string) (*Proxy, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text) // its error quotes the URL
	if err != nil {
		return nil, errors.New("proxy: not a URL of the form scheme://user:password@host:port; special characters in user and password must be percent-encoded")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, errors.New("proxy: the URL has something behind host and port; special characters in user and password must be percent-encoded")
	}
	p := &Proxy{Scheme: Scheme(strings.ToLower(u.Scheme)), Host: u.Hostname(), User: u.User.Username()}
	p.Password, _ = u.User.Password()
	switch p.Scheme {
	case HTTP:
		p.Port = 80
	case HTTPS:
		p.Port = 443
	case "socks5h":
		p.Scheme = SOCKS5
		fallthrough
	case SOCKS4, SOCKS4A, SOCKS5:
		p.Port = 1080
	default:
		return nil, fmt.Errorf("proxy: unknown scheme %q; known: http, https, socks4, socks4a, socks5", u.Scheme)
	}
	if text := u.Port(); text != "" {
		if p.Port, err = strconv.Atoi(text); err != nil || p.Port < 1 || p.Port > 65535 {
			return nil, fmt.Errorf("proxy: the port %q is not a number of 1 to 65535", text)
		}
	}
	return p, p.check()
}

// check says what is wrong with a proxy.
func (p *Proxy) check() error {
	const maxField = 255 // bytes of a name in SOCKS 5 (RFC 1929 section 2)
	switch {
	case !slices.Contains([]Scheme{HTTP, HTTPS, SOCKS4, SOCKS4A, SOCKS5}, p.Scheme):
		return fmt.Errorf("proxy: unknown scheme %q; known: http, https, socks4, socks4a, socks5", string(p.Scheme))
	case !writable(p.Host):
		return errors.New("proxy: no host")
	case p.Port < 1 || p.Port > 65535:
		return errors.New("proxy: the port is not a number of 1 to 65535")
	case p.User == "" && p.Password != "":
		return errors.New("proxy: a password without a user")
	case strings.ContainsFunc(p.User, control):
		return errors.New("proxy: a control character in the user name")
	case (p.Scheme == SOCKS4 || p.Scheme == SOCKS4A) && p.Password != "":
		return errors.New("proxy: SOCKS 4 has no passwords")
	case p.Scheme == SOCKS5 && p.User != "" && (p.Password == "" || max(len(p.User), len(p.Password)) > maxField):
		return fmt.Errorf("proxy: SOCKS 5 needs user and password of 1 to %d bytes each", maxField)
	}
	return nil
}

// writable tells whether a host can stand in a proxy's protocol, where it is one word.
func writable(host string) bool {
	return host != "" && len(host) <= 255 && !strings.ContainsFunc(host, func(r rune) bool {
		return control(r) || strings.ContainsRune(" /@?#,\\\"", r)
	})
}

func control(r rune) bool { return r < ' ' || r == 0x7F }

// Address is the proxy's host:port.
func (p *Proxy) Address() string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// String is the proxy's URL with the user's name, without the password.
func (p Proxy) String() string {
	u := url.URL{Scheme: string(p.Scheme), Host: p.Address()}
	if p.User != "" {
		u.User = url.User(p.User)
	}
	return u.String()
}

// Format keeps the password out of every print.
func (p Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue keeps the password out of every log.
func (p Proxy) LogValue() slog.Value { return slog.StringValue(p.String()) }
