package cases

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
)

// adding is our engine whose requests over TCP have another header as long as nobody signs them.
func adding(header func(s conformance.Settings) string) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		line := []byte("\r\n" + header(s) + "\r\nContent-Length:")
		return rewiring(nil, func(b []byte) []byte {
			if bytes.HasPrefix(b, []byte("REGISTER ")) && !bytes.Contains(b, []byte("Authorization:")) {
				b = bytes.Replace(b, []byte("\r\nContent-Length:"), line, 1)
			}
			return b
		})(ctx, s, tell)
	}
}

// blurting is our engine whose events say more than they should.
func blurting(blurt func(s conformance.Settings, e *conformance.Event)) conformance.Client {
	return func(ctx context.Context, s conformance.Settings, tell func(conformance.Event)) (*signin.Report, error) {
		return conformance.Engine(ctx, s, func(e conformance.Event) {
			if !e.HR.Success() {
				blurt(s, &e)
			}
			tell(e)
		})
	}
}

// proxyLogin is our engine that shows proxies of a kind the user's password.
func proxyLogin(kind string) conformance.Client {
	return set(func(s *conformance.Settings) {
		scheme, rest, _ := strings.Cut(s.Proxy, "://")
		if _, address, ok := strings.Cut(rest, "@"); ok && scheme == kind {
			s.Proxy = scheme + "://alice:" + s.Password + "@" + address
		}
	})
}

// secretMutants show a password.
func secretMutants() []mutant {
	const hidden = "rob/secrets-never-visible"
	return []mutant{
		{name: "password-on-the-wire", does: "a header carries the password", caught: hidden, client: set(func(s *conformance.Settings) { s.UserAgent = "agent/" + s.Password })},
		{name: "basic-to-server", does: "REGISTER carries Authorization: Basic", caught: hidden, client: adding(func(s conformance.Settings) string {
			return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+s.Password))
		})},
		{name: "digest-with-password", does: "REGISTER carries the password itself in the parameter password", caught: hidden, client: adding(func(s conformance.Settings) string {
			return `Authorization: Digest username="alice", realm="r", nonce="n", uri="sip:ocs.test", password="` + s.Password + `"`
		})},
		{name: "password-in-hexadecimal", does: "REGISTER carries the password in hexadecimal digits", caught: hidden, client: adding(func(s conformance.Settings) string {
			return "X-Proof: " + hex.EncodeToString([]byte(s.Password))
		})},
		{name: "users-password-to-http-proxy", does: "the proxy is shown the user's password", caught: "proxy/connect-407-refused", client: proxyLogin("http")},
		{name: "users-password-to-socks-proxy", does: "the proxy is shown the user's password", caught: "proxy/rejected-once", client: proxyLogin("socks5")},
		{name: "password-in-error", does: "the error text quotes the password", caught: "auth/bad-password", client: blurting(func(s conformance.Settings, e *conformance.Event) { e.Text = "rejected: " + s.Password })},
		{name: "odd-password-in-error", does: "the error text quotes a password with signs that JSON writes otherwise", caught: hidden, client: blurting(func(s conformance.Settings, e *conformance.Event) {
			e.Text = "rejected: " + s.Password
		})},
		{name: "encoded-password-in-error", does: "the error text has the URL of the log-on", caught: hidden, client: blurting(func(s conformance.Settings, e *conformance.Event) {
			e.Text = (&url.URL{Scheme: "sip", Host: "ocs.test", User: url.UserPassword("alice", s.Password)}).String()
		})},
		{name: "password-in-stage", does: "the stage quotes the password", caught: "auth/bad-password", client: blurting(func(s conformance.Settings, e *conformance.Event) { e.Stage += ocserr.Stage(s.Password) })},
		{name: "password-in-failure", does: "the program cannot run, and quotes its settings", caught: hidden, client: func(_ context.Context, s conformance.Settings, _ func(conformance.Event)) (*signin.Report, error) {
			s.CA, s.Network, s.Transcript = "", nil, nil
			return nil, errors.New("cannot run with " + fmt.Sprint(s))
		}},
		{name: "proxy-password-shown", does: "the error quotes the proxy's URL with its password", caught: "proxy/no-password-in-report", client: blurting(func(s conformance.Settings, e *conformance.Event) { e.Text += " via " + s.Proxy })},
	}
}
