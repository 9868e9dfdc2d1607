package ntlm

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrLogon says that the user is unknown or the password is wrong; which of the two is not told.
var ErrLogon = errors.New("ntlm: unknown user or wrong password")

// Server is the server's side of one handshake and of the security context it leads to. Its exported fields
// are set before the first Step and not changed afterwards. It is not for concurrent use.
type Server struct {
	NetBIOSDomain   string // the five names of the target information; an empty one is left out
	NetBIOSComputer string
	DNSDomain       string
	DNSComputer     string
	DNSForest       string
	// Password returns the password of the user with these names as the client spelled them.
	Password func(user, domain string) (password string, ok bool)
	Offer    Flags     // what the challenge offers; 0: what Office Communications Server 2007 R2 does (0xE2988273)
	AllowV1  bool      // take NTLMv1 too, with and without extended session security
	Version  Version   // zero: 6.1.7601, revision 15
	Rand     io.Reader // source of the server challenge; nil: crypto/rand

	step      int
	challenge [8]byte
	client    Authenticate
	session   *session
}

// Step takes the client's token and returns the next one. The first call takes the empty token and returns
// the CHALLENGE_MESSAGE; the second takes the AUTHENTICATE_MESSAGE, returns nothing and is done. A wrong
// password and an unknown user are both ErrLogon. Each challenge is good for one answer.
func (s *Server) Step(_ context.Context, in []byte) (out []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		if len(in) != 0 {
			return nil, false, errors.New("ntlm: connectionless NTLM begins with an empty token")
		}
		out, err = s.makeChallenge()
		return out, false, err
	case 2:
		err = s.check(in)
		return nil, err == nil, err
	}
	return nil, false, errors.New("ntlm: a token after the handshake has ended")
}

func (s *Server) makeChallenge() ([]byte, error) {
	if err := fill(s.Rand, s.challenge[:]); err != nil {
		return nil, err
	}
	var info []byte
	for _, name := range []struct {
		id    avID
		value string
	}{
		{avNetBIOSDomain, s.NetBIOSDomain},
		{avNetBIOSComputer, s.NetBIOSComputer},
		{avDNSDomain, s.DNSDomain},
		{avDNSComputer, s.DNSComputer},
		{avDNSForest, s.DNSForest},
	} {
		if name.value != "" {
			info = appendAV(info, name.id, utf16le(name.value))
		}
	}
	now := newFiletime(time.Now())
	info = appendAV(info, avTimestamp, now[:])
	info = appendAV(info, avEOL, nil)
	version := s.Version
	if version == (Version{}) {
		version = Version{6, 1, 0xB1, 0x1D, 0, 0, 0, 15}
	}
	if !s.offer().has(NegotiateTargetInfo) {
		info = nil
	}
	return (&Challenge{
		Flags:           s.offer(),
		ServerChallenge: s.challenge,
		TargetInfo:      info,
		Version:         version,
	}).Marshal(), nil
}

func (s *Server) check(in []byte) error {
	a, err := ParseAuthenticate(in)
	if err != nil {
		return err
	}
	if missing := answered & s.offer() &^ a.Flags; missing != 0 {
		return fmt.Errorf("ntlm: the client does not answer with %v", missing)
	}
	flags := a.Flags & (s.offer() | RequestTarget)
	keySize := 0
	if flags.has(NegotiateKeyExchange) {
		keySize = 16
	}
	if len(a.SessionKey) != keySize {
		return fmt.Errorf("ntlm: session key of %d bytes", len(a.SessionKey))
	}
	var exported []byte
	if s.AllowV1 && len(a.NTResponse) == responseSizeV1 {
		exported, err = s.checkV1(flags, a)
	} else {
		exported, err = s.checkV2(a)
	}
	if err != nil {
		return err
	}
	if keySize > 0 {
		exported = rc4Once(exported, a.SessionKey)
	}
	s.client = *a
	s.session = newSession(flags, exported, false)
	return nil
}

func (s *Server) offer() Flags {
	if s.Offer == 0 {
		return offered
	}
	return s.Offer
}

// checkV2 checks an NTLMv2 response and returns the key exchange key.
func (s *Server) checkV2(a *Authenticate) ([]byte, error) {
	proof, blob, err := splitResponseV2(a.NTResponse)
	if err != nil {
		return nil, err
	}
	password, known := s.Password(a.User, a.Domain)
	key := ntowfv2(ntowfv1(password), a.User, a.Domain)
	if !hmac.Equal(ntProof(key, s.challenge, blob), proof) || !known {
		return nil, ErrLogon
	}
	return sessionBaseKeyV2(key, proof), nil
}

// checkV1 checks an NTLMv1 response and returns the key exchange key. The LM response is not looked at: it can only be
// weaker.
func (s *Server) checkV1(flags Flags, a *Authenticate) ([]byte, error) {
	if len(a.LMResponse) != responseSizeV1 {
		return nil, fmt.Errorf("ntlm: LM response of %d bytes", len(a.LMResponse))
	}
	password, known := s.Password(a.User, a.Domain)
	hash := ntowfv1(password)
	want := responseV1(hash, s.challenge)
	if flags.has(NegotiateExtendedSessionSecurity) {
		want = responseESS(hash, s.challenge, [8]byte(a.LMResponse))
	}
	if !hmac.Equal(want, a.NTResponse) || !known {
		return nil, ErrLogon
	}
	return keyExchangeKeyV1(flags, sessionBaseKeyV1(hash), lmowfv1(password), a.LMResponse, s.challenge), nil
}

// Names returns what the client called itself. They are proved once Step is done, and empty before.
func (s *Server) Names() (user, domain, workstation string) {
	return s.client.User, s.client.Domain, s.client.Workstation
}

// Sign returns the signature of a signature buffer. It needs a complete handshake.
func (s *Server) Sign(buffer []byte) ([]byte, error) { return s.session.sign(buffer) }

// Verify checks the client's signature of a signature buffer.
func (s *Server) Verify(buffer, signature []byte) error { return s.session.verify(buffer, signature) }

// Expiry is the zero time: the keys do not end by themselves.
func (s *Server) Expiry() time.Time { return time.Time{} }

// Format keeps the challenge and the keys out of every print and log.
func (s Server) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "ntlm.Server{%s}", s.DNSComputer)
}
