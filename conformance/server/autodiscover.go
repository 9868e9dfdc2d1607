package server

import (
	"encoding/json"
	"encoding/xml"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/conformance/webservices"
)

// Autodiscover is what the server answers as the autodiscover service of Lync (MS-OCDISCWS), at
// "lyncdiscoverinternal." and "lyncdiscover." and the port of the web services.
type Autodiscover struct {
	// Internal and External are the servers for SIP inside and outside, "host:port". Empty: this server over TLS.
	Internal, External string
	// Location is where the service sees the client: "Internal", "External", or empty for unknown.
	Location string
	// Redirects is how many redirects there are before the document that leads to the user's.
	Redirects int
	// JSON answers in JSON whatever was asked for.
	JSON bool
	// WebTicket gives a user's document to the user alone, as servers in the field do: to whoever shows a web ticket of this
	// server's own ticket service, which takes NTLM.
	WebTicket bool
}

// Paths of the service. The first request is for "/".
const (
	rootPath = "/Autodiscover/AutodiscoverService.svc/root"
	userPath = rootPath + "/user"
)

// autodiscoverResponse is the one document that there is, in both notations.
type autodiscoverResponse struct {
	XMLName        xml.Name              `xml:"http://schemas.microsoft.com/rtc/autodiscover/2011 AutodiscoverResponse" json:"-"`
	AccessLocation string                `xml:",attr,omitempty" json:",omitempty"`
	Root           *autodiscoverResource `json:",omitempty"`
	User           *autodiscoverResource `json:",omitempty"`
}

// autodiscoverResource tells of the service or of the user.
type autodiscoverResource struct {
	SipClientInternalAccess *sipAccess `json:",omitempty"`
	SipClientExternalAccess *sipAccess `json:",omitempty"`
	Links                   []webLink  `xml:"Link" json:",omitempty"`
}

type sipAccess struct {
	Host string `xml:"fqdn,attr" json:"fqdn"`
	Port string `xml:"port,attr" json:"port"`
}

type webLink struct {
	Token string `xml:"token,attr" json:"token"`
	Href  string `xml:"href,attr" json:"href"`
}

// autodiscover adds the service to the web server.
func (s *Server) autodiscover(mux *http.ServeMux, services *webservices.Services) {
	a := s.config.Autodiscover
	root := func(w http.ResponseWriter, req *http.Request) {
		hop, _ := strconv.Atoi(req.FormValue("hop"))
		next := url.Values{}
		if user := req.FormValue("sipuri"); user != "" {
			next.Set("sipuri", user)
		}
		links := []webLink{{"Domain", s.link(req, rootPath+"/domain", nil)}, {"User", s.link(req, userPath, next)}}
		if hop < a.Redirects {
			next.Set("hop", strconv.Itoa(hop+1))
			links = []webLink{{"Redirect", s.link(req, rootPath, next)}}
		}
		a.answer(w, autodiscoverResponse{Root: &autodiscoverResource{Links: links}})
	}
	var user http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		self := net.JoinHostPort(s.config.fqdn(), strconv.Itoa(orDefault(s.ports[transportTLS], 5061)))
		a.answer(w, autodiscoverResponse{User: &autodiscoverResource{
			SipClientInternalAccess: accessOf(orDefault(a.Internal, self)),
			SipClientExternalAccess: accessOf(orDefault(a.External, self)),
		}})
	})
	if a.WebTicket {
		user = services.Protect(user, func(req *http.Request) string { return addressOfURI(req.FormValue("sipuri")) })
	}
	mux.HandleFunc("GET /{$}", root)
	mux.HandleFunc("GET "+rootPath, root)
	mux.Handle("GET "+userPath, user)
}

// link is a URL of the service for the client of a request: at the server's own name, and at the port that the client
// has reached.
func (s *Server) link(req *http.Request, path string, query url.Values) string {
	host := s.config.fqdn()
	if _, port, err := net.SplitHostPort(req.Host); err == nil {
		host = net.JoinHostPort(host, port)
	}
	return (&url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query.Encode()}).String()
}

// answer writes a document.
func (a *Autodiscover) answer(w http.ResponseWriter, r autodiscoverResponse) {
	r.AccessLocation = a.Location
	marshal, notation := xml.Marshal, "xml"
	if a.JSON {
		marshal, notation = json.Marshal, "json"
	}
	text, err := marshal(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.microsoft.rtc.autodiscover+"+notation+"; charset=utf-8")
	_, _ = w.Write(text)
}

// accessOf splits "host:port"; what is not such is told to the client as it is.
func accessOf(address string) *sipAccess {
	host, port, _ := strings.Cut(address, ":")
	return &sipAccess{host, port}
}
