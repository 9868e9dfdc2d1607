package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/sip/auth"
)

// Profile names a real server, what it can do (claims), and what may be done to it.
type Profile struct {
	Name       string `json:"name"`
	SignInName string `json:"sign_in_name"`
	User       string `json:"user,omitempty"`   // log-on name; empty: the sign-in name
	Server     string `json:"server,omitempty"` // host[:port]; empty: discover
	Transport  string `json:"transport,omitempty"`
	DNS        string `json:"dns,omitempty"`
	CAFile     string `json:"ca_file,omitempty"` // PEM; empty: the system's authorities
	UserAgent  string `json:"user_agent,omitempty"`
	KDC        string `json:"kdc,omitempty"` // host:port, of the realm that is the SIP domain in capitals

	// DisabledSignInName is a user who is disabled, with the same password.
	DisabledSignInName string `json:"disabled_sign_in_name,omitempty"`

	// The password is not in the profile: it is in a file that only its owner can read, or in a variable of
	// the environment.
	PasswordFile string `json:"password_file,omitempty"`
	PasswordEnv  string `json:"password_env,omitempty"`

	Claims []Need `json:"claims"` // what the server and its domain offer

	// Run names the run to who reads the server's logs: it is in the User-Agent, where the client can be told one, and in
	// the name of the unknown user. ReadProfile makes a random one.
	Run string `json:"-"`

	AllowLockout bool `json:"-"` // wrong passwords may be sent
	AllowWrite   bool `json:"-"` // what the server keeps of the user may be changed

	password, ca string
}

// ReadProfile reads a profile and what it refers to.
func ReadProfile(file string) (*Profile, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := &Profile{Run: strings.ToLower(rand.Text()[:8])}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		if strings.Contains(err.Error(), "unknown field") { // which is all that the decoder says of it
			err = fmt.Errorf("%w: known are %s", err, strings.Join(profileKeys(), ", "))
		}
		return nil, fmt.Errorf("profile %s: %w", file, err)
	}
	if err := atEnd(decoder); err != nil {
		return nil, fmt.Errorf("profile %s: %w", file, err)
	}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("profile %s: %w", file, err)
	}
	return p, nil
}

// profileKeys are the keys of a profile.
func profileKeys() (keys []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Profile]()) {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// claimable are the needs that a profile claims; of the others it has a key.
func claimable() (names []string) {
	for _, n := range []Need{
		NeedNTLM, NeedDigest, NeedKerberos, NeedTLSDSK, NeedSRV, NeedAutodiscover, NeedLegacyTLS, NeedProxyHTTP, NeedProxySOCKS,
	} {
		names = append(names, string(n))
	}
	return names
}

// key is the profile's key that says whether the server has what is needed.
func (n Need) key() string {
	switch n {
	case NeedServer:
		return "server"
	case NeedDisabledUser:
		return "disabled_sign_in_name"
	}
	return "claims"
}

// checkClaims refuses what would skip cases in silence.
func (p *Profile) checkClaims() error {
	for _, n := range p.Claims {
		switch {
		case n.key() != "claims":
			return fmt.Errorf("%q is not claimed: set %s instead", n, n.key())
		case !slices.Contains(claimable(), string(n)):
			return fmt.Errorf("claim %q is unknown: known are %s", n, strings.Join(claimable(), ", "))
		}
	}
	return nil
}

func (p *Profile) load() error {
	if err := p.checkClaims(); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{"", string(signin.TransportTLS), string(signin.TransportTCP)}, p.Transport):
		return fmt.Errorf("transport %q is unknown: use tls or tcp, or leave it out", p.Transport)
	case !strings.Contains(p.SignInName, "@"):
		return fmt.Errorf("sign_in_name %q is not user@domain", p.SignInName)
	case slices.Contains(p.Claims, NeedKerberos) && p.KDC == "":
		return errors.New("kerberos is claimed, and kdc is missing")
	case (p.PasswordFile == "") == (p.PasswordEnv == ""):
		return errors.New("give password_file or password_env, one of them")
	case p.PasswordEnv != "":
		if p.password = os.Getenv(p.PasswordEnv); p.password == "" {
			return fmt.Errorf("the variable %s, which password_env names, is empty", p.PasswordEnv)
		}
	default:
		password, err := readPrivate(p.PasswordFile)
		if err != nil {
			return err
		}
		if p.password = password; p.password == "" {
			return fmt.Errorf("%s is empty", p.PasswordFile)
		}
	}
	if p.CAFile != "" {
		ca, err := os.ReadFile(p.CAFile)
		if err != nil {
			return err
		}
		p.ca = string(ca)
	}
	return nil
}

// readPrivate reads the first line of a file that nobody but its owner can read.
func readPrivate(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("%s can be read by others: its mode is %s, make it 0600", file, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), err
}

// lacks says why something is not offered; "" where it is.
func (p *Profile) lacks(n Need) string {
	switch {
	case n == NeedServer && p.Server == "", n == NeedDisabledUser && p.DisabledSignInName == "":
		return fmt.Sprintf("needs %s: set %s in the profile", n, n.key())
	case n.key() == "claims" && !slices.Contains(p.Claims, n):
		return fmt.Sprintf("needs %s, which is not claimed", n)
	}
	return ""
}

// rejected tells whether events say that the server does not take the profile's own name with its own password. A
// client may keep the cause to itself, and the code does not tell a wrong password from an unknown user.
func (p *Profile) rejected(s Settings, events []Event) bool {
	return s.SignInName == p.SignInName && s.Password == p.password && slices.ContainsFunc(events, func(e Event) bool {
		return e.HR == ocserr.InvalidPassword || e.Cause == ocserr.CausePasswordRejected
	})
}

// forbids says why a risk may not be taken; "" where it may.
func (p *Profile) forbids(r Risk) string {
	switch {
	case r == RiskLockout && !p.AllowLockout:
		return "it sends a wrong password: allow it with --allow-lockout"
	case r == RiskWrites && !p.AllowWrite:
		return "it changes what the server keeps: allow it with --allow-write"
	}
	return ""
}

// settings are those of a case with its needs, completed with what the profile says. own is for our own engine, which has a
// User-Agent to add to.
func (p *Profile) settings(s Settings, own bool, needs ...Need) Settings {
	switch s.SignInName {
	case Unknown: // a name that an administrator recognises in his logs
		name, _, _ := strings.Cut(Unknown, "@")
		_, domain, _ := strings.Cut(p.SignInName, "@")
		s.SignInName = name + "-" + p.Run + "@" + domain
	case Disabled:
		s.SignInName = p.DisabledSignInName
	default:
		s.SignInName = orElse(s.SignInName, p.SignInName)
		s.User = orElse(s.User, p.User)
	}
	s.Password = orElse(s.Password, p.password)
	if s.Server == Host {
		s.Server = ""
	}
	if !slices.Contains(needs, NeedSRV) { // which a server that is named would make superfluous
		s.Server = orElse(s.Server, p.Server)
	}
	s.Transport = orElse(s.Transport, p.Transport)
	s.DNS = orElse(s.DNS, p.DNS)
	s.CA = orElse(s.CA, p.ca)
	agent := p.UserAgent
	if agent == "" && own {
		agent = signin.DefaultUserAgent
	}
	if s.UserAgent == "" && agent != "" { // a case that sets one is about just that
		s.UserAgent = agent + " (conformance run " + p.Run + ")"
	}
	if len(s.Schemes) == 0 || slices.Contains(s.Schemes, auth.Kerberos) {
		s.KDC = orElse(s.KDC, p.KDC)
	}
	return s
}

// Planned is one line of the plan against a real server.
type Planned struct {
	Case    Case
	LogOns  int    // sign-ins that it makes
	Skipped string // why it is not run; "" where it is
}

// Plan says what a run would do, without doing it.
func (r *Runner) Plan(cases []Case) (plan []Planned, logOns int) {
	for _, c := range cases {
		p := Planned{Case: c, Skipped: r.skips(context.Background(), c)}
		for _, a := range r.attempts(c) {
			p.LogOns += max(1, a.LogOns)
		}
		if p.Skipped == "" {
			logOns += p.LogOns
		}
		plan = append(plan, p)
	}
	return plan, logOns
}
