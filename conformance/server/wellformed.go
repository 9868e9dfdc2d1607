package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// wellFormed tells what a request lacks of that which every request must have (RFC 3261 section 8.1.1); nil:
// nothing. Content-Length was needed to read it.
func (r *request) wellFormed() error {
	for _, name := range []string{"Via", "To", "Call-ID", "CSeq", "Max-Forwards"} {
		if sip.Value(r.Request, name) == "" {
			return fmt.Errorf("no %s", name)
		}
	}
	if tag, _ := r.from.Params.Get("tag"); tag == "" {
		return errors.New("no tag in From")
	}
	if _, err := sip.ParseNameAddr(sip.Value(r.Request, "To")); err != nil {
		return errors.New("no address in To")
	}
	if _, err := strconv.ParseUint(sip.Value(r.Request, "Max-Forwards"), 10, 8); err != nil {
		return errors.New("Max-Forwards is not a number of 0 to 255")
	}
	if number, method := cseqOf(r.Request); number < 0 || method != r.method {
		return errors.New("CSeq is not a number and the method")
	}
	return nil
}

// cseqOf reads the CSeq of a message. A number that is none is -1.
func cseqOf(m sip.Message) (number int, method string) {
	digits, method, _ := strings.Cut(sip.Value(m, "CSeq"), " ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return -1, strings.TrimSpace(method)
	}
	return int(n), strings.TrimSpace(method)
}

// reaches tells whether a Contact in a request of a registered endpoint leads to it: its GRUU, or the address
// that it registered, or the user's own (where the address is in maddr).
func (e *endpoint) reaches(contact string) bool {
	if strings.HasSuffix(strings.ToLower(contact), ";gruu") {
		return e.gruu == "" || contact == e.gruu
	}
	address := addressOfURI(contact)
	host := func(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
	return address == e.user.address || host(address) == host(addressOfURI(e.contact))
}
