package kerberos

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	// ticketLifetime is what is asked for; the KDC gives as much of it as it likes.
	ticketLifetime = 24 * time.Hour
	// maxReferrals bounds the realms passed on the way to a ticket.
	maxReferrals = 8
)

var errCircles = errors.New("the realms send us round in circles")

// ticket is a ticket with its session key. sealed is encrypted for the server.
type ticket struct {
	client principal
	server types.PrincipalName
	sealed messages.Ticket
	key    types.EncryptionKey
	end    time.Time
}

// requestBody is what AS and TGS requests have in common. Canonicalization lets KDCs refer us to another realm.
func requestBody(realm string, server types.PrincipalName, enctypes []int32) messages.KDCReqBody {
	options := types.NewKrbFlags()
	types.SetFlags(&options, []int{flags.Canonicalize, flags.RenewableOK})
	return messages.KDCReqBody{
		KDCOptions: options,
		Realm:      realm,
		SName:      server,
		Till:       time.Now().Add(ticketLifetime).UTC(),
		Nonce:      int(binary.BigEndian.Uint32(random(4)) >> 1),
		EType:      enctypes,
	}
}

// openReply checks the decrypted part of a KDC's answer against the request and the ticket beside it. Whose
// ticket it is, it leaves to the caller.
func openReply(answer messages.KDCRepFields, plain []byte, nonce int) (*ticket, error) {
	var part messages.EncKDCRepPart
	if err := part.Unmarshal(plain); err != nil {
		return nil, err
	}
	if part.Nonce != nonce {
		return nil, errors.New("the answer is to another request")
	}
	if err := checkTicket(answer.Ticket); err != nil {
		return nil, err
	}
	if !part.SName.Equal(answer.Ticket.SName) || part.SRealm != answer.Ticket.Realm {
		return nil, errors.New("the ticket is not the one that the KDC gave")
	}
	if _, err := enctypeOf(part.Key); err != nil {
		return nil, err
	}
	return &ticket{server: part.SName, sealed: answer.Ticket, key: part.Key, end: part.EndTime}, nil
}

// checkTicket keeps gokrb5 from names that it cannot handle.
func checkTicket(t messages.Ticket) error {
	if len(t.SName.NameString) == 0 {
		return errors.New("a ticket for a nameless server")
	}
	return nil
}

func newAuthenticator(client principal) types.Authenticator {
	now := time.Now().UTC()
	return types.Authenticator{
		AVNO: iana.PVNO, CRealm: client.realm, CName: client.name,
		CTime: now, Cusec: now.Nanosecond() / int(time.Microsecond),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
