package kerberos

import (
	"context"
	"errors"

	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// serviceTicket gets a ticket for a server with a ticket-granting ticket. krb5.conf may say in which realm the
// server is; else the client's realm is asked, which can refer us to another (RFC 6806 8).
func (n *network) serviceTicket(ctx context.Context, tgt *ticket, server types.PrincipalName) (*ticket, error) {
	want := n.config.realmOf(server.NameString[1])
	for range maxReferrals {
		realm := grants(tgt.server)
		ask := server
		if want != "" && want != realm {
			ask = ticketGranting(want)
		}
		t, err := n.tgsExchange(ctx, tgt, realm, ask)
		if err != nil || grants(t.server) == "" {
			return t, err
		}
		tgt = t
	}
	return nil, describe(errCircles, server.PrincipalNameString())
}

// tgsExchange gets a ticket from the ticket-granting service of a realm (RFC 4120 3.3).
func (n *network) tgsExchange(ctx context.Context, tgt *ticket, realm string, server types.PrincipalName) (*ticket, error) {
	about := principal{server, realm}.String()
	enctypes := n.config.enctypes("default_tgs_enctypes")
	if len(enctypes) == 0 {
		return nil, &Error{Kind: KindNoCommonEnctype, About: about, Err: errors.New("krb5.conf permits none")}
	}
	request := messages.TGSReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_TGS_REQ, ReqBody: requestBody(realm, server, enctypes),
	}}
	var err error
	if request.PAData, err = present(tgt, &request.ReqBody); err != nil {
		return nil, describe(err, about)
	}
	b, err := request.Marshal()
	if err != nil {
		return nil, describe(err, about)
	}
	reply, kdc, err := n.exchange(ctx, realm, b)
	if err != nil {
		return nil, err
	}
	t, err := openTGSReply(&request, reply, tgt)
	return t, describe(err, about, kdc)
}

// present makes the AP-REQ that carries the ticket-granting ticket and protects the request (RFC 4120 5.2.7.1).
func present(tgt *ticket, body *messages.KDCReqBody) (types.PADataSequence, error) {
	e, err := enctypeOf(tgt.key)
	if err != nil {
		return nil, err
	}
	b, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	sum, err := e.GetChecksumHash(tgt.key.KeyValue, b, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM)
	if err != nil {
		return nil, err
	}
	authenticator := newAuthenticator(tgt.client)
	authenticator.Cksum = types.Checksum{CksumType: e.GetHashID(), Checksum: sum}
	request, err := messages.NewAPReq(tgt.sealed, tgt.key, authenticator)
	if err != nil {
		return nil, err
	}
	b, err = request.Marshal()
	return types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: b}}, err
}

func openTGSReply(request *messages.TGSReq, reply []byte, tgt *ticket) (*ticket, error) {
	if m := parseKRBError(reply); m != nil {
		return nil, fromKRBError(m)
	}
	var answer messages.TGSRep
	if err := answer.Unmarshal(reply); err != nil {
		return nil, err
	}
	plain, err := decrypt(answer.EncPart, tgt.key, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	if err != nil {
		return nil, err
	}
	t, err := openReply(answer.KDCRepFields, plain, request.ReqBody.Nonce)
	if err != nil {
		return nil, err
	}
	t.client = tgt.client
	return t, nil
}
