package server

import (
	"bytes"
	"encoding/hex"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip"
)

// The recorded exchanges are those of the published captures: SIPE 1.25 (an unsigned first REGISTER to a
// subscription, over TCP) and Communicator 2007 R2 (the last REGISTER of the ladder and its answer).

// recorded reads a recorded message.
func recorded(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".sip")
	require.NoError(t, err)
	return string(raw)
}

// randomness is a source of the given bytes, in hexadecimal.
func randomness(t *testing.T, digits ...string) *bytes.Reader {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(digits, ""))
	require.NoError(t, err)
	return bytes.NewReader(b)
}

// exchange writes bytes to a server and returns the one message that it answers with.
func exchange(t *testing.T, nc net.Conn, request string, write func(net.Conn, []byte)) (string, sip.Message) {
	t.Helper()
	write(nc, []byte(request))
	synctest.Wait()
	b := make([]byte, 1<<16)
	n, err := nc.Read(b)
	require.NoError(t, err)
	m, err := sip.Parse(b[:n])
	require.NoError(t, err)
	return string(b[:n]), m
}

func whole(nc net.Conn, b []byte) { _, _ = nc.Write(b) }

func byteByByte(nc net.Conn, b []byte) {
	for i := range b {
		_, _ = nc.Write(b[i : i+1])
		synctest.Wait()
	}
}

func TestRecordedSignInOfSIPE(t *testing.T) {
	for name, write := range map[string]func(net.Conn, []byte){"whole": whole, "byte by byte": byteByByte} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startTest(t, Config{
					Domain: "example.test", Host: "sim", Users: []User{{Name: "alice", Password: "secret"}}, Expires: 600e9,
					Rand: randomness(t, "3E2023FA1DC92DA37BC21AA4FB481EF5", "5DC4E980", "7fbbef1b1677bb71", "CC00F359", "2E832398"),
				})
				nc, err := s.Dial(t.Context(), "tcp", "sim.example.test:5060")
				require.NoError(t, err)
				defer nc.Close()

				_, first := exchange(t, nc, recorded(t, "sipe-1"), write)
				require.Equal(t, 401, first.(*sip.Response).StatusCode)
				require.Equal(t, `NTLM realm="SIP Communications Service", targetname="sim.example.test", version=4`, sip.Value(first, "WWW-Authenticate"))
				require.Equal(t, "<sip:alice@example.test>;tag=3E2023FA1DC92DA37BC21AA4FB481EF5", sip.Value(first, "To"))

				_, second := exchange(t, nc, "\r\n\r\n"+recorded(t, "sipe-2"), write)
				require.Equal(t, 401, second.(*sip.Response).StatusCode)
				require.Contains(t, sip.Value(second, "WWW-Authenticate"), `opaque="5DC4E980"`)

				_, third := exchange(t, nc, recorded(t, "sipe-3"), write)
				require.Equal(t, 200, third.(*sip.Response).StatusCode)
				require.Equal(t, `NTLM rspauth="01000000DD252FD565C62E1664000000", srand="CC00F359", snum="1", opaque="5DC4E980", qop="auth", `+
					`targetname="sim.example.test", realm="SIP Communications Service"`, sip.Value(third, "Authentication-Info"))
				require.Contains(t, sip.Value(third, "Contact"), `+sip.instance="<urn:uuid:085e0bd8-031c-5a0d-8d9a-f149aae6954a>";`+
					`gruu="sip:alice@example.test;opaque=user:epid:2AteCBwDDVqNmvFJquaVSgAA;gruu"`)

				_, fourth := exchange(t, nc, recorded(t, "sipe-4"), write)
				require.Equal(t, 200, fourth.(*sip.Response).StatusCode)
				require.Equal(t, `NTLM rspauth="01000000E699943F2525E6C364000000", srand="2E832398", snum="2", opaque="5DC4E980", qop="auth", `+
					`targetname="sim.example.test", realm="SIP Communications Service"`, sip.Value(fourth, "Authentication-Info"))
				require.Equal(t, `<contactList xmlns="http://schemas.microsoft.com/2006/09/sip/contactlist" deltaNum="1"><group id="1" name="~" externalURI=""/></contactList>`,
					string(fourth.Body()))
			})
		})
	}
}

func TestRecordedSignInOfCommunicator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTest(t, Config{
			Domain: "cosmo.local", Host: "cosmo-ocs-r2", Users: []User{{Name: "user", Password: "Pa$$word"}},
			Rand: randomness(t, "5E61CCD925D17E043D9A74835A88F664", "2BDBAC9D", "DD1BAAF4E7E218D1", "9616454F"),
		})
		s.connected = 0x2500 // so that the next connection has the recorded number
		nc, there := newMemoryPair(&net.TCPAddr{IP: net.IPv4(192, 168, 172, 6), Port: 12723}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060})
		require.Empty(t, s.accept(there, transportTCP))
		defer nc.Close()

		last := recorded(t, "communicator-3")
		credentials := last[strings.Index(last, "Proxy-Authorization"):strings.Index(last, "Content-Length")]
		ladder := []string{
			strings.NewReplacer(credentials, "", "CSeq: 3", "CSeq: 1").Replace(last),
			strings.NewReplacer(credentials, `Proxy-Authorization: NTLM qop="auth", realm="SIP Communications Service", `+
				`targetname="cosmo-ocs-r2.cosmo.local", gssapi-data="", version=4`+"\r\n", "CSeq: 3", "CSeq: 2").Replace(last),
		}
		for _, request := range ladder {
			_, answer := exchange(t, nc, request, whole)
			require.Equal(t, 401, answer.(*sip.Response).StatusCode)
		}
		got, _ := exchange(t, nc, last, whole)
		want := strings.Replace(recorded(t, "communicator-3-answer"), `"User"<sip:`, "<sip:", 1) // we know no display names
		require.Equal(t, want, got)
	})
}

func TestTwoMessagesInOneSegmentAreAnsweredInOrder(t *testing.T) {
	inBubble(t, twoUsers(), func(t *testing.T, s *Server) {
		nc, err := s.Dial(t.Context(), "tcp", "server.ocs.test:5060")
		require.NoError(t, err)
		defer nc.Close()
		one := "OPTIONS sip:ocs.test SIP/2.0\r\nVIA: SIP/2.0/TCP x\r\nFROM: <sip:alice@ocs.test>;tag=1;\r\n epid=01\r\nTO: <sip:ocs.test>\r\nCALL-ID: a\r\nCSEQ: 1 OPTIONS\r\n\r\n"
		_, err = nc.Write([]byte(one + strings.ReplaceAll(one, "CSEQ: 1", "CSEQ: 2")))
		require.NoError(t, err)
		synctest.Wait()
		b := make([]byte, 1<<16)
		n, err := nc.Read(b)
		require.NoError(t, err)
		first, second, _ := strings.Cut(string(b[:n]), "\r\n\r\n")
		require.Contains(t, first, "CSeq: 1 OPTIONS")
		require.Contains(t, first, "From: <sip:alice@ocs.test>;tag=1; epid=01")
		if second == "" { // one write a message
			n, err = nc.Read(b)
			require.NoError(t, err)
			second = string(b[:n])
		}
		require.Contains(t, second, "CSeq: 2 OPTIONS")
	})
}
