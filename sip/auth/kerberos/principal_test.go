package kerberos

import (
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/stretchr/testify/require"
)

func TestSignInNamesBecomePrincipals(t *testing.T) {
	const defaultRealm = "CONTOSO.COM"
	for user, want := range map[string]struct {
		principal string
		nameType  int32
	}{
		`alice@ocs.test`:                       {"alice@OCS.TEST", nametype.KRB_NT_PRINCIPAL},
		`OCS.test\alice`:                       {"alice@OCS.TEST", nametype.KRB_NT_PRINCIPAL},
		`ocs\alice`:                            {"alice@OCS", nametype.KRB_NT_PRINCIPAL},
		`Contoso\alice`:                        {"alice@CONTOSO.COM", nametype.KRB_NT_PRINCIPAL},
		`alice`:                                {"alice@CONTOSO.COM", nametype.KRB_NT_PRINCIPAL},
		`alice/admin`:                          {"alice/admin@CONTOSO.COM", nametype.KRB_NT_PRINCIPAL},
		`Müller@contoso.com`:                   {"Müller@CONTOSO.COM", nametype.KRB_NT_PRINCIPAL},
		`alice@partner.test@corp.contoso.com`:  {"alice@partner.test@corp.contoso.com", nametype.KRB_NT_ENTERPRISE},
		`alice\@partner.test@CORP.CONTOSO.COM`: {"alice@partner.test@CORP.CONTOSO.COM", nametype.KRB_NT_ENTERPRISE},
	} {
		p, err := parseUser(user, defaultRealm)
		require.NoError(t, err, user)
		require.Equal(t, want.principal, p.String(), user)
		require.Equal(t, want.nameType, p.name.NameType, user)
	}
}

func TestEnterpriseNameIsOneComponent(t *testing.T) {
	p, err := parseUser("a/b@partner.test@CONTOSO.COM", "")
	require.NoError(t, err)
	require.Equal(t, []string{"a/b@partner.test"}, p.name.NameString)
	p, err = parseUser("a/b@CONTOSO.COM", "")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, p.name.NameString)
}

func TestSignInNamesWithoutUserOrRealmAreRefused(t *testing.T) {
	for _, user := range []string{"", "alice", "alice@", `\alice`, "@ocs.test", `OCS\`} {
		_, err := parseUser(user, "")
		requireKind(t, KindConfig, err)
	}
}
