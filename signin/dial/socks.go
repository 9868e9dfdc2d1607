package dial

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	ocserr "github.com/ocsgo/ocs/errors"
)

// exchange sends a SOCKS message and reads exactly n bytes of the answer: what comes behind it is the
// server's. The first byte must be the given one.
func (d *dialogue) exchange(message []byte, n int, version byte) ([]byte, error) {
	if _, err := d.conn.Write(message); err != nil {
		return nil, d.fail(ocserr.CauseProxyClosed, err)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(d.conn, answer[:1]); err != nil {
		return nil, d.fail(ocserr.CauseProxyClosed, err)
	}
	if answer[0] != version {
		return nil, d.fail(ocserr.CauseProxyBadAnswer, fmt.Errorf("the answer is not SOCKS: it begins with %q%s", answer[:1], guess(answer[0])))
	}
	if _, err := io.ReadFull(d.conn, answer[1:]); err != nil {
		return nil, d.fail(ocserr.CauseProxyClosed, err)
	}
	return answer, nil
}

// reply is what a SOCKS reply code means.
type reply struct {
	text  string
	cause ocserr.Cause // empty: granted
}

// socks4 asks a SOCKS 4 proxy for a connection; for a name, in the way of SOCKS 4a.
func (d *dialogue) socks4(host string, port int) (net.Conn, error) {
	message := binary.BigEndian.AppendUint16([]byte{4, 1}, uint16(port))
	addr, err := netip.ParseAddr(host)
	if err == nil {
		message = append(message, addr.AsSlice()...)
	} else {
		message = append(message, 0, 0, 0, 1)
	}
	message = append(append(message, d.proxy.User...), 0)
	if err != nil {
		message = append(append(message, host...), 0)
	}
	step := d.ask("CONNECT "+net.JoinHostPort(host, strconv.Itoa(port)), "")
	answer, err := d.exchange(message, 8, 0)
	if err != nil {
		return nil, err
	}
	r := socks4Reply(answer[1])
	step.Status, step.Answer = int(answer[1]), r.text
	if r.cause != "" {
		return nil, d.fail(r.cause, fmt.Errorf("%s (SOCKS 4 reply %d)", r.text, answer[1]))
	}
	return d.conn, nil
}

func socks4Reply(code byte) reply {
	switch code {
	case 90:
		return reply{text: "granted"}
	case 91:
		return reply{"rejected or failed", ocserr.CauseProxyCannotConnect}
	case 92:
		return reply{"rejected: the proxy cannot ask this machine's identd for the user", ocserr.CauseProxyAuthFailed}
	case 93:
		return reply{"rejected: this machine's identd tells of another user", ocserr.CauseProxyAuthFailed}
	}
	return reply{"unknown reply", ocserr.CauseProxyBadAnswer}
}

// The authentication methods of SOCKS 5 (RFC 1928 section 3).
const (
	methodNone     = 0x00
	methodPassword = 0x02
	methodNoneFits = 0xFF
)

// socks5 asks a SOCKS 5 proxy for a connection.
func (d *dialogue) socks5(ctx context.Context, host string, port int) (net.Conn, error) {
	if err := d.greet(ctx); err != nil {
		return nil, err
	}
	message := []byte{5, 1, 0}
	addr, notAddress := netip.ParseAddr(host)
	switch {
	case notAddress != nil:
		message = append(append(message, 3, byte(len(host))), host...)
	case addr.Is4():
		message = append(append(message, 1), addr.AsSlice()...)
	default:
		message = append(append(message, 4), addr.AsSlice()...)
	}
	message = binary.BigEndian.AppendUint16(message, uint16(port))
	step := d.ask("CONNECT "+net.JoinHostPort(host, strconv.Itoa(port)), "")
	answer, err := d.exchange(message, 4, 5)
	if err != nil {
		return nil, err
	}
	r := socks5Reply(answer[1], notAddress != nil)
	step.Status, step.Answer = int(answer[1]), r.text
	if r.cause != "" {
		return nil, d.fail(r.cause, fmt.Errorf("%s (SOCKS 5 reply %d)", r.text, answer[1]))
	}
	return d.conn, d.skipBound(answer[3])
}

// greet agrees on a method of authentication, and goes through it.
func (d *dialogue) greet(ctx context.Context) error {
	methods := []byte{methodNone}
	if d.proxy.User != "" {
		methods = append(methods, methodPassword)
	}
	step := d.ask("greeting", "")
	answer, err := d.exchange(append([]byte{5, byte(len(methods))}, methods...), 2, 5)
	if err != nil {
		return err
	}
	switch method := answer[1]; {
	case method == methodNone:
		step.Answer = "no authentication"
		return nil
	case method == methodPassword && bytes.IndexByte(methods, method) >= 0:
		step.Answer = "user name and password"
	case method == methodNoneFits && d.proxy.User == "":
		step.Answer = "no acceptable method"
		return d.fail(ocserr.CauseProxyAuthRequired, errors.New("it does not serve without authentication"))
	case method == methodNoneFits:
		step.Answer = "no acceptable method"
		return d.fail(ocserr.CauseProxyAuthUnsupported, errors.New("it accepts neither user name and password nor no authentication"))
	default:
		return d.fail(ocserr.CauseProxyBadAnswer, fmt.Errorf("it chooses the method %d, which was not offered", method))
	}
	tell, err := d.cfg.Logins.show(ctx, d.proxy)
	if err != nil {
		return d.fail(ocserr.CauseProxyPassword, err)
	}
	defer tell(noVerdict)
	message := append([]byte{1, byte(len(d.proxy.User))}, d.proxy.User...)
	message = append(append(message, byte(len(d.proxy.Password))), d.proxy.Password...)
	step = d.ask("user name and password", "password")
	if answer, err = d.exchange(message, 2, 1); err != nil {
		return err
	}
	step.Status, step.Answer = int(answer[1]), "accepted"
	if answer[1] != 0 {
		tell(rejected)
		step.Answer = "rejected"
		return d.fail(ocserr.CauseProxyPassword, fmt.Errorf("it rejects the credentials of %q", d.proxy.User))
	}
	tell(accepted)
	return nil
}

// skipBound reads the rest of a reply: the address that the proxy has connected from.
func (d *dialogue) skipBound(kind byte) error {
	var size int
	switch kind {
	case 1:
		size = net.IPv4len
	case 4:
		size = net.IPv6len
	case 3:
		var length [1]byte
		if _, err := io.ReadFull(d.conn, length[:]); err != nil {
			return d.fail(ocserr.CauseProxyClosed, err)
		}
		size = int(length[0])
	default:
		return d.fail(ocserr.CauseProxyBadAnswer, fmt.Errorf("an address of the unknown kind %d", kind))
	}
	const port = 2
	if _, err := io.ReadFull(d.conn, make([]byte, size+port)); err != nil {
		return d.fail(ocserr.CauseProxyClosed, err)
	}
	return nil
}

// socks5Reply names a reply code (RFC 1928 section 6). named: the proxy was asked for a name.
func socks5Reply(code byte, named bool) reply {
	replies := [...]reply{
		0: {text: "succeeded"},
		1: {"general SOCKS server failure", ocserr.CauseProxyFailed},
		2: {"connection not allowed by ruleset", ocserr.CauseProxyRefused},
		3: {"network unreachable", ocserr.CauseProxyCannotConnect},
		4: {"host unreachable", ocserr.CauseProxyCannotConnect},
		5: {"connection refused", ocserr.CauseProxyCannotConnect},
		6: {"TTL expired", ocserr.CauseProxyCannotConnect},
		7: {"command not supported", ocserr.CauseProxyFailed},
		8: {"address type not supported", ocserr.CauseProxyCannotConnect},
	}
	switch {
	case int(code) >= len(replies):
		return reply{"unknown reply", ocserr.CauseProxyBadAnswer}
	case code == 8 && named:
		return reply{"address type not supported: the proxy takes no names", ocserr.CauseProxyCannotResolve}
	}
	return replies[code]
}
