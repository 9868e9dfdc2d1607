package cases

import (
	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// The names by which autodiscover is asked, inside and outside, and the paths that it leads to.
const (
	discoverInternal = "lyncdiscoverinternal A $ip\n"
	discoverExternal = "lyncdiscover A $ip\n"

	userDocument  = "/Autodiscover/AutodiscoverService.svc/root/user"
	ticketService = "/WebTicket/WebTicketService.svc"
)

// onWeb is a fault of the web server at a path: it answers with a status.
func onWeb(path string, status int) server.Fault {
	return server.Fault{Stage: server.StageWeb, Action: server.ActionStatus, Status: status, Match: server.Match{Name: path}}
}

// webAnswered: the web server was asked for something, and its last answer had a status.
func webAnswered(request, status string) conformance.Check {
	return check(request+" answered "+status, func(r *conformance.Record) string {
		last := "it was not asked for"
		for _, h := range r.Of(server.KindWeb) {
			if h.Name == request {
				last = "the last answer was " + h.Answer
			}
		}
		if last == "the last answer was "+status {
			return ""
		}
		return last
	})
}

// autodiscover is the case of Lync's autodiscover service. Where its success counts, DNS has no other way to the server.
func autodiscover() conformance.Case {
	attempt := func(name, zone string, service server.Autodiscover, faults ...server.Fault) conformance.Attempt {
		return conformance.Attempt{
			Name:   name,
			Server: server.Config{Zone: host + zone, Autodiscover: &service, Faults: faults},
			Client: conformance.Settings{Autodiscover: true}, Expect: signsIn,
			Wire: []conformance.Check{reached("server.ocs.test"), webAnswered("GET "+userDocument, "200")},
		}
	}
	ticketed := server.Autodiscover{WebTicket: true}
	wrong := attempt("web ticket for a wrong password", discoverInternal+discoverExternal+internal, ticketed)
	wrong.Client.Password = conformance.WrongPassword
	wrong.Expect = []conformance.Outcome{{
		Code: ocserr.InvalidPassword, Cause: ocserr.CausePasswordRejected, Events: conformance.Unfound(ocserr.InvalidPassword),
	}}
	wrong.Wire = []conformance.Check{rejected(1), noConnection, webAnswered("GET "+userDocument, "401")}
	noTicket := attempt("no web ticket, and SRV", discoverInternal+internal, ticketed, onWeb(ticketService, 503))
	noTicket.Wire = []conformance.Check{reached("server.ocs.test"), webAnswered("GET "+userDocument, "401"), rejected(0)}
	nothing := attempt("service fails, and SRV", discoverInternal+internal, server.Autodiscover{}, onWeb("/", 500))
	nothing.Wire = []conformance.Check{reached("server.ocs.test"), webAnswered("GET /", "500")}
	return conformance.Case{
		ID: "disc/autodiscover", Title: "Lync's autodiscover service leads to the server", Level: conformance.Must, Grounds: inVS,
		Needs: []conformance.Need{conformance.NeedAutodiscover, conformance.NeedNTLM},
		Refs:  []string{"MS-OCDISCWS 3.2", "MS-OCAUTHWS 3.2"}, Purpose: "Users of Lync find their pool; a wrong password is told at once, and is not tried at the next door.",
		Attempts: []conformance.Attempt{
			attempt("XML", discoverInternal, server.Autodiscover{}),
			attempt("JSON", discoverInternal, server.Autodiscover{JSON: true}),
			attempt("outside", discoverExternal, server.Autodiscover{Location: "External"}),
			attempt("redirects", discoverInternal, server.Autodiscover{Redirects: 3}),
			attempt("web ticket", discoverInternal, ticketed),
			attempt("web ticket behind redirects", discoverInternal, server.Autodiscover{WebTicket: true, Redirects: 2}),
			wrong, noTicket, nothing,
		},
	}
}
