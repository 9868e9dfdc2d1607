package register

import (
	"errors"
	"fmt"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

// Removal reads a server's notice that the registration is over: NOTIFY or BENOTIFY with Event
// registration-notify and a body "deregistered;event=X" (MS-SIPREGE 3.1.1, 4.1.3). ok is false for every
// other request, and for a notice that leaves the endpoint registered.
func Removal(req *sip.Request) (reason *ocserr.Error, ok bool) {
	if !strings.EqualFold(sip.Value(req, "Event"), "registration-notify") {
		return nil, false
	}
	state, event, _ := strings.Cut(strings.TrimSpace(string(req.Body())), ";")
	if !strings.EqualFold(strings.TrimSpace(state), "deregistered") {
		return nil, false
	}
	_, event, _ = strings.Cut(event, "=")
	event = strings.TrimSpace(event)
	cause := ocserr.CauseRemovedByServer
	switch strings.ToLower(event) {
	case "unregistered":
		cause = ocserr.CauseRemovedUnregistered
	case "rejected":
		cause = ocserr.CauseRemovedRejected
	case "deactivated":
		cause = ocserr.CauseRemovedDeactivated
	}
	diagnostics := sip.Diagnostics(req)
	text := fmt.Sprintf("the server ended the registration: %s", event)
	if len(diagnostics) > 0 && diagnostics[0].Reason != "" {
		text += fmt.Sprintf(" (%s)", diagnostics[0].Reason)
	}
	reason = ocserr.New(cause, errors.New(text))
	reason.Diagnostics = diagnostics
	return reason, true
}
