// Package status is the client's own state as the Office Communicator 2007 Automation API shows it:
// the MISTATUS values, their mapping to presence availability, and the events that announce them.
//
//   - status.go: the values, their names, Parse;
//   - availability.go: the mapping to and from the numbers of MS-PRES;
//   - next.go: the state machine, a pure function from state and Fact to state and events;
//   - log.go: the ordered log from which any number of readers take the events.
package status

import (
	"fmt"
	"strconv"
	"strings"
)

// Status is a MISTATUS: the state of the local client. Every state that counts as signed in has bit
// 0x2 set; the Local values are plain numbers and no combination of flags.
type Status int32

// The values of MISTATUS (Communicator SDK header).
const (
	Unknown                  Status = 0x0000
	Offline                  Status = 0x0001
	Online                   Status = 0x0002
	Invisible                Status = 0x0006
	Busy                     Status = 0x000A
	BeRightBack              Status = 0x000E
	Idle                     Status = 0x0012
	Away                     Status = 0x0022
	OnThePhone               Status = 0x0032
	OutToLunch               Status = 0x0042
	InAMeeting               Status = 0x0052
	OutOfOffice              Status = 0x0062
	DoNotDisturb             Status = 0x0072
	InAConference            Status = 0x0082
	AllowUrgentInterruptions Status = 0x0092
	MayBeAvailable           Status = 0x00A2
	Custom                   Status = 0x00B2

	FindingServer Status = 0x0100 // MISTATUS_LOCAL_FINDING_SERVER: looking for the server
	Connecting    Status = 0x0200 // MISTATUS_LOCAL_CONNECTING_TO_SERVER: until the server answers the sign-in
	Synchronizing Status = 0x0300 // MISTATUS_LOCAL_SYNCHRONIZING_WITH_SERVER: accepted, not yet ready
	Disconnecting Status = 0x0400 // MISTATUS_LOCAL_DISCONNECTING_FROM_SERVER: until the server answers the sign-out
)

const prefix = "MISTATUS_"

// names holds every value with its name after the prefix, in the order of the values. Read only.
var names = [...]struct {
	status Status
	name   string
}{
	{Unknown, "UNKNOWN"},
	{Offline, "OFFLINE"},
	{Online, "ONLINE"},
	{Invisible, "INVISIBLE"},
	{Busy, "BUSY"},
	{BeRightBack, "BE_RIGHT_BACK"},
	{Idle, "IDLE"},
	{Away, "AWAY"},
	{OnThePhone, "ON_THE_PHONE"},
	{OutToLunch, "OUT_TO_LUNCH"},
	{InAMeeting, "IN_A_MEETING"},
	{OutOfOffice, "OUT_OF_OFFICE"},
	{DoNotDisturb, "DO_NOT_DISTURB"},
	{InAConference, "IN_A_CONFERENCE"},
	{AllowUrgentInterruptions, "ALLOW_URGENT_INTERRUPTIONS"},
	{MayBeAvailable, "MAY_BE_AVAILABLE"},
	{Custom, "CUSTOM"},
	{FindingServer, "LOCAL_FINDING_SERVER"},
	{Connecting, "LOCAL_CONNECTING_TO_SERVER"},
	{Synchronizing, "LOCAL_SYNCHRONIZING_WITH_SERVER"},
	{Disconnecting, "LOCAL_DISCONNECTING_FROM_SERVER"},
}

// All returns every value of MISTATUS in ascending order.
func All() []Status {
	all := make([]Status, len(names))
	for i, n := range names {
		all[i] = n.status
	}
	return all
}

// String returns the name in the SDK header, "MISTATUS_BUSY", or "MISTATUS(0x123)" for a value that
// it does not have.
func (s Status) String() string {
	for _, n := range names {
		if n.status == s {
			return prefix + n.name
		}
	}
	return fmt.Sprintf("MISTATUS(0x%X)", uint32(s))
}

// Online reports whether s is a state of a signed-in client that is ready: bit 0x2 is set and s is
// no Local value.
func (s Status) Online() bool { return s > 0 && s < FindingServer && s&Online != 0 }

// Local reports whether s describes the local client on its way (MISTATUS_LOCAL_*); no contact ever
// has such a state.
func (s Status) Local() bool {
	return s == FindingServer || s == Connecting || s == Synchronizing || s == Disconnecting
}

// Settable reports whether a user may set s: the states of Communicator 2007's own menu. The others
// are automatic, local, or come from calendar and calls.
func (s Status) Settable() bool {
	switch s {
	case Online, Invisible, Busy, BeRightBack, Away, DoNotDisturb:
		return true
	}
	return false
}

// Parse reads a status as people write it: the header's name (MISTATUS_BUSY), the same without
// MISTATUS_ or LOCAL_ in either case and with hyphens or underscores (busy, be-right-back), or the
// value in decimal or hexadecimal (10, 0xA). Only known values are accepted.
func Parse(s string) (Status, error) {
	text := strings.TrimSpace(s)
	name := strings.TrimPrefix(strings.ReplaceAll(strings.ToUpper(text), "-", "_"), prefix)
	value, err := strconv.ParseInt(text, 0, 32)
	for _, n := range names {
		if name == n.name || "LOCAL_"+name == n.name || err == nil && Status(value) == n.status {
			return n.status, nil
		}
	}
	return Unknown, fmt.Errorf("unknown status %q: want a name such as busy or MISTATUS_BUSY, or its value", s)
}

// MarshalText writes the name, for JSON and flags.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what Parse reads.
func (s *Status) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err == nil {
		*s = v
	}
	return err
}
