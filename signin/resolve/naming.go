package resolve

import (
	"fmt"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Naming says which names servers may have that DNS, autodiscover or a redirect name for a SIP domain.
// The certificate proves no more than that the server has the name; who can forge a DNS answer can give
// one for which he has a certificate. Communicator's policy EnableStrictDNSNaming chooses between the
// last two, and its name reads the opposite of what it does: unset or disabled it is NamingStrict, enabled
// NamingDomain. Like it, Discover applies a Naming to servers reached over TLS; the host names that it
// makes from the domain itself, and a server that the user named, need not pass.
type Naming string

// The policies on names.
const (
	// NamingAny allows every name.
	NamingAny Naming = ""
	// NamingDomain allows the SIP domain and every name below it.
	NamingDomain Naming = "domain"
	// NamingStrict allows the SIP domain and "sip." before it.
	NamingStrict Naming = "strict"
)

// Check tells whether a server of this name may serve a SIP domain. The error is an *ocserr.Error
// "strict-naming-refused" of discovery; a redirect's belongs to the stage register: see ocserr.Error.At. A
// Naming that is none of the three is taken for NamingStrict.
func (n Naming) Check(domain, host string) error {
	if err := n.refusal(domain, host); err != nil {
		return ocserr.New(ocserr.CauseStrictNamingRefused, err)
	}
	return nil
}

// judge refuses a target whose name is not allowed.
func (n Naming) judge(domain string, t *target) {
	if err := n.refusal(domain, t.host); err != nil {
		t.refuse(ocserr.CauseStrictNamingRefused, err.Error())
	}
}

// refusal is what is wrong with the name of a server, or nil.
func (n Naming) refusal(domain, host string) error {
	if ascii, err := hostname(domain); err == nil {
		domain = ascii
	}
	domain, host = fold(domain), fold(host)
	allowed := fmt.Sprintf("%s and sip.%s", domain, domain)
	if n == NamingDomain {
		allowed = fmt.Sprintf("%s and the names below it", domain)
	}
	switch {
	case n == NamingAny, host == domain, host == "sip."+domain, n == NamingDomain && strings.HasSuffix(host, "."+domain):
		return nil
	}
	return fmt.Errorf("%q may not serve %q: allowed are %s", host, domain, allowed)
}
