package kerberos

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jcmturner/gokrb5/v8/types"
)

// Keytab holds keys of principals, as ktutil, kadmin and ktpass write them. It prints without its keys.
type Keytab struct {
	entries []keytabEntry
}

type keytabEntry struct {
	principal principal
	kvno      uint32
	key       types.EncryptionKey
}

// LoadKeytab reads the keytab at path. Errors have KindConfig and hold no key.
func LoadKeytab(path string) (*Keytab, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, &Error{Kind: KindConfig, About: "keytab", Err: err}
	}
	kt, err := ParseKeytab(b)
	if err != nil {
		return nil, &Error{Kind: KindConfig, About: "keytab " + path, Err: err}
	}
	return kt, nil
}

// ParseKeytab parses a keytab, version 2 of the file format, which is the only one still written. Deleted
// entries are passed over.
func ParseKeytab(b []byte) (*Keytab, error) {
	r := &reader{b: b}
	if r.u8() != 5 || r.u8() != 2 {
		return nil, errors.New("not a keytab, version 2")
	}
	kt := &Keytab{}
	for len(r.b) >= 4 {
		n := int32(r.u32())
		switch {
		case n == 0:
			return kt, nil
		case n < 0: // a hole
			r.take(-int(n))
			continue
		}
		entry := &reader{b: r.take(int(n))}
		var e keytabEntry
		components := int(entry.u16())
		e.principal.realm = string(entry.data16())
		for i := 0; i < components && entry.err == nil; i++ {
			e.principal.name.NameString = append(e.principal.name.NameString, string(entry.data16()))
		}
		e.principal.name.NameType = int32(entry.u32())
		entry.u32() // timestamp
		e.kvno = uint32(entry.u8())
		e.key.KeyType = int32(entry.u16())
		e.key.KeyValue = slices.Clone(entry.data16())
		if len(entry.b) >= 4 {
			if kvno := entry.u32(); kvno != 0 {
				e.kvno = kvno
			}
		}
		if r.err != nil || entry.err != nil {
			return nil, errTruncated
		}
		kt.entries = append(kt.entries, e)
	}
	return kt, nil
}

// keys returns the keys of a principal with an encryption type, newest first.
func (kt *Keytab) keys(p principal, id int32) []keytabEntry {
	var found []keytabEntry
	for _, e := range kt.entries {
		if e.key.KeyType == id && e.principal.equal(p) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b keytabEntry) int { return int(b.kvno) - int(a.kvno) })
	return found
}

// enctypes returns the encryption types of a principal's keys.
func (kt *Keytab) enctypes(p principal) []int32 {
	var ids []int32
	for _, e := range kt.entries {
		if e.principal.equal(p) && !slices.Contains(ids, e.key.KeyType) {
			ids = append(ids, e.key.KeyType)
		}
	}
	return ids
}

// Format keeps the keys out of every print and log.
func (kt Keytab) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "kerberos.Keytab{%d keys}", len(kt.entries))
}
