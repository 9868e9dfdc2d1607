package cases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
)

// check makes a conformance.Check.
func check(name string, of func(*conformance.Record) string) conformance.Check {
	return conformance.Check{Name: name, Of: of}
}

// notAsked: no question of these types was sent to DNS.
func notAsked(qtypes ...string) conformance.Check {
	return check("no "+strings.Join(qtypes, " or ")+" query", func(r *conformance.Record) string {
		for _, q := range r.Queries("") {
			if slices.Contains(qtypes, q.Type) {
				return fmt.Sprintf("%s %s was asked", q.Type, q.Name)
			}
		}
		return ""
	})
}

// asked: DNS was asked for a name and type.
func asked(qtype, name string) conformance.Check {
	return check(qtype+" "+name+" asked", func(r *conformance.Record) string {
		for _, q := range r.Queries(qtype) {
			if strings.EqualFold(strings.TrimSuffix(q.Name, "."), name) {
				return ""
			}
		}
		return "it was not"
	})
}

// noConnection: no server was connected to.
var noConnection = check("no connection attempted", func(r *conformance.Record) string {
	if n := len(r.Of(server.KindConnect)); n > 0 {
		return strconv.Itoa(n) + " were"
	}
	return ""
})

// sni: every TLS handshake asked for a host name.
func sni(name string) conformance.Check {
	return check("SNI is "+name, func(r *conformance.Record) string {
		handshakes := r.Of(server.KindTLS)
		for _, h := range handshakes {
			if h.Name != name {
				return fmt.Sprintf("it was %q", h.Name)
			}
		}
		if len(handshakes) == 0 {
			return "there was no handshake"
		}
		return ""
	})
}

// onlyTLS: no connection in clear was attempted.
var onlyTLS = check("no connection in clear TCP", func(r *conformance.Record) string {
	for _, c := range r.Of(server.KindConnect) {
		if c.Transport != "tls" {
			return "there was one"
		}
	}
	return ""
})

// registers: the client sent at least this many REGISTERs, and at most so many.
func registers(least, most int) conformance.Check {
	name := fmt.Sprintf("%d to %d REGISTERs", least, most)
	if least == most {
		name = fmt.Sprintf("%d REGISTERs", least)
	}
	return check(name, func(r *conformance.Record) string {
		if n := len(r.Requests("REGISTER")); n < least || n > most {
			return fmt.Sprintf("there were %d", n)
		}
		return ""
	})
}

// rejected: so many proofs of a password were rejected in all.
func rejected(n int) conformance.Check {
	return check(fmt.Sprintf("%d rejected log-ons at the server", n), func(r *conformance.Record) string {
		if got := len(r.Of(server.KindRejected)); got != n {
			return fmt.Sprintf("there were %d", got)
		}
		return ""
	})
}

// removalSent: the last REGISTER ends the registration.
var removalSent = check("the last REGISTER has Expires 0", func(r *conformance.Record) string {
	sent := r.Requests("REGISTER")
	if len(sent) == 0 {
		return "there is no REGISTER"
	}
	if last := sent[len(sent)-1]; !expiresNow(last) {
		return "it has not"
	}
	return ""
})

func expiresNow(m server.Record) bool {
	return conformance.Header(m, "Expires") == "0" || strings.Contains(conformance.Header(m, "Contact"), "expires=0")
}

// header: every request carries a header with a value.
func header(name, value string) conformance.Check {
	return check(name+": "+value+" on every request", func(r *conformance.Record) string {
		for _, m := range r.Messages(true) {
			if got := conformance.Header(m, name); m.Status == 0 && got != value {
				return fmt.Sprintf("%s has %q", m.Method, got)
			}
		}
		return ""
	})
}

// risingCSeq: within a dialog and method numbers rise with the order on the wire.
var risingCSeq = check("CSeq rises", func(r *conformance.Record) string {
	last := map[string]int{}
	for _, m := range r.Messages(true) {
		if m.Status != 0 || m.Method == "ACK" || m.Method == "CANCEL" {
			continue
		}
		if seen, ok := last[m.CallID]; ok && m.CSeq <= seen {
			return fmt.Sprintf("%s %d after %d in Call-ID %s", m.Method, m.CSeq, seen, m.CallID)
		}
		last[m.CallID] = m.CSeq
	}
	return ""
})

// signed: every request after the handshake carries a signature or credentials.
var signed = check("every request is signed once the handshake is done", func(r *conformance.Record) string {
	established := false
	for _, h := range r.History {
		if h.Kind != server.KindMessage {
			continue
		}
		switch {
		case h.Sent && h.Method == "REGISTER" && h.Status == 200:
			established = true
		case !h.Sent && h.Status == 0 && established:
			if conformance.Header(h, "Proxy-Authorization") == "" && conformance.Header(h, "Authorization") == "" {
				return h.Method + " is not"
			}
		}
	}
	return ""
})
