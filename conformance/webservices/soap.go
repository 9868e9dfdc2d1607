package webservices

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// Namespaces of requests and answers.
const (
	nsTrust = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
	nsUtil  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	nsSec   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsCert  = "http://schemas.microsoft.com/OCS/AuthWebServices/"
)

// The faults of the services, with numbers and words as they were seen in the field.
var (
	faultNoToken      = Fault{ErrorID: 28020, Reason: "No valid security token."}
	faultTicket       = Fault{ErrorID: 28032, Reason: "The web ticket is invalid."}
	faultNotEnabled   = Fault{Status: http.StatusForbidden, ErrorID: 28000, Reason: "User is not SIP enabled.", Header: true}
	faultInternalNTLM = Fault{ErrorID: 28001, Reason: "Internal error while processing Integrated Windows authentication or authorization.", Header: true}
)

// malformed is a fault about the request itself; the reason tells the author of a client what to mend.
func malformed(err error) Fault { return Fault{Reason: err.Error()} }

// fail answers with a fault.
func (s *Services) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	s.cfg.Log.InfoContext(r.Context(), "web service refuses", "path", r.URL.Path, "error", f.ErrorID, "reason", f.Reason)
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if f.Header {
		w.Header().Set("X-Ms-Diagnostics", fmt.Sprintf(`%d;source="%s";reason="%s";faultcode="wsse:FailedAuthentication"`,
			f.ErrorID, s.cfg.Host, strings.ReplaceAll(f.Reason, `"`, "'")))
		http.Error(w, http.StatusText(status), status)
		return
	}
	var detail string
	if f.ErrorID != 0 {
		detail = fmt.Sprintf(`<detail><OCSDiagnosticsFault xmlns="urn:component:Microsoft.Rtc.WebAuthentication.2010">`+
			`<Ms-Diagnostics-Fault><ErrorId>%d</ErrorId><Reason>%s</Reason></Ms-Diagnostics-Fault></OCSDiagnosticsFault></detail>`,
			f.ErrorID, escape(f.Reason))
	}
	writeEnvelope(w, status, `<s:Fault><faultcode xmlns:a="`+nsSec+`">a:FailedAuthentication</faultcode>`+
		`<faultstring xml:lang="en-US">`+escape(f.Reason)+`</faultstring>`+detail+`</s:Fault>`)
}

func writeEnvelope(w http.ResponseWriter, status int, body string) {
	writeXML(w, status, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`+body+`</s:Body></s:Envelope>`)
}

func writeXML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "private")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that has gone needs no answer
}

func escape(value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value)) // a strings.Builder takes everything
	return b.String()
}

// action checks the headers that every SOAP 1.1 request needs.
func action(r *http.Request, want string) error {
	if got := r.Header.Get("Soapaction"); got != `"`+want+`"` {
		return fmt.Errorf("SOAPAction is %s", got)
	}
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/xml") {
		return fmt.Errorf("Content-Type is %q", got)
	}
	return nil
}

// raw returns the first element of that local name as it stands in the document.
func raw(document []byte, name string) []byte {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		begin := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return nil
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			if d.Skip() != nil {
				return nil
			}
			return document[begin:d.InputOffset()]
		}
	}
}
