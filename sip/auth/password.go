package auth

import (
	"fmt"
	"strings"
)

// Secret is a password. Every print, log and encoding of it shows *** and no more; string(s) is the way to
// the text itself. fmt does not ask the unexported fields of a struct how they want to be printed, so a
// struct that keeps a Secret in one must keep it behind a pointer, which fmt does not follow there.
type Secret string

// Format writes *** whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// MarshalText is for encoding/json, log/slog and their like.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Password is a user's name and password.
type Password struct {
	User   string // DOMAIN\name, name@domain or name
	Secret Secret
}

// SplitUser takes a login name apart as Communicator does: the domain is what stands before the first
// backslash or slash. A name without either is used whole, also name@domain. The sequence \@ marks an
// enterprise name: it becomes @ and there is no domain.
func SplitUser(login string) (user, domain string) {
	if strings.Contains(login, `\@`) {
		return strings.Replace(login, `\@`, "@", 1), ""
	}
	if i := strings.IndexAny(login, `\/`); i >= 0 {
		return login[i+1:], login[:i]
	}
	return login, ""
}
