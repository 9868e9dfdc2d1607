package server

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	//lint:ignore SA1019 NT hashes are made with MD4
	"golang.org/x/crypto/md4"

	"github.com/ocsgo/ocs/sip/auth"
)

// Secret is a password that no client may send in a form that can be read: what it sends is searched, and what is found
// is a record of KindLeak, which tells of the form and not of the secret.
type Secret struct {
	Value auth.Secret
	Proxy bool // it is the proxy's, which may be shown it
}

// Spellings are the ways in which secrets could be written.
type Spellings struct {
	all     []spelling
	longest int
}

type spelling struct {
	form string
	text []byte
}

// derivedFrom is the length of a secret below which nothing but itself is looked for: what is made of a shorter one could
// be there by chance.
const derivedFrom = 6

// SpellingsOf returns those of secrets, but for secrets of less than two bytes.
func SpellingsOf(secrets ...string) *Spellings {
	s := new(Spellings)
	for _, secret := range secrets {
		s.add("clear text", []byte(secret))
		if len(secret) >= derivedFrom {
			s.derive(secret)
		}
	}
	return s
}

func (s *Spellings) add(form string, text []byte) {
	if len(text) < 2 || slices.ContainsFunc(s.all, func(have spelling) bool { return bytes.Equal(have.text, text) }) {
		return
	}
	s.all = append(s.all, spelling{form, bytes.Clone(text)})
	s.longest = max(s.longest, len(text))
}

// derive adds what a secret is called elsewhere.
func (s *Spellings) derive(secret string) {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	hash := md4.New()
	hash.Write(wide) // never fails
	digest := hash.Sum(nil)
	s.add("UTF-16", wide)
	s.add("NT hash", digest)
	for form, raw := range map[string][]byte{"": []byte(secret), " of UTF-16": wide, " of the NT hash": digest} {
		s.add("hexadecimal"+form, []byte(hex.EncodeToString(raw)))
		s.add("hexadecimal"+form, []byte(strings.ToUpper(hex.EncodeToString(raw))))
		for before := range 3 {
			for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
				s.add("base64"+form, inBase64(alphabet, raw, before))
			}
		}
	}
	s.add("URL-encoded", []byte(url.QueryEscape(secret)))
	s.add("URL-encoded", []byte(url.PathEscape(secret)))
	s.add("URL-encoded", []byte(url.UserPassword("", secret).String()[1:]))
	s.add("quoted", []byte(strings.Trim(strconv.Quote(secret), `"`)))
	var text bytes.Buffer
	if err := xml.EscapeText(&text, []byte(secret)); err == nil {
		s.add("XML", text.Bytes())
	}
	for _, html := range []bool{true, false} {
		text.Reset()
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(html)
		if err := encoder.Encode(secret); err == nil {
			s.add("JSON", bytes.Trim(bytes.TrimSpace(text.Bytes()), `"`))
		}
	}
}

// inBase64 is what the encoding of bytes has in common wherever so many others, modulo 3, come before them.
func inBase64(alphabet *base64.Encoding, raw []byte, before int) []byte {
	encoded := alphabet.EncodeToString(append(make([]byte, before), raw...))
	begin, end := (before*8+5)/6, (before+len(raw))*8/6
	return []byte(encoded[begin:end])
}

// In returns in which form a text shows one of the secrets, "" where it shows none.
func (s *Spellings) In(text []byte) (form string) {
	for _, spelling := range s.all {
		if bytes.Contains(text, spelling.text) {
			return spelling.form
		}
	}
	return ""
}

// The places that clients send to, as KindLeak names them.
const (
	atSIP   = "sip"
	atProxy = "proxy"
	atWeb   = "web"
	atKDC   = "kdc"
	atDNS   = "dns"
)

// spell prepares the search for secrets.
func (s *Server) spell() {
	var all, others []string
	for _, secret := range s.config.Secrets {
		all = append(all, string(secret.Value))
		if !secret.Proxy {
			others = append(others, string(secret.Value))
		}
	}
	s.secrets, s.proxySecrets = SpellingsOf(all...), SpellingsOf(others...)
}

// watch searches what comes from one connection. It is not for concurrent use.
type watch struct {
	server    *Server
	place     string
	conn      int
	spellings *Spellings
	tail      []byte // what a spelling could have begun with
	found     bool   // one record for a connection is enough
}

func (s *Server) watch(place string, conn int) *watch {
	w := &watch{server: s, place: place, conn: conn, spellings: s.secrets}
	if place == atProxy {
		w.spellings = s.proxySecrets
	}
	return w
}

// saw searches what has come.
func (w *watch) saw(p []byte) {
	if w.found || len(w.spellings.all) == 0 || len(p) == 0 {
		return
	}
	text := append(w.tail, p...)
	if form := w.spellings.In(text); form != "" {
		w.found = true
		w.server.history.add(record{kind: KindLeak, conn: w.conn, name: form, transport: w.place})
	}
	w.tail = append([]byte(nil), text[max(0, len(text)-w.spellings.longest+1):]...)
}

// watchedReader searches what is read.
type watchedReader struct {
	io.ReadCloser
	watch *watch
}

func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.watch.saw(p[:n])
	return n, err
}

// watchedConn searches what is read.
type watchedConn struct {
	net.Conn
	watch *watch
}

func (c watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.watch.saw(p[:n])
	return n, err
}

// watchRequest searches a request to the web server: its head now, its body as it is read.
func (s *Server) watchRequest(req *http.Request) {
	w := s.watch(atWeb, 0)
	var head bytes.Buffer
	head.WriteString(req.Method + " " + req.RequestURI + "\r\n")
	if err := req.Header.Write(&head); err == nil {
		w.saw(head.Bytes())
	}
	req.Body = watchedReader{req.Body, w}
}
