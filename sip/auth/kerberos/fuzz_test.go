package kerberos

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

func addFile(f *testing.F, path string) {
	f.Helper()
	b, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(b)
}

// FuzzServerToken gives a server tokens: it accepts none but whole ones.
func FuzzServerToken(f *testing.F) {
	keytab, err := LoadKeytab("testdata/mit.keytab")
	require.NoError(f, err)
	for _, name := range []string{"aes256", "aes128", "aes256-sha384", "rc4"} {
		f.Add(recordedToken(f, name))
	}
	f.Add(refuse(target, 37))
	f.Fuzz(func(t *testing.T, token []byte) {
		s := &Server{Keytab: keytab, Replays: new(ReplayCache)}
		_, done, err := s.Step(context.Background(), token)
		require.Equal(t, err == nil, done)
		require.Error(t, refusal(token, target))
	})
}

// FuzzTicketContents gives a server what only a KDC or the holder of a ticket could: well encrypted tickets and
// authenticators with anything in them.
func FuzzTicketContents(f *testing.F) {
	const id = 17
	server := types.PrincipalName{NameType: nametype.KRB_NT_SRV_HST, NameString: []string{"sip", "server.ocs.test"}}
	serviceKey := types.EncryptionKey{KeyType: id, KeyValue: make([]byte, 16)}
	sessionKey := types.EncryptionKey{KeyType: id, KeyValue: bytes.Repeat([]byte{1}, 16)}
	keytab := &Keytab{entries: []keytabEntry{{principal{server, realm}, 1, serviceKey}}}

	k := newKDC(f)
	k.accounts["sip/server.ocs.test@OCS.TEST"].keys = []types.EncryptionKey{serviceKey}
	c := newClient(f, k)
	step(f, c)
	ticketPlain, err := decrypt(c.ticket.sealed.EncPart, serviceKey, keyusage.KDC_REP_TICKET)
	require.NoError(f, err)
	a := newAuthenticator(principal{types.NewPrincipalName(1, "alice"), realm})
	a.Cksum = types.Checksum{CksumType: checksumGSS, Checksum: contextFlags(flagIntegrity)}
	authenticatorPlain, err := a.Marshal()
	require.NoError(f, err)
	f.Add(ticketPlain, authenticatorPlain)
	f.Fuzz(func(t *testing.T, ticketPlain, authenticatorPlain []byte) {
		request := messages.APReq{PVNO: 5, MsgType: 14, APOptions: types.NewKrbFlags(), Ticket: messages.Ticket{TktVNO: 5, Realm: realm, SName: server}}
		var err error
		request.Ticket.EncPart, err = encrypt(ticketPlain, serviceKey, keyusage.KDC_REP_TICKET, 1)
		require.NoError(t, err)
		key := sessionKey
		var part messages.EncTicketPart
		if part.Unmarshal(ticketPlain) == nil {
			if _, err := enctypeOf(part.Key); err == nil {
				key = part.Key
			}
		}
		request.EncryptedAuthenticator, err = encrypt(authenticatorPlain, key, keyusage.AP_REQ_AUTHENTICATOR, 0)
		require.NoError(t, err)
		b, err := request.Marshal()
		require.NoError(t, err)
		token, err := frame(tokenAPReq, b)
		require.NoError(t, err)
		s := &Server{Keytab: keytab, Replays: new(ReplayCache)}
		if _, done, _ := s.Step(context.Background(), token); done {
			m, err := s.Sign(signedText)
			require.NoError(t, err)
			require.NotEmpty(t, m)
		}
	})
}

// FuzzMIC gives each kind of key signatures: none but the recorded one, sequence number aside, is right.
func FuzzMIC(f *testing.F) {
	for i, r := range recordedMICs {
		f.Add(i, signedText, unhex(f, r.mic))
	}
	f.Fuzz(func(t *testing.T, i int, text, signature []byte) {
		r := recordedMICs[uint(i)%uint(len(recordedMICs))]
		s := &session{key: types.EncryptionKey{KeyType: r.enctype, KeyValue: unhex(t, r.key)}, acceptor: !r.acceptor}
		if s.verify(text, signature) == nil {
			require.Equal(t, signedText, text)
			require.Len(t, signature, len(r.mic)/2)
		}
	})
}

// FuzzKDCReply gives a client that has a password anything for an answer.
func FuzzKDCReply(f *testing.F) {
	k := newKDC(f, Account{Name: "dave", Password: password, NoPreauth: true, Enctypes: "rc4"})
	name := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "dave")
	request := messages.ASReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 10, ReqBody: requestBody(realm, ticketGranting(realm), enctypes)}}
	request.ReqBody.CName = name
	b, err := request.Marshal()
	require.NoError(f, err)
	f.Add(k.Answer(b))
	request.ReqBody.CName = types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "alice")
	b, err = request.Marshal()
	require.NoError(f, err)
	f.Add(k.Answer(b))
	f.Add(krbError(f, 68, "FAR.TEST"))
	p := principal{name, realm}
	f.Fuzz(func(t *testing.T, reply []byte) {
		s := secret{keytab: &Keytab{}} // hashing a password takes too long here
		if m := parseKRBError(reply); m != nil {
			require.NotEmpty(t, fromKRBError(m).Error())
			_, err := prove(&request, m, p, s, types.ETypeInfo2Entry{EType: 18})
			require.Error(t, err)
		}
		_, err := openASReply(&request, reply, p, s, types.ETypeInfo2Entry{EType: 18})
		require.Error(t, err)
		_, err = openTGSReply(&messages.TGSReq{}, reply, &ticket{key: newKey(18)})
		require.Error(t, err)
	})
}

// FuzzKDCReplyContents gives a client what only the KDC could: well encrypted contents.
func FuzzKDCReplyContents(f *testing.F) {
	now := time.Now().UTC().Truncate(time.Second)
	part := messages.EncKDCRepPart{
		Key: newKey(18), LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: 1, Flags: types.NewKrbFlags(),
		AuthTime: now, EndTime: now, SRealm: realm, SName: ticketGranting(realm),
	}
	b, err := part.Marshal()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, plain []byte) {
		sealed := messages.Ticket{TktVNO: 5, Realm: realm, SName: ticketGranting(realm)}
		if got, err := openReply(messages.KDCRepFields{Ticket: sealed}, plain, 1); err == nil {
			require.Equal(t, realm, grants(got.server))
			_, _, err := initiate(got)
			require.NoError(t, err)
		}
	})
}

// FuzzKDC gives the test KDC requests: it answers each.
func FuzzKDC(f *testing.F) {
	k := newKDC(f)
	c := newClient(f, k)
	var requests [][]byte
	n := &network{config: c.Config, dial: c.Dial}
	for _, name := range []string{"alice", "nobody"} {
		request := messages.ASReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 10, ReqBody: requestBody(realm, ticketGranting(realm), enctypes)}}
		request.ReqBody.CName = types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, name)
		b, err := request.Marshal()
		require.NoError(f, err)
		requests = append(requests, b)
	}
	tgt, err := n.initialTicket(context.Background(), k.accounts["alice@OCS.TEST"].principal, secret{password: password})
	require.NoError(f, err)
	request := messages.TGSReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 12, ReqBody: requestBody(realm, ticketGranting(realm), enctypes)}}
	request.PAData, err = present(tgt, &request.ReqBody)
	require.NoError(f, err)
	b, err := request.Marshal()
	require.NoError(f, err)
	for _, b := range append(requests, b) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		require.NotEmpty(t, k.Answer(request))
	})
}

// FuzzFiles gives the three readers of files anything.
func FuzzFiles(f *testing.F) {
	addFile(f, "testdata/mit.keytab")
	addFile(f, "testdata/mit.ccache")
	f.Add([]byte(oneRealm))
	f.Fuzz(func(t *testing.T, b []byte) {
		if kt, err := ParseKeytab(b); err == nil {
			require.LessOrEqual(t, len(kt.entries), len(b))
		}
		if cc, err := parseCCache(b); err == nil {
			_, _ = cc.find(ticketGranting(cc.client.realm), "")
		}
		if bytes.Contains(b, []byte("include")) {
			return // it would read this machine's files
		}
		c, err := ParseConfig(string(b))
		require.NoError(t, err)
		c.kdcs(realm)
		c.realmOf("server.ocs.test")
		c.enctypes("default_tkt_enctypes")
	})
}
