package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHistoryIsBoundedByRecords(t *testing.T) {
	h := newHistory(10)
	for i := range 1000 {
		h.add(record{kind: KindQuery, name: strconv.Itoa(i)})
	}
	held, dropped := h.snapshot(nil)
	require.Len(t, held, 10)
	require.Equal(t, 990, dropped)
	require.Equal(t, "990", held[0].name)
	require.Equal(t, "999", held[9].name)
	require.Less(t, cap(h.records), 300)
}

func TestHistoryIsBoundedByBytes(t *testing.T) {
	h := newHistory(0)
	raw := []byte(strings.Repeat("x", 1<<20))
	for range 20 {
		h.add(record{kind: KindMessage, raw: raw})
	}
	held, dropped := h.snapshot(nil)
	require.Len(t, held, historyBytes>>20)
	require.Equal(t, 12, dropped)
	h.add(record{kind: KindMessage, raw: make([]byte, historyBytes+1)})
	require.LessOrEqual(t, h.bytes, historyBytes)
}

func TestHistoryCanBeOff(t *testing.T) {
	h := newHistory(-1)
	h.add(record{kind: KindRejected, user: "alice@ocs.test"})
	held, dropped := h.snapshot(nil)
	require.Empty(t, held)
	require.Equal(t, 1, dropped)
	require.Equal(t, 1, h.rejected["alice@ocs.test"], "counted all the same")
}

func TestHistoryReadsMessagesAndMasksSecrets(t *testing.T) {
	raw := "REGISTER sip:ocs.test SIP/2.0\r\n" +
		"Via: SIP/2.0/TCP 127.0.0.1:1\r\n" +
		"From: \"A\" <sip:Alice@ocs.test>;tag=1;epid=0102\r\nTo: <sip:alice@ocs.test>\r\n" +
		"Call-ID: c1\r\nCSeq: 3 REGISTER\r\nEvent: registration\r\n" +
		"Authorization: NTLM qop=\"auth\", gssapi-data=\"TlRMTVNTUAADAAAA\", response=\"0100000012345678\"\r\n" +
		"Content-Length: 0\r\n\r\n"
	got := record{kind: KindMessage, conn: 4, raw: []byte(raw)}.open()
	require.Equal(t, "REGISTER", got.Method)
	require.Equal(t, 3, got.CSeq)
	require.Equal(t, "c1", got.CallID)
	require.Equal(t, "registration", got.Event)
	require.Equal(t, "alice@ocs.test", got.User)
	require.Equal(t, 4, got.Conn)
	require.NotContains(t, got.Text, "TlRMTVNTUAADAAAA")
	require.NotContains(t, got.Text, "0100000012345678")
	require.Contains(t, got.Text, "Call-ID: c1")
}

func TestHistoryCountsRejectionsOfStrangersWithinBounds(t *testing.T) {
	h := newHistory(-1)
	for i := range maxStrangers + 100 {
		h.add(record{kind: KindRejected, user: strconv.Itoa(i)})
	}
	h.add(record{kind: KindRejected, user: "0"})
	require.Len(t, h.rejected, maxStrangers)
	require.Equal(t, 2, h.rejected["0"])
}
