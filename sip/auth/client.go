package auth

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/ocauthws"
)

// ClientConfig says who signs in and how.
type ClientConfig struct {
	Password Password
	Schemes  []string  // the schemes allowed, in any order; nil: all
	Hostname string    // sent with NTLM as the workstation name, in upper case; may be empty
	Rand     io.Reader // source of nonces and of NTLM's keys; nil: crypto/rand

	// AllowNTLMv1 lets a server that cannot do NTLMv2 have NTLMv1. Whoever sees its responses can find the
	// password.
	AllowNTLMv1 bool
	// Kerberos is the pattern of its clients: how they find KDCs, and the keytab or credential cache if there is
	// one. Target is filled in, and where they are empty User and, without keytab and cache, Password. nil:
	// Kerberos is not used.
	Kerberos *kerberos.Client
	// Certificates obtains the certificates for TLS-DSK. User, Domain and Password are filled in, and with
	// Kerberos also Negotiate. nil: TLS-DSK is not used.
	Certificates *ocauthws.Client
}

// Client is the client's side of authentication on one connection: it answers challenges, signs what is sent
// and verifies what is received. Its methods may be called concurrently; Sign and Verify are made for
// sip.Config and must see the messages in the order of the wire.
type Client struct {
	cfg *ClientConfig // not a value: see Secret

	turn      sync.Mutex // one challenge is answered at a time
	mu        sync.Mutex
	registrar exchange // with whoever answers 401
	proxy     exchange // with whoever answers 407
	state     State
}

// NewClient returns a Client that has not been challenged yet.
func NewClient(cfg ClientConfig) *Client {
	c := &Client{cfg: &cfg}
	c.registrar = exchange{cfg: c.cfg, mu: &c.mu, status: 401}
	c.proxy = exchange{cfg: c.cfg, mu: &c.mu, status: 407}
	return c
}

// State is what is known about the authentication of a connection.
type State struct {
	Challenged     bool          // the server asked for authentication
	Offered        []string      // the schemes it offered, in its order
	Scheme         string        // the scheme in use, "" if none
	Version        int           // of the authentication protocol: 2, 3 or 4; 0 with Digest
	Failed         []Failure     // schemes that were tried before it, in order
	NTLMv1         bool          // the server was given NTLMv1 (see ClientConfig)
	PasswordSent   bool          // the server was given something derived from the password, whatever it answered
	PasswordTested bool          // the server, a KDC or a web service has judged the password, this way or that
	ServerVerified bool          // the server has proved that it knows the keys, or with Digest the password
	Verified       int           // messages received with a good signature
	Refused        int           // messages received with a wrong signature, or without one where one is due
	ClockSkew      time.Duration // the server's clock minus ours at the last challenge that had a date
}

// Failure is a scheme that was tried and did not lead to a security association.
type Failure struct {
	Scheme string
	Err    *ocserr.Error
}

// State returns the state so far.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Offered = slices.Clone(s.Offered)
	for _, x := range c.exchanges() {
		s.PasswordSent = s.PasswordSent || x.sent
		s.PasswordTested = s.PasswordTested || x.tested
		s.Failed = append(s.Failed, x.failed...)
		s.NTLMv1 = s.NTLMv1 || x.sa != nil && isNTLMv1(x.sa.keys)
		if s.Scheme == "" {
			s.Scheme = x.scheme
			if x.hand != nil {
				s.Version = x.hand.version
			} else if x.sa != nil && x.digest == nil {
				s.Version = x.sa.version
			}
		}
	}
	return s
}

// exchanges returns both, the registrar's first.
func (c *Client) exchanges() [2]*exchange { return [2]*exchange{&c.registrar, &c.proxy} }

// Challenge digests a 401 or 407 and prepares the answer. Nil: build the request anew, with the next CSeq, and
// send it; Sign adds the answer. With Kerberos and TLS-DSK it may ask KDCs and web services, until ctx ends.
//
// A scheme that fails gives way to the next one that the server offers. The error is an *ocserr.Error:
// CausePasswordRejected if the credentials were turned down, by whomever (they are never sent again),
// CauseNoCommonScheme, CauseNoCredentials, CauseChallengeLoop, CauseClockSkew, or the failure of the best scheme if
// all have failed: CauseBadChallenge, CauseSchemeFailed, those of Kerberos, CauseCertificateProvisioning,
// CauseSigningCertificateDenied.
func (c *Client) Challenge(ctx context.Context, res *sip.Response) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Challenged = true
	c.state.Offered = addSchemes(c.state.Offered, offers(res))
	if date, err := time.Parse(time.RFC1123, sip.Value(res, "Date")); err == nil {
		c.state.ClockSkew = time.Until(date).Round(time.Second)
	}
	if res.StatusCode == 407 {
		return c.proxy.challenge(ctx, res)
	}
	return c.registrar.challenge(ctx, res)
}

// Sign adds to a message about to be sent what it must carry: a REGISTER the next message of a handshake, every
// message the signature once there is a security association, a request its credentials with Digest. Before
// the first challenge it adds nothing.
func (c *Client) Sign(m sip.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.exchanges() {
		value, err := x.authorize(m)
		if err != nil {
			return err
		}
		if value != "" {
			header := headersOf(x.status).credentials
			sip.Del(m, header) // a message sent again must not carry two
			sip.Add(m, header, value)
		}
	}
	return nil
}

// Verify checks the signature of a message received. Once there is a security association every message must
// carry a good and fresh one, but for 401 and 407, which begin a new handshake, and provisional responses,
// which decide nothing. The error is a *SignatureError.
func (c *Client) Verify(m sip.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	infos := infos(m)
	signed, due := false, false
	for _, x := range c.exchanges() {
		good, err := x.verify(m, infos)
		if err != nil {
			c.state.Refused++
			return &SignatureError{ocserr.CauseServerSignatureWrong, describe(m), err}
		}
		signed, due = signed || good, due || x.sa != nil
	}
	switch res, ok := m.(*sip.Response); {
	case signed:
		c.state.Verified++
		c.state.ServerVerified = true
	case !due || ok && (res.StatusCode < 200 || res.StatusCode == 401 || res.StatusCode == 407):
	default:
		c.state.Refused++
		return &SignatureError{ocserr.CauseServerSignatureMissing, describe(m), errUnsigned}
	}
	return nil
}

// infos reads the headers in which servers sign. Deployed servers use the one without Proxy in any case.
func infos(m sip.Message) []sip.Credentials {
	var all []sip.Credentials
	for _, name := range []string{"Authentication-Info", "Proxy-Authentication-Info"} {
		for _, value := range sip.Values(m, name) {
			if c, err := sip.ParseCredentials(value); err == nil {
				all = append(all, c)
			}
		}
	}
	return all
}

// Reset begins a new authentication on the same connection: the next REGISTER goes out without credentials, to
// be challenged. Until a new security association is up the present one stays in force for all other
// messages. A rejected password stays rejected.
func (c *Client) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.exchanges() {
		x.reset()
	}
}

// RenewAt is when a new handshake is due, to be begun with Reset: five minutes before the security association ends,
// with its ticket or certificate and after 8 hours at the latest. The zero time: there is none.
func (c *Client) RenewAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var at time.Time
	for _, x := range c.exchanges() {
		if x.sa != nil && (at.IsZero() || x.sa.renewal.Before(at)) {
			at = x.sa.renewal
		}
	}
	return at
}

// Pending reports whether the next REGISTER is to carry a message of a handshake.
func (c *Client) Pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.exchanges() {
		if x.bare || x.hand != nil && x.hand.sentIn == "" {
			return true
		}
	}
	return false
}

// Close releases a handshake that has not been completed.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.exchanges() {
		x.close()
	}
}

// Format keeps the password and the keys out of every print and log.
func (c *Client) Format(f fmt.State, _ rune) {
	s := c.State()
	fmt.Fprintf(f, "auth.Client{%s, scheme %q, version %d}", c.cfg.Password.User, s.Scheme, s.Version)
}
