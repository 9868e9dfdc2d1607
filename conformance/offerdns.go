package conformance

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// DNSAddr is where DNS is served.
func (o *Offer) DNSAddr() string { return o.udp.LocalAddr().String() }

// listenDNS serves the zones of all servers.
func (o *Offer) listenDNS(address string) (err error) {
	if o.tcp, err = net.Listen("tcp", address); err != nil {
		return err
	}
	if o.udp, err = net.ListenPacket("udp", o.tcp.Addr().String()); err != nil {
		return err
	}
	o.ended.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := o.udp.ReadFrom(buffer)
			if err != nil {
				return
			}
			query := append([]byte(nil), buffer[:n]...)
			o.ended.Go(func() {
				if answer, err := o.answer("udp", query); err == nil {
					_, _ = o.udp.WriteTo(answer, from)
				}
			})
		}
	})
	o.ended.Go(func() {
		for {
			conn, err := o.tcp.Accept()
			if err != nil {
				return
			}
			o.ended.Go(func() { o.answerTCP(conn) })
		}
	})
	return nil
}

// dnsLimit bounds an exchange with DNS.
const dnsLimit = 15 * time.Second

// answerTCP answers one query over TCP (RFC 1035 4.2.2).
func (o *Offer) answerTCP(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(dnsLimit))
	length := make([]byte, 2)
	if _, err := io.ReadFull(conn, length); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	answer, err := o.answer("tcp", query)
	if err != nil {
		return
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}

// answer lets the server of the domain asked for answer a query.
func (o *Offer) answer(network string, query []byte) ([]byte, error) {
	name, err := questionName(query)
	if err != nil {
		return nil, err
	}
	for _, offered := range o.Offered {
		if name == offered.Domain || strings.HasSuffix(name, "."+offered.Domain) {
			ctx, cancel := context.WithTimeout(context.Background(), dnsLimit)
			defer cancel()
			return offered.Server.Exchange(ctx, network, "", query)
		}
	}
	refused := append([]byte(nil), query[:12]...)
	refused[2], refused[3] = refused[2]&0x79|0x80, 5 // an answer, REFUSED (RFC 1035 4.1.1)
	for i := 4; i < 12; i++ {
		refused[i] = 0
	}
	return refused, nil
}

// questionName reads the name of a query's question, in lower case (RFC 1035 4.1.2).
func questionName(query []byte) (string, error) {
	if len(query) < 12 {
		return "", errors.New("not a DNS query")
	}
	var labels []string
	for rest := query[12:]; ; {
		if len(rest) == 0 || rest[0] > 63 || len(rest) <= int(rest[0]) {
			return "", errors.New("not a DNS question")
		}
		n := int(rest[0])
		if n == 0 {
			return strings.ToLower(strings.Join(labels, ".")), nil
		}
		labels = append(labels, string(rest[1:1+n]))
		rest = rest[1+n:]
	}
}
