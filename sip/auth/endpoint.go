package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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

// serverHandshake is a handshake after the server's first token has been sent.
type serverHandshake struct {
	*association
	done bool // only the client's first signed message is still missing
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

// targetName is the server's name in a scheme: its principal with Kerberos, else its FQDN.
func (s *Server) targetName(scheme string) string {
	if scheme == Kerberos {
		return "sip/" + s.cfg.TargetName
	}
	return s.cfg.TargetName
}

// identity are the parameters that name the server in every challenge of a scheme.
func (s *Server) identity(scheme string) sip.Params {
	p := sip.Params{quoted("realm", s.cfg.Realm), quoted("targetname", s.targetName(scheme))}
	if s.cfg.Version > 2 {
		p = append(p, sip.Param{Name: "version", Value: strconv.Itoa(s.cfg.Version)})
	}
	return p
}

// judgeToken judges a request with credentials of a token scheme: a message of a handshake if it has
// gssapi-data, else a signed message.
func (s *Server) judgeToken(ctx context.Context, req *sip.Request, scheme string, c sip.Credentials) Verdict {
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
	case !strings.EqualFold(get("targetname"), s.targetName(scheme)):
		return s.refuse(false, "", errNoCredentials)
	case handshake && req.Method != "REGISTER":
		return s.refuse(false, "", fmt.Errorf("auth: handshake in %s", req.Method))
	case handshake && !s.echoesVersion(c):
		return s.refuse(false, "", errors.New("auth: version is not echoed"))
	case handshake:
		return s.judgeHandshake(ctx, req, scheme, c, data)
	case e != nil && e.hand != nil && e.hand.done && e.hand.opaque == get("opaque"):
		if err := s.establish(e, req, c); err != nil {
			return s.refuse(false, handshakeFailed, err)
		}
	case e == nil || e.sa == nil || e.sa.opaque != get("opaque"):
		return s.refuse(false, "", errors.New("auth: no security association of this epid and opaque"))
	case !time.Now().Before(e.sa.expires):
		return s.refuse(false, "", errors.New("auth: the security association has expired"))
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

// judgeHandshake judges a message of a handshake. One without a handle begins a new handshake, but for NTLM, whose
// first token is empty.
func (s *Server) judgeHandshake(ctx context.Context, req *sip.Request, scheme string, c sip.Credentials, data string) Verdict {
	opaque, _ := c.Params.Get("opaque")
	e := s.find(epid(req, "From"))
	if data == "" || opaque == "" && scheme != NTLM {
		var err error
		if e, err = s.beginHandshake(epid(req, "From"), scheme); err != nil {
			return Verdict{Status: 500, Err: err}
		}
	} else if e == nil || e.hand == nil || e.hand.done || e.hand.opaque != opaque || e.hand.scheme != scheme {
		return s.refuse(false, "", errors.New("auth: no handshake of this opaque is in progress"))
	}
	in, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		e.drop()
		return s.refuse(false, handshakeFailed, errors.New("auth: gssapi-data is not base64"))
	}
	out, done, err := e.hand.keys.Step(ctx, in)
	switch {
	case err != nil:
		e.drop()
		return s.refuse(false, handshakeFailed, err)
	case !done || out != nil:
		e.hand.done = done
		answer := sip.Credentials{Scheme: scheme, Params: append(sip.Params{
			quoted("opaque", e.hand.opaque), quoted("gssapi-data", base64.StdEncoding.EncodeToString(out)),
		}, s.identity(scheme)...)}
		return Verdict{Status: 401, Challenges: []string{answer.String()}}
	}
	if err := s.establish(e, req, c); err != nil {
		return s.refuse(false, handshakeFailed, err)
	}
	return s.own(req, e.account)
}

// beginHandshake gives the endpoint a new handshake with a new handle.
func (s *Server) beginHandshake(epid, scheme string) (*endpoint, error) {
	opaque, err := randomHex(s.cfg.Rand)
	if err != nil {
		return nil, err
	}
	keys, err := s.serverMechanism(scheme)
	if err != nil {
		return nil, err
	}
	e := s.find(epid)
	if e == nil {
		if len(s.endpoints) == maxEndpoints {
			s.endpoints[0].drop()
			s.endpoints = append(s.endpoints[:0], s.endpoints[1:]...)
		}
		e = &endpoint{epid: epid}
		s.endpoints = append(s.endpoints, e)
	}
	e.drop()
	e.hand = &serverHandshake{association: &association{
		scheme: scheme, realm: s.cfg.Realm, targetName: s.targetName(scheme), opaque: strings.ToUpper(opaque),
		version: s.cfg.Version, keys: keys,
	}}
	return e, nil
}

// drop gives up the handshake in progress.
func (e *endpoint) drop() {
	if e.hand != nil {
		discard(e.hand.keys)
		e.hand = nil
	}
}

// establish puts the association in force. From version 4 on, the request that completes the handshake must be signed
// with the very keys that it brings; so must one without a token.
func (s *Server) establish(e *endpoint, req *sip.Request, c sip.Credentials) error {
	hand := e.hand
	e.hand = nil
	if hand.version > 3 || hand.done {
		if err := hand.verify(req, c, clientNames); err != nil {
			return err
		}
	}
	account, ok := s.account(hand.keys)
	if !ok {
		return ntlm.ErrLogon
	}
	hand.begin()
	e.sa, e.account = hand.association, account
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
