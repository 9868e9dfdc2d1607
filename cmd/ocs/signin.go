package main

import (
	"context"
	"net"
	"strings"

	"github.com/ocsgo/ocs/signin/resolve"
)

// signinCommand is "ocs signin".
type signinCommand struct {
	SignInName string `arg:"" name:"sign-in-name" help:"The sign-in address, like alice@contoso.com."`

	User         string `group:"Who:" placeholder:"DOMAIN\\NAME" help:"Log in as this user: DOMAIN\\name or name@domain. Default: the sign-in name."`
	PasswordFile string `group:"Who:" placeholder:"FILE" help:"Read the password from FILE, or from standard input if it is '-'. Else from $OCS_PASSWORD; else you are asked."`
	Auth         string `group:"Who:" enum:"auto,tls-dsk,kerberos,ntlm,digest" default:"auto" placeholder:"auto|tls-dsk|kerberos|ntlm|digest" help:"Use this authentication scheme only. auto: the best that the server offers; Kerberos only with --ccache or --keytab."`
	CCache       string `group:"Who:" name:"ccache" placeholder:"FILE" help:"Use the Kerberos tickets in this credential cache, and no password."`
	Keytab       string `group:"Who:" placeholder:"FILE" help:"Get Kerberos tickets with the keys in this file, and no password."`
	CertCache    string `group:"Who:" placeholder:"FOLDER" help:"Keep the certificates for TLS-DSK in FOLDER, and use them again."`
	AllowNTLMv1  bool   `group:"Who:" name:"allow-ntlmv1" help:"Let a server that cannot do NTLMv2 have NTLMv1. Who sees its answers can find the password."`

	Server    string `group:"Where:" placeholder:"HOST[:PORT]" help:"Sign in to this server. Default: look it up in DNS."`
	Transport string `group:"Where:" enum:"auto,tls,tcp" default:"auto" placeholder:"auto|tls|tcp" help:"Connect by TLS, or by TCP without encryption. auto: TLS."`
	Proxy     string `group:"Where:" placeholder:"URL" help:"Go through this proxy: http, https, socks4, socks4a or socks5, as in socks5://user:password@host:1080. 'off' for none. Default: $HTTPS_PROXY or $ALL_PROXY, but for what is in $NO_PROXY."`
	discoveryFlags

	CA                 string `group:"Trust:" name:"ca" placeholder:"FILE" help:"Trust the certificate authorities in this PEM file instead of the system's."`
	ClientCert         string `group:"Trust:" placeholder:"FILE" help:"Show this certificate, PEM, to a server that asks for one."`
	ClientKey          string `group:"Trust:" placeholder:"FILE" help:"The private key of --client-cert, PEM. Default: in the same file."`
	LegacyTLS          bool   `group:"Trust:" name:"legacy-tls" help:"Accept what servers of 2007 have: TLS 1.0, RSA key exchange, 3DES, SHA-1, certificates without alternative names. Easier to break."`
	InsecureSkipVerify bool   `group:"Trust:" help:"Go on after a certificate fault. Anybody can then pose as the server."`

	ServerCheck  string   `group:"Trust:" enum:"old,strict,off" default:"old" placeholder:"old|strict|off" help:"Refuse servers by their version: those older than OCS 2007, or with strict all but RTC/3.0, RTC/3.5 and RTC/4.0."`
	AcceptServer []string `group:"Trust:" placeholder:"VERSION" help:"Accept this server version as well, like RTC/5.0; give it again for more."`

	Status    string `group:"What to do:" placeholder:"NAME" help:"Sign in with this status: online, busy, do-not-disturb, be-right-back, away or invisible. Default: leave the user's own."`
	Stay      bool   `group:"What to do:" help:"Stay signed in until interrupted. Default: sign out at once."`
	UserAgent string `group:"What to do:" placeholder:"TEXT" help:"Call the client by this name; servers may filter on it."`

	outputFlag
	Explain    bool   `group:"Show:" help:"Show everything that was learned on the way: every name asked, every certificate, every answer."`
	Transcript string `group:"Show:" placeholder:"FILE" help:"Write every SIP message to FILE, secrets masked."`
	Keylog     string `group:"Show:" placeholder:"FILE" help:"Append the TLS session keys to FILE, for Wireshark. Whoever has it can decrypt the session."`
}

// discoveryFlags say how servers are looked for.
type discoveryFlags struct {
	DNS          string `group:"Where:" name:"dns" placeholder:"HOST[:PORT]" help:"Ask this DNS server. Default: the system's."`
	Autodiscover bool   `group:"Where:" help:"Ask Lync's autodiscover service, too. OCS 2007 has none."`
	Naming       string `group:"Where:" enum:"any,domain,strict" default:"any" placeholder:"any|domain|strict" help:"Which names servers may have that DNS or a redirect leads to: any, those in the SIP domain, or only the domain itself and sip. before it."`
	Policy       string `group:"Where:" enum:"resilient,communicator" default:"resilient" placeholder:"resilient|communicator" help:"Which of the servers found to try: all, until one answers, or only those that Communicator 2007 would."`
}

// naming is the policy on names.
func (f discoveryFlags) naming() resolve.Naming {
	if f.Naming == "any" {
		return resolve.NamingAny
	}
	return resolve.Naming(f.Naming)
}

// dnsServer is the DNS server with its port.
func (f discoveryFlags) dnsServer() string {
	if f.DNS == "" {
		return ""
	}
	if _, _, err := net.SplitHostPort(f.DNS); err == nil {
		return f.DNS
	}
	return net.JoinHostPort(strings.Trim(f.DNS, "[]"), "53")
}

// Help is what "ocs signin --help" says beyond the flags.
func (signinCommand) Help() string {
	return `Signs in, shows the events and the verdict, and signs out. A rejected password is tried once, never again.

Examples:

    ocs signin alice@contoso.com
    ocs signin alice@contoso.com --user 'CONTOSO\alice' --server pool.contoso.com --explain
    OCS_PASSWORD=secret ocs signin alice@contoso.com --output json | tail -1 | jq .report.authentication

` + exitHelp
}

// Run signs in.
func (c *signinCommand) Run(ctx context.Context, std *streams) error {
	show := c.presenter(std)
	cfg, closer, err := c.config(ctx, std)
	if err != nil {
		return refuse(show, c.SignInName, err)
	}
	outcome := attempt(ctx, cfg, show, untilSignOut(c.Stay))
	if err := closer.Close(); err != nil {
		std.warn("%v", err)
	}
	return outcome
}

func (c *signinCommand) presenter(std *streams) presenter {
	if c.Output == "json" {
		return &jsonLines{out: std.out, errors: std.err}
	}
	return newText(std, textOptions{explain: c.Explain, stay: c.Stay})
}
