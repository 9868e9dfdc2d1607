package sip

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzFraming checks that a stream is cut in the same way however it arrives, and that what parses can be sent and
// parses again to the same.
func FuzzFraming(f *testing.F) {
	f.Add([]byte("\r\n\r\n" + lines("SIP/2.0 200 OK", "Call-ID: 1", "CSeq: 1 REGISTER", "Content-Length: 5") + "hello" + lines("OPTIONS sip:a@b SIP/2.0", "l: 0")))
	f.Add([]byte(lines("REGISTER sip:a@b;x=\"1;2\" SIP/2.0", "Subject: a", "\tb", "Content-Length : 0")))
	f.Add([]byte(lines("SIP/2.0 200 OK", "Content-Length: 3", "l: 5")))
	f.Add([]byte(lines("SIP/2.0 200 SIPOK", "A:")))
	f.Add([]byte("OPTIONS sip:a@b SIP/2.0\nA: b\n\n"))
	f.Add([]byte("0\x00\n"))
	f.Add([]byte("SIP/2.0 100 \r\n\r\n\r\n"))
	f.Add([]byte(lines("0 :0: SIP/2.0", "A: b")))
	f.Add([]byte(lines("OPTIONS soap.beep://a SIP/2.0", "A: b")))
	f.Add([]byte(lines("sip/2.0 200 OK", "A: b")))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x46"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := frames(newFramer(bytes.NewReader(stream)))
		single, err1 := frames(newFramer(iotest.OneByteReader(bytes.NewReader(stream))))
		var pe, pe1 *ParseError // of several faults the one seen first may differ
		if strings.Join(whole, "|") != strings.Join(single, "|") || errors.As(err, &pe) != errors.As(err1, &pe1) {
			t.Fatalf("%q %v\n%q %v", whole, err, single, err1)
		}
		for _, raw := range whole {
			m, err := Parse([]byte(raw))
			if err != nil {
				continue
			}
			again, err := Parse(Bytes(m))
			if err != nil {
				t.Fatalf("%q: %v", Bytes(m), err)
			}
			if !bytes.Equal(Bytes(again), Bytes(m)) {
				t.Fatalf("%q\n%q", Bytes(again), Bytes(m))
			}
			Diagnostics(m)
			Warnings(m)
			keyOf(m)
			m.To() // sipgo reads it for the ACK of an INVITE
			Redact([]byte(raw))
		}
	})
}

// FuzzParams checks that what parses composes to a value that parses to the same.
func FuzzParams(f *testing.F) {
	f.Add(`NTLM realm="SIP Communications Service", targetname="sim.example.test", version=4, gssapi-data="TlRM=="`)
	f.Add(`Digest username="A\\b\"c\d", qop=auth, flag, x=`)
	f.Add(`qop=auth, rspauth="6629fae4"`)
	f.Add(`00=,00`)
	f.Add(`"Lunch, Lucas" <sip:llucas@cisco.com>;tag=1;epid="a;b",<tel:+420123456;ext=88463>`)
	f.Add(`sip:a@b;x="1,2",sip:c@d , J.D. <sip:e@f;y=1,2>;z,*`)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCredentials(s); err == nil {
			again, err := ParseCredentials(c.String())
			if err != nil || again.String() != c.String() {
				t.Fatalf("%q: %+v, again %+v, %v", s, c, again, err)
			}
		}
		all, err := ParseNameAddrs(s)
		if err == nil {
			for _, a := range all {
				if a.URI == "" {
					t.Fatalf("%q: %+v", s, all)
				}
			}
		}
	})
}

func FuzzDiagnostics(f *testing.F) {
	f.Add(`1000;reason="Final handshake failed";source="dir.contoso.com";HRESULT="0xC3E93EC3"`)
	f.Add(`1000.12;="x";reason="y";source="open`)
	f.Add(`310 lcs.microsoft.com "text", 313 agent text`)
	f.Add(`UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300`)
	f.Add(`120 (I'm in a meeting);duration=60`)
	f.Fuzz(func(_ *testing.T, s string) {
		res := NewResponse(&Request{}, 401, "Unauthorized")
		for _, name := range []string{"ms-diagnostics", "ms-diagnostics-public", "Warning", "Retry-After", "ms-keep-alive"} {
			Add(res, name, s)
		}
		Diagnostics(res)
		Warnings(res)
		RetryAfter(res)
		KeepAlive(res)
		StatusError(res, false)
	})
}
