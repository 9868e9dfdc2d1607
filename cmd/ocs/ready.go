package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ocsgo/ocs/conformance/server"
)

// ready is the content of the ready file. Keys are added under this schema, never changed.
type ready struct {
	Schema     string `json:"schema"`
	TLS        string `json:"tls,omitempty"`
	TCP        string `json:"tcp,omitempty"`
	DNS        string `json:"dns,omitempty"`
	Proxy      string `json:"proxy,omitempty"`
	KDC        string `json:"kdc,omitempty"`
	Web        string `json:"web,omitempty"` // certificates for TLS-DSK, web tickets, autodiscover
	Management string `json:"management,omitempty"`
	CA         string `json:"ca,omitempty"` // absolute path of a PEM file
	PID        int    `json:"pid"`
}

// removeReady removes the ready file, "" for none, of a server before: who waits for it must not read that one's.
func removeReady(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usagef("--ready-file: %w", err)
	}
	return nil
}

// writeReady writes the ready file. Whoever sees it sees it whole: it is written under another name first.
func writeReady(file string, srv *server.Server, ca string) error {
	text, err := json.Marshal(ready{
		Schema: "ocs-serve/1", TLS: srv.TLSAddr(), TCP: srv.TCPAddr(), DNS: srv.DNSAddr(), Proxy: srv.ProxyAddr(), KDC: srv.KDCAddr(), Web: srv.WebAddr(),
		Management: srv.ManagementURL(), CA: ca, PID: os.Getpid(),
	})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".ocs-ready-*")
	if err != nil {
		return usagef("--ready-file: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}
