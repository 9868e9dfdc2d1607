package signin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/status"
)

// ConnectingLimit is how long an attempt may be in CONNECTING, from the first connection to the server's
// verdict on REGISTER, over every candidate, proxy and challenge (OnSignin, MSGR_E_LOGON_TIMEOUT). It is
// part of the contract and cannot be set.
const ConnectingLimit = 15 * time.Second

// SynchronizingLimit bounds the time between the server's acceptance and ONLINE. The contract names none;
// this is SIP's own limit on one transaction (RFC 3261 17.1.2.2, Timer F).
const SynchronizingLimit = 32 * time.Second

// DefaultUserAgent has the shape that servers' client version filters know (MS-SIPREGE 3.4.1.5.1): the
// versions of Communicator 2007 R2, and a comment that says who is really calling.
const DefaultUserAgent = "UCCAPI/3.5.6907.0 OC/3.5.6907.0 (ocs sign-in engine)"

// Password is a user's name and password.
type Password = auth.Password

// Transport is how the server is reached.
type Transport = resolve.Transport

// The transports. Clear TCP is never chosen by itself.
const (
	TransportAuto Transport = ""
	TransportTLS            = resolve.TLS
	TransportTCP            = resolve.TCP
)

// Config says who signs in, with what, and how the server is reached. The zero value of every field but
// SignInName has a meaning.
type Config struct {
	// SignInName is the sign-in address, "alice@contoso.com". A leading "sip:" is allowed. Servers get to see an
	// international domain in A-labels.
	SignInName string
	// Credentials prove who the user is. An empty User means the sign-in name.
	Credentials Password

	// Server is "host" or "host:port" of a server to use instead of discovery. Empty: discover.
	Server string
	// Transport limits the connection: TLS unless it is TransportTCP.
	Transport Transport
	// Policy is the discovery policy: empty means resolve.Resilient.
	Policy resolve.Policy
	// Autodiscover also asks Lync's autodiscover service (HTTPS) for servers. OCS 2007 has none. The service tells who proves
	// to be the user: by Kerberos or NTLM, as Schemes allows (that of TLS-DSK does), to a web ticket service that it names.
	Autodiscover bool
	// Naming says which names servers may have that DNS or a redirect leads to. Empty: every name.
	Naming resolve.Naming
	// DNS is "host" or "host:port" of the DNS server to ask. Empty: the system's.
	DNS string

	// Proxy says through which proxy a server ("host:port") is reached; it is asked for every candidate. nil, or a nil
	// proxy: straight. Behind a proxy names that DNS does not know here are left to the proxy, unless that is a SOCKS 4
	// one, which takes addresses only. The proxy's own name is found as servers' names are.
	Proxy func(target string) (*dial.Proxy, error)

	// Roots are the certificate authorities to trust. nil: the system's.
	Roots *x509.CertPool
	// Authorities are the certificates in Roots once more, which a pool does not give out. LegacyTLS needs them, to prove
	// what an authority signed with SHA-1. They add no trust.
	Authorities []*x509.Certificate
	// ClientCertificate is shown to a server that asks for one. nil: none.
	ClientCertificate *tls.Certificate
	// LegacyTLS accepts what servers of 2007 have and crypto/tls no longer does: TLS 1.0, RSA key exchange, 3DES, RC4, SHA-1
	// chains, certificates with a common name alone. The report says what of it was used.
	LegacyTLS bool
	// InsecureSkipVerify goes on after a certificate fault, which the report still names. Anybody can then
	// pose as the server.
	InsecureSkipVerify bool
	// KeyLog receives the TLS session secrets in NSS key log format, for analysers. nil: none.
	KeyLog io.Writer

	// Schemes limits authentication to these schemes ("TLS-DSK", "Kerberos", "NTLM", "Digest"). nil: all, the best offered
	// first.
	Schemes []string
	// Kerberos says how to get Kerberos tickets: by Keytab or CCache, else by Credentials, else from the credential
	// cache of the environment. What is empty of Domain and Dial is filled in. nil: Kerberos is not used.
	Kerberos *kerberos.Client
	// CertificateFolder keeps the certificates for TLS-DSK on disk, for the next Client. Empty: in memory.
	CertificateFolder string
	// AllowNTLMv1 lets a server that cannot do NTLMv2 have NTLMv1. Whoever sees its responses can find the password.
	AllowNTLMv1 bool
	// ServerCheck says which servers are accepted by their Server header. Empty: all but those known to be too old.
	ServerCheck ServerCheck
	// AcceptedServers are values of the Server header, such as "RTC/5.0", that are accepted besides the built-in ones.
	AcceptedServers []string
	// UserAgent is the User-Agent of every request; servers may filter on it. Empty: DefaultUserAgent.
	UserAgent string
	// Hostname is this machine's name as servers and other endpoints see it. Empty: os.Hostname.
	Hostname string
	// Epid is the endpoint identifier, 1 to 16 hex digits. Empty: derived from sign-in name, host and address.
	Epid string
	// InitialStatus is published as the user's choice at sign-in. Zero or status.Online: the status that the
	// user last chose is left alone.
	InitialStatus status.Status

	// Dial opens network connections. nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Exchange sends one DNS query and returns its answer, both in wire format. nil: UDP, and TCP where the
	// answer was cut short.
	Exchange func(ctx context.Context, network, server string, query []byte) ([]byte, error)

	// Log receives the engine's log. nil: nothing is logged.
	Log *slog.Logger
	// Transcript receives every SIP message sent and received, with secrets masked. nil: none.
	Transcript io.Writer

	logins *dial.Logins // of the attempt under way
}

// address is the sign-in name without "sip:".
func (c *Config) address() string {
	if len(c.SignInName) > 4 && strings.EqualFold(c.SignInName[:4], "sip:") {
		return c.SignInName[4:]
	}
	return c.SignInName
}

// identity is the address as it goes over the wire, where the name of a host is ASCII (RFC 3261 25.1).
func (c *Config) identity() string {
	user, domain, at := strings.Cut(c.address(), "@")
	if !at {
		return c.address() // none, where discovery is for a domain alone
	}
	return user + "@" + resolve.ALabels(domain)
}

// domain is the SIP domain: what follows the @ of the sign-in name.
func (c *Config) domain() string {
	_, domain, _ := strings.Cut(c.address(), "@")
	return domain
}

// proxyFor is the proxy for a candidate, or nil.
func (c *Config) proxyFor(candidate resolve.Candidate) (*dial.Proxy, error) {
	if c.Proxy == nil {
		return nil, nil
	}
	return c.Proxy(net.JoinHostPort(candidate.Host, strconv.Itoa(candidate.Port)))
}

// validate checks what can be checked without I/O. Its errors name the value and the remedy.
func (c *Config) validate() error {
	invalid := func(format string, args ...any) error {
		return ocserr.New(ocserr.CauseInvalidConfig, fmt.Errorf(format, args...))
	}
	address := c.address()
	user, domain, at := strings.Cut(address, "@")
	switch {
	case address == "":
		return invalid("no sign-in name: give one like alice@contoso.com")
	case strings.ContainsAny(address, "\t\v\r\n \"<>"):
		return ocserr.New(ocserr.CauseInvalidSignInName, fmt.Errorf("sign-in name %q has a blank, quote or bracket: give one like alice@contoso.com", c.SignInName))
	case !at || user == "" || domain == "" || strings.Contains(domain, "@"):
		return ocserr.New(ocserr.CauseInvalidSignInName, fmt.Errorf("sign-in name %q is not user@domain: give one like alice@contoso.com", c.SignInName))
	case strings.ContainsAny(user, ":;"):
		return ocserr.New(ocserr.CauseInvalidSignInName, fmt.Errorf("sign-in name %q has a %q before the @: give one like alice@contoso.com, without scheme, password and parameters", c.SignInName, user[strings.IndexAny(user, ":;")]))
	case strings.ContainsAny(domain, "/:;?,") || strings.HasSuffix(domain, "."):
		return ocserr.New(ocserr.CauseInvalidSignInName, fmt.Errorf("sign-in name %q: %q is not a domain", c.SignInName, domain))
	}
	if strings.ContainsAny(c.UserAgent, "\r\n") {
		return invalid("user agent %q has a line break", c.UserAgent)
	}
	if strings.ContainsAny(c.Credentials.User, "\r\n\t\v") {
		return invalid("user name %q has a control character", c.Credentials.User)
	}
	if strings.Count(c.Credentials.User, `\`) > 1 {
		return invalid(`user name %q has several backslashes: give DOMAIN\name or name@domain`, c.Credentials.User)
	}
	if strings.Trim(c.Epid, "0123456789abcdefABCDEF") != "" || len(c.Epid) > 16 {
		return invalid("epid %q is not 1 to 16 hex digits", c.Epid)
	}
	switch c.Transport {
	case TransportAuto, TransportTLS, TransportTCP:
	default:
		return invalid("transport %q is unknown: use tls or tcp, or leave it empty", c.Transport)
	}
	switch c.Policy {
	case "", resolve.Resilient, resolve.Communicator:
	default:
		return invalid("policy %q is unknown: use resilient or communicator, or leave it empty", c.Policy)
	}
	switch c.Naming {
	case resolve.NamingAny, resolve.NamingDomain, resolve.NamingStrict:
	default:
		return invalid("naming %q is unknown: use domain or strict, or leave it empty", c.Naming)
	}
	switch c.ServerCheck {
	case ServerCheckOld, ServerCheckStrict, ServerCheckOff:
	default:
		return invalid("server check %q is unknown: use strict or off, or leave it empty", c.ServerCheck)
	}
	if c.InitialStatus != 0 && !c.InitialStatus.Settable() {
		return invalid("status %s cannot be set at sign-in", c.InitialStatus)
	}
	for _, s := range c.Schemes {
		if !slices.ContainsFunc(auth.Schemes(), func(known string) bool { return strings.EqualFold(known, s) }) {
			return invalid("authentication scheme %q is unknown: use %s", s, strings.Join(auth.Schemes(), ", "))
		}
	}
	if c.Server != "" {
		if err := resolve.CheckServer(c.Server); err != nil {
			return err
		}
	}
	if c.DNS != "" {
		if err := resolve.CheckServer(c.DNS); err != nil {
			return invalid("DNS server %q is not host or host:port", c.DNS)
		}
	}
	return nil
}
