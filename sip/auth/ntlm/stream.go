package ntlm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The connection-oriented form of NTLM, as HTTP uses it (MS-NTHT): three messages on one connection, NTLMv2,
// no message signatures afterwards. The MIC covers all three messages, and channel bindings tie them to the
// TLS connection around them (RFC 5929).

const (
	typeNegotiate = 1

	negotiateHeader = 40 // bytes, the Version field included
	micOffset       = authenticateHeader
	micHeader       = authenticateHeader + md5.Size // an AUTHENTICATE_MESSAGE's header with its MIC field

	maxTargetInfo = 1 << 15 // bytes: it is sent back, with more, in a field of at most 65,535

	avFlags           avID = 6
	avTargetName      avID = 9
	avChannelBindings avID = 10

	avFlagMIC = 2 // of avFlags: the AUTHENTICATE_MESSAGE has a MIC
)

// streamRequired is what both sides of a handshake over HTTP must offer (0x00888201).
const streamRequired = NegotiateUnicode | NegotiateNTLM | NegotiateAlwaysSign | NegotiateExtendedSessionSecurity | NegotiateTargetInfo

// streamOffered is what a client over HTTP offers (0xA2888205).
const streamOffered = streamRequired | RequestTarget | NegotiateVersion | Negotiate128 | Negotiate56

// streamGranted is what a server grants to a client that asks: besides, keys for signatures that nobody will make.
// Samba's client announces its MIC only where it may sign.
const streamGranted = streamOffered | NegotiateSign | NegotiateKeyExchange

// ErrChannelBinding says that the client's proof was made for another TLS connection: somebody in between
// passed it on.
var ErrChannelBinding = errors.New("ntlm: the proof belongs to another connection")

// StreamClient is the client's side of one connection-oriented handshake. Its exported fields are set before
// the first Step and not changed afterwards. It is not for concurrent use.
type StreamClient struct {
	User           string    // without domain; or a user principal name, with Domain empty
	Domain         string    // NetBIOS or DNS name; may be empty
	Password       string    `json:"-"`
	Workstation    string    // may be empty
	Target         string    // the service principal name, "HTTP/host"; empty: none is sent
	ChannelBinding []byte    // what ties the handshake to the connection: "tls-server-end-point:" and the hash (RFC 5929 section 4); nil: nothing does
	Version        Version   // zero: 5.1.2600, revision 15
	Rand           io.Reader // source of the client challenge; nil: crypto/rand

	step      int
	negotiate []byte
}

// Step takes the server's token and returns the next one: with an empty token the NEGOTIATE_MESSAGE, for the
// CHALLENGE_MESSAGE the AUTHENTICATE_MESSAGE, with which it is done. A server that does not offer NTLMv2 is
// refused, and nothing derived from the password is sent to it.
func (c *StreamClient) Step(_ context.Context, in []byte) (out []byte, done bool, err error) {
	c.step++
	switch c.step {
	case 1:
		if len(in) != 0 {
			return nil, false, errors.New("ntlm: a token before the handshake has begun")
		}
		c.negotiate = make([]byte, negotiateHeader)
		putHeader(c.negotiate, typeNegotiate)
		binary.LittleEndian.PutUint32(c.negotiate[12:], uint32(streamOffered))
		for _, at := range []int{16, 24} { // domain and workstation, empty
			binary.LittleEndian.PutUint32(c.negotiate[at+4:], negotiateHeader)
		}
		version := c.version()
		copy(c.negotiate[32:], version[:])
		return bytes.Clone(c.negotiate), false, nil
	case 2:
		out, err = c.authenticate(in)
		return out, err == nil, err
	}
	return nil, false, errors.New("ntlm: a token after the handshake has ended")
}

func (c *StreamClient) version() Version {
	if c.Version == (Version{}) {
		return Version{5, 1, 0x28, 0x0A, 0, 0, 0, 15}
	}
	return c.Version
}

func (c *StreamClient) authenticate(in []byte) ([]byte, error) {
	challenge, err := ParseChallenge(in)
	if err != nil {
		return nil, err
	}
	if missing := streamRequired &^ challenge.Flags; missing != 0 {
		return nil, fmt.Errorf("ntlm: the server does not offer %v", missing)
	}
	if len(challenge.TargetInfo) > maxTargetInfo {
		return nil, fmt.Errorf("ntlm: target information of %d bytes is too long", len(challenge.TargetInfo))
	}
	flags := challenge.Flags&streamOffered | RequestTarget
	if flags.has(Negotiate128) {
		flags &^= Negotiate56
	}
	stamp, err := findAV(challenge.TargetInfo, avTimestamp)
	if err != nil {
		return nil, err
	}
	// A server that tells the time understands a MIC (MS-NLMP 3.1.5.1.2).
	at, withMIC := newFiletime(time.Now()), len(stamp) == len(filetime{})
	if withMIC {
		at = filetime(stamp)
	}
	var clientChallenge [8]byte
	if err := fill(c.Rand, clientChallenge[:]); err != nil {
		return nil, err
	}

	key := ntowfv2(ntowfv1(c.Password), c.User, c.Domain)
	blob := clientBlob(at, clientChallenge, c.targetInfo(challenge.TargetInfo, withMIC))
	proof := ntProof(key, challenge.ServerChallenge, blob)
	lm := make([]byte, 24)
	if !withMIC {
		lm = lmResponseV2(key, challenge.ServerChallenge, clientChallenge)
	}
	b := make([]byte, micHeader)
	putHeader(b, typeAuthenticate)
	binary.LittleEndian.PutUint32(b[60:], uint32(flags))
	version := c.version()
	copy(b[64:], version[:])
	b = putPayload(b, 28, encodeText(c.Domain, flags))
	b = putPayload(b, 36, encodeText(c.User, flags))
	b = putPayload(b, 44, encodeText(c.Workstation, flags))
	b = putPayload(b, 12, lm)
	b = putPayload(b, 20, append(proof, blob...))
	b = putPayload(b, 52, nil) // no key exchange: nothing is signed
	if withMIC {
		copy(b[micOffset:], hmacMD5(sessionBaseKeyV2(key, proof), c.negotiate, in, b))
	}
	return b, nil
}

// targetInfo is the server's target information with what the client adds to it. The list is well formed:
// findAV has walked it.
func (c *StreamClient) targetInfo(info []byte, withMIC bool) []byte {
	var out []byte
	var flags uint32
	for {
		id, size := avID(binary.LittleEndian.Uint16(info)), binary.LittleEndian.Uint16(info[2:])
		value := info[4 : 4+size]
		info = info[4+size:]
		if id == avEOL {
			break
		}
		switch {
		case id == avFlags && size == 4:
			flags = binary.LittleEndian.Uint32(value)
		case id == avFlags || id == avTargetName || id == avChannelBindings: // the client's to say
		default:
			out = appendAV(out, id, value)
		}
	}
	if withMIC {
		flags |= avFlagMIC
	}
	if flags != 0 {
		out = appendAV(out, avFlags, binary.LittleEndian.AppendUint32(nil, flags))
	}
	if c.Target != "" {
		out = appendAV(out, avTargetName, utf16le(c.Target))
	}
	if c.ChannelBinding != nil {
		out = appendAV(out, avChannelBindings, channelBindingHash(c.ChannelBinding))
	}
	return appendAV(out, avEOL, nil)
}

// channelBindingHash is MD5 over the gss_channel_bindings_struct (RFC 2744 section 3.11) that has no addresses
// and these application data.
func channelBindingHash(data []byte) []byte {
	var header [20]byte
	binary.LittleEndian.PutUint32(header[16:], uint32(len(data)))
	return md5Of(header[:], data)
}

// Format keeps the password out of every print and log.
func (c StreamClient) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, `ntlm.StreamClient{%s\%s}`, c.Domain, c.User)
}

// StreamServer is the server's side of one connection-oriented handshake. Its exported fields are set before
// the first Step and not changed afterwards. It is not for concurrent use.
type StreamServer struct {
	// Server has the names of the target information, the passwords, version and random source. Its methods
	// are not used.
	Server         *Server
	ChannelBinding []byte // of this side of the connection (see StreamClient); nil: any or none is accepted

	step      int
	negotiate []byte
	challenge []byte
	client    Authenticate
}

// Step takes the client's token and returns the next one: for the NEGOTIATE_MESSAGE the CHALLENGE_MESSAGE, for
// the AUTHENTICATE_MESSAGE nothing, and is done. A wrong password, an unknown user and a wrong MIC are all
// ErrLogon. A client that gives a channel binding must give the right one, else ErrChannelBinding.
func (s *StreamServer) Step(_ context.Context, in []byte) (out []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		out, err = s.makeChallenge(in)
		return out, false, err
	case 2:
		err = s.check(in)
		return nil, err == nil, err
	}
	return nil, false, errors.New("ntlm: a token after the handshake has ended")
}

func (s *StreamServer) makeChallenge(in []byte) ([]byte, error) {
	if err := checkHeader(in, typeNegotiate, 16); err != nil {
		return nil, err
	}
	s.negotiate = bytes.Clone(in)
	client := Flags(binary.LittleEndian.Uint32(in[12:]))
	connectionless, err := s.Server.makeChallenge()
	if err != nil {
		return nil, err
	}
	challenge, err := ParseChallenge(connectionless)
	if err != nil {
		return nil, err
	}
	challenge.Flags = client&streamGranted | streamRequired
	if !client.has(NegotiateUnicode) {
		challenge.Flags = challenge.Flags&^NegotiateUnicode | NegotiateOEM
	}
	if client.has(RequestTarget) {
		challenge.Flags |= TargetTypeDomain
		challenge.TargetName = s.Server.NetBIOSDomain
	}
	s.challenge = challenge.Marshal()
	return s.challenge, nil
}

func (s *StreamServer) check(in []byte) error {
	a, err := ParseAuthenticate(in)
	if err != nil {
		return err
	}
	proof, blob, err := splitResponseV2(a.NTResponse)
	if err != nil {
		return err
	}
	password, known := s.Server.Password(a.User, a.Domain)
	key := ntowfv2(ntowfv1(password), a.User, a.Domain)
	if !hmac.Equal(ntProof(key, s.Server.challenge, blob), proof) || !known {
		return ErrLogon
	}
	// From here on the blob is the client's own word.
	info := blob[blobFixed:]
	flags, err := findAV(info, avFlags)
	if err != nil {
		return err
	}
	if len(flags) == 4 && binary.LittleEndian.Uint32(flags)&avFlagMIC != 0 {
		if err := s.checkMIC(in, a, sessionBaseKeyV2(key, proof)); err != nil {
			return err
		}
	}
	bound, err := findAV(info, avChannelBindings)
	if err != nil {
		return err
	}
	if s.ChannelBinding != nil && len(bytes.Trim(bound, "\x00")) > 0 && !hmac.Equal(bound, channelBindingHash(s.ChannelBinding)) {
		return ErrChannelBinding
	}
	s.client = *a
	return nil
}

func (s *StreamServer) checkMIC(in []byte, a *Authenticate, key []byte) error {
	if len(in) < micHeader {
		return ErrLogon
	}
	if a.Flags.has(NegotiateKeyExchange) {
		if len(a.SessionKey) != len(key) {
			return ErrLogon
		}
		key = rc4Once(key, a.SessionKey)
	}
	zeroed := bytes.Clone(in)
	clear(zeroed[micOffset:micHeader])
	if !hmac.Equal(hmacMD5(key, s.negotiate, s.challenge, zeroed), in[micOffset:micHeader]) {
		return ErrLogon
	}
	return nil
}

// Names returns what the client called itself. They are proved once Step is done, and empty before.
func (s *StreamServer) Names() (user, domain, workstation string) {
	return s.client.User, s.client.Domain, s.client.Workstation
}

// Format keeps the challenge out of every print and log.
func (s StreamServer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "ntlm.StreamServer{}") }
