package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
)

// Client is the client's side of one handshake and of the security context it leads to. Its exported fields
// are set before the first Step and not changed afterwards. It is not for concurrent use.
//
// The first of these that is given proves the user: Password, Keytab, CCache. With none given it is the
// credential cache that KRB5CCNAME or krb5.conf names.
type Client struct {
	// User is name@domain, DOMAIN\name, name, or the enterprise name name@domain@REALM. With a keytab it may be empty:
	// the principal of its first key. With a credential cache it is not used: the cache has an owner.
	User     string
	Password string `json:"-"`
	Keytab   *Keytab
	CCache   string  // a path, or FILE: and a path
	Domain   string  // DNS domain; in upper case the realm of a User without one, if krb5.conf has no default_realm
	Target   string  // the server's principal as in the challenge: sip/server.contoso.com
	Config   *Config // nil: LoadConfig("") in the first Step

	// LookupSRV looks up the KDCs of a realm that krb5.conf does not list, by a name such as
	// _kerberos._tcp.contoso.com. nil: the system's resolver. It must end with its context.
	LookupSRV func(ctx context.Context, name string) ([]*net.SRV, error)
	// Dial connects to a KDC, over "tcp" or "udp". nil: net.Dialer. It must end with its context.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	ticket  *ticket
	tested  bool
	session *session
}

// Step gets a ticket for the target, asking KDCs where it must, and returns the token that carries it; with
// that it is done. It takes no token: in is empty. It ends with the context, at once and with an Error of
// KindKDCSilent that names the KDCs asked.
//
// A second Step takes the token with which a server refuses the first, and returns what it says as an Error.
func (c *Client) Step(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	if c.session != nil {
		return nil, false, refusal(in, c.Target)
	}
	if len(in) != 0 {
		return nil, false, errors.New("kerberos: a token before the handshake has begun")
	}
	if c.ticket, err = c.getTicket(ctx); err != nil {
		return nil, false, err
	}
	if out, c.session, err = initiate(c.ticket); err != nil {
		return nil, false, describe(err, c.Target)
	}
	return out, true, nil
}

func (c *Client) getTicket(ctx context.Context) (*ticket, error) {
	server, err := parseTarget(c.Target)
	if err != nil {
		return nil, err
	}
	config := c.Config
	if config == nil {
		if config, err = LoadConfig(""); err != nil {
			return nil, err
		}
	}
	n := &network{config: config, lookupSRV: c.LookupSRV, dial: c.Dial}
	var tgt *ticket
	if c.Password == "" && c.Keytab == nil {
		cache, err := loadCCache(c.CCache, config)
		if err != nil {
			return nil, err
		}
		if t, err := cache.find(server, ""); err == nil {
			return t, nil
		}
		realm := cache.client.realm
		if tgt, err = cache.find(ticketGranting(realm), realm); err != nil {
			return nil, err
		}
	} else {
		user, err := c.user(config)
		if err != nil {
			return nil, err
		}
		s := secret{password: c.Password}
		if c.Password == "" {
			s.keytab = c.Keytab
		}
		tgt, err = n.initialTicket(ctx, user, s)
		var e *Error
		c.tested = err == nil || errors.As(err, &e) && e.Kind == KindPasswordRejected
		if err != nil {
			return nil, err
		}
	}
	return n.serviceTicket(ctx, tgt, server)
}

// user is the principal that signs in.
func (c *Client) user(config *Config) (principal, error) {
	if c.User == "" && c.Keytab != nil && len(c.Keytab.entries) > 0 {
		return c.Keytab.entries[0].principal, nil
	}
	realm := config.defaultRealm()
	if realm == "" {
		realm = strings.ToUpper(c.Domain)
	}
	return parseUser(c.User, realm)
}

// initiate makes the token of a ticket: an AP-REQ without mutual authentication whose authenticator asks for
// integrity and carries a subkey (RFC 4121 4.1).
func initiate(t *ticket) ([]byte, *session, error) {
	if _, err := enctypeOf(t.key); err != nil {
		return nil, nil, err
	}
	subkey := newKey(t.key.KeyType)
	seq := binary.BigEndian.Uint32(random(4))>>2 | 1 // some acceptors take it for a signed number; 0 would not be sent
	authenticator := newAuthenticator(t.client)
	authenticator.Cksum.CksumType = checksumGSS
	authenticator.Cksum.Checksum = contextFlags(flagIntegrity)
	authenticator.SubKey = subkey
	authenticator.SeqNumber = int64(seq)
	request, err := messages.NewAPReq(t.sealed, t.key, authenticator)
	if err != nil {
		return nil, nil, err
	}
	b, err := request.Marshal()
	if err != nil {
		return nil, nil, err
	}
	token, err := frame(tokenAPReq, b)
	return token, &session{key: subkey, next: uint64(seq)}, err
}

// refusal is the error that a server's token stands for (RFC 4121 4.3).
func refusal(token []byte, about string) error {
	id, message, err := unframe(token)
	if err != nil {
		return describe(err, about)
	}
	m := parseKRBError(message)
	if id != tokenKRBError || m == nil {
		return describe(errors.New("an unexpected token of the server"), about)
	}
	return describe(fromKRBError(m), about)
}

// Sign returns the signature of a signature buffer (MS-SIPAE 3.2.5.1). It needs a complete handshake.
func (c *Client) Sign(buffer []byte) ([]byte, error) { return c.session.sign(buffer) }

// Verify checks the server's signature of a signature buffer.
func (c *Client) Verify(buffer, signature []byte) error { return c.session.verify(buffer, signature) }

// Expiry is when the ticket ends, and with it the security context; zero before Step is done.
func (c *Client) Expiry() time.Time {
	if c.ticket == nil {
		return time.Time{}
	}
	return c.ticket.end
}

// Principal is the client's principal as the KDC spells it, name@REALM; empty before Step is done.
func (c *Client) Principal() string {
	if c.ticket == nil {
		return ""
	}
	return c.ticket.client.String()
}

// PasswordTested says whether a KDC has judged the password, or the keytab's key, right or wrong.
func (c *Client) PasswordTested() bool { return c.tested }

// Format keeps the password, the ticket and the keys out of every print and log.
func (c Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kerberos.Client{%s for %s}", c.User, c.Target)
}
