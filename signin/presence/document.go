package presence

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// document is the body of an answer or a notification, with its type.
type document struct {
	contentType string
	body        []byte
}

// roamingData is what a server tells of the user's own data: all live publications of every category that
// it mentions (namespace http://schemas.microsoft.com/2006/09/sip/roaming-self).
type roamingData struct {
	Categories []category `xml:"categories>category"`
}

// category is one publication. Without an instance or a container it marks a removal.
type category struct {
	Name      string    `xml:"name,attr"`
	Instance  string    `xml:"instance,attr"`
	Container string    `xml:"container,attr"`
	Version   uint64    `xml:"version,attr"`
	State     stateBody `xml:"state"`
}

// stateBody is the content of a category "state".
type stateBody struct {
	Type         string   `xml:"type,attr"` // xsi:type
	Availability int      `xml:"availability"`
	Activity     activity `xml:"activity"`
}

type activity struct {
	Token string `xml:"token,attr"`
}

// is compares xsi:type, which may carry a namespace prefix.
func (s stateBody) is(kind string) bool {
	return s.Type == kind || strings.HasSuffix(s.Type, ":"+kind)
}

// key is where the publication is kept; false for a removal marker or numbers that are none.
func (c category) key() (key, bool) {
	instance, err := strconv.ParseUint(c.Instance, 10, 32)
	if err != nil {
		return key{}, false
	}
	container, err := strconv.ParseUint(c.Container, 10, 31)
	if err != nil {
		return key{}, false
	}
	return key{c.Name, uint32(instance), int(container)}, true
}

// roamingData reads the document as roamingData; false where it is something else or not well formed.
func (d document) roamingData() (roamingData, bool) {
	var data roamingData
	if !d.is("application/vnd-microsoft-roaming-self+xml") || xml.Unmarshal(d.body, &data) != nil {
		return roamingData{}, false
	}
	return data, true
}

// conflict is one publication that a server refused for its version.
type conflict struct {
	Index      int    `xml:"index,attr"` // of the publication in the request, from 1
	CurVersion uint64 `xml:"curVersion,attr"`
}

// conflicts reads the document as the fault of a 409; empty where it is none.
func (d document) conflicts() []conflict {
	var fault struct {
		Operations []conflict `xml:"details>operation"`
	}
	if !d.is("application/msrtc-fault+xml") || xml.Unmarshal(d.body, &fault) != nil {
		return nil
	}
	return fault.Operations
}

// is compares the media type, leaving out its parameters.
func (d document) is(mediaType string) bool {
	t, _, _ := strings.Cut(d.contentType, ";")
	return strings.EqualFold(strings.TrimSpace(t), mediaType)
}
