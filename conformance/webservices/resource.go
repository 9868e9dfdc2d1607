package webservices

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Protect gives a resource to those alone who show a web ticket for it: as its issuer wrote it, for the URL of the
// request, in time, and of the user that the request asks about, where user names one. Others get 401 and are told
// by X-MS-WebTicketURL where there are tickets. Its path must be in Config.Resources.
func (s *Services) Protect(resource http.Handler, user func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.checkTicket(r, user(r)); f != nil {
			f.Status, f.Header = http.StatusUnauthorized, true
			w.Header().Set("X-MS-WebTicketURL", url(r, ticketService))
			s.fail(w, r, *f)
			return
		}
		resource.ServeHTTP(w, r)
	})
}

// issuesFor tells whether there are tickets for a service. A resource may be named with a query, which the ticket is
// good for then.
func (s *Services) issuesFor(r *http.Request, service string) bool {
	path, _, _ := strings.Cut(service, "?")
	return service == url(r, CertificateService+s.port()) ||
		slices.ContainsFunc(s.cfg.Resources, func(resource string) bool { return path == url(r, resource) })
}

// checkTicket looks for the ticket of a request. A client can be wrong in the form of it; the reason tells its
// author what to mend.
func (s *Services) checkTicket(r *http.Request, user string) *Fault {
	values := r.Header.Values("X-Ms-Webticket")
	if len(values) == 0 {
		f := faultNoToken
		return &f
	}
	assertion, id, err := readTicket(values)
	if err != nil {
		return &Fault{ErrorID: faultTicket.ErrorID, Reason: fmt.Sprintf("%s (%v)", faultTicket.Reason, err)}
	}
	s.mu.Lock()
	t, ok := s.tickets[id]
	s.mu.Unlock()
	if !ok || t.assertion != assertion || t.service != url(r, r.URL.RequestURI()) || time.Now().After(t.expires) ||
		user != "" && !strings.EqualFold(t.address, user) {
		f := faultTicket
		return &f
	}
	return nil
}

// readTicket takes the assertion out of the header X-MS-WebTicket.
func readTicket(values []string) (assertion, id string, err error) {
	encoded, opaque := strings.CutPrefix(values[0], "opaque=")
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	var element struct {
		XMLName xml.Name `xml:"urn:oasis:names:tc:SAML:1.0:assertion Assertion"`
		ID      string   `xml:"AssertionID,attr"`
	}
	switch {
	case len(values) > 1:
		return "", "", errors.New("there is more than one X-MS-WebTicket")
	case !opaque:
		return "", "", errors.New("X-MS-WebTicket does not begin with opaque=")
	case err != nil:
		return "", "", errors.New("what follows opaque= is not base64")
	case xml.Unmarshal(raw, &element) != nil:
		return "", "", errors.New("what follows opaque= is not base64 of a SAML assertion")
	}
	return string(raw), element.ID, nil
}
