package kerberos

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systemConfig is where krb5.conf is on every system but Windows, which has none by default.
const systemConfig = "/etc/krb5.conf"

// maxIncludes bounds the files that one krb5.conf reads, itself included.
const maxIncludes = 100

// Config is what krb5.conf says. The zero value says nothing: KDCs are then found by DNS.
//
// Understood are: default_realm, dns_lookup_kdc, permitted_enctypes, default_tkt_enctypes,
// default_tgs_enctypes and default_ccache_name in [libdefaults], kdc in [realms], all of [domain_realm],
// include and includedir. Whatever else stands there is passed over.
type Config struct {
	values map[string][]string // by section and names, joined with newlines, which no name can hold
}

// LoadConfig reads krb5.conf: the file at path; with an empty path the files that KRB5_CONFIG lists, else
// the system's, which may be missing. Errors have KindConfig.
func LoadConfig(path string) (*Config, error) {
	paths := []string{path}
	mayMiss := false
	if path == "" {
		if paths = filepath.SplitList(os.Getenv("KRB5_CONFIG")); len(paths) == 0 {
			paths, mayMiss = []string{systemConfig}, true
		}
	}
	p := configParser{values: map[string][]string{}}
	for _, path := range paths {
		err := p.file(path)
		if err != nil && !(mayMiss && errors.Is(err, fs.ErrNotExist)) {
			return nil, &Error{Kind: KindConfig, Err: err}
		}
	}
	return &Config{p.values}, nil
}

// ParseConfig reads the text of a krb5.conf.
func ParseConfig(text string) (*Config, error) {
	p := configParser{values: map[string][]string{}}
	if err := p.text(text); err != nil {
		return nil, &Error{Kind: KindConfig, Err: err}
	}
	return &Config{p.values}, nil
}

// configParser collects the values of one or more files. Where a value is asked for that can stand only once,
// the first counts, as in MIT Kerberos.
type configParser struct {
	values map[string][]string
	files  int
}

func (p *configParser) file(path string) error {
	if p.files++; p.files > maxIncludes {
		return fmt.Errorf("%s: more than %d configuration files", path, maxIncludes)
	}
	b, err := readFile(path)
	if err != nil {
		return err
	}
	return p.text(string(b))
}

func (p *configParser) text(text string) error {
	var path []string // section, and the names of the blocks that are open
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		directive, operand, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case directive == "include":
			if err := p.file(strings.TrimSpace(operand)); err != nil {
				return err
			}
			continue
		case directive == "includedir":
			if err := p.folder(strings.TrimSpace(operand)); err != nil {
				return err
			}
			continue
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			path = []string{strings.TrimSpace(name)}
			continue
		case line[0] == '}':
			if len(path) > 1 {
				path = path[:len(path)-1]
			}
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || len(path) == 0 {
			continue
		}
		name, value = strings.TrimSuffix(strings.TrimSpace(name), "*"), strings.TrimSpace(value)
		if value == "{" {
			path = append(path, name)
			continue
		}
		key := strings.Join(append(slices.Clone(path), name), "\n")
		p.values[key] = append(p.values[key], strings.Trim(value, `"`))
	}
	return nil
}

// includable are the names that includedir reads.
var includable = regexp.MustCompile(`^[A-Za-z0-9_-]+$|^[^.].*\.conf$`)

func (p *configParser) folder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !includable.MatchString(e.Name()) {
			continue
		}
		if err := p.file(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) all(path ...string) []string { return c.values[strings.Join(path, "\n")] }

func (c *Config) first(path ...string) string {
	if v := c.all(path...); len(v) > 0 {
		return v[0]
	}
	return ""
}

// defaultRealm is the realm of names without one; "" if krb5.conf does not say.
func (c *Config) defaultRealm() string { return c.first("libdefaults", "default_realm") }

// defaultCCache is the name of the credential cache; "" if krb5.conf does not say.
func (c *Config) defaultCCache() string { return c.first("libdefaults", "default_ccache_name") }

// lookupKDC says whether KDCs may be looked up in DNS.
func (c *Config) lookupKDC() bool {
	switch strings.ToLower(c.first("libdefaults", "dns_lookup_kdc")) {
	case "n", "no", "f", "false", "0", "nil", "off":
		return false
	}
	return true
}

// realmOf is the realm of a host by [domain_realm]: the entry of the host, else of the nearest domain above
// it, with or without its leading dot; "" if there is none.
func (c *Config) realmOf(host string) string {
	for name := strings.ToLower(host); name != ""; {
		for key, values := range c.values {
			if section, domain, _ := strings.Cut(key, "\n"); section == "domain_realm" && strings.ToLower(domain) == name {
				return values[0]
			}
		}
		if rest, dotted := strings.CutPrefix(name, "."); dotted {
			name = rest
		} else if i := strings.IndexByte(name, '.'); i >= 0 {
			name = name[i:]
		} else {
			name = ""
		}
	}
	return ""
}

// kdcs are the KDCs of a realm by [realms], each by TCP first, all by UDP after.
func (c *Config) kdcs(realm string) []endpoint {
	var tcp, udp []endpoint
	for _, kdc := range c.all("realms", realm, "kdc") {
		network, address, ok := strings.Cut(kdc, "/")
		if !ok {
			network, address = "", kdc
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(strings.Trim(address, "[]"), "88")
		}
		if network == "" || network == "tcp" {
			tcp = append(tcp, endpoint{"tcp", address})
		}
		if network == "" || network == "udp" {
			udp = append(udp, endpoint{"udp", address})
		}
	}
	return append(tcp, udp...)
}

// enctypes are the encryption types to ask for, best first: those of [libdefaults] under name, of them the
// permitted ones; without either all that this package has.
func (c *Config) enctypes(name string) []int32 {
	permitted := parseEnctypes(c.first("libdefaults", "permitted_enctypes"))
	asked := parseEnctypes(c.first("libdefaults", name))
	if asked == nil {
		asked = permitted
	}
	if asked == nil {
		return slices.Clone(enctypes)
	}
	if permitted == nil {
		return asked
	}
	return slices.DeleteFunc(asked, func(id int32) bool { return !slices.Contains(permitted, id) })
}

// parseEnctypes parses a list of encryption types in the spelling of krb5.conf. Types that this package does
// not have are left out; an empty list is nil.
func parseEnctypes(list string) []int32 {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	found := []int32{}
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		word, remove := strings.CutPrefix(strings.ToLower(strings.TrimPrefix(word, "+")), "-")
		for _, id := range enctypeNames[word] {
			found = slices.DeleteFunc(found, func(have int32) bool { return have == id && remove })
			if !remove && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found
}
