package signin

import (
	"fmt"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// ServerCheck says which servers are accepted by the product version in their Server header. Communicator 2007
// had this check with the policies DisableServerCheck and ConfiguredServerCheckValues.
type ServerCheck string

const (
	// ServerCheckOld refuses servers known to be older than OCS 2007: they have another presence model.
	ServerCheckOld ServerCheck = ""
	// ServerCheckStrict accepts the servers of Communicator 2007's line alone: RTC/3.0 (OCS 2007), RTC/3.5 (2007 R2) and
	// RTC/4.0 (Lync Server 2010), as MS-SIPREGE 2.2.1.9 lists them, and those of Config.AcceptedServers.
	ServerCheckStrict ServerCheck = "strict"
	// ServerCheckOff accepts every server.
	ServerCheckOff ServerCheck = "off"
)

// checkServer judges the Server header of the server that accepted the registration.
func (c *Config) checkServer(server string) error {
	product, _, _ := strings.Cut(server, " ")
	is := func(name string) bool { return strings.EqualFold(product, name) || strings.EqualFold(server, name) }
	refused := false
	switch c.ServerCheck {
	case ServerCheckOld:
		refused = slices.ContainsFunc([]string{"RTC/1.", "RTC/2."}, func(old string) bool {
			return len(product) >= len(old) && strings.EqualFold(product[:len(old)], old)
		})
	case ServerCheckStrict:
		refused = !slices.ContainsFunc([]string{"RTC/3.0", "RTC/3.5", "RTC/4.0"}, is)
	}
	if !refused || slices.ContainsFunc(c.AcceptedServers, is) {
		return nil
	}
	return ocserr.New(ocserr.CauseServerVersionRefused, fmt.Errorf("the server calls itself %q", server))
}
