package ocauthws

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// definitions is what is needed of a WSDL document with WS-Policy. Namespaces are not looked at.
type definitions struct {
	XMLName  xml.Name `xml:"definitions"`
	Policies []struct {
		ID string `xml:"Id,attr"`
		// Where a ticket comes from: one that the request is to be signed with, or one that is shown.
		Endorsing []string `xml:"ExactlyOne>All>EndorsingSupportingTokens>Policy>IssuedToken>Issuer>Address"`
		Signed    []string `xml:"ExactlyOne>All>SignedSupportingTokens>Policy>IssuedToken>Issuer>Address"`
	} `xml:"Policy"`
	Ports []struct {
		Name    string `xml:"name,attr"`
		Address struct {
			Location string `xml:"location,attr"`
		} `xml:"address"`
	} `xml:"service>port"`
}

func parseDefinitions(body []byte) (*definitions, error) {
	var d definitions
	if err := xml.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("%w: not a WSDL document: %w", ErrAnswer, err)
	}
	return &d, nil
}

// provisioning is where and how the certificate provisioning service takes requests.
type provisioning struct {
	address string // the service auth URI
	issuer  string // of the tickets it takes
	proof   bool   // requests are signed with the ticket's proof key, instead of only carrying the ticket
}

// parseServiceMetadata looks for a port that takes web tickets: its policy has its name with "_policy". One that
// wants requests signed, with SHA-1, is preferred; so do clients in the field.
func parseServiceMetadata(body []byte) (provisioning, error) {
	d, err := parseDefinitions(body)
	if err != nil {
		return provisioning{}, err
	}
	var best provisioning
	var rank int
	for _, port := range d.Ports {
		for _, policy := range d.Policies {
			if policy.ID != port.Name+"_policy" {
				continue
			}
			found := provisioning{address: strings.TrimSpace(port.Address.Location)}
			r := 0
			switch {
			case len(policy.Endorsing) > 0 && strings.HasSuffix(port.Name, "_SHA1"):
				found.issuer, found.proof, r = policy.Endorsing[0], true, 3
			case len(policy.Endorsing) > 0:
				found.issuer, found.proof, r = policy.Endorsing[0], true, 2
			case len(policy.Signed) > 0:
				found.issuer, r = policy.Signed[0], 1
			}
			found.issuer = strings.TrimSpace(found.issuer)
			if r > rank && checkURL(found.address) == nil && checkURL(found.issuer) == nil {
				best, rank = found, r
			}
		}
	}
	if rank == 0 {
		return provisioning{}, fmt.Errorf("%w: no port that takes web tickets over HTTPS", ErrAnswer)
	}
	return best, nil
}

// parseTicketMetadata returns where the ticket service takes Windows credentials.
func parseTicketMetadata(body []byte) (address string, err error) {
	d, err := parseDefinitions(body)
	if err != nil {
		return "", err
	}
	var federated bool
	for _, port := range d.Ports {
		switch location := strings.TrimSpace(port.Address.Location); port.Name {
		case "WebTicketServiceWinNegotiate":
			return location, checkURL(location)
		case "WsFedBearer":
			federated = true
		}
	}
	if federated {
		return "", fmt.Errorf("%w: the service issues tickets to federated users only", ErrNoScheme)
	}
	return "", fmt.Errorf("%w: no port for Windows credentials", ErrAnswer)
}
