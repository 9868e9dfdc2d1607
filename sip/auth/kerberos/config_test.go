package kerberos

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/stretchr/testify/require"
)

// A krb5.conf as they are found: comments, nested blocks, quotes, final marks, tabs, sections of others.
const fullConfig = `
# a comment
; another
stray line
[logging]
	default = FILE:/var/log/krb5libs.log
[libdefaults]
	default_realm = OCS.TEST
	default_realm = LATER.TEST
	default_ccache_name = "FILE:/run/user/%{uid}/krb5cc"
	dns_lookup_kdc = off
[realms]
	OCS.TEST = {
		auth_to_local_names = {
			alice = root
		}
		kdc* = kdc1.ocs.test
		kdc = kdc2.ocs.test:8888
		kdc = udp/kdc3.ocs.test
		kdc = [2001:db8::1]:88
		kdc = 2001:db8::2
		admin_server = kdc1.ocs.test
	}
	OTHER.TEST = {
		kdc = kdc.other.test
	}
}
[domain_realm]
	sip.contoso.com = SIP.CONTOSO.COM
	.contoso.com = CONTOSO.COM
	ocs.test = OCS.TEST
	Upper.Test = UPPER.TEST
`

func TestKrb5Conf(t *testing.T) {
	c := config(t, fullConfig)
	require.Equal(t, "OCS.TEST", c.defaultRealm())
	require.Equal(t, "FILE:/run/user/%{uid}/krb5cc", c.defaultCCache())
	require.False(t, c.lookupKDC())
	require.Equal(t, []endpoint{
		{"tcp", "kdc1.ocs.test:88"},
		{"tcp", "kdc2.ocs.test:8888"},
		{"tcp", "[2001:db8::1]:88"},
		{"tcp", "[2001:db8::2]:88"},
		{"udp", "kdc1.ocs.test:88"},
		{"udp", "kdc2.ocs.test:8888"},
		{"udp", "kdc3.ocs.test:88"},
		{"udp", "[2001:db8::1]:88"},
		{"udp", "[2001:db8::2]:88"},
	}, c.kdcs("OCS.TEST"))
	require.Len(t, c.kdcs("OTHER.TEST"), 2)
	require.Empty(t, c.kdcs("UNKNOWN.TEST"))
}

func TestRealmOfAHost(t *testing.T) {
	c := config(t, fullConfig)
	for host, want := range map[string]string{
		"sip.contoso.com":    "SIP.CONTOSO.COM",
		"SIP.Contoso.com":    "SIP.CONTOSO.COM",
		"pool.contoso.com":   "CONTOSO.COM",
		"a.pool.contoso.com": "CONTOSO.COM",
		"contoso.com":        "",
		"server.ocs.test":    "OCS.TEST",
		"ocs.test":           "OCS.TEST",
		"notocs.test":        "",
		"server.upper.test":  "UPPER.TEST",
		"":                   "",
	} {
		require.Equal(t, want, c.realmOf(host), host)
	}
}

func TestEmptyKrb5ConfSaysNothing(t *testing.T) {
	c := &Config{}
	require.Empty(t, c.defaultRealm())
	require.Empty(t, c.kdcs(realm))
	require.True(t, c.lookupKDC())
	require.Equal(t, enctypes, c.enctypes("default_tkt_enctypes"))
}

func TestEnctypesOfKrb5Conf(t *testing.T) {
	const aes256, aes128, rc4 = etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.RC4_HMAC
	for text, want := range map[string][]int32{
		"":                                       enctypes,
		"permitted_enctypes = aes256-cts, rc4":   {aes256, rc4},
		"permitted_enctypes = DEFAULT -aes -rc4": {},
		"permitted_enctypes = des3-cbc-sha1":     {},
		"permitted_enctypes = RC4 +aes256-cts":   {rc4, aes256},
		"default_tkt_enctypes = aes128-cts rc4":  {aes128, rc4},
		"default_tgs_enctypes = rc4":             enctypes,
		"default_tkt_enctypes = aes128-cts rc4\n permitted_enctypes = aes": {aes128},
	} {
		require.Equal(t, want, config(t, "[libdefaults]\n "+text+"\n").enctypes("default_tkt_enctypes"), text)
	}
}

func TestKrb5ConfIncludesFilesAndFolders(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	file := write("one", "[libdefaults]\n default_realm = ONE.TEST\n")
	write("d/two.conf", "[realms]\n TWO.TEST = {\n  kdc = two\n }\n")
	write("d/three", "[realms]\n THREE.TEST = {\n  kdc = three\n }\n")
	write("d/.hidden.conf", "[libdefaults]\n default_realm = HIDDEN.TEST\n")
	write("d/four.rpmsave", "[libdefaults]\n default_realm = FOUR.TEST\n")
	c, err := LoadConfig(write("krb5.conf", "includedir "+filepath.Join(dir, "d")+"\ninclude "+file+"\n[libdefaults]\n default_realm = LATE.TEST\n"))
	require.NoError(t, err)
	require.Equal(t, "ONE.TEST", c.defaultRealm())
	require.Len(t, c.kdcs("TWO.TEST"), 2)
	require.Len(t, c.kdcs("THREE.TEST"), 2)

	_, err = LoadConfig(write("loop", "include "+filepath.Join(dir, "loop")+"\n"))
	require.ErrorContains(t, err, "more than 100 configuration files")
	_, err = LoadConfig(write("broken", "include "+filepath.Join(dir, "missing")+"\n"))
	require.ErrorIs(t, err, os.ErrNotExist)
	requireKind(t, KindConfig, err)
}

func TestKrb5ConfOfTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	require.NoError(t, os.WriteFile(one, []byte("[libdefaults]\n default_realm = ONE.TEST\n"), 0o600))
	require.NoError(t, os.WriteFile(two, []byte("[libdefaults]\n default_realm = TWO.TEST\n dns_lookup_kdc = no\n"), 0o600))
	t.Setenv("KRB5_CONFIG", one+string(os.PathListSeparator)+two)
	c, err := LoadConfig("")
	require.NoError(t, err)
	require.Equal(t, "ONE.TEST", c.defaultRealm())
	require.False(t, c.lookupKDC())

	c, err = LoadConfig(two)
	require.NoError(t, err)
	require.Equal(t, "TWO.TEST", c.defaultRealm(), "a path given counts alone")
}

func TestHugeFilesAreNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge")
	require.NoError(t, os.WriteFile(path, make([]byte, maxFile+1), 0o600))
	_, err := LoadConfig(path)
	require.ErrorContains(t, err, "is longer than")
	_, err = LoadKeytab(path)
	require.ErrorContains(t, err, "is longer than")
	_, err = loadCCache(path, &Config{})
	require.ErrorContains(t, err, "is longer than")
}
