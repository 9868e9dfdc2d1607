package conformance

import (
	"fmt"
	"strings"

	"github.com/ocsgo/ocs/conformance/server"
)

// Offered is one attempt that waits for a client.
type Offered struct {
	Case     Case
	Attempt  Attempt
	Domain   string
	Settings Settings // what the person tells the client
	Server   *server.Server
}

// CertificateFile is the name of the file in which the client's own certificate and key are handed out; "" where it
// has none.
func (o Offered) CertificateFile() string {
	if o.Settings.ClientCertificate == "" {
		return ""
	}
	return o.Domain + ".pem"
}

// Instructions are what the person has to set and to do beside the sign-in name.
func (o Offered) Instructions() []string {
	var out []string
	s := o.Settings
	for _, setting := range [][2]string{
		{"password", s.Password},
		{"log-on name", s.User},
		{"server", s.Server},
		{"transport", s.Transport},
		{"proxy", s.Proxy},
		{"policy", s.Policy},
		{"naming", s.Naming},
		{"server check", s.ServerCheck},
		{"user agent", s.UserAgent},
		{"machine name", s.Hostname},
		{"authentication by", strings.Join(s.Schemes, " or ")},
		{"client certificate", o.CertificateFile()},
	} {
		if setting[1] != "" {
			out = append(out, setting[0]+" "+setting[1])
		}
	}
	if s.KDC != "" {
		out = append(out, "KDC of "+strings.ToUpper(o.Domain)+" "+s.KDC)
	}
	for _, option := range []struct {
		on   bool
		text string
	}{
		{s.Autodiscover, "ask autodiscover"},
		{s.LegacyTLS, "legacy TLS allowed"},
		{s.InsecureSkipVerify, "do not verify certificates"},
	} {
		if option.on {
			out = append(out, option.text)
		}
	}
	if o.Attempt.LogOns > 1 {
		out = append(out, fmt.Sprintf("sign in and out %d times", o.Attempt.LogOns))
	}
	if o.Attempt.StopAfter > 0 {
		out = append(out, fmt.Sprintf("press Cancel (or sign out) after %s", o.Attempt.StopAfter))
	}
	return out
}

// Seen says in a few words what a client has done so far.
func (o Offered) Seen() string {
	r := Record{History: o.Server.History()}
	connections, registers := len(r.Of(server.KindConnect)), r.Requests("REGISTER")
	if connections == 0 && len(r.Queries("")) == 0 {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d DNS queries, %d connections, %d REGISTERs", len(r.Queries("")), connections, len(registers))
	for _, m := range r.Messages(false) {
		if m.Method == "REGISTER" && m.Status >= 200 {
			fmt.Fprintf(&text, ", answered %d", m.Status)
		}
	}
	return text.String()
}
