package auth

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
)

// ticket asks the domain's web services for a web ticket.
func (d *domain) ticket(ctx context.Context) (assertion string, tested bool, err error) {
	base, _, _ := strings.Cut(d.server.STSURI, "/CertProv")
	return d.client.WebTicket(ctx, base+"/WebTicket/WebTicketService.svc", base+"/user")
}

func TestWebTicketFollowsTheSchemes(t *testing.T) {
	t.Setenv("KRB5CCNAME", "FILE:"+t.TempDir()+"/none")
	const none = "auth: neither name and password nor a Kerberos ticket is given"
	for name, test := range map[string]struct {
		schemes  []string
		client   func(*ClientConfig)
		kerberos bool   // is configured
		asked    int32  // passwords, of the web service
		failure  string // empty: there is a ticket
	}{
		"all":                      {nil, nil, false, 1, ""},
		"NTLM":                     {[]string{"ntlm"}, nil, false, 1, ""},
		"TLS-DSK":                  {[]string{"TLS-DSK"}, nil, false, 1, ""},
		"Digest":                   {[]string{"Digest"}, nil, false, 0, "a web service takes NTLM and Kerberos; the client may use Digest"},
		"Kerberos, not set up":     {[]string{"Kerberos"}, nil, false, 0, "the client may use Kerberos"},
		"Kerberos":                 {[]string{"Kerberos"}, nil, true, 0, "HTTP/127.0.0.1"},
		"NTLM, Kerberos set up":    {[]string{"NTLM"}, nil, true, 1, ""},
		"no password":              {nil, func(c *ClientConfig) { c.Password = Password{} }, false, 0, none},
		"a name and no password":   {nil, func(c *ClientConfig) { c.Password.Secret = "" }, true, 0, "kerberos: no ticket"},
		"a name, for NTLM":         {[]string{"NTLM"}, func(c *ClientConfig) { c.Password.Secret = "" }, true, 0, none},
		"the address is not known": {nil, func(c *ClientConfig) { c.Certificates.Address = "" }, false, 0, "the address is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDomain(t, nil)
			_, asked := d.provision(t)
			if !test.kerberos {
				d.client.Kerberos = nil
			}
			d.client.Schemes = test.schemes
			if test.client != nil {
				test.client(&d.client)
			}
			assertion, tested, err := d.ticket(t.Context())
			require.Equal(t, test.asked, asked.Load())
			if test.failure == "" {
				require.NoError(t, err)
				require.Contains(t, assertion, "alice@ocs.test")
				require.True(t, tested)
				return
			}
			require.ErrorContains(t, err, test.failure)
			require.Empty(t, assertion)
			require.Equal(t, name == "Kerberos", tested, "by the KDC")
		})
	}
}

func TestWebTicketForARejectedPassword(t *testing.T) {
	for name, byKDC := range map[string]bool{"by the service": false, "by the KDC": true} {
		t.Run(name, func(t *testing.T) {
			d := newDomain(t, nil)
			_, asked := d.provision(t)
			if !byKDC {
				d.client.Kerberos = nil
			}
			d.client.Password.Secret = "wrong"
			_, tested, err := d.ticket(t.Context())
			requireCause(t, ocserr.CausePasswordRejected, err)
			require.ErrorIs(t, err, ocserr.InvalidPassword)
			require.True(t, tested)
			require.LessOrEqual(t, asked.Load(), int32(1))
			require.NotContains(t, err.Error(), "wrong.")
		})
	}
}

// A KDC that gives a ticket, or knows no such service, has judged the password before.
func TestWebTicketSaysThatTheKDCTestedThePassword(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*kerberos.Client)
		want   bool
	}{
		"password": {func(*kerberos.Client) {}, true},
		"keytab":   {func(c *kerberos.Client) { c.Keytab, c.User = new(kerberos.Keytab), "alice" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDomain(t, nil)
			d.provision(t)
			test.change(d.client.Kerberos)
			d.client.Schemes = []string{Kerberos}
			_, tested, err := d.ticket(t.Context())
			require.Error(t, err, "the web service knows no Kerberos")
			require.Equal(t, test.want, tested)
		})
	}
}
