package ocauthws

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Namespaces of the requests. The trust namespace of GetAndPublishCert, alone, ends in a slash.
const (
	nsSAML   = "urn:oasis:names:tc:SAML:1.0:assertion"
	nsSOAP   = "http://schemas.xmlsoap.org/soap/envelope/"
	nsTrust  = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
	nsAuth   = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
	nsAddr   = "http://www.w3.org/2005/08/addressing"
	nsPolicy = "http://schemas.xmlsoap.org/ws/2004/09/policy"
	nsSec    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsUtil   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	nsCert   = "http://schemas.microsoft.com/OCS/AuthWebServices/"
	nsEnroll = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
	nsDSig   = "http://www.w3.org/2000/09/xmldsig#"

	tokenSAML = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1"
)

// envelope is a SOAP 1.1 request. An empty header is left out.
func envelope(header, body string) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\r\n<soap:Envelope")
	for _, ns := range [][2]string{
		{"saml", nsSAML},
		{"soap", nsSOAP},
		{"wst", nsTrust},
		{"auth", nsAuth},
		{"wsa", nsAddr},
		{"wsp", nsPolicy},
		{"wsse", nsSec},
		{"wsu", nsUtil},
	} {
		b.WriteString(` xmlns:` + ns[0] + `="` + ns[1] + `"`)
	}
	b.WriteString(">")
	if header != "" {
		b.WriteString("<soap:Header>" + header + "</soap:Header>")
	}
	b.WriteString("<soap:Body>" + body + "</soap:Body></soap:Envelope>")
	return b.String()
}

// escape makes text of a value.
func escape(value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value)) // a strings.Builder takes everything
	return b.String()
}

// rawElement returns the first element of that local name as it stands in the document, with its attributes.
func rawElement(document []byte, name string) (raw []byte, start xml.StartElement, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		begin := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return nil, start, false
		}
		if start, ok = token.(xml.StartElement); ok && start.Name.Local == name {
			if err := d.Skip(); err != nil {
				return nil, start, false
			}
			return document[begin:d.InputOffset()], start, true
		}
	}
}

// parseFault returns what an answer gives as the reason of a failure, nil if it does not tell of one. SOAP 1.1
// and 1.2 faults are understood, with Ms-Diagnostics-Fault or internalerror in their details, and ErrorInfo,
// whose elements are not known: its text is taken as it comes.
func parseFault(body []byte) *Fault {
	d := xml.NewDecoder(bytes.NewReader(body))
	var f *Fault
	var path, info []string
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			if within(path, "Body", "Fault") || within(path, "GetAndPublishCertResponse", "ErrorInfo") {
				f = &Fault{}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			text := clean(string(token))
			if f == nil || len(path) == 0 || text == "" {
				continue
			}
			if slices.Contains(path, "ErrorInfo") {
				info = append(info, text)
			}
			switch path[len(path)-1] {
			case "faultcode", "Value":
				_, local, found := strings.Cut(text, ":")
				if !found {
					local = text
				}
				f.Code = local
			case "faultstring", "Text":
				f.Text = text
			case "ErrorId":
				if n, err := strconv.ParseUint(text, 10, 31); err == nil {
					f.ErrorID = int(n)
				}
			case "Reason":
				f.Reason = text
			case "text":
				if slices.Contains(path, "internalerror") {
					f.Reason = text
				}
			}
		}
	}
	if f != nil && f.Reason == "" && len(info) > 0 {
		f.Reason = clean(strings.Join(info, " "))
	}
	return f
}

// within reports whether a path ends in these two elements.
func within(path []string, parent, child string) bool {
	n := len(path)
	return n >= 2 && path[n-2] == parent && path[n-1] == child
}

// parseDiagnostics reads an X-Ms-diagnostics header (MS-OCAUTHWS 3.2.4.1): 28000;source="...";reason="...".
func parseDiagnostics(value string) *Fault {
	number, parameters, _ := strings.Cut(value, ";")
	id, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil {
		return nil
	}
	parameter := func(name string) string {
		_, rest, ok := strings.Cut(parameters, name+`="`)
		if !ok {
			return ""
		}
		text, _, _ := strings.Cut(rest, `"`)
		return clean(text)
	}
	return &Fault{ErrorID: int(id), Reason: parameter("reason"), Source: parameter("source"), Code: parameter("faultcode")}
}

const maxText = 500 // characters of a fault's text that are passed on

// clean makes one bounded line of a text from the network.
func clean(text string) string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	runes := []rune(strings.Join(fields, " "))
	return string(runes[:min(len(runes), maxText)])
}
