package register

import (
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestRedirectionSaysWhereToGo(t *testing.T) {
	for contact, want := range map[string]Redirect{
		"<sip:home.example.test:5061;transport=tls>":           {301, "sip:home.example.test:5061;transport=tls", "home.example.test:5061", "tls"},
		"<sip:home.example.test>":                              {301, "sip:home.example.test", "home.example.test", "tls"},
		"<SIP:home.example.test;Transport=TCP>;expires=60":     {301, "SIP:home.example.test;Transport=TCP", "home.example.test", "tcp"},
		"sips:alice@home.example.test:443?Subject=x":           {301, "sips:alice@home.example.test:443?Subject=x", "home.example.test:443", "tls"},
		"<sips:home.example.test;transport=tcp>":               {301, "sips:home.example.test;transport=tcp", "home.example.test", "tls"},
		"<sip:[2001:db8::1]:5061>":                             {301, "sip:[2001:db8::1]:5061", "[2001:db8::1]:5061", "tls"},
		"<sip:a.example.test>, <sip:b.example.test>":           {301, "sip:a.example.test", "a.example.test", "tls"},
		`"Home" <sip:home.example.test;maddr=x;transport=tls>`: {301, "sip:home.example.test;maddr=x;transport=tls", "home.example.test", "tls"},
	} {
		var r *Redirect
		require.ErrorAs(t, redirection(response(t, "SIP/2.0 301 Redirect request to Home Server", "Contact: "+contact)), &r, contact)
		require.Equal(t, want, *r)
	}
}

func TestRedirectionToNowhereIsInvalid(t *testing.T) {
	for _, header := range []string{
		"X: y", "Contact: *", "Contact: <tel:+1>", "Contact: <sip:>", "Contact: <sip:alice@>", `Contact: "x`,
		"Contact: <sip:home.example.test;transport=udp>", "Contact: <sips:home.example.test;transport=udp>",
	} {
		var e *ocserr.Error
		require.ErrorAs(t, redirection(response(t, "SIP/2.0 302 Moved", header)), &e, header)
		require.Equal(t, ocserr.CauseRedirectInvalid, e.Cause, header)
		require.Equal(t, 302, e.Status)
	}
}

// FuzzRedirection reads any Contact without harm.
func FuzzRedirection(f *testing.F) {
	f.Add("<sip:home.example.test:5061;transport=tls>")
	f.Add("sips:alice@[::1]:443?x")
	f.Fuzz(func(t *testing.T, contact string) {
		if server, transport, err := target(contact); err == nil {
			require.NotEmpty(t, server)
			require.Contains(t, []string{"tls", "tcp"}, transport)
		}
	})
}
