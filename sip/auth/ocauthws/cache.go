package ocauthws

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// reserve is how long a kept certificate must still be good for: an association that it carries should not
// expire at once.
const reserve = time.Hour

const maxCertificateFile = 64 << 10 // bytes

// Cache keeps certificates with their keys, for any number of servers and users, until an hour before they
// expire. It is safe for concurrent use. Its field is set before the first call and not changed afterwards.
type Cache struct {
	// Folder keeps them on disk too, in files and a folder that only the user can read; empty: in memory only.
	Folder string

	mu   sync.Mutex
	kept map[string]*tls.Certificate
}

// Get returns the certificate for a server (its targetname) and a user (the SIP address), nil if there is none
// that is good for another hour. An error tells why a file could not be used.
func (c *Cache) Get(target, address string) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey(target, address)
	cert, err := c.kept[key], error(nil)
	if cert == nil && c.Folder != "" {
		cert, err = load(c.path(key))
	}
	if cert == nil || time.Until(cert.Leaf.NotAfter) < reserve {
		delete(c.kept, key)
		return nil, err
	}
	c.keep(key, cert)
	return cert, nil
}

// Put keeps a certificate, whose Leaf is set. An error tells why it is not on disk; it is in memory all the same.
func (c *Cache) Put(target, address string, cert *tls.Certificate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey(target, address)
	c.keep(key, cert)
	if c.Folder == "" {
		return nil
	}
	return save(c.path(key), cert)
}

// Drop forgets the certificate for a server and a user.
func (c *Cache) Drop(target, address string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey(target, address)
	delete(c.kept, key)
	if c.Folder == "" {
		return nil
	}
	if err := os.Remove(c.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ocauthws: forgetting a certificate: %w", err)
	}
	return nil
}

func (c *Cache) keep(key string, cert *tls.Certificate) {
	if c.kept == nil {
		c.kept = map[string]*tls.Certificate{}
	}
	c.kept[key] = cert
}

// cacheKey is a file's name too, whatever target and address are made of.
func cacheKey(target, address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(target) + "\n" + strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}

func (c *Cache) path(key string) string { return filepath.Join(c.Folder, key+".pem") }

// load reads a certificate and its key; nil without an error if there is no such file.
func load(path string) (*tls.Certificate, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ocauthws: kept certificate: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("ocauthws: kept certificate: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("ocauthws: kept certificate %s: others may read it (%s)", path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCertificateFile))
	if err != nil {
		return nil, fmt.Errorf("ocauthws: kept certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(b, b) // it checks that they belong together
	if err != nil {
		return nil, fmt.Errorf("ocauthws: kept certificate %s: %w", path, err)
	}
	return &cert, nil
}

// save writes a file whole or not at all.
func save(path string, cert *tls.Certificate) error {
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return fmt.Errorf("ocauthws: keeping a certificate: %w", err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("ocauthws: keeping a certificate: %w", err)
	}
	f, err := os.CreateTemp(folder, "new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("ocauthws: keeping a certificate: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("ocauthws: keeping a certificate: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
