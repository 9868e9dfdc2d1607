package server

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// read reads exactly n bytes.
func (c *proxyClient) read(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c.in, b)
	return b, err
}

// readText reads a text that ends in 0.
func (c *proxyClient) readText() (string, error) {
	var b []byte
	for len(b) <= 255 {
		next, err := c.in.ReadByte()
		if err != nil {
			return "", err
		}
		if next == 0 {
			return string(b), nil
		}
		b = append(b, next)
	}
	return "", errors.New("a text of more than 255 bytes")
}

// serveSOCKS4 answers one request of SOCKS 4 or 4a. With a user configured, the client has to name it.
func (c *proxyClient) serveSOCKS4() error {
	c.how = "socks4"
	head, err := c.read(8)
	if err != nil {
		return err
	}
	user, err := c.readText()
	if err != nil {
		return err
	}
	host := netip.AddrFrom4([4]byte(head[4:8])).String()
	if bytes.Equal(head[4:7], []byte{0, 0, 0}) && head[7] != 0 {
		c.how = "socks4a"
		if host, err = c.readText(); err != nil {
			return err
		}
	}
	target := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(head[2:]))))
	f, err := c.strike(target)
	if err != nil {
		return err
	}
	reply := func(code byte) []byte {
		c.record(target, strconv.Itoa(int(code)), user)
		return []byte{0, code, 0, 0, 0, 0, 0, 0}
	}
	const (
		granted, rejected, wrongUser = 90, 91, 93

		connect = 1
	)
	if allowed := c.server.config.Proxy; allowed.User != "" && user != allowed.User {
		_, err := c.conn.Write(reply(wrongUser))
		return err
	}
	if head[1] == connect {
		if there, outcome := c.reach(f, target); outcome == proxyConnected {
			return c.tunnel(reply(granted), target, there)
		}
	}
	_, err = c.conn.Write(reply(rejected))
	return err
}

// serveSOCKS5 answers one request of SOCKS 5 (RFC 1928), behind user name and password (RFC 1929) where one is
// configured.
func (c *proxyClient) serveSOCKS5() error {
	c.how = "socks5"
	user, err := c.greetSOCKS5()
	if err != nil {
		return err
	}
	head, err := c.read(4)
	if err != nil {
		return err
	}
	var host string
	switch head[3] {
	case 1, 4:
		raw, err := c.read(map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]])
		if err != nil {
			return err
		}
		addr, _ := netip.AddrFromSlice(raw)
		host = addr.String()
	case 3:
		length, err := c.read(1)
		if err != nil {
			return err
		}
		name, err := c.read(int(length[0]))
		if err != nil {
			return err
		}
		host = string(name)
	default:
		return fmt.Errorf("SOCKS 5: unknown kind of address %d", head[3])
	}
	port, err := c.read(2)
	if err != nil {
		return err
	}
	target := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port))))
	f, err := c.strike(target)
	if err != nil {
		return err
	}
	const connect, unsupported = 1, 7
	code, there := byte(unsupported), net.Conn(nil)
	if head[1] == connect {
		var outcome proxyOutcome
		there, outcome = c.reach(f, target)
		code = [...]byte{proxyConnected: 0, proxyForbidden: 2, proxyNoSuchName: 4, proxyNoConnection: 5}[outcome]
	}
	c.record(target, strconv.Itoa(int(code)), user)
	reply := []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0}
	if code == 0 {
		return c.tunnel(reply, target, there)
	}
	_, err = c.conn.Write(reply)
	return err
}

// greetSOCKS5 agrees on a method, and lets the client prove its password where one is configured.
func (c *proxyClient) greetSOCKS5() (user string, err error) {
	head, err := c.read(2)
	if err != nil {
		return "", err
	}
	methods, err := c.read(int(head[1]))
	if err != nil {
		return "", err
	}
	const none, password, noneFits = 0x00, 0x02, 0xFF
	allowed := c.server.config.Proxy
	method := byte(none)
	if allowed.User != "" {
		method = password
	}
	if !bytes.Contains(methods, []byte{method}) {
		c.record("", "no acceptable method", "")
		_, err := c.conn.Write([]byte{5, noneFits})
		return "", errors.Join(errors.New("SOCKS 5: no acceptable method"), err)
	}
	if _, err := c.conn.Write([]byte{5, method}); err != nil || method == none {
		return "", err
	}
	var fields [2][]byte
	if _, err := c.read(1); err != nil { // version
		return "", err
	}
	for i := range fields {
		length, err := c.read(1)
		if err != nil {
			return "", err
		}
		if fields[i], err = c.read(int(length[0])); err != nil {
			return "", err
		}
	}
	user = string(fields[0])
	if user != allowed.User || subtle.ConstantTimeCompare(fields[1], []byte(allowed.Password)) != 1 {
		c.record("", "rejected", user)
		_, err := c.conn.Write([]byte{1, 1})
		return user, errors.Join(errors.New("SOCKS 5: user name or password rejected"), err)
	}
	_, err = c.conn.Write([]byte{1, 0})
	return user, err
}
