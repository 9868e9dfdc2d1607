package register

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ocsgo/ocs/sip"
)

// epidNamespace is fcacfb03-8a73-46ef-91b1-e5ebeeaba4fe in GUID memory order, its first three groups
// little-endian (MS-SIPRE 3.1: endpoint identifier to sip.instance).
var epidNamespace = [16]byte{
	0x03, 0xfb, 0xac, 0xfc, 0x73, 0x8a, 0xef, 0x46,
	0x91, 0xb1, 0xe5, 0xeb, 0xee, 0xab, 0xa4, 0xfe,
}

// Epid derives a stable endpoint identifier of 12 hex digits from the sign-in name, the host's name and
// its address, so that an endpoint keeps its identity without storage.
func Epid(signInName, hostname, localIP string) string {
	sum := sha1.Sum([]byte("sip:" + signInName + ":" + hostname + ":" + localIP))
	return hex.EncodeToString(sum[14:20])
}

// InstanceID derives the UUID of +sip.instance from an epid (MS-SIPRE, MS-SIPREGE). It looks like a
// version 5 UUID but is not RFC 4122's: both the namespace and the result are read little-endian.
func InstanceID(epid string) string {
	h := sha1.New()
	h.Write(epidNamespace[:])
	h.Write([]byte(epid))
	b := h.Sum(nil)[:16]
	b[7] = b[7]&0x0f | 0x50
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:16])
}

// Methods are what Contact says that this endpoint understands (RFC 3840).
const Methods = "INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY"

// Endpoint is one user at one device on one connection: what the headers of its requests say.
type Endpoint struct {
	URI       string   // address of record, "sip:alice@contoso.com"
	Epid      string   // MS-SIPRE endpoint identifier, at most 16 characters
	UserAgent string   // value of User-Agent
	Transport string   // "tls" or "tcp"
	Local     net.Addr // the connection's own address

	contact atomic.Pointer[string] // of every request after registration; nil before
}

// Domain is the SIP domain: what follows the @ of the address of record.
func (e *Endpoint) Domain() string {
	_, domain, _ := strings.Cut(e.URI, "@")
	return domain
}

// Contact is the Contact value of the endpoint's requests: its GRUU once the server gave one, else its own address.
func (e *Endpoint) Contact() string {
	if contact := e.contact.Load(); contact != nil {
		return *contact
	}
	return e.plainContact()
}

// Request starts a request of this endpoint in the header order that clients of this protocol family
// use: Via, From (with tag and epid), To, Max-Forwards, CSeq, User-Agent, Call-ID. The To value may carry
// a tag for a request inside a dialog; the empty value means the endpoint's own address.
func (e *Endpoint) Request(method, uri, to, fromTag, callID string, cseq int) (*sip.Request, error) {
	req, err := sip.NewRequest(method, uri)
	if err != nil {
		return nil, fmt.Errorf("register: request URI %q: %w", uri, err)
	}
	if to == "" {
		to = "<" + e.URI + ">"
	}
	sip.Add(req, "Via", fmt.Sprintf("SIP/2.0/%s %s;branch=%s", strings.ToUpper(e.Transport), hostport(e.Local), sip.NewBranch()))
	sip.Add(req, "From", fmt.Sprintf("<%s>;tag=%s;epid=%s", e.URI, fromTag, e.Epid))
	sip.Add(req, "To", to)
	sip.Add(req, "Max-Forwards", "70")
	sip.Add(req, "CSeq", strconv.Itoa(cseq)+" "+method)
	sip.Add(req, "User-Agent", e.UserAgent)
	sip.Add(req, "Call-ID", callID)
	return req, nil
}

// next makes a request a new one of the same content.
func next(req *sip.Request) {
	number, method, _ := strings.Cut(sip.Value(req, "CSeq"), " ")
	n, _ := strconv.Atoi(number) // a number: the request has been sent
	sip.Set(req, "CSeq", strconv.Itoa(n+1)+" "+method)
	via, _, _ := strings.Cut(sip.Value(req, "Via"), ";branch=")
	sip.Set(req, "Via", via+";branch="+sip.NewBranch())
}

// registerContact is the Contact of a REGISTER; proxy=replace asks the server to put the address it sees
// in place of ours (MS-SIPREGE).
func (e *Endpoint) registerContact() string {
	return fmt.Sprintf(`<sip:%s;transport=%s;ms-opaque=d3470f2e1d>;methods="%s";proxy=replace;+sip.instance="<urn:uuid:%s>"`,
		hostport(e.Local), e.Transport, Methods, InstanceID(e.Epid))
}

// plainContact serves where the server gave no GRUU: our own address.
func (e *Endpoint) plainContact() string {
	return fmt.Sprintf("<sip:%s;transport=%s>", hostport(e.Local), e.Transport)
}

// hostport writes a socket address for Via and Contact; IPv6 literals keep their brackets.
func hostport(a net.Addr) string {
	if a == nil {
		return "0.0.0.0:0"
	}
	return a.String()
}
