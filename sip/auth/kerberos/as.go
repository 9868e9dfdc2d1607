package kerberos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// secret is what proves a user to the KDC: a password, or a keytab.
type secret struct {
	password string
	keytab   *Keytab
}

// enctypes returns those of ids for which the secret has a key.
func (s secret) enctypes(p principal, ids []int32) []int32 {
	if s.keytab == nil {
		return ids
	}
	have := s.keytab.enctypes(p)
	return slices.DeleteFunc(ids, func(id int32) bool { return !slices.Contains(have, id) })
}

// key returns the principal's key with the encryption type, salt and parameters that the KDC named. version is
// the key's in a keytab; 0: the newest.
func (s secret) key(p principal, info types.ETypeInfo2Entry, version int) (types.EncryptionKey, error) {
	if s.keytab == nil {
		return stringToKey(s.password, info.EType, info.Salt, info.S2KParams)
	}
	keys := s.keytab.keys(p, info.EType)
	for _, e := range keys {
		if e.kvno == uint32(version) {
			return e.key, nil
		}
	}
	if len(keys) == 0 {
		return types.EncryptionKey{}, fmt.Errorf("the keytab has no key of encryption type %d", info.EType)
	}
	return keys[0].key, nil
}

// initialTicket gets a ticket-granting ticket by the AS exchange (RFC 4120 3.1), from the realm of the
// principal or from the one to which that refers us (RFC 6806 7).
func (n *network) initialTicket(ctx context.Context, p principal, s secret) (*ticket, error) {
	for range maxReferrals {
		t, err := n.asExchange(ctx, p, s)
		if e := (*Error)(nil); errors.As(err, &e) && e.realm != "" && e.realm != p.realm {
			p.realm = e.realm
			continue
		}
		return t, err
	}
	return nil, describe(errCircles, p.String())
}

// asExchange asks one realm. The first request proves nothing. If the KDC wants a proof it says which, and the
// second request, to the same KDC, carries it.
func (n *network) asExchange(ctx context.Context, p principal, s secret) (*ticket, error) {
	enctypes := s.enctypes(p, n.config.enctypes("default_tkt_enctypes"))
	if len(enctypes) == 0 {
		return nil, &Error{Kind: KindNoCommonEnctype, About: p.String(), Err: errors.New("the keytab has no key for it, or krb5.conf permits none")}
	}
	request := &messages.ASReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_AS_REQ, ReqBody: requestBody(p.realm, ticketGranting(p.realm), enctypes),
	}}
	request.ReqBody.CName = p.name
	b, err := request.Marshal()
	if err != nil {
		return nil, describe(err, p.String())
	}
	reply, kdc, err := n.exchange(ctx, p.realm, b)
	if err != nil {
		return nil, err
	}
	// A KDC that does not say how the key is made means the default salt.
	info := types.ETypeInfo2Entry{EType: enctypes[0], Salt: p.name.GetSalt(p.realm)}
	m := parseKRBError(reply)
	if m != nil && m.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		if info, err = prove(request, m, p, s, info); err != nil {
			return nil, describe(err, p.String(), kdc)
		}
		if b, err = request.Marshal(); err != nil {
			return nil, describe(err, p.String())
		}
		if reply, err = n.again(ctx, kdc, p.realm, b); err != nil {
			return nil, err
		}
		m = parseKRBError(reply)
	}
	if m != nil {
		e := fromKRBError(m)
		if m.ErrorCode == errorcode.KRB_AP_ERR_BAD_INTEGRITY { // an older KDC's word for a wrong password
			e.Kind = KindPasswordRejected
		}
		return nil, describe(e, p.String(), kdc)
	}
	t, err := openASReply(request, reply, p, s, info)
	return t, describe(err, p.String(), kdc)
}

// prove adds to the request what the KDC wants: the time, encrypted with the user's key (PA-ENC-TIMESTAMP,
// RFC 4120 5.2.7.2). It returns how the key was made.
func prove(request *messages.ASReq, m *messages.KRBError, p principal, s secret, info types.ETypeInfo2Entry) (types.ETypeInfo2Entry, error) {
	var offered types.PADataSequence
	if err := offered.Unmarshal(m.EData); err != nil {
		return info, err
	}
	if !offered.Contains(patype.PA_ENC_TIMESTAMP) {
		return info, errors.New("the KDC wants another proof than a password, such as a smart card")
	}
	info = keyInfo(offered, request.ReqBody.EType, info)
	key, err := s.key(p, info, 0)
	if err != nil {
		return info, err
	}
	plain, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return info, err
	}
	sealed, err := encrypt(plain, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, 0)
	if err != nil {
		return info, err
	}
	b, err := sealed.Marshal()
	request.PAData = types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: b}}
	return info, err
}

// keyInfo finds in pre-authentication data how the key is made (RFC 4120 5.2.7.4): the first entry with an
// encryption type that we asked for. Where there is none it returns otherwise.
func keyInfo(offered types.PADataSequence, asked []int32, otherwise types.ETypeInfo2Entry) types.ETypeInfo2Entry {
	var entries types.ETypeInfo2
	for _, pa := range offered {
		var newer types.ETypeInfo2
		var older types.ETypeInfo
		switch pa.PADataType {
		case patype.PA_ETYPE_INFO2:
			if newer.Unmarshal(pa.PADataValue) == nil {
				entries = append(newer, entries...)
			}
		case patype.PA_ETYPE_INFO: // of KDCs that know no AES
			if older.Unmarshal(pa.PADataValue) == nil {
				for _, e := range older {
					entries = append(entries, types.ETypeInfo2Entry{EType: e.EType, Salt: string(e.Salt)})
				}
			}
		}
	}
	for _, e := range entries {
		if slices.Contains(asked, e.EType) {
			if e.Salt == "" {
				e.Salt = otherwise.Salt
			}
			return e
		}
	}
	return otherwise
}

// openASReply decrypts a KDC's answer with the user's key and checks it.
func openASReply(request *messages.ASReq, reply []byte, p principal, s secret, info types.ETypeInfo2Entry) (*ticket, error) {
	var answer messages.ASRep
	if err := answer.Unmarshal(reply); err != nil {
		return nil, err
	}
	id := answer.EncPart.EType
	if !slices.Contains(request.ReqBody.EType, id) {
		return nil, &Error{Kind: KindNoCommonEnctype, Err: fmt.Errorf("the KDC chose encryption type %d", id)}
	}
	info = keyInfo(answer.PAData, []int32{id}, types.ETypeInfo2Entry{EType: id, Salt: info.Salt, S2KParams: info.S2KParams})
	key, err := s.key(p, info, answer.EncPart.KVNO)
	if err != nil {
		return nil, err
	}
	plain, err := decrypt(answer.EncPart, key, keyusage.AS_REP_ENCPART)
	if err != nil { // a KDC that wanted no proof leaves it to us to find out
		return nil, &Error{Kind: KindPasswordRejected}
	}
	t, err := openReply(answer.KDCRepFields, plain, request.ReqBody.Nonce)
	if err != nil {
		return nil, err
	}
	if grants(t.server) == "" {
		return nil, errors.New("the KDC's ticket is not a ticket-granting one")
	}
	// The KDC may spell the user in its own way (RFC 6806 6), and the ticket goes by that.
	t.client = principal{answer.CName, answer.CRealm}
	return t, nil
}
