package server

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/digest"
	"github.com/ocsgo/ocs/sip/auth/ntlm"
)

// judge looks at the credentials of a request: who they say it is, and the lines with which others are asked
// for, none if they are right.
func (c *proxyClient) judge(req *http.Request) (user string, challenges []string) {
	if c.server.config.Proxy.User == "" {
		return "", nil
	}
	scheme, value, _ := strings.Cut(req.Header.Get("Proxy-Authorization"), " ")
	good := false
	if slices.ContainsFunc(c.schemes(), func(offered string) bool { return strings.EqualFold(offered, scheme) }) {
		switch strings.ToLower(scheme) {
		case "basic":
			user, good = c.judgeBasic(value)
		case "digest":
			user, good = c.judgeDigest(req, value)
		case "ntlm":
			var token string
			if token, user, good = c.judgeNTLM(value); token != "" {
				return "", []string{"Proxy-Authenticate: NTLM " + token}
			}
		}
	}
	if !good {
		challenges = c.challenges()
	}
	return user, challenges
}

func (c *proxyClient) judgeBasic(value string) (user string, good bool) {
	allowed := c.server.config.Proxy
	raw, _ := base64.StdEncoding.DecodeString(value) // what is not base64 is wrong
	user, password, _ := strings.Cut(string(raw), ":")
	return user, user == allowed.User && subtle.ConstantTimeCompare([]byte(password), []byte(allowed.Password)) == 1
}

func (c *proxyClient) judgeDigest(req *http.Request, value string) (user string, good bool) {
	parsed, err := sip.ParseCredentials("Digest " + value)
	if err != nil {
		return "", false
	}
	credentials, err := digest.ParseCredentials(parsed.Params.Get)
	if err != nil {
		return "", false
	}
	p := &c.server.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	return credentials.Username, p.digest.Check(req.Method, req.Host, credentials) == nil
}

// judgeNTLM takes a token of the client's. The handshake belongs to the connection; in its middle there is a
// token for the client.
func (c *proxyClient) judgeNTLM(value string) (token, user string, good bool) {
	in, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", "", false
	}
	if c.handshake == nil {
		allowed := c.server.config.Proxy
		host, _, _ := net.SplitHostPort(c.nc.LocalAddr().String())
		c.handshake = &ntlm.StreamServer{Server: &ntlm.Server{
			NetBIOSDomain: "PROXY", NetBIOSComputer: "PROXY", DNSComputer: host, Rand: c.server.config.Rand,
			Password: func(user, _ string) (string, bool) {
				return string(allowed.Password), strings.EqualFold(user, allowed.User)
			},
		}}
	}
	out, done, err := c.handshake.Step(context.Background(), in)
	if len(out) > 0 {
		return base64.StdEncoding.EncodeToString(out), "", false
	}
	c.handshake = nil
	if a, err := ntlm.ParseAuthenticate(in); err == nil {
		user = a.User
	}
	return "", user, done && err == nil
}

// schemes are those offered.
func (c *proxyClient) schemes() []string {
	if schemes := c.server.config.Proxy.Schemes; schemes != nil {
		return schemes
	}
	return []string{"Basic"}
}

// challenges are the lines that ask for credentials.
func (c *proxyClient) challenges() []string {
	var lines []string
	for _, scheme := range c.schemes() {
		switch strings.ToLower(scheme) {
		case "basic":
			lines = append(lines, `Proxy-Authenticate: Basic realm="proxy"`)
		case "digest":
			p := &c.server.proxy
			p.mu.Lock()
			all, err := p.digest.Challenges(false)
			p.mu.Unlock()
			if err != nil {
				c.server.log.Error("Config.Rand failed", "error", err)
			}
			for _, ch := range all {
				lines = append(lines, "Proxy-Authenticate: "+ch.String())
			}
		default: // NTLM, or what no client of ours has
			lines = append(lines, "Proxy-Authenticate: "+scheme)
		}
	}
	return lines
}
