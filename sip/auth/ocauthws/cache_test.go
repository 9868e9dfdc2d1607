package ocauthws

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// newKept is a certificate that is good for a time.
func newKept(t *testing.T, life time.Duration) *tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: testAddress},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}
}

func TestCacheKeepsByServerAndUser(t *testing.T) {
	c := &Cache{}
	kept := newKept(t, 24*time.Hour)
	require.NoError(t, c.Put(testTarget, testAddress, kept))
	for _, tc := range []struct {
		target, address string
		found           bool
	}{
		{testTarget, testAddress, true},
		{"SIP.Contoso.com", "Alice@contoso.com", true},
		{"other.contoso.com", testAddress, false},
		{testTarget, "bob@contoso.com", false},
		{"", "", false},
	} {
		got, err := c.Get(tc.target, tc.address)
		require.NoError(t, err)
		require.Equal(t, tc.found, got != nil)
	}
	require.NoError(t, c.Drop(testTarget, testAddress))
	require.NoError(t, c.Drop(testTarget, testAddress))
	got, err := c.Get(testTarget, testAddress)
	require.NoError(t, err)
	require.Nil(t, got)
}

func TestCacheGivesNoCertificateInItsLastHour(t *testing.T) {
	for _, folder := range []string{"", t.TempDir()} {
		synctest.Test(t, func(t *testing.T) {
			c := &Cache{Folder: folder}
			require.NoError(t, c.Put(testTarget, testAddress, newKept(t, 24*time.Hour)))
			time.Sleep(23*time.Hour - time.Second)
			got, err := c.Get(testTarget, testAddress)
			require.NoError(t, err)
			require.NotNil(t, got)
			time.Sleep(2 * time.Second)
			got, err = c.Get(testTarget, testAddress)
			require.NoError(t, err)
			require.Nil(t, got)
		})
	}
}

func TestCacheOnDiskIsForTheUserAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "certificates")
	kept := newKept(t, 24*time.Hour)
	require.NoError(t, (&Cache{Folder: folder}).Put(testTarget, testAddress, kept))

	info, err := os.Stat(folder)
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		info, err = os.Stat(files[0])
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.NotContains(t, files[0], "contoso")

	c := &Cache{Folder: folder}
	got, err := c.Get(testTarget, testAddress)
	require.NoError(t, err)
	require.Equal(t, kept.Certificate, got.Certificate)
	require.True(t, kept.PrivateKey.(*rsa.PrivateKey).Equal(got.PrivateKey))
	require.NoError(t, c.Drop(testTarget, testAddress))
	require.NoFileExists(t, files[0])
}

func TestCacheFileThatCannotBeUsed(t *testing.T) {
	kept := newKept(t, 24*time.Hour)
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, path string)
		text   string
	}{
		{"others may read it", func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Chmod(path, 0o644)) }, "others may read it"},
		{"cut off", func(t *testing.T, path string) { t.Helper(); require.NoError(t, os.Truncate(path, 100)) }, "tls"},
		{"another's key", func(t *testing.T, path string) {
			t.Helper()
			other := newKept(t, time.Hour)
			require.NoError(t, save(path, &tls.Certificate{Certificate: kept.Certificate, PrivateKey: other.PrivateKey}))
		}, "private key does not match"},
		{"a folder", func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		}, "directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &Cache{Folder: t.TempDir()}
			require.NoError(t, c.Put(testTarget, testAddress, kept))
			tc.change(t, c.path(cacheKey(testTarget, testAddress)))
			got, err := (&Cache{Folder: c.Folder}).Get(testTarget, testAddress)
			require.ErrorContains(t, err, tc.text)
			require.Nil(t, got)
		})
	}
}

func TestCacheFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := &Cache{Folder: file}
	require.Error(t, c.Put(testTarget, testAddress, newKept(t, 24*time.Hour)))
	got, err := c.Get(testTarget, testAddress)
	require.NoError(t, err)
	require.NotNil(t, got, "it is in memory all the same")
}
