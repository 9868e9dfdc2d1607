package dial

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestSOCKSOnTheWire(t *testing.T) {
	const (
		reply4  = "\x00\x5a\x00\x00\x00\x00\x00\x00"
		reply5  = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
		name    = "fe.contoso.com"
		port    = "\x13\xc5"
		connect = "\x05\x01\x00"
	)
	for _, test := range []struct {
		name, proxy, answer, want string
		addrs                     []netip.Addr
	}{
		{"4", "socks4://proxy", reply4, "\x04\x01" + port + "\x0a\x00\x00\x01\x00", addrs("2001:db8::1", "10.0.0.1")},
		{"4 with user", "socks4://alice@proxy", reply4, "\x04\x01" + port + "\x0a\x00\x00\x01alice\x00", addrs("10.0.0.1")},
		{"4a", "socks4a://alice@proxy", reply4, "\x04\x01" + port + "\x00\x00\x00\x01alice\x00" + name + "\x00", addrs("10.0.0.1")},
		{"5", "socks5://proxy", "\x05\x00" + reply5, "\x05\x01\x00" + connect + "\x03\x0e" + name + port, addrs("10.0.0.1")},
		{"5 with password", "socks5://alice:s3cret@proxy", "\x05\x02\x01\x00" + reply5, "\x05\x02\x00\x02\x01\x05alice\x06s3cret" + connect + "\x03\x0e" + name + port, nil},
		{"5 with a password that nobody asks for", "socks5://alice:s3cret@proxy", "\x05\x00" + reply5, "\x05\x02\x00\x02" + connect + "\x03\x0e" + name + port, nil},
		{
			"5 goes on to the addresses", "socks5://proxy", "\x05\x00\x05\x08\x00\x01",
			"\x05\x01\x00" + connect + "\x03\x0e" + name + port + "--\n" + "\x05\x01\x00" + connect + "\x04\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01" + port,
			addrs("2001:db8::1"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{answers: []string{test.answer, "\x05\x00" + reply5}}
			_, _, err := via(t, s, test.proxy, test.addrs...)
			require.NoError(t, err)
			require.Equal(t, test.want, s.all())
		})
	}
}

func TestSOCKSAnswerNamesTheCause(t *testing.T) {
	reply5 := func(code string) string { return "\x05\x00\x05" + code + "\x00\x01\x00\x00\x00\x00\x00\x00" }
	for _, test := range []struct {
		name, proxy, answer string
		want                ocserr.Cause
	}{
		{"4: rejected or failed", "socks4a://proxy", "\x00\x5b......", ocserr.CauseProxyCannotConnect},
		{"4: no identd", "socks4a://proxy", "\x00\x5c......", ocserr.CauseProxyAuthFailed},
		{"4: another user", "socks4a://proxy", "\x00\x5d......", ocserr.CauseProxyAuthFailed},
		{"4: unknown reply", "socks4a://proxy", "\x00\x00......", ocserr.CauseProxyBadAnswer},
		{"4: HTTP", "socks4a://proxy", "HTTP/1.1 400 Bad Request\r\n", ocserr.CauseProxyBadAnswer},
		{"4: closed", "socks4a://proxy", "", ocserr.CauseProxyClosed},
		{"4: cut", "socks4a://proxy", "\x00\x5a...", ocserr.CauseProxyClosed},
		{"5: password wanted", "socks5://proxy", "\x05\xff", ocserr.CauseProxyAuthRequired},
		{"5: other method wanted", "socks5://alice:s3cret@proxy", "\x05\xff", ocserr.CauseProxyAuthUnsupported},
		{"5: method not offered", "socks5://proxy", "\x05\x02", ocserr.CauseProxyBadAnswer},
		{"5: GSS-API", "socks5://alice:s3cret@proxy", "\x05\x01", ocserr.CauseProxyBadAnswer},
		{"5: password rejected", "socks5://alice:s3cret@proxy", "\x05\x02\x01\x01", ocserr.CauseProxyPassword},
		{"5: closed after the password", "socks5://alice:s3cret@proxy", "\x05\x02", ocserr.CauseProxyClosed},
		{"5: SOCKS 4 answers", "socks5://proxy", "\x00\x5b......", ocserr.CauseProxyBadAnswer},
		{"5: general failure", "socks5://proxy", reply5("\x01"), ocserr.CauseProxyFailed},
		{"5: not allowed", "socks5://proxy", reply5("\x02"), ocserr.CauseProxyRefused},
		{"5: network unreachable", "socks5://proxy", reply5("\x03"), ocserr.CauseProxyCannotConnect},
		{"5: host unreachable", "socks5://proxy", reply5("\x04"), ocserr.CauseProxyCannotConnect},
		{"5: refused", "socks5://proxy", reply5("\x05"), ocserr.CauseProxyCannotConnect},
		{"5: TTL", "socks5://proxy", reply5("\x06"), ocserr.CauseProxyCannotConnect},
		{"5: command", "socks5://proxy", reply5("\x07"), ocserr.CauseProxyFailed},
		{"5: no names", "socks5://proxy", reply5("\x08"), ocserr.CauseProxyCannotResolve},
		{"5: unknown reply", "socks5://proxy", reply5("\x09"), ocserr.CauseProxyBadAnswer},
		{"5: unknown kind of address", "socks5://proxy", "\x05\x00\x05\x00\x00\x02", ocserr.CauseProxyBadAnswer},
		{"5: cut", "socks5://proxy", "\x05\x00\x05\x00\x00\x03\x09abc", ocserr.CauseProxyClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &script{answers: []string{test.answer}}
			_, _, err := via(t, s, test.proxy)
			requireProxyCause(t, test.want, 0, err)
			require.Equal(t, 1, s.closed)
		})
	}
}

func FuzzSOCKSAnswer(f *testing.F) {
	f.Add([]byte("\x00\x5a\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x05\x00\x05\x00\x00\x03\x02ab\x13\x88hello"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		fuzz(t, "socks5://alice:s3cret@proxy", answer)
		fuzz(t, "socks4a://alice@proxy", answer)
	})
}
