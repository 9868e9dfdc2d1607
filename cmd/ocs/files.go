package main

import (
	"crypto/x509"
	"fmt"
	"os"
)

// readRoots reads the certificate authorities to trust from a PEM file.
func readRoots(flag, file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s %q: no certificate in it; it must be a PEM file with BEGIN CERTIFICATE", flag, file)
	}
	return pool, nil
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
