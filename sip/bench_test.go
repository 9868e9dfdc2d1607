package sip

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// unauthorized is the second 401 of an NTLM handshake.
var unauthorized = lines("SIP/2.0 401 Unauthorized",
	"From: <sip:alice@example.test>;tag=892331337;epid=b34afb6ebb23",
	"To: <sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5",
	"Call-ID: 3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x",
	"CSeq: 2 REGISTER",
	"Via: SIP/2.0/tcp 127.0.0.1:36812;branch=z9hG4bK9F7B98CD76B3EF5BECD2;received=127.0.0.1;ms-received-port=36812;ms-received-cid=100",
	`WWW-Authenticate: NTLM opaque="5DC4E980", gssapi-data="`+strings.Repeat("TlRM", 80)+`", targetname="sim.example.test", realm="SIP Communications Service", version=4`,
	"Content-Length: 0")

func BenchmarkFrameAndParse401(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(unauthorized)))
	f := newFramer(&repeat{data: []byte(unauthorized)})
	for b.Loop() {
		raw, err := f.next()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// repeat gives its data again and again, one message a read.
type repeat struct {
	data []byte
	at   int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := copy(b, r.data[r.at:])
	r.at = (r.at + n) % len(r.data)
	return n, nil
}

func BenchmarkEncodeRegister(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		req, err := NewRequest("REGISTER", "sip:example.test")
		if err != nil {
			b.Fatal(err)
		}
		Add(req, "Via", "SIP/2.0/TLS 127.0.0.1:36812;branch=z9hG4bK7BD58FADEE8B51F6CF12")
		Add(req, "From", "<sip:alice@example.test>;tag=4922416134;epid=b34afb6ebb23")
		Add(req, "To", "<sip:alice@example.test>")
		Add(req, "Max-Forwards", "70")
		Add(req, "CSeq", "3 REGISTER")
		Add(req, "Call-ID", "3E3EgC3B6a2846iB54AmB1F9tBBC6bB8AFxA964x")
		Add(req, "Contact", `<sip:127.0.0.1:36812;transport=tls;ms-opaque=d3470f2e1d>;methods="INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";proxy=replace;+sip.instance="<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>"`)
		Add(req, "Supported", "gruu-10, adhoclist, msrtc-event-categories, com.microsoft.msrtc.presence")
		Add(req, "ms-keep-alive", "UAC;hop-hop=yes")
		SetBody(req, "", nil)
		if _, err := encode(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoundTripOverTCP(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		NewConn(nc, Config{Handle: func(c *Conn, r *Request) { c.Respond(NewResponse(r, 200, "OK")) }})
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := NewConn(nc, Config{})
	defer c.Close()
	b.ReportAllocs()
	for seq := 0; b.Loop(); seq++ {
		if _, err := c.Do(context.Background(), request(b, "OPTIONS", "1", seq)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloorOverTCP is the round trip of the same bytes without this package: what the machine takes.
func BenchmarkFloorOverTCP(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	req := request(b, "OPTIONS", "1", 1)
	SetBody(req, "", nil)
	out, in := Bytes(req), Bytes(NewResponse(req, 200, "OK"))
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		for buf := make([]byte, len(out)); ; {
			if _, err := io.ReadFull(nc, buf); err != nil {
				return
			}
			nc.Write(in)
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	buf := make([]byte, len(in))
	for b.Loop() {
		nc.Write(out)
		if _, err := io.ReadFull(nc, buf); err != nil || !bytes.Equal(buf, in) {
			b.Fatal(err)
		}
	}
}

// BenchmarkAtRest measures what a connection holds while nothing happens, net.Pipe and peer included.
func BenchmarkAtRest(b *testing.B) {
	const n = 1000
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for b.Loop() {
		before, goroutines := inUse(), runtime.NumGoroutine()
		var conns []*Conn
		for range n {
			near, far := net.Pipe()
			c := NewConn(near, Config{})
			conns = append(conns, c, NewConn(far, Config{}))
			res, err := c.Do(context.Background(), request(b, "OPTIONS", "1", 1)) // answered 501
			if err != nil || res.StatusCode != 501 {
				b.Fatal(res, err)
			}
			c.KeepAlive(time.Hour)
		}
		b.ReportMetric(float64(inUse()-before)/(2*n), "B/conn")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/(2*n), "goroutines/conn")
		for _, c := range conns {
			c.Close()
		}
	}
}
