package ntlm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"
)

// Client is the client's side of one handshake and of the security context it leads to. Its exported fields
// are set before the first Step and not changed afterwards. It is not for concurrent use.
type Client struct {
	User        string    // without domain; or a user principal name, with Domain empty
	Domain      string    // NetBIOS or DNS name; may be empty
	Password    string    `json:"-"`
	Workstation string    // sent in upper case by convention; may be empty
	AllowV1     bool      // answer a server that does not speak NTLMv2 with NTLMv1, which is broken
	Version     Version   // zero: 5.1.2600, revision 15
	Rand        io.Reader // source of the client challenge and the session key; nil: crypto/rand

	step    int
	v1      bool
	session *session
}

// Step takes the server's token and returns the next one. The first call, with an empty token, returns an
// empty token: it stands for the NEGOTIATE_MESSAGE that connectionless NTLM does not have. The second takes
// the CHALLENGE_MESSAGE, returns the AUTHENTICATE_MESSAGE and is done. A server that does not offer all that
// signed NTLMv2 needs, or with AllowV1 signed NTLMv1, is refused, and nothing derived from the password is sent to it.
func (c *Client) Step(_ context.Context, in []byte) (out []byte, done bool, err error) {
	c.step++
	switch c.step {
	case 1:
		if len(in) != 0 {
			return nil, false, errors.New("ntlm: a token before the handshake has begun")
		}
		return []byte{}, false, nil
	case 2:
		out, err = c.authenticate(in)
		return out, err == nil, err
	}
	return nil, false, errors.New("ntlm: a token after the handshake has ended")
}

func (c *Client) authenticate(in []byte) ([]byte, error) {
	challenge, err := ParseChallenge(in)
	if err != nil {
		return nil, err
	}
	flags, err := c.negotiate(challenge.Flags)
	if err != nil {
		return nil, err
	}
	var clientChallenge [8]byte
	exported := make([]byte, 16)
	for _, b := range [][]byte{clientChallenge[:], exported} {
		if err := fill(c.Rand, b); err != nil {
			return nil, err
		}
	}
	respond := c.respondV2
	if c.v1 {
		respond = c.respondV1
	}
	r, err := respond(flags, challenge, clientChallenge)
	if err != nil {
		return nil, err
	}
	var sessionKey []byte
	if flags.has(NegotiateKeyExchange) {
		sessionKey = rc4Once(r.key, exported)
	} else {
		exported = r.key
	}
	version := c.Version
	if version == (Version{}) {
		version = Version{5, 1, 0x28, 0x0A, 0, 0, 0, 15}
	}
	c.session = newSession(flags, exported, true)
	return (&Authenticate{
		LMResponse: r.lm, NTResponse: r.nt,
		Domain: c.Domain, User: c.User, Workstation: c.Workstation,
		SessionKey: sessionKey, Flags: flags, Version: version,
	}).Marshal(), nil
}

// negotiate takes up what the server offers, or refuses it.
func (c *Client) negotiate(offer Flags) (Flags, error) {
	missing := required &^ offer
	c.v1 = !offer.has(requiredV2)
	if c.v1 && !c.AllowV1 {
		missing |= requiredV2 &^ offer
	}
	if offer&(NegotiateUnicode|NegotiateOEM) == 0 {
		missing |= NegotiateUnicode
	}
	if missing != 0 {
		return 0, fmt.Errorf("ntlm: the server does not offer %v", missing)
	}
	flags := offer&understood | RequestTarget
	if flags.has(NegotiateUnicode) {
		flags &^= NegotiateOEM
	}
	if flags.has(Negotiate128) {
		flags &^= Negotiate56
	}
	return flags, nil
}

// responses are the two responses to a challenge, and the key exchange key that follows from them.
type responses struct{ lm, nt, key []byte }

// respondV2 is NTLMv2 (MS-NLMP 3.3.2).
func (c *Client) respondV2(_ Flags, challenge *Challenge, clientChallenge [8]byte) (responses, error) {
	at := newFiletime(time.Now())
	stamp, err := findAV(challenge.TargetInfo, avTimestamp)
	if err != nil {
		return responses{}, err
	}
	if len(stamp) == len(at) {
		at = filetime(stamp)
	}
	key := ntowfv2(ntowfv1(c.Password), c.User, c.Domain)
	blob := clientBlob(at, clientChallenge, challenge.TargetInfo)
	proof := ntProof(key, challenge.ServerChallenge, blob)
	return responses{
		lm:  lmResponseV2(key, challenge.ServerChallenge, clientChallenge),
		nt:  append(proof, blob...),
		key: sessionBaseKeyV2(key, proof),
	}, nil
}

// respondV1 is NTLMv1 (MS-NLMP 3.3.1), with extended session security if that is negotiated. The LM hash is not used:
// where there would be a response made of it there is the NT response once more.
func (c *Client) respondV1(flags Flags, challenge *Challenge, clientChallenge [8]byte) (responses, error) {
	hash := ntowfv1(c.Password)
	var r responses
	if flags.has(NegotiateExtendedSessionSecurity) {
		r.lm = append(clientChallenge[:], make([]byte, 16)...)
		r.nt = responseESS(hash, challenge.ServerChallenge, clientChallenge)
	} else {
		r.nt = responseV1(hash, challenge.ServerChallenge)
		r.lm = r.nt
	}
	r.key = keyExchangeKeyV1(flags, sessionBaseKeyV1(hash), nil, r.lm, challenge.ServerChallenge)
	return r, nil
}

// V1 reports whether the server was given NTLMv1.
func (c *Client) V1() bool { return c.session != nil && c.v1 }

// Sign returns the signature of a signature buffer. It needs a complete handshake.
func (c *Client) Sign(buffer []byte) ([]byte, error) { return c.session.sign(buffer) }

// Verify checks the server's signature of a signature buffer.
func (c *Client) Verify(buffer, signature []byte) error { return c.session.verify(buffer, signature) }

// Expiry is the zero time: the keys do not end by themselves.
func (c *Client) Expiry() time.Time { return time.Time{} }

// Format keeps the password and the keys out of every print and log.
func (c Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, `ntlm.Client{%s\%s}`, c.Domain, c.User)
}

func fill(r io.Reader, b []byte) error {
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("ntlm: random bytes: %w", err)
	}
	return nil
}
