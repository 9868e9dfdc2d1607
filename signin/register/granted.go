package register

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

// defaultExpires holds where a registrar's 200 names no expiry (RFC 3261 10.2.1.1).
const defaultExpires = time.Hour

// Granted is what a 200 to REGISTER grants and says about the server (MS-SIPREGE 3.1.1.5.1).
type Granted struct {
	Expires    time.Duration    // of the binding, from now
	Contact    string           // Contact for every later request: the GRUU in brackets, else our address
	GRUU       string           // without brackets; empty where the server has none
	Events     []string         // Allow-Events, what may be subscribed to
	Categories bool             // Supported: msrtc-event-categories, the presence model of OCS 2007 and later
	KeepAlive  time.Duration    // interval asked for by ms-keep-alive; 0: none
	Server     string           // Server header, e.g. "RTC/3.5"
	RemoteUser bool             // connected through an Edge (ms-user-logon-data)
	Action     string           // presence-state register-action: "added", "refreshed", "fixed" or empty
	Warnings   []ocserr.Warning // version filter's advice: 312, 313, 314 on a success

	renewIn time.Duration // until the security association must be renewed; 0: there is none
}

// readGranted reads a 200. The binding of this endpoint is told from others by its instance, whatever the
// case; a plain registrar that echoes no instance is read by its first Contact.
func readGranted(res *sip.Response, e *Endpoint) (Granted, error) {
	g := Granted{
		Contact:    e.plainContact(),
		Expires:    defaultExpires,
		Server:     sip.Value(res, "Server"),
		Events:     tokens(sip.Values(res, "Allow-Events")),
		RemoteUser: strings.EqualFold(sip.Value(res, "ms-user-logon-data"), "RemoteUser"),
		Warnings:   sip.Warnings(res),
	}
	for _, tag := range tokens(sip.Values(res, "Supported")) {
		g.Categories = g.Categories || strings.EqualFold(tag, "msrtc-event-categories")
	}
	if d, ok := sip.KeepAlive(res); ok {
		g.KeepAlive = d
	}
	if c, err := sip.ParseCredentials("x " + sip.Value(res, "presence-state")); err == nil {
		g.Action, _ = c.Params.Get("register-action")
	}
	own, found := ownContact(res, e)
	if gruu, ok := own.Params.Get("gruu"); ok && found {
		g.Contact = "<" + gruu + ">"
		g.GRUU = g.Contact[1 : len(g.Contact)-1]
	}
	expires := sip.Value(res, "Expires")
	if v, ok := own.Params.Get("expires"); ok && (found || expires == "") {
		expires = v
	}
	if seconds, ok := deltaSeconds(expires); ok {
		g.Expires = seconds
	}
	if g.Expires == 0 {
		return g, ocserr.New(ocserr.CauseRegistrationNotMade, fmt.Errorf("the server accepted REGISTER but granted expiry %q", expires))
	}
	return g, nil
}

// deltaSeconds reads a number of seconds up to 2^32-1 (RFC 3261 20.19). What is not such is no number: it counts as
// absent (RFC 3261 20.10).
func deltaSeconds(text string) (time.Duration, bool) {
	seconds, err := strconv.ParseUint(text, 10, 32)
	return time.Duration(seconds) * time.Second, err == nil
}

// ownContact finds this endpoint's binding among the Contacts of a 200.
func ownContact(res *sip.Response, e *Endpoint) (own sip.NameAddr, found bool) {
	contacts, err := sip.ParseNameAddrs(sip.Values(res, "Contact")...)
	if err != nil || len(contacts) == 0 {
		return sip.NameAddr{}, false
	}
	instance := "<urn:uuid:" + InstanceID(e.Epid) + ">"
	for _, c := range contacts {
		if v, _ := c.Params.Get("+sip.instance"); strings.EqualFold(v, instance) {
			return c, true
		}
	}
	for _, c := range contacts {
		if strings.Contains(c.URI, hostport(e.Local)) {
			return c, true
		}
	}
	return contacts[0], false
}

// tokens splits comma-separated header lines; blanks around a token do not count.
func tokens(lines []string) []string {
	var out []string
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}
