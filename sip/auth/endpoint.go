package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// endpoint is the server's side of the security association with one endpoint. The epid in From is its key
// (MS-SIP 4.2).
type endpoint struct {
	epid    string
	hand    *serverHandshake // in progress, or nil
	sa      *association     // in force, or nil; a handshake in progress leaves it so
	account Account          // of sa
}

// serverHandshake is a handshake after the server's token has been sent.
type serverHandshake struct {
	opaque string
	keys   *ntlm.Server
}

// epid returns the endpoint identifier in From or To.
func epid(m sip.Message, header string) string {
	a, err := sip.ParseNameAddr(sip.Value(m, header))
	if err != nil {
		return ""
	}
	id, _ := a.Params.Get("epid")
	return id
}

func (s *Server) find(epid string) *endpoint {
	for _, e := range s.endpoints {
		if strings.EqualFold(e.epid, epid) {
			return e
		}
	}
	return nil
}

// identity are the parameters that name the server in every challenge.
func (s *Server) identity() sip.Params {
	p := sip.Params{quoted("realm", s.cfg.Realm), quoted("targetname", s.cfg.TargetName)}
	if s.cfg.Version > 2 {
		p = append(p, sip.Param{Name: "version", Value: strconv.Itoa(s.cfg.Version)})
	}
	return p
}

// judgeToken judges a request with credentials of a token scheme: a message of a handshake if it has
// gssapi-data, else a signed message.
func (s *Server) judgeToken(ctx context.Context, req *sip.Request, c sip.Credentials) Verdict {
	get := func(name string) string {
		value, _ := c.Params.Get(name)
		return value
	}
	id := epid(req, "From")
	e := s.find(id)
	data, handshake := c.Params.Get("gssapi-data")
	switch {
	case id == "":
		return Verdict{
			Status: 400, Diagnostic: fmt.Sprintf(`4010;reason="Missing endpoint identifier.";source=%q`, s.cfg.TargetName),
			Err: errors.New("auth: no epid in From"),
		}
	case get("qop") != "auth":
		return s.refuse(false, "", fmt.Errorf("auth: qop %q", get("qop")))
	case !strings.EqualFold(get("targetname"), s.cfg.TargetName):
		return s.refuse(false, "", errNoCredentials)
	case handshake && req.Method != "REGISTER":
		return s.refuse(false, "", fmt.Errorf("auth: handshake in %s", req.Method))
	case handshake && !s.echoesVersion(c):
		return s.refuse(false, "", errors.New("auth: version is not echoed"))
	case handshake && data == "":
		return s.beginHandshake(ctx, id)
	case handshake:
		if e == nil || e.hand == nil || e.hand.opaque != get("opaque") {
			return s.refuse(false, "", errors.New("auth: no handshake of this opaque is in progress"))
		}
		if err := s.endHandshake(ctx, e, req, c, data); err != nil {
			return s.refuse(false, handshakeFailed, err)
		}
	case e == nil || e.sa == nil || e.sa.opaque != get("opaque"):
		return s.refuse(false, "", errors.New("auth: no security association of this epid and opaque"))
	default:
		if err := e.sa.verify(req, c, clientNames); err != nil {
			return s.refuse(false, "", err)
		}
	}
	return s.own(req, e.account)
}

// echoesVersion reports whether a handshake message carries the version as announced: an unquoted number, left
// out below 3.
func (s *Server) echoesVersion(c sip.Credentials) bool {
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, "version") {
			return !p.Quoted && s.cfg.Version > 2 && p.Value == strconv.Itoa(s.cfg.Version)
		}
	}
	return s.cfg.Version <= 2
}

// beginHandshake answers the empty token: with a new handle and the server's first token.
func (s *Server) beginHandshake(ctx context.Context, epid string) Verdict {
	opaque, err := randomHex(s.cfg.Rand)
	if err != nil {
		return Verdict{Status: 500, Err: err}
	}
	hand := &serverHandshake{opaque: strings.ToUpper(opaque), keys: s.newMechanism()}
	token, _, err := hand.keys.Step(ctx, nil)
	if err != nil {
		return Verdict{Status: 500, Err: err}
	}
	e := s.find(epid)
	if e == nil {
		if len(s.endpoints) == maxEndpoints {
			s.endpoints = append(s.endpoints[:0], s.endpoints[1:]...)
		}
		e = &endpoint{epid: epid}
		s.endpoints = append(s.endpoints, e)
	}
	e.hand = hand
	c := sip.Credentials{Scheme: NTLM, Params: append(sip.Params{
		quoted("opaque", hand.opaque), quoted("gssapi-data", base64.StdEncoding.EncodeToString(token)),
	}, s.identity()...)}
	return Verdict{Status: 401, Challenges: []string{c.String()}}
}

// newMechanism returns a server that knows the accounts, with the names that follow from its FQDN.
func (s *Server) newMechanism() *ntlm.Server {
	computer, domain, _ := strings.Cut(s.cfg.TargetName, ".")
	first, _, _ := strings.Cut(domain, ".")
	return &ntlm.Server{
		NetBIOSDomain: netBIOS(first), NetBIOSComputer: netBIOS(computer),
		DNSDomain: domain, DNSComputer: s.cfg.TargetName, DNSForest: domain,
		Rand: s.cfg.Rand,
		Password: func(user, domain string) (string, bool) {
			account, ok := s.cfg.Accounts(user, domain)
			return string(account.Password), ok
		},
	}
}

// netBIOS makes a NetBIOS name of a DNS label: upper case, fifteen characters at most.
func netBIOS(label string) string { return strings.ToUpper(label[:min(len(label), 15)]) }

// endHandshake takes the client's last token and puts the association in force. From version 4 on, the request
// must be signed with the very keys that its token brings.
func (s *Server) endHandshake(ctx context.Context, e *endpoint, req *sip.Request, c sip.Credentials, data string) error {
	hand := e.hand
	e.hand = nil
	token, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return errors.New("auth: gssapi-data is not base64")
	}
	if _, _, err := hand.keys.Step(ctx, token); err != nil {
		return err
	}
	sa := &association{
		scheme: NTLM, realm: s.cfg.Realm, targetName: s.cfg.TargetName, opaque: hand.opaque, version: s.cfg.Version,
		keys: hand.keys,
	}
	if sa.version > 3 {
		if err := sa.verify(req, c, clientNames); err != nil {
			return err
		}
	}
	user, domain, _ := hand.keys.Names()
	account, ok := s.cfg.Accounts(user, domain)
	if !ok {
		return ntlm.ErrLogon
	}
	e.sa, e.account = sa, account
	return nil
}

// verifyResponse finds the association of a response by the handle in its credentials.
func (s *Server) verifyResponse(res *sip.Response) error {
	due := false
	for _, e := range s.endpoints {
		if e.sa == nil {
			continue
		}
		due = true
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			c, err := sip.ParseCredentials(sip.Value(res, name))
			if err != nil || !e.sa.owns(c) {
				continue
			}
			if err := e.sa.verify(res, c, clientNames); err != nil {
				return fmt.Errorf("auth: response %s: %w", describe(res), err)
			}
			return nil
		}
	}
	if due {
		return fmt.Errorf("auth: response %s: %w", describe(res), errUnsigned)
	}
	return nil
}
