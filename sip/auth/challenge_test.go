package auth

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

func TestOffers(t *testing.T) {
	res := challenge(t, 401,
		`NTLM realm="SIP Communications Service", targetname="LYNC2013-SERVER.lync.loc", version=4`,
		`kerberos realm="SIP Communications Service", targetname="sip/LYNC2013-SERVER.lync.loc", version="4"`,
		`TLS-DSK  targetname="a", realm="b,c=d" , version=4,sts-uri="https://a:443/CertProv/CertProvisioningService.svc"`,
		`Digest realm="x", nonce="5UImQA=="`,
		`no good`,
		``,
	)
	sip.Add(res, "Proxy-Authenticate", `NTLM realm="not asked", targetname="t"`)
	all := offers(res)
	require.Equal(t, []string{NTLM, Kerberos, TLSDSK, Digest, "no"}, addSchemes(nil, all))
	require.Equal(t, "LYNC2013-SERVER.lync.loc", all[0].get("targetname"))
	require.Equal(t, "4", all[1].get("version"))
	require.Equal(t, "b,c=d", all[2].get("realm"))
	require.Equal(t, "5UImQA==", all[3].get("nonce"))

	proxy := challenge(t, 407, `NTLM realm="r", targetname="t"`)
	require.Equal(t, "r", offers(proxy)[0].get("realm"))
}

func TestSchemesAreInOrderOfPreference(t *testing.T) {
	require.Equal(t, []string{TLSDSK, Kerberos, NTLM, Digest}, Schemes())
}

// Whatever a server challenges with, the client answers or gives an error with a cause, and shows the server
// nothing but what the scheme wants.
func FuzzChallenge(f *testing.F) {
	f.Add(401, `NTLM realm="SIP Communications Service", targetname="sim.example.test", version=4`, transcriptChallenge(f, 3))
	f.Add(407, `NTLM opaque="5DC4E980", gssapi-data="", targetname="t", realm="r", version="3"`, `NTLM gssapi-data="TlRMTVNTUAACAAAA", targetname="t", realm="r"`)
	f.Add(401, `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`, `Digest realm="a", nonce="b", stale=TRUE, algorithm=SHA-512-256-sess`)
	f.Add(401, `TLS-DSK realm="\"", targetname=`, `,,,=`)
	f.Fuzz(func(t *testing.T, status int, first, second string) {
		if status != 407 {
			status = 401
		}
		w := newWire(t, config(nil))
		c := NewClient(ClientConfig{Password: Password{User: "alice", Secret: hunter}, Hostname: "vm"})
		for _, value := range []string{first, second, second, first} {
			req := w.request("REGISTER")
			require.NoError(t, c.Sign(req))
			require.NotContains(t, string(sip.Bytes(req)), hunter)
			res := sip.NewResponse(req, status, "")
			sip.Add(res, headersOf(status).challenge, value)
			err := c.Challenge(ctx, res)
			if err != nil {
				var e *ocserr.Error
				require.ErrorAs(t, err, &e)
				require.True(t, slices.Contains([]ocserr.Cause{
					ocserr.CausePasswordRejected, ocserr.CauseNoCommonScheme, ocserr.CauseBadChallenge, ocserr.CauseSchemeFailed,
				}, e.Cause), e.Cause)
				require.NotContains(t, err.Error(), hunter)
			}
			_ = c.Verify(res)
		}
	})
}

func transcriptChallenge(t testing.TB, i int) string {
	return sip.Value(parse(t, transcript[i]), "WWW-Authenticate")
}
