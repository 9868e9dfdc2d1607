package resolve

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The types of the documents of autodiscover (MS-OCDISCWS 2.2.2). XML is asked for; JSON is read too, since there
// are servers that answer so whatever they are asked for.
const (
	xmlType  = "application/vnd.microsoft.rtc.autodiscover+xml"
	jsonType = "application/vnd.microsoft.rtc.autodiscover+json"
)

// document is what an answer of the autodiscover service comes to: servers, or where to ask next.
type document struct {
	next    string // URL, not checked
	why     string // "redirect", "user"
	servers []sipAccess
}

// String puts the document into words for the plan.
func (d *document) String() string {
	if d.next != "" {
		return d.why // where it leads is the next question
	}
	list := make([]string, len(d.servers))
	for i, s := range d.servers {
		host, port, err := s.server()
		list[i] = joinHostPort(host, port)
		if err != nil {
			list[i] = err.Error()
		}
	}
	return strings.Join(list, ", ")
}

// sipAccess is a server for SIP clients (MS-OCDISCWS, SipAccess).
type sipAccess struct {
	Host string      `xml:"fqdn,attr" json:"fqdn"`
	Port json.Number `xml:"port,attr" json:"port"`
}

// server is the host and the port if they are such.
func (s sipAccess) server() (string, int, error) {
	host, err := hostname(s.Host)
	if err != nil {
		return "", 0, fmt.Errorf("the server's name %w", err)
	}
	port, err := strconv.ParseUint(string(s.Port), 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("the port of %s is not a number from 1 to 65535", host)
	}
	return host, int(port), nil
}

// response is AutodiscoverResponse in both notations. Element names count without their namespace.
type response struct {
	AccessLocation string    `xml:"AccessLocation,attr"`
	Root           *resource `xml:"Root"`
	User           *resource `xml:"User"`

	// Links are those of the web API for unified communications, where the document is one of its.
	Links struct {
		Redirect, User struct{ Href string }
	} `xml:"-" json:"_links"`
}

// resource is the part of a response about the service (Root) or about the user.
type resource struct {
	Links []struct {
		Token string `xml:"token,attr"`
		Href  string `xml:"href,attr"`
	} `xml:"Link"`
	Internal *sipAccess `xml:"SipClientInternalAccess" json:"SipClientInternalAccess"`
	External *sipAccess `xml:"SipClientExternalAccess" json:"SipClientExternalAccess"`
}

// link is the first link of a token, or "".
func (r *resource) link(token string) string {
	if r != nil {
		for _, l := range r.Links {
			if strings.EqualFold(l.Token, token) && l.Href != "" {
				return l.Href
			}
		}
	}
	return ""
}

// read judges an HTTP answer with its body.
func read(resp *http.Response, body []byte) (*document, error) {
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if to := resp.Header.Get("Location"); to != "" {
			return &document{next: to, why: "redirect"}, nil
		}
		return nil, fmt.Errorf("%d without a Location", resp.StatusCode)
	default:
		return nil, fmt.Errorf("%d", resp.StatusCode)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("more than %d bytes", maxDocument)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, errors.New("no valid Content-Type")
	}
	return parse(kind, body)
}

// parse reads a document of a media type.
func parse(kind string, body []byte) (*document, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var got response
	var err error
	switch kind {
	case xmlType:
		err = xml.Unmarshal(body, &got)
	case jsonType, "application/json":
		err = json.Unmarshal(body, &got)
	default:
		return nil, fmt.Errorf("the type is %.100q, not autodiscover's", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("malformed document: %.100q", err.Error()) // it can quote as much as it likes
	}
	return got.document()
}

// document decides what to do about a response, in the order of MS-OCDISCWS 3.2: a redirect of the service, its link to the
// user, a redirect of the user, the user's servers.
func (r *response) document() (*document, error) {
	for _, d := range []document{
		{next: r.Root.link("Redirect"), why: "redirect"},
		{next: r.Links.Redirect.Href, why: "redirect"},
		{next: r.Root.link("User"), why: "user"},
		{next: r.Links.User.Href, why: "user"},
		{next: r.User.link("Redirect"), why: "redirect"},
	} {
		if d.next != "" {
			return &d, nil
		}
	}
	if r.User == nil {
		return nil, errors.New("neither a link that leads on nor a user")
	}
	servers := r.User.servers(r.AccessLocation)
	if len(servers) == 0 {
		return nil, errors.New("the user has no server for SIP")
	}
	return &document{servers: servers}, nil
}

// servers are those that fit where the client is, as the service sees it: "internal", "external" or unknown.
func (r *resource) servers(location string) []sipAccess {
	var list []sipAccess
	if r.Internal != nil && !strings.EqualFold(location, "external") {
		list = append(list, *r.Internal)
	}
	if r.External != nil && !strings.EqualFold(location, "internal") {
		list = append(list, *r.External)
	}
	return list
}
