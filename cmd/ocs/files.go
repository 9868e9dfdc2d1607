package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
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

// createPrivate opens a file for writing that only its owner may read, also where it was there before.
// mode is os.O_TRUNC or os.O_APPEND.
func createPrivate(flag, file string, mode int) (*os.File, error) {
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
	return f, nil
}
