package kerberos

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

func TestKeytabOfMIT(t *testing.T) {
	kt, err := LoadKeytab("testdata/mit.keytab")
	require.NoError(t, err)
	var got []string
	for _, e := range kt.entries {
		got = append(got, fmt.Sprintf("%v %d %d %d", e.principal, e.kvno, e.key.KeyType, len(e.key.KeyValue)))
	}
	require.Equal(t, []string{
		"sip/server.ocs.test@OCS.TEST 1 18 32",
		"sip/server.ocs.test@OCS.TEST 1 17 16",
		"sip/server.ocs.test@OCS.TEST 1 23 16",
		"sip/rc4.ocs.test@OCS.TEST 1 23 16",
		"sip/aes128.ocs.test@OCS.TEST 1 17 16",
		"sip/sha2.ocs.test@OCS.TEST 1 20 32",
	}, got)
}

func TestKeytabGivesTheNewestKeyFirst(t *testing.T) {
	written := keytab.New()
	for _, version := range []uint8{3, 5, 4} {
		require.NoError(t, written.AddEntry("alice", realm, fmt.Sprint("password", version), time.Unix(0, 0), version, etypeID.AES128_CTS_HMAC_SHA1_96))
	}
	b, err := written.Marshal()
	require.NoError(t, err)
	kt, err := ParseKeytab(b)
	require.NoError(t, err)
	alice := principal{types.NewPrincipalName(1, "alice"), realm}
	var versions []uint32
	for _, e := range kt.keys(alice, etypeID.AES128_CTS_HMAC_SHA1_96) {
		versions = append(versions, e.kvno)
	}
	require.Equal(t, []uint32{5, 4, 3}, versions)
	require.Empty(t, kt.keys(alice, etypeID.RC4_HMAC))
	require.Equal(t, []int32{etypeID.AES128_CTS_HMAC_SHA1_96}, kt.enctypes(alice))

	key, err := secret{keytab: kt}.key(alice, types.ETypeInfo2Entry{EType: etypeID.AES128_CTS_HMAC_SHA1_96}, 4)
	require.NoError(t, err)
	require.Equal(t, kt.entries[2].key, key, "the version that the KDC names")
}

func TestKeytabWithHoles(t *testing.T) {
	b, err := os.ReadFile("testdata/mit.keytab")
	require.NoError(t, err)
	hole := binary.BigEndian.AppendUint32(nil, ^uint32(7)) // -8
	holed := append(append(bytes.Clone(b[:2]), append(hole, make([]byte, 8)...)...), b[2:]...)
	kt, err := ParseKeytab(append(holed, 0, 0, 0, 0, 1))
	require.NoError(t, err)
	require.Len(t, kt.entries, 6)
}

func TestDamagedKeytabIsRefusedAndNotQuoted(t *testing.T) {
	b, err := os.ReadFile("testdata/mit.keytab")
	require.NoError(t, err)
	for i := 3; i < len(b); i++ {
		kt, err := ParseKeytab(b[:i])
		require.True(t, err != nil || len(kt.entries) < 6)
		if err != nil {
			require.ErrorIs(t, err, errTruncated)
		}
	}
	_, err = ParseKeytab([]byte("not a keytab"))
	require.EqualError(t, err, "not a keytab, version 2")
	_, err = LoadKeytab(filepath.Join(t.TempDir(), "missing"))
	requireKind(t, KindConfig, err)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCredentialCacheOfMIT(t *testing.T) {
	cc, err := loadCCache("FILE:testdata/mit.ccache", &Config{})
	require.NoError(t, err)
	require.Equal(t, "alice@OCS.TEST", cc.client.String())
	var got []string
	for _, e := range cc.credentials {
		got = append(got, fmt.Sprintf("%v for %v until %v", e.server, e.client, e.end.UTC().Format(time.RFC3339)))
	}
	require.Equal(t, []string{
		"krbtgt/OCS.TEST@OCS.TEST for alice@OCS.TEST until 2026-11-23T14:12:07Z",
		"sip/server.ocs.test@OCS.TEST for alice@OCS.TEST until 2026-11-23T14:12:07Z",
	}, got[:2])
}

func TestServiceTicketOfTheCacheIsUsedWithoutAKDC(t *testing.T) {
	kt, err := LoadKeytab("testdata/mit.keytab")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(recordedAt))
		c := &Client{CCache: "testdata/mit.ccache", Target: target, Config: &Config{}, Dial: (&site{}).dial}
		s := &Server{Keytab: kt, Target: target, Replays: new(ReplayCache)}
		handshake(t, c, s)
		requireSignaturesBothWays(t, c, s)
		require.Equal(t, "alice@OCS.TEST", c.Principal())
		require.False(t, c.PasswordTested())
		require.Equal(t, "2026-11-23T14:12:07Z", c.Expiry().UTC().Format(time.RFC3339))
	})
}

func TestExpiredTicketsAreToldFromMissingOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(recordedAt.Add(24 * time.Hour)))
		c := &Client{CCache: "testdata/mit.ccache", Target: target, Config: &Config{}}
		_, _, err := c.Step(context.Background(), nil)
		requireKind(t, KindTicketExpired, err)
		require.ErrorContains(t, err, "alice@OCS.TEST for krbtgt/OCS.TEST, on 2026-11-23T14:12:07Z")
	})
}

// writeCCache writes a cache with a user's ticket-granting ticket.
func writeCCache(t *testing.T, version byte, tgt *ticket) string {
	t.Helper()
	b := []byte{5, version}
	if version == 4 {
		b = append(b, 0, 12, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	u32 := func(n int) { b = binary.BigEndian.AppendUint32(b, uint32(n)) }
	data := func(s string) { u32(len(s)); b = append(b, s...) }
	name := func(p principal) {
		u32(int(p.name.NameType))
		u32(len(p.name.NameString))
		data(p.realm)
		for _, s := range p.name.NameString {
			data(s)
		}
	}
	name(tgt.client)
	name(tgt.client)
	name(principal{tgt.server, tgt.client.realm})
	b = binary.BigEndian.AppendUint16(b, uint16(tgt.key.KeyType))
	if version == 3 {
		b = binary.BigEndian.AppendUint16(b, uint16(tgt.key.KeyType))
	}
	data(string(tgt.key.KeyValue))
	u32(0)
	u32(0)
	u32(int(tgt.end.Unix()))
	u32(0)
	b = append(b, 0)
	u32(0)
	u32(1) // one address
	b = append(b, 0, 2)
	data("\x7f\x00\x00\x01")
	u32(0)
	sealed, err := tgt.sealed.Marshal()
	require.NoError(t, err)
	data(string(sealed))
	data("")
	path := filepath.Join(t.TempDir(), "ccache")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestTicketGrantingTicketOfTheCacheIsUsed(t *testing.T) {
	for version := byte(3); version <= 4; version++ {
		for how, set := range map[string]func(c *Client, path string){
			"by path":       func(c *Client, path string) { c.CCache = path },
			"by KRB5CCNAME": func(_ *Client, path string) { t.Setenv("KRB5CCNAME", "FILE:"+path) },
			"by krb5.conf": func(c *Client, path string) {
				t.Setenv("KRB5CCNAME", "")
				c.Config = config(t, oneRealm+"[libdefaults]\n default_ccache_name = FILE:"+path+"\n")
			},
		} {
			t.Run(fmt.Sprintf("version %d %s", version, how), func(t *testing.T) {
				k := newKDC(t)
				first := newClient(t, k)
				n := &network{config: first.Config, dial: first.Dial}
				tgt, err := n.initialTicket(context.Background(), k.accounts["alice@OCS.TEST"].principal, secret{password: password})
				require.NoError(t, err)

				c, s := newClient(t, k), newServer(k)
				c.User, c.Password = "", ""
				set(c, writeCCache(t, version, tgt))
				handshake(t, c, s)
				require.Equal(t, "alice@OCS.TEST", c.Principal())
				require.False(t, c.PasswordTested())
			})
		}
	}
}

func TestTicketThatTheKDCFindsExpired(t *testing.T) {
	k := newKDC(t)
	first := newClient(t, k)
	n := &network{config: first.Config, dial: first.Dial}
	tgt, err := n.initialTicket(context.Background(), k.accounts["alice@OCS.TEST"].principal, secret{password: password})
	require.NoError(t, err)
	k.ClockOffset = 11 * time.Hour
	c := newClient(t, k)
	c.Password, c.CCache = "", writeCCache(t, 4, tgt)
	_, _, err = c.Step(context.Background(), nil)
	requireKind(t, KindTicketExpired, err)
}

func TestCacheThatCannotBeUsedIsNoTicket(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for name, words := range map[string]string{
		filepath.Join(t.TempDir(), "missing"): "no such file",
		empty:                                 "not a credential cache",
		"KEYRING:persistent:0":                "only credential caches in files",
		"KCM:":                                "only credential caches in files",
		"testdata/mit.keytab":                 "not a credential cache",
	} {
		_, _, err := (&Client{CCache: name, Target: target, Config: &Config{}}).Step(context.Background(), nil)
		requireKind(t, KindNoTicket, err)
		require.ErrorContains(t, err, words)
	}
}

func TestDamagedCacheIsRefused(t *testing.T) {
	b, err := os.ReadFile("testdata/mit.ccache")
	require.NoError(t, err)
	whole, err := parseCCache(b)
	require.NoError(t, err)
	for i := range b {
		cc, err := parseCCache(b[:i])
		require.True(t, err != nil || len(cc.credentials) < len(whole.credentials))
	}
}
