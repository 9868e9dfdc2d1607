package kerberos

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// KDC is a key distribution centre for tests: it answers AS and TGS requests for the accounts that it was made
// with. It keeps no replay cache and has no policy, so it protects nothing. Its exported fields are set before
// the first request; it is then safe for concurrent use.
type KDC struct {
	ClockOffset time.Duration // how far its clock is ahead
	Lifetime    time.Duration // of tickets; 0: 10 hours
	Refer       string        // the realm to which requests for unknown servers are referred; "": they fail

	realm    string
	accounts map[string]*kdcAccount // by principal
}

// Account is a principal of a KDC: a user, a server, or the ticket-granting service of another realm.
type Account struct {
	Name      string // alice, sip/server.ocs.test, krbtgt/OTHER.TEST; with a realm, if it is another one
	Password  string `json:"-"` // "": a random key
	Enctypes  string // of its keys, as in krb5.conf; "": aes256-cts aes128-cts rc4
	NoPreauth bool   // tickets are given without a proof
	Refuse    int32  // the code with which every request that names it is answered (RFC 4120 7.5.9); 0: none
	Alias     string // enterprise name
}

type kdcAccount struct {
	Account
	principal principal
	keys      []types.EncryptionKey
}

// NewKDC makes a KDC with these accounts and a ticket-granting service.
func NewKDC(realm string, accounts ...Account) (*KDC, error) {
	k := &KDC{realm: realm, accounts: map[string]*kdcAccount{}}
	for _, account := range append(slices.Clone(accounts), Account{Name: "krbtgt/" + realm}) {
		name, home, ok := strings.Cut(account.Name, "@")
		if !ok {
			home = realm
		}
		if account.Enctypes == "" {
			account.Enctypes = "aes256-cts aes128-cts rc4"
		}
		a := &kdcAccount{Account: account, principal: principal{types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, name), home}}
		for _, id := range parseEnctypes(account.Enctypes) {
			key, err := newKey(id), error(nil)
			if account.Password != "" {
				key, err = stringToKey(account.Password, id, a.principal.name.GetSalt(home), nil)
			}
			if err != nil {
				return nil, err
			}
			a.keys = append(a.keys, key)
		}
		k.accounts[a.principal.String()] = a
	}
	return k, nil
}

// Keytab returns the keys of an account; an empty keytab if there is no such account.
func (k *KDC) Keytab(name string) *Keytab {
	kt := &Keytab{}
	if a := k.accounts[name+"@"+k.realm]; a != nil {
		for _, key := range a.keys {
			kt.entries = append(kt.entries, keytabEntry{a.principal, 1, key})
		}
	}
	return kt
}

// ServeConn answers the requests of a TCP connection until the client closes it, and closes it too.
func (k *KDC) ServeConn(nc net.Conn) {
	defer nc.Close()
	for {
		request, err := readFrame(nc)
		if err != nil {
			return
		}
		if err := writeFrame(nc, k.Answer(request)); err != nil {
			return
		}
	}
}

// Answer answers a request. What it cannot read it answers with KRB_ERR_GENERIC.
func (k *KDC) Answer(request []byte) []byte {
	var reply []byte
	var err error
	var as messages.ASReq
	var tgs messages.TGSReq
	switch {
	case parsed(as.Unmarshal, request):
		reply, err = k.answerAS(&as)
	case parsed(tgs.Unmarshal, request):
		reply, err = k.answerTGS(&tgs)
	default:
		err = errors.New("neither an AS-REQ nor a TGS-REQ")
	}
	if err == nil {
		return reply
	}
	var refused kdcRefusal
	if !errors.As(err, &refused) {
		refused = kdcRefusal{code: errorcode.KRB_ERR_GENERIC, text: err.Error()}
	}
	m := messages.NewKRBError(ticketGranting(k.realm), k.realm, refused.code, refused.text)
	m.STime = k.now()
	m.EData = refused.data
	b, err := m.Marshal()
	if err != nil {
		return nil
	}
	return b
}

// parsed reports whether gokrb5 could read a request. On some that it cannot it panics (those with broken
// additional tickets).
func parsed(unmarshal func([]byte) error, request []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return unmarshal(request) == nil
}

// kdcRefusal is an error that becomes a KRB-ERROR message.
type kdcRefusal struct {
	code int32
	data []byte
	text string
}

func (r kdcRefusal) Error() string { return errorcode.Lookup(r.code) }

func (k *KDC) now() time.Time { return time.Now().Add(k.ClockOffset).UTC() }

func (k *KDC) answerAS(request *messages.ASReq) ([]byte, error) {
	body := &request.ReqBody
	client := k.find(body.CName)
	if client == nil {
		return nil, kdcRefusal{code: errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN}
	}
	key, err := choose(client, body.EType)
	if err != nil {
		return nil, err
	}
	if !client.NoPreauth {
		if err := k.checkProof(client, request); err != nil {
			return nil, err
		}
	}
	answer, err := k.issue(client.principal, body, key, keyusage.AS_REP_ENCPART)
	if err != nil {
		return nil, err
	}
	answer.MsgType = msgtype.KRB_AS_REP
	return (&messages.ASRep{KDCRepFields: *answer}).Marshal()
}

// checkProof checks PA-ENC-TIMESTAMP, or asks for it and says how the key is made.
func (k *KDC) checkProof(client *kdcAccount, request *messages.ASReq) error {
	for _, pa := range request.PAData {
		var sealed types.EncryptedData
		if pa.PADataType != patype.PA_ENC_TIMESTAMP || sealed.Unmarshal(pa.PADataValue) != nil {
			continue
		}
		key, err := choose(client, []int32{sealed.EType})
		if err != nil {
			return err
		}
		var stamp types.PAEncTSEnc
		plain, err := decrypt(sealed, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
		if err != nil || stamp.Unmarshal(plain) != nil {
			return kdcRefusal{code: errorcode.KDC_ERR_PREAUTH_FAILED}
		}
		if stamp.PATimestamp.Sub(k.now()).Abs() > maxSkew {
			return kdcRefusal{code: errorcode.KRB_AP_ERR_SKEW}
		}
		return nil
	}
	var infos types.ETypeInfo2
	for _, id := range request.ReqBody.EType {
		if _, err := choose(client, []int32{id}); err == nil {
			infos = append(infos, types.ETypeInfo2Entry{EType: id, Salt: client.principal.name.GetSalt(client.principal.realm)})
		}
	}
	b, err := asn1.Marshal(infos)
	if err != nil {
		return err
	}
	b, err = asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP}, {PADataType: patype.PA_ETYPE_INFO2, PADataValue: b}})
	if err != nil {
		return err
	}
	return kdcRefusal{code: errorcode.KDC_ERR_PREAUTH_REQUIRED, data: b}
}

func (k *KDC) answerTGS(request *messages.TGSReq) ([]byte, error) {
	var proof messages.APReq
	for _, pa := range request.PAData {
		if pa.PADataType == patype.PA_TGS_REQ {
			if err := proof.Unmarshal(pa.PADataValue); err != nil {
				return nil, err
			}
		}
	}
	if err := checkTicket(proof.Ticket); err != nil {
		return nil, err
	}
	granting := k.accounts[principal{proof.Ticket.SName, proof.Ticket.Realm}.String()]
	if granting == nil || grants(proof.Ticket.SName) != k.realm {
		return nil, kdcRefusal{code: errorcode.KRB_AP_ERR_NOT_US}
	}
	key, err := choose(granting, []int32{proof.Ticket.EncPart.EType})
	if err != nil {
		return nil, err
	}
	var t messages.EncTicketPart
	plain, err := decrypt(proof.Ticket.EncPart, key, keyusage.KDC_REP_TICKET)
	if err == nil {
		err = t.Unmarshal(plain)
	}
	if err != nil {
		return nil, kdcRefusal{code: errorcode.KRB_AP_ERR_MODIFIED}
	}
	if t.EndTime.Before(k.now()) {
		return nil, kdcRefusal{code: errorcode.KRB_AP_ERR_TKT_EXPIRED}
	}
	if err := k.checkAuthenticator(&proof, &t, &request.ReqBody); err != nil {
		return nil, err
	}
	answer, err := k.issue(principal{t.CName, t.CRealm}, &request.ReqBody, t.Key, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	if err != nil {
		return nil, err
	}
	answer.MsgType = msgtype.KRB_TGS_REP
	return (&messages.TGSRep{KDCRepFields: *answer}).Marshal()
}

func (k *KDC) checkAuthenticator(proof *messages.APReq, t *messages.EncTicketPart, body *messages.KDCReqBody) error {
	var a types.Authenticator
	plain, err := decrypt(proof.EncryptedAuthenticator, t.Key, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR)
	if err == nil {
		err = a.Unmarshal(plain)
	}
	if err != nil {
		return kdcRefusal{code: errorcode.KRB_AP_ERR_BAD_INTEGRITY}
	}
	if !(principal{a.CName, a.CRealm}).equal(principal{t.CName, t.CRealm}) {
		return kdcRefusal{code: errorcode.KRB_AP_ERR_BADMATCH}
	}
	if a.CTime.Sub(k.now()).Abs() > maxSkew {
		return kdcRefusal{code: errorcode.KRB_AP_ERR_SKEW}
	}
	b, err := body.Marshal()
	if err != nil {
		return err
	}
	e, err := crypto.GetEtype(t.Key.KeyType)
	if err != nil {
		return err
	}
	if !e.VerifyChecksum(t.Key.KeyValue, b, a.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM) {
		return kdcRefusal{code: errorcode.KRB_AP_ERR_MODIFIED}
	}
	return nil
}

// issue makes the answer that gives a client a ticket for the server that the request names.
func (k *KDC) issue(client principal, body *messages.KDCReqBody, replyKey types.EncryptionKey, usage uint32) (*messages.KDCRepFields, error) {
	name := body.SName
	server := k.find(name)
	if server == nil && k.Refer != "" {
		name = ticketGranting(k.Refer)
		server = k.find(name)
	}
	if server == nil {
		return nil, kdcRefusal{code: errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN}
	}
	for _, a := range []*kdcAccount{k.accounts[client.String()], server} {
		if a != nil && a.Refuse != 0 {
			return nil, kdcRefusal{code: a.Refuse}
		}
	}
	sessionKey, err := choose(server, body.EType)
	if err != nil {
		return nil, err
	}
	sessionKey = newKey(sessionKey.KeyType)

	lifetime := k.Lifetime
	if lifetime == 0 {
		lifetime = 10 * time.Hour
	}
	now := k.now().Truncate(time.Second)
	end := now.Add(lifetime)
	options := types.NewKrbFlags()
	types.SetFlag(&options, flags.PreAuthent)
	b, err := asn1.Marshal(messages.EncTicketPart{
		Flags: options, Key: sessionKey, CRealm: client.realm, CName: client.name,
		Transited: messages.TransitedEncoding{TRType: 1}, AuthTime: now, StartTime: now, EndTime: end,
	})
	if err != nil {
		return nil, err
	}
	sealed, err := encrypt(asn1tools.AddASNAppTag(b, asnAppTag.EncTicketPart), server.keys[0], keyusage.KDC_REP_TICKET, 1)
	if err != nil {
		return nil, err
	}
	part := messages.EncKDCRepPart{
		Key: sessionKey, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: body.Nonce, Flags: options,
		AuthTime: now, StartTime: now, EndTime: end, SRealm: k.realm, SName: name,
	}
	if b, err = part.Marshal(); err != nil {
		return nil, err
	}
	answer := &messages.KDCRepFields{
		PVNO: iana.PVNO, CRealm: client.realm, CName: client.name,
		Ticket: messages.Ticket{TktVNO: iana.PVNO, Realm: k.realm, SName: name, EncPart: sealed},
	}
	answer.EncPart, err = encrypt(b, replyKey, usage, 0)
	return answer, err
}

// find returns the account of a principal of this realm, by its name or alias.
func (k *KDC) find(name types.PrincipalName) *kdcAccount {
	if name.NameType == nametype.KRB_NT_ENTERPRISE {
		for _, a := range k.accounts {
			if a.Alias != "" && a.Alias == name.PrincipalNameString() {
				return a
			}
		}
	}
	return k.accounts[principal{name, k.realm}.String()]
}

// choose returns the account's key of the first encryption type asked for that it has.
func choose(a *kdcAccount, asked []int32) (types.EncryptionKey, error) {
	for _, id := range asked {
		for _, key := range a.keys {
			if key.KeyType == id {
				return key, nil
			}
		}
	}
	return types.EncryptionKey{}, kdcRefusal{code: errorcode.KDC_ERR_ETYPE_NOSUPP}
}

// Format keeps the keys out of every print and log.
func (k KDC) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kerberos.KDC{%s}", k.realm)
}
