package resolve

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"
)

// packetSize is the largest UDP answer asked for: it passes every path unfragmented (DNS flag day 2020).
const packetSize = 1232

// exchange sends a query over the network and returns the answer. The miekg/dns client would wait out
// its own timeout after a cancel; this returns at once.
func exchange(ctx context.Context, network, server string, query []byte) ([]byte, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	var answer []byte
	if network == "tcp" {
		answer, err = overTCP(conn, query)
	} else {
		answer, err = overUDP(conn, query)
	}
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return answer, err
}

// overUDP waits for the packet that answers the query. Others are ignored: anybody can send one.
func overUDP(conn net.Conn, query []byte) ([]byte, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	packet := make([]byte, 4*packetSize)
	for {
		n, err := conn.Read(packet)
		if err != nil {
			return nil, err
		}
		if answers(query, packet[:n]) {
			return packet[:n], nil
		}
	}
}

// overTCP frames query and answer with two octets of length (RFC 1035 4.2.2).
func overTCP(conn net.Conn, query []byte) ([]byte, error) {
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(query)))
	if _, err := conn.Write(append(framed, query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, answer)
	return answer, err
}

// answers reports whether a packet is a response with the query's id and question (RFC 5452 9.1). The
// question is the first thing after the header, so it is never compressed; an error response may leave
// it out.
func answers(query, packet []byte) bool {
	const header = 12
	if len(packet) < header || len(query) < header || !bytes.Equal(packet[:2], query[:2]) || packet[2]&0x80 == 0 {
		return false
	}
	if count := binary.BigEndian.Uint16(packet[4:]); count == 0 {
		return packet[3]&0x0f != 0
	}
	end := header
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 1 + 4 // root label, type, class
	return end <= len(query) && end <= len(packet) && bytes.EqualFold(packet[header:end], query[header:end])
}
