package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/status"
)

// Engine is our own engine as a program under test: package signin, in this process.
func Engine(ctx context.Context, s Settings, tell func(Event)) (*signin.Report, error) {
	cfg, err := s.Config()
	if err != nil {
		return nil, err
	}
	return RunEngine(ctx, cfg, tell)
}

// Config makes the engine's configuration of the settings.
func (s Settings) Config() (signin.Config, error) {
	cfg := signin.Config{
		SignInName: s.SignInName, Credentials: signin.Password{User: s.User, Secret: auth.Secret(s.Password)},
		Server: s.Server, Transport: signin.Transport(s.Transport), Policy: resolve.Policy(s.Policy), DNS: s.DNS,
		Naming: resolve.Naming(s.Naming), Autodiscover: s.Autodiscover, ServerCheck: signin.ServerCheck(s.ServerCheck),
		LegacyTLS: s.LegacyTLS, InsecureSkipVerify: s.InsecureSkipVerify, Schemes: s.Schemes, UserAgent: s.UserAgent, Hostname: s.Hostname,
		Transcript: s.Transcript,
	}
	if s.CA != "" {
		cfg.Roots = x509.NewCertPool()
		if !cfg.Roots.AppendCertsFromPEM([]byte(s.CA)) {
			return cfg, errors.New("the settings' ca holds no certificate")
		}
		for block, rest := pem.Decode([]byte(s.CA)); block != nil; block, rest = pem.Decode(rest) {
			authority, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return cfg, err
			}
			cfg.Authorities = append(cfg.Authorities, authority)
		}
	}
	if s.ClientCertificate != "" {
		pair, err := tls.X509KeyPair([]byte(s.ClientCertificate), []byte(s.ClientCertificate))
		if err != nil {
			return cfg, fmt.Errorf("the settings' client_certificate: %w", err)
		}
		cfg.ClientCertificate = &pair
	}
	if s.Proxy != "" {
		proxy, err := dial.ParseProxy(s.Proxy)
		if err != nil {
			return cfg, err
		}
		cfg.Proxy = func(string) (*dial.Proxy, error) { return proxy, nil }
	}
	if s.KDC != "" {
		_, domain, _ := strings.Cut(s.SignInName, "@")
		realm := strings.ToUpper(domain)
		krb5, err := kerberos.ParseConfig("[libdefaults]\ndefault_realm = " + realm + "\nudp_preference_limit = 1\n" +
			"[realms]\n" + realm + " = {\nkdc = " + s.KDC + "\n}\n[domain_realm]\n." + domain + " = " + realm + "\n")
		if err != nil {
			return cfg, err
		}
		cfg.Kerberos = &kerberos.Client{Config: krb5}
	}
	if s.Network != nil {
		cfg.Dial, cfg.Exchange = s.Network.Dial, s.Network.Exchange
	}
	return cfg, nil
}

// RunEngine signs in with a configuration of the engine, and lives by the rules of a Client.
func RunEngine(ctx context.Context, cfg signin.Config, tell func(Event)) (*signin.Report, error) {
	return LiveEngine(ctx, cfg, tell, func(*signin.Client, *signin.Session) error { return nil })
}

// LiveEngine does as RunEngine, and runs live with the session before the client is ready. The error of live
// is returned.
func LiveEngine(ctx context.Context, cfg signin.Config, tell func(Event), live func(*signin.Client, *signin.Session) error) (*signin.Report, error) {
	client, err := signin.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("the engine refuses its configuration: %w", err)
	}
	told := listen(client, tell)
	session, err := client.SignIn(ctx)
	var lived error
	if err == nil {
		<-told.online // events come on a goroutine of their own
		lived = live(client, session)
		if session.Status().Online() {
			tell(Event{Kind: Ready})
		}
		select {
		case <-ctx.Done():
			_ = session.SignOut(context.WithoutCancel(ctx)) // it is out in any case
		case <-session.Done():
		}
	}
	<-told.offline
	return client.Report(), lived
}

// milestones are closed when the event has been told that begins or ends the signed-in state.
type milestones struct{ online, offline chan struct{} }

// listen tells of the events of a client's one attempt, and of the session that comes of it, to their end.
func listen(client *signin.Client, tell func(Event)) milestones {
	told := milestones{make(chan struct{}), make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	events, first, online := client.Events(ctx), true, false
	go func() {
		defer cancel()
		defer close(told.offline)
		for e := range events {
			if first { // the state before the attempt
				first = false
				continue
			}
			tell(EventOf(e))
			switch {
			case e.Status.Online() && !online:
				online = true
				close(told.online)
			case e.Kind == status.OnMyStatusChange && e.Status == status.Offline: // every attempt and session ends so
				return
			}
		}
	}()
	return told
}

// EventOf makes an Event of one of the engine's.
func EventOf(e status.Event) Event {
	out := Event{At: e.At, Kind: e.Kind, HR: e.HR, Status: e.Status}
	if failed := e.Err; failed != nil {
		out.Stage, out.Cause, out.Detail, out.Text = failed.Stage, failed.Cause, failed.Detail, failed.Error()
	}
	return out
}
