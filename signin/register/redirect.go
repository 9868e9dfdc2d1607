package register

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// Redirect is the answer of a server that another one, the user's home server, is the one to register at:
// 301 or 302 with a Contact (MS-SIPREGE 3.2, RFC 3261 21.3.2). It is an error of Register.
type Redirect struct {
	Status    int    // 301 or 302
	Contact   string // the URI of the first Contact, as received
	Server    string // its host, or host:port where it names a port
	Transport string // "tls", also where it names none, or "tcp"
}

// Error returns one line.
func (r *Redirect) Error() string {
	return fmt.Sprintf("register: %d: the server redirects to %q", r.Status, r.Contact)
}

// redirection reads a 301 or 302. The error is a *Redirect, or an *ocserr.Error with the cause "redirect-invalid" where
// no Contact says where to go.
func redirection(res *sip.Response) error {
	r := &Redirect{Status: res.StatusCode}
	contacts, err := sip.ParseNameAddrs(sip.Values(res, "Contact")...)
	if err == nil && len(contacts) == 0 {
		err = errors.New("there is no Contact")
	}
	if err == nil {
		r.Contact = contacts[0].URI
		r.Server, r.Transport, err = target(r.Contact)
	}
	if err != nil {
		e := sip.StatusError(res, false)
		e.Err = fmt.Errorf("SIP status %d: %w", res.StatusCode, err)
		return e
	}
	return r
}

// target reads server and transport out of a SIP URI (RFC 3261 19.1.1). Sips with transport=tcp is TLS over TCP (26.2.2).
func target(uri string) (server, transport string, err error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	transport = "tls"
	if !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		return "", "", fmt.Errorf("the Contact %s is no SIP address", strconv.Quote(uri))
	}
	rest, _, _ = strings.Cut(rest, "?")
	server, params, _ := strings.Cut(rest, ";")
	if i := strings.LastIndexByte(server, '@'); i >= 0 {
		server = server[i+1:]
	}
	for param := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(param, "="); strings.EqualFold(strings.TrimSpace(name), "transport") {
			transport = strings.ToLower(strings.TrimSpace(value))
		}
	}
	if transport == "tcp" && strings.EqualFold(scheme, "sips") {
		transport = "tls"
	}
	if transport != "tls" && transport != "tcp" {
		return "", "", fmt.Errorf("the Contact %s names no transport that is used here", strconv.Quote(uri))
	}
	if server == "" {
		return "", "", fmt.Errorf("the Contact %s names no server", strconv.Quote(uri))
	}
	return server, transport, nil
}
