package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
)

// readRoots reads the certificate authorities to trust from a PEM file: as a pool, and one by one.
func readRoots(flag, file string) (*x509.CertPool, []*x509.Certificate, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", flag, err)
	}
	pool, all := x509.NewCertPool(), []*x509.Certificate(nil)
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		// A bundle may hold one that cannot be read; it is not trusted.
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			pool.AddCert(c)
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("%s %q: no certificate in it; it must be a PEM file with BEGIN CERTIFICATE", flag, file)
	}
	return pool, all, nil
}

// record is a file that is written beside a sign-in. It takes everything, for a disk that is full must not end the
// sign-in, and tells at its end what it could not keep.
type record struct {
	flag string
	file *os.File

	mu  sync.Mutex
	err error // the first
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		_, r.err = r.file.Write(p)
	}
	return len(p), nil
}

func (r *record) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(r.err, r.file.Close()); err != nil {
		return fmt.Errorf("%s: it is not complete: %w", r.flag, err)
	}
	return nil
}

// createPrivate opens a file for writing that only its owner may read, also where it was there before.
// mode is os.O_TRUNC or os.O_APPEND.
func createPrivate(flag, file string, mode int) (*record, error) {
	if file == "-" {
		return nil, fmt.Errorf("%s -: the standard output is for the sign-in; name a file", flag)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|mode, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	return &record{flag: flag, file: f}, nil
}
