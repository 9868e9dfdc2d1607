package cases

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

func mutants() []mutant {
	script := func(f ...server.Fault) func(*server.Config) {
		return func(c *server.Config) { c.Faults = append(c.Faults, f...) }
	}
	return []mutant{
		{name: "signin-twice", does: "OnSignin fires a second time when the client is online", caught: "time/exactly-once", client: always(func(e conformance.Event, on func(conformance.Event)) {
			on(e)
			if e.Status == status.Online {
				on(conformance.Event{Kind: status.OnSignin})
			}
		})},
		{name: "signin-missing", does: "a failure goes straight to OFFLINE, without OnSignin", caught: "err/503-plain", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Kind != status.OnSignin || e.HR.Success() {
				on(e)
			}
		})},
		{name: "user-not-found", does: "an unknown user is MSGR_E_USER_NOT_FOUND", caught: "auth/never-user-not-found", client: recoding(ocserr.InvalidPassword, ocserr.UserNotFound)},
		{name: "online-first", does: "ONLINE is told before OnSignin", caught: "pres/signin-before-online", client: telling(func() tellFunc {
			var held []conformance.Event
			return func(e conformance.Event, on func(conformance.Event)) {
				if e.Kind == status.OnSignin && e.HR.Success() || e.Status == status.Synchronizing {
					held = append(held, e)
					return
				}
				on(e)
				for _, h := range held {
					on(h)
				}
				held = nil
			}
		})},
		{name: "ready-at-signin", does: "the client counts as ready at OnSignin", caught: "pres/ready-is-online", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Kind != conformance.Ready {
				on(e)
			}
			if e.Kind == status.OnSignin && e.HR.Success() {
				on(conformance.Event{Kind: conformance.Ready})
			}
		})},
		{name: "state-repeated", does: "SYNCHRONIZING is told twice", caught: "pres/local-states-order", client: always(func(e conformance.Event, on func(conformance.Event)) {
			on(e)
			if e.Status == status.Synchronizing {
				on(e)
			}
		})},
		{name: "state-skipped", does: "FINDING_SERVER is not told", caught: "disc/slow-answers", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Status != status.FindingServer {
				on(e)
			}
		})},
		{name: "version-is-password", does: "a refused version is reported as a wrong password", caught: "err/403-version-17002", client: recoding(ocserr.ServerVersion, ocserr.InvalidPassword)},
		{name: "dns-is-connect", does: "a name that DNS does not know is MSGR_E_CONNECT", caught: "disc/auto-nothing", client: recoding(ocserr.InvalidServerName, ocserr.Connect)},
		{name: "refused-is-name", does: "a refused connection is MSGR_E_INVALID_SERVER_NAME", caught: "err/refused", client: recoding(ocserr.Connect, ocserr.InvalidServerName)},
		{name: "busy-is-unavailable", does: "503 with Retry-After is MSGR_E_SERVER_UNAVAILABLE", caught: "err/503-retry-after", client: recoding(ocserr.ServerTooBusy, ocserr.ServerUnavailable)},
		{name: "unavailable-is-unexpected", does: "480 is MSGR_E_UNEXPECTED", caught: "err/480", client: recoding(ocserr.ServerUnavailable, ocserr.Unexpected)},
		{name: "success-is-s-false", does: "OnSignin carries S_FALSE for success", caught: "reg/basic", client: recoding(ocserr.OK, ocserr.False)},
		{name: "timeout-is-connect", does: "the end of the 15 s is MSGR_E_CONNECT", caught: "time/15s-tcp-silent", client: recoding(ocserr.LogonTimeout, ocserr.Connect)},
		{name: "limit-14s", does: "the limit is 14 s", caught: "time/14999ms-ok", client: limited(14 * time.Second)},
		{name: "clock-from-finding", does: "the 15 s begin with discovery", caught: "time/clock-not-in-finding", client: limited(15 * time.Second)},
		{name: "cancel-ignored", does: "the order to cancel is heard only once the client is ready", caught: "time/cancel-at-each-stage", client: deaf},
		{name: "cancel-is-unexpected", does: "a cancelled attempt is MSGR_E_UNEXPECTED", caught: "time/cancel-at-each-stage", client: recoding(ocserr.Cancel, ocserr.Unexpected)},
		{name: "signout-missing", does: "OnSignout is not told", caught: "tear/clean", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Kind != status.OnSignout {
				on(e)
			}
		})},
		{name: "no-removal", does: "signing out closes the connection and removes nothing", caught: "tear/clean", client: abrupt},
		{name: "lost-is-signin", does: "a lost connection is told by OnSignin", caught: "reg/connection-lost", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.HR == ocserr.Disconnected {
				on(conformance.Event{Kind: status.OnSignin, HR: ocserr.Connect})
			}
			on(e)
		})},
		{name: "lost-is-ok", does: "a session that ends by itself ends with S_OK", caught: "reg/refresh-fails", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Status == status.Offline {
				e.HR = ocserr.OK
			}
			on(e)
		})},
		{name: "lost-unnoticed", does: "an endpoint that the server removed stays online", caught: "reg/removed-by-server", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.HR != ocserr.Disconnected {
				on(e)
			}
		})},
		{name: "downgrade", does: "clear TCP is tried where TLS fails", caught: "tls/no-downgrade-to-tcp", client: twice(ocserr.Connect, func(s *conformance.Settings) { s.Transport = "tcp" })},
		{name: "retries-password", does: "a rejected password is sent again", caught: "auth/no-retry-after-reject", client: twice(ocserr.InvalidPassword, func(*conformance.Settings) {})},
		{name: "weakest-scheme", does: "Digest is used although NTLM is offered", caught: "auth/choose-strongest", client: set(func(s *conformance.Settings) { s.Schemes = []string{"Digest"} })},
		{name: "always-communicator", does: "no second candidate is tried", caught: "disc/srv-failover-opt", client: set(func(s *conformance.Settings) { s.Policy = "communicator" })},
		{name: "always-resilient", does: "Communicator's policy is ignored", caught: "disc/srv-first-wins", client: set(func(s *conformance.Settings) { s.Policy = "resilient" })},
		{name: "ignores-server", does: "DNS is asked although a server is configured", caught: "disc/manual-host", client: set(func(s *conformance.Settings) { s.Server = "" })},
		{name: "ignores-user-agent", does: "the configured User-Agent is not sent", caught: "reg/user-agent-preset", client: set(func(s *conformance.Settings) { s.UserAgent = "" })},
		{name: "ignores-port", does: "port 5061 is dialled whatever the SRV record says", caught: "disc/port-from-srv", client: dialling(func(dial dialFunc) dialFunc {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				return dial(ctx, network, net.JoinHostPort(host, "5061"))
			}
		})},
		{name: "servfail-is-nxdomain", does: "SERVFAIL is read as NXDOMAIN", caught: "disc/servfail-is-not-nxdomain", client: set(func(s *conformance.Settings) {
			exchange := s.Network.Exchange
			s.Network.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
				answer, err := exchange(ctx, network, server, query)
				if len(answer) > 3 && answer[3]&0xf == 2 { // RFC 1035 4.1.1: RCODE
					answer[3] = answer[3]&^0xf | 3
				}
				return answer, err
			}
		})},
		{name: "no-dns-over-tcp", does: "a truncated answer is not asked for again over TCP", caught: "disc/dns-truncated-tcp", client: set(func(s *conformance.Settings) {
			exchange := s.Network.Exchange
			s.Network.Exchange = func(ctx context.Context, network, server string, query []byte) ([]byte, error) {
				if network == "tcp" {
					return nil, errors.New("not tried")
				}
				return exchange(ctx, network, server, query)
			}
		})},
		{name: "no-autodiscover", does: "the autodiscover service is not asked", caught: "disc/autodiscover", client: set(func(s *conformance.Settings) { s.Autodiscover = false })},
		{name: "tries-the-next-door", does: "a password that autodiscover's ticket service rejects is given to a server that DNS names", caught: "disc/autodiscover", client: twice(ocserr.InvalidPassword, func(s *conformance.Settings) { s.Autodiscover = false })},
		{name: "server-takes-no-ticket", does: "the server gives the user's document to nobody", caught: "disc/autodiscover", server: script(onWeb(userDocument, 401))},
		{name: "raw-idn", does: "an international domain is folded to ASCII", caught: "disc/idn-domain", client: set(func(s *conformance.Settings) { s.SignInName = strings.ReplaceAll(s.SignInName, "ü", "u") })},
		{name: "diagnostics-dropped", does: "the report forgets ms-diagnostics", caught: "err/diagnostics-decoded", client: misreporting(func(r *signin.Report) {
			if r.Error != nil {
				r.Error.Diagnostics = nil
			}
		})},
		{name: "first-candidate-only", does: "the report names one candidate of three", caught: "err/all-candidates-reported", client: misreporting(func(r *signin.Report) { r.Tries = r.Tries[:1] })},
		{name: "flattened-error", does: "the cause of an error is kept as text alone", caught: "err/chain-kept", client: misreporting(func(r *signin.Report) {
			if r.Error != nil {
				r.Error.Err = errors.New(r.Error.Error())
			}
		})},
		{name: "claims-password-tested", does: "the report says that the password was tested when nobody asked for it", caught: "auth/unchallenged-200", client: misreporting(func(r *signin.Report) {
			r.Authentication.PasswordTested = true
		})},
		{name: "claims-server-verified", does: "the report says that the server was verified when nothing was signed", caught: "auth/unchallenged-200", client: misreporting(func(r *signin.Report) {
			r.Authentication.ServerVerified = true
		})},
		{name: "denies-password-tested", does: "the report does not say that the password was tested", caught: "auth/ntlm-ok", client: misreporting(func(r *signin.Report) { r.Authentication.PasswordTested = false })},
		{name: "conceals-password-sent", does: "the report does not say that the password went out, where no verdict counts", caught: "auth/server-missing-signature", client: misreporting(func(r *signin.Report) { r.Authentication.PasswordSent = false })},
		{name: "denies-server-verified", does: "the report does not say that the server was verified", caught: "auth/krb-ok", client: misreporting(func(r *signin.Report) { r.Authentication.ServerVerified = false })},
		{name: "denies-provisioning", does: "the report does not say that the certificate service tested the password", caught: "auth/tlsdsk-ok", client: misreporting(func(r *signin.Report) { r.Authentication.PasswordTested = false })},
		{name: "denies-proof-in-return", does: "the report does not say that the server proved the password in turn", caught: "auth/digest-ok", client: misreporting(func(r *signin.Report) { r.Authentication.ServerVerified = false })},
		{name: "proxy-password-is-users", does: "a password that the proxy rejects is reported as the user's", caught: "proxy/connect-407-refused", client: recoding(ocserr.Connect, ocserr.InvalidPassword)},
		{name: "ignores-proxy", does: "the server is dialled straight although a proxy is configured", caught: "proxy/connect-ok", client: set(func(s *conformance.Settings) { s.Proxy = "" })},
		{name: "forgets-proxy-login", does: "the proxy's password is not sent", caught: "proxy/socks5-auth", client: set(func(s *conformance.Settings) {
			s.Proxy = strings.Replace(s.Proxy, "surfer:"+conformance.ProxyPassword+"@", "", 1)
		})},
		{name: "names-not-strict", does: "a server outside the SIP domain is accepted where names are strict", caught: "disc/strict-naming", client: set(func(s *conformance.Settings) { s.Naming = "" })},
		{name: "redirects-not-strict", does: "names are strict for DNS and not for redirects", caught: "reg/301-foreign-domain", client: set(func(s *conformance.Settings) { s.Naming = "" })},
		{name: "legacy-by-default", does: "TLS 1.0 is accepted although nobody allowed it", caught: "tls/only-10", client: set(func(s *conformance.Settings) { s.LegacyTLS = true })},
		{name: "no-legacy", does: "3DES is refused although it is allowed", caught: "tls/rc4-or-3des-only", client: set(func(s *conformance.Settings) { s.LegacyTLS = false })},
		{name: "no-client-certificate", does: "the client certificate is not shown", caught: "tls/client-cert", client: set(func(s *conformance.Settings) { s.ClientCertificate = "" })},
		{name: "blind-to-folds", does: "a folded line ends where it is folded", caught: "rob/lws-folding", client: blindTo("\r\n ", "\r\n:", "\r\n\t", "\r\n:")},
		{name: "blind-to-compact-forms", does: "i: is not known as Call-ID", caught: "rob/compact-forms", client: blindTo("\r\ni:", "\r\nq:")},
		{name: "blind-to-case", does: "header names are known in one case", caught: "rob/header-case", client: blindTo("\r\ncall-id:", "\r\nwhat-id:", "\r\nCALL-ID:", "\r\nWHAT-ID:", "\r\ncAlL-Id:", "\r\nwHaT-Id:")},
		{name: "answers-nobody", does: "requests of the server get no answer", caught: "rob/rfc4475-messages", client: rewiring(nil, answersNobody)},
		{name: "broken-is-signin", does: "a session that ends for what cannot be read is told by OnSignin", caught: "rob/rfc4475-messages", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.Status == status.Offline && e.HR == ocserr.Unexpected {
				on(conformance.Event{Kind: status.OnSignin, HR: ocserr.Unexpected})
			}
			on(e)
		})},
		{name: "retries-odd-password", does: "a password that was rejected over an odd challenge is sent again", caught: "rob/ntlm-mutations", client: twice(ocserr.InvalidPassword, func(*conformance.Settings) {})},
		{name: "unanswerable-is-ok", does: "a challenge that cannot be answered counts as success", caught: "rob/ntlm-mutations", client: recoding(ocserr.Unexpected, ocserr.OK)},
		{name: "odd-challenge-is-connect", does: "a challenge that cannot be read is MSGR_E_CONNECT", caught: "rob/gssapi-params-mutations", client: recoding(ocserr.Unexpected, ocserr.Connect)},
		{name: "removal-is-signin", does: "an endpoint that is crowded out tells of it by OnSignin", caught: "reg/removed-too-many-endpoints", client: always(func(e conformance.Event, on func(conformance.Event)) {
			if e.HR == ocserr.Disconnected {
				on(conformance.Event{Kind: status.OnSignin, HR: ocserr.Unexpected})
			}
			on(e)
		})},
		{name: "online-before-answers", does: "ONLINE is told with SYNCHRONIZING, before the server has answered", caught: "pres/notify-before-200", client: telling(func() tellFunc {
			told := false
			return func(e conformance.Event, on func(conformance.Event)) {
				if e.Kind != status.OnMyStatusChange || !e.Status.Online() || !told {
					on(e)
				}
				if e.Status == status.Synchronizing {
					told = true
					on(conformance.Event{Kind: status.OnMyStatusChange, Status: status.Online})
				}
			}
		})},
		{name: "redirect-unverified", does: "the certificate behind a redirect may be anybody's", caught: "reg/301-redirect", client: set(func(s *conformance.Settings) { s.InsecureSkipVerify = true })},
		{name: "removal-reason-dropped", does: "the report forgets why the server ended the registration", caught: "reg/removed-by-server", client: misreporting(func(r *signin.Report) {
			if r.Error != nil {
				r.Error.Diagnostics = nil
			}
		})},
		{name: "offers-forgotten", does: "the report does not list the schemes that were offered", caught: "auth/no-common-scheme", client: misreporting(func(r *signin.Report) { r.Authentication.Offered = nil })},
		{name: "no-kerberos", does: "NTLM is used although Kerberos is offered", caught: "auth/choose-strongest", client: set(func(s *conformance.Settings) { s.Schemes = []string{"NTLM", "TLS-DSK"} })},
		{name: "server-expires-early", does: "the server ends registrations at once", caught: "reg/expires-honoured", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionRemoveEndpoint, Delay: time.Second})},
		{name: "server-loses-notification", does: "the server's first notification is lost, as by a client that does not expect it yet", caught: "pres/notify-before-200", server: script(server.Fault{Stage: server.StageLive, Match: server.Match{Method: "BENOTIFY"}, Action: server.ActionSilent})},
		{name: "server-unsigned", does: "the server does not sign", caught: "auth/ntlm-ok", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionDropSignature})},
		{name: "server-trusts-all", does: "the server asks nobody for a password", caught: "auth/bad-password", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionUnchallenged})},
		{name: "server-without-presence", does: "the server refuses every publication", caught: "pres/local-states-order", server: script(server.Fault{Stage: server.StagePublish, Action: server.ActionStatus, Status: 403})},
		{name: "server-deaf-to-removal", does: "the server does not answer a removal", caught: "tear/clean", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionSilent, Match: refresh})},
		{name: "server-refuses-refresh", does: "the server refuses to refresh", caught: "reg/expires-honoured", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 403, Match: refresh})},
		{name: "server-garbles", does: "the server's answers are no SIP", caught: "rob/sanity", server: script(server.Fault{Stage: server.StageRegister, Action: server.ActionCorrupt, How: string(server.DamageGarbage)})},
	}
}
