package main

import "context"

// signinCommand is "ocs signin".
type signinCommand struct {
	SignInName string `arg:"" name:"sign-in-name" help:"The sign-in address, like alice@contoso.com."`

	credentialFlags
	Auth        string `group:"Who:" enum:"auto,tls-dsk,kerberos,ntlm,digest" default:"auto" placeholder:"auto|tls-dsk|kerberos|ntlm|digest" help:"Use this authentication scheme only. auto: the best that the server offers; Kerberos only with --ccache or --keytab."`
	CCache      string `group:"Who:" name:"ccache" placeholder:"FILE" help:"Use the Kerberos tickets in this credential cache, and no password."`
	Keytab      string `group:"Who:" placeholder:"FILE" help:"Get Kerberos tickets with the keys in this file, and no password."`
	CertCache   string `group:"Who:" placeholder:"FOLDER" help:"Keep the certificates for TLS-DSK in FOLDER, and use them again."`
	AllowNTLMv1 bool   `group:"Who:" name:"allow-ntlmv1" help:"Let a server that cannot do NTLMv2 have NTLMv1. Who sees its answers can find the password."`

	Server    string `group:"Where:" placeholder:"HOST[:PORT]" help:"Sign in to this server. Default: look it up in DNS."`
	Transport string `group:"Where:" enum:"auto,tls,tcp" default:"auto" placeholder:"auto|tls|tcp" help:"Connect by TLS, or by TCP without encryption. auto: TLS."`
	proxyFlags
	discoveryFlags

	trustFlags
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
