package kerberos

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ccache is a credential cache, as kinit writes it.
type ccache struct {
	client      principal
	credentials []ccacheEntry
}

// ccacheEntry is one credential; its ticket is still encoded.
type ccacheEntry struct {
	client, server principal
	key            types.EncryptionKey
	end            time.Time
	userToUser     bool
	ticket         []byte
}

// loadCCache reads the credential cache of this name: a path, or FILE: and a path. With an empty name it is the
// one that KRB5CCNAME names, else krb5.conf, else /tmp/krb5cc_ and the user's id. Errors have KindNoTicket.
func loadCCache(name string, c *Config) (*ccache, error) {
	if name == "" {
		name = os.Getenv("KRB5CCNAME")
	}
	uid := fmt.Sprint(os.Getuid())
	if name == "" {
		name = strings.NewReplacer("%{uid}", uid, "%{euid}", uid).Replace(c.defaultCCache())
	}
	if name == "" {
		name = "FILE:/tmp/krb5cc_" + uid
	}
	path := strings.TrimPrefix(name, "FILE:")
	if i := strings.IndexByte(path, ':'); i > 1 && !strings.ContainsAny(path[:i], `/\`) { // one letter is a drive
		return nil, &Error{Kind: KindNoTicket, About: name, Err: errors.New("only credential caches in files (FILE:) can be read")}
	}
	b, err := readFile(path)
	if err != nil {
		return nil, &Error{Kind: KindNoTicket, Err: err}
	}
	cc, err := parseCCache(b)
	if err != nil {
		return nil, &Error{Kind: KindNoTicket, About: name, Err: err}
	}
	return cc, nil
}

// parseCCache parses a credential cache, version 3 or 4 of the file format. Older ones are in the byte order of
// their machine and written by nobody since 1996.
func parseCCache(b []byte) (*ccache, error) {
	r := &reader{b: b}
	magic, version := r.u8(), r.u8()
	if magic != 5 || version != 3 && version != 4 {
		return nil, errors.New("not a credential cache, version 3 or 4")
	}
	if version == 4 {
		r.data16() // tags, among them an offset to the KDC's clock
	}
	cc := &ccache{client: r.principal()}
	for len(r.b) > 0 {
		var e ccacheEntry
		e.client = r.principal()
		e.server = r.principal()
		e.key.KeyType = int32(r.u16())
		if version == 3 {
			r.u16() // the encryption type once more
		}
		e.key.KeyValue = slices.Clone(r.data32())
		r.take(8) // times of authentication and start
		e.end = time.Unix(int64(r.u32()), 0)
		r.u32() // renewable until
		e.userToUser = r.u8() != 0
		r.u32()       // flags
		for range 2 { // addresses, authorization data
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				r.u16()
				r.data32()
			}
		}
		e.ticket = slices.Clone(r.data32())
		r.data32() // second ticket
		if r.err != nil {
			return nil, r.err
		}
		if !strings.HasPrefix(e.server.realm, "X-CACHECONF") { // settings, not a ticket
			cc.credentials = append(cc.credentials, e)
		}
	}
	return cc, r.err
}

func (r *reader) principal() principal {
	var p principal
	p.name.NameType = int32(r.u32())
	components := r.u32()
	p.realm = string(r.data32())
	for ; components > 0 && r.err == nil; components-- {
		p.name.NameString = append(p.name.NameString, string(r.data32()))
	}
	return p
}

// find returns the ticket of the cache's owner for a server, of those that can be used the one that lives
// longest. With realm "" it may be of any realm.
func (cc *ccache) find(server types.PrincipalName, realm string) (*ticket, error) {
	about := cc.client.String() + " for " + server.PrincipalNameString()
	var found *ccacheEntry
	for i := range cc.credentials {
		e := &cc.credentials[i]
		if e.userToUser || !e.client.equal(cc.client) || !e.server.name.Equal(server) || realm != "" && e.server.realm != realm {
			continue
		}
		if _, err := enctypeOf(e.key); err == nil && (found == nil || e.end.After(found.end)) {
			found = e
		}
	}
	switch {
	case found == nil:
		return nil, &Error{Kind: KindNoTicket, About: about}
	case !found.end.After(time.Now()):
		return nil, &Error{Kind: KindTicketExpired, About: about + ", on " + found.end.UTC().Format(time.RFC3339)}
	}
	t := &ticket{client: found.client, server: found.server.name, key: found.key, end: found.end}
	var err error
	if t.sealed, err = parseTicket(found.ticket); err != nil {
		return nil, &Error{Kind: KindNoTicket, About: about, Err: err}
	}
	return t, nil
}

// parseTicket parses an encoded ticket.
func parseTicket(b []byte) (messages.Ticket, error) {
	var t messages.Ticket
	if err := t.Unmarshal(b); err != nil {
		return t, err
	}
	return t, checkTicket(t)
}
