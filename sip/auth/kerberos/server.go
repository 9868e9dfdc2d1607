package kerberos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxSkew is how far the clocks of client and server may differ: 5 minutes for Kerberos (MS-SIPAE).
const maxSkew = 5 * time.Minute

// Server is the server's side of one handshake and of the security context it leads to. Its exported fields
// are set before the first Step and not changed afterwards. It is not for concurrent use.
type Server struct {
	Keytab  *Keytab      // keys of the server's principals
	Target  string       // the one of them to accept, such as sip/server.contoso.com; "": every one
	Replays *ReplayCache // shared by all Servers with this keytab; required

	client  principal
	end     time.Time
	session *session
}

// Step takes the client's token, returns nothing and is done. A token that is refused gives an Error and, where
// the client can learn from it, a token to send back that says why (RFC 4121 4.3). Mutual authentication is not
// offered, and a client that insists on it is refused.
func (s *Server) Step(_ context.Context, in []byte) (out []byte, done bool, err error) {
	if s.session != nil {
		return nil, false, errors.New("kerberos: a token after the handshake has ended")
	}
	if s.Keytab == nil || s.Replays == nil {
		return nil, false, &Error{Kind: KindConfig, About: s.Target, Err: errors.New("a server needs a keytab and a replay cache")}
	}
	err = s.accept(in)
	if e := (*Error)(nil); errors.As(err, &e) && e.Code != 0 {
		out = refuse(s.Target, e.Code)
	}
	return out, err == nil, describe(err, s.Target)
}

func (s *Server) accept(token []byte) error {
	id, message, err := unframe(token)
	if err != nil {
		return err
	}
	if id != tokenAPReq {
		return fmt.Errorf("a token of type %04x, not an AP-REQ", id)
	}
	var request messages.APReq
	if err := request.Unmarshal(message); err != nil {
		return err
	}
	t, err := s.openTicket(&request.Ticket)
	if err != nil {
		return err
	}
	authenticator, err := openAuthenticator(&request, t)
	if err != nil {
		return err
	}
	asked, err := parseContextFlags(authenticator.Cksum.CksumType, authenticator.Cksum.Checksum)
	if err != nil {
		return err
	}
	if asked&flagMutual != 0 || flagSet(request.APOptions.Bytes, flags.APOptionMutualRequired) {
		return errors.New("the client wants mutual authentication")
	}
	key := t.Key
	if authenticator.SubKey.KeyType != 0 {
		key = authenticator.SubKey
	}
	if _, err := enctypeOf(key); err != nil {
		return err
	}
	until := authenticator.CTime.Add(maxSkew + time.Second)
	switch fresh, room := s.Replays.add(request.EncryptedAuthenticator.Cipher, until); {
	case !fresh:
		return refusedWith(errorcode.KRB_AP_ERR_REPEAT, nil)
	case !room:
		return errors.New("too many handshakes")
	}
	s.client = principal{t.CName, t.CRealm}
	s.end = t.EndTime
	s.session = &session{key: key, acceptor: true, next: uint64(uint32(authenticator.SeqNumber))}
	return nil
}

// openTicket decrypts a ticket with the keytab and checks its times.
func (s *Server) openTicket(t *messages.Ticket) (*messages.EncTicketPart, error) {
	server := principal{t.SName, t.Realm}
	if err := checkTicket(*t); err != nil {
		return nil, err
	}
	if s.Target != "" && server.name.PrincipalNameString() != s.Target {
		return nil, refusedWith(errorcode.KRB_AP_ERR_NOT_US, fmt.Errorf("the ticket is for %s", server))
	}
	keys := s.Keytab.keys(server, t.EncPart.EType)
	if len(keys) == 0 {
		return nil, refusedWith(errorcode.KRB_AP_ERR_NOKEY, fmt.Errorf("the keytab has no key of encryption type %d for %s", t.EncPart.EType, server))
	}
	var plain []byte
	var err error
	for _, k := range keys { // whatever its version: keytabs are often wrong about that
		if plain, err = decrypt(t.EncPart, k.key, keyusage.KDC_REP_TICKET); err == nil {
			break
		}
	}
	if err != nil {
		return nil, refusedWith(errorcode.KRB_AP_ERR_MODIFIED, fmt.Errorf("no key in the keytab for %s opens the ticket", server))
	}
	var part messages.EncTicketPart
	if err := part.Unmarshal(plain); err != nil {
		return nil, err
	}
	now := time.Now()
	start := part.StartTime
	if start.IsZero() {
		start = part.AuthTime
	}
	switch {
	case start.After(now.Add(maxSkew)) || flagSet(part.Flags.Bytes, flags.Invalid):
		return nil, refusedWith(errorcode.KRB_AP_ERR_TKT_NYV, nil)
	case part.EndTime.Before(now.Add(-maxSkew)):
		return nil, refusedWith(errorcode.KRB_AP_ERR_TKT_EXPIRED, nil)
	}
	return &part, nil
}

// openAuthenticator decrypts the authenticator and checks that it belongs to the ticket and is of now.
func openAuthenticator(request *messages.APReq, t *messages.EncTicketPart) (*types.Authenticator, error) {
	plain, err := decrypt(request.EncryptedAuthenticator, t.Key, keyusage.AP_REQ_AUTHENTICATOR)
	if err != nil {
		return nil, refusedWith(errorcode.KRB_AP_ERR_BAD_INTEGRITY, nil)
	}
	var a types.Authenticator
	if err := a.Unmarshal(plain); err != nil {
		return nil, err
	}
	if !a.CName.Equal(t.CName) || a.CRealm != t.CRealm {
		return nil, refusedWith(errorcode.KRB_AP_ERR_BADMATCH, nil)
	}
	if ahead := time.Until(a.CTime); ahead.Abs() > maxSkew {
		err := refusedWith(errorcode.KRB_AP_ERR_SKEW, nil)
		err.Skew = ahead
		return nil, err
	}
	return &a, nil
}

// refusedWith is the error for a code that the client is told, too.
func refusedWith(code int32, err error) *Error {
	e := &Error{Kind: KindFailed, Code: code, Err: err}
	if kind, ok := kinds[code]; ok {
		e.Kind = kind
	}
	return e
}

// refuse makes the token that tells a client why it was refused.
func refuse(target string, code int32) []byte {
	name, err := parseTarget(target)
	if err != nil {
		name = types.PrincipalName{NameString: []string{"unknown"}}
	}
	m := messages.NewKRBError(name, "", code, "")
	b, err := m.Marshal()
	if err != nil {
		return nil
	}
	token, err := frame(tokenKRBError, b)
	if err != nil {
		return nil
	}
	return token
}

// flagSet reports whether a flag of a bit string is set, however short the string.
func flagSet(bits []byte, flag int) bool {
	return flag/8 < len(bits) && bits[flag/8]&(0x80>>(flag%8)) != 0
}

// Names returns the client's principal. It is empty before Step is done.
func (s *Server) Names() (user, realm string) {
	return s.client.name.PrincipalNameString(), s.client.realm
}

// Sign returns the signature of a signature buffer (MS-SIPAE 3.2.5.1). It needs a complete handshake.
func (s *Server) Sign(buffer []byte) ([]byte, error) { return s.session.sign(buffer) }

// Verify checks the client's signature of a signature buffer.
func (s *Server) Verify(buffer, signature []byte) error { return s.session.verify(buffer, signature) }

// Expiry is when the client's ticket ends, and with it the security context; zero before Step is done.
func (s *Server) Expiry() time.Time { return s.end }

// Format keeps the keys out of every print and log.
func (s Server) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kerberos.Server{%s}", s.Target)
}
