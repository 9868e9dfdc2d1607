package kerberos

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// principal is a name in a realm.
type principal struct {
	name  types.PrincipalName
	realm string
}

// String returns the usual spelling: name@REALM.
func (p principal) String() string { return p.name.PrincipalNameString() + "@" + p.realm }

func (p principal) equal(q principal) bool { return p.realm == q.realm && p.name.Equal(q.name) }

// ticketGranting is the name of the ticket-granting service for a realm.
func ticketGranting(realm string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}}
}

// grants returns the realm for which a ticket with this name is ticket-granting; "" if it is not.
func grants(name types.PrincipalName) string {
	if len(name.NameString) == 2 && name.NameString[0] == "krbtgt" {
		return name.NameString[1]
	}
	return ""
}

// parseUser turns a sign-in name into a principal:
//
//	name@domain          name in the realm DOMAIN
//	DOMAIN\name          name in the realm DOMAIN; if that is the first label of the default realm, in that one
//	name                 name in the default realm
//	name@domain@REALM    the enterprise name name@domain (RFC 6806 5) in REALM; name\@domain@REALM too
//
// Realms of the first two are in upper case, as every Windows realm is. A name with slashes has several
// components.
func parseUser(user, defaultRealm string) (principal, error) {
	spelled := user
	user = strings.ReplaceAll(user, `\@`, "@")
	var realm string
	nameType := nametype.KRB_NT_PRINCIPAL
	if domain, name, ok := strings.Cut(user, `\`); ok {
		user, realm = name, strings.ToUpper(domain)
		if label, _, _ := strings.Cut(defaultRealm, "."); strings.EqualFold(label, realm) {
			realm = defaultRealm
		}
	} else if i := strings.LastIndexByte(user, '@'); i >= 0 {
		user, realm = user[:i], user[i+1:]
		if strings.Contains(user, "@") {
			nameType = nametype.KRB_NT_ENTERPRISE
		} else {
			realm = strings.ToUpper(realm)
		}
	} else {
		realm = defaultRealm
	}
	components := []string{user}
	if nameType == nametype.KRB_NT_PRINCIPAL {
		components = strings.Split(user, "/")
	}
	switch {
	case user == "":
		return principal{}, &Error{Kind: KindConfig, Err: fmt.Errorf("no user name in %q", spelled)}
	case realm == "":
		return principal{}, &Error{Kind: KindConfig, Err: fmt.Errorf("no realm for %q: neither the name nor krb5.conf has one", spelled)}
	}
	return principal{types.PrincipalName{NameType: nameType, NameString: components}, realm}, nil
}

// parseTarget parses a service principal without realm: "sip/server.contoso.com".
func parseTarget(target string) (types.PrincipalName, error) {
	service, host, ok := strings.Cut(target, "/")
	if !ok || service == "" || host == "" || strings.ContainsAny(host, "/@") {
		return types.PrincipalName{}, &Error{Kind: KindConfig, Err: errors.New(`the target must be "service/host", not ` + fmt.Sprintf("%q", target))}
	}
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_HST, NameString: []string{service, host}}, nil
}
