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
	User        string // without domain; or a user principal name, with Domain empty
	Domain      string // NetBIOS or DNS name; may be empty
	Password    string
	Workstation string    // sent in upper case by convention; may be empty
	AllowV1     bool      // answer a server that does not speak NTLMv2 with NTLMv1, which is broken
	Version     Version   // zero: 5.1.2600, revision 15
	Rand        io.Reader // source of the client challenge and the session key; nil: crypto/rand

	step    int
	session *session
}

// Step takes the server's token and returns the next one. The first call, with an empty token, returns an
// empty token: it stands for the NEGOTIATE_MESSAGE that connectionless NTLM does not have. The second takes
// the CHALLENGE_MESSAGE, returns the AUTHENTICATE_MESSAGE and is done. A server that does not offer all that
// signed NTLMv2 needs is refused, and nothing derived from the password is sent to it.
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
	if missing := required &^ challenge.Flags; missing != 0 {
		return nil, fmt.Errorf("ntlm: the server does not offer %v", missing)
	}
	flags := challenge.Flags&understood | RequestTarget
	if flags.has(Negotiate128) {
		flags &^= Negotiate56
	}
	at := newFiletime(time.Now())
	stamp, err := findAV(challenge.TargetInfo, avTimestamp)
	if err != nil {
		return nil, err
	}
	if len(stamp) == len(at) {
		at = filetime(stamp)
	}
	var clientChallenge [8]byte
	exported := make([]byte, 16)
	for _, b := range [][]byte{clientChallenge[:], exported} {
		if err := fill(c.Rand, b); err != nil {
			return nil, err
		}
	}

	key := ntowfv2(ntowfv1(c.Password), c.User, c.Domain)
	blob := clientBlob(at, clientChallenge, challenge.TargetInfo)
	proof := ntProof(key, challenge.ServerChallenge, blob)
	version := c.Version
	if version == (Version{}) {
		version = Version{5, 1, 0x28, 0x0A, 0, 0, 0, 15}
	}
	c.session = newSession(flags, exported, true)
	return (&Authenticate{
		LMResponse:  lmResponseV2(key, challenge.ServerChallenge, clientChallenge),
		NTResponse:  append(proof, blob...),
		Domain:      c.Domain,
		User:        c.User,
		Workstation: c.Workstation,
		SessionKey:  rc4Once(sessionBaseKeyV2(key, proof), exported),
		Flags:       flags,
		Version:     version,
	}).Marshal(), nil
}

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
