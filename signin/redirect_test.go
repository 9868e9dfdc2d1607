package signin_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/resolve"
)

// redirects makes the server answer REGISTER so many times with a redirect to contact; 0: always. It does so once it
// knows who asks, or before.
func redirects(contact string, times int, authenticated bool) server.Fault {
	f := server.Fault{Stage: server.StageRegister, Action: server.ActionStatus, Status: 301, Headers: map[string]string{"Contact": contact}, Count: times}
	if authenticated {
		f.Match.Authenticated = &authenticated
	}
	return f
}

func TestARedirectLeadsToAnotherServer(t *testing.T) {
	for name, fault := range map[string]server.Fault{
		"before a challenge":     redirects("<sip:sip.ocs.test:5061;transport=tls>", 1, false),
		"signed by the director": redirects("<sip:sip.ocs.test:5061;transport=tls>", 1, true),
		"without a port":         redirects("<sip:sip.ocs.test>", 1, true),
		"five times":             redirects("<sip:sip.ocs.test>", 5, true),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{fault}}, func(t *testing.T, w *world) {
				w.config.Server = "server.ocs.test"
				c := w.client()
				r := record(t, c)
				s, err := c.SignIn(t.Context())
				require.NoError(t, err)
				require.NoError(t, s.SignOut(t.Context()))
				require.Equal(t, then(online, signout...), r.stop(), "a redirect makes no event")

				report := c.Report()
				require.Equal(t, "sip.ocs.test", report.Connection.Host)
				require.Len(t, report.Redirects, fault.Count)
				require.Equal(t, "server.ocs.test:5061", report.Redirects[0].From)
				require.Equal(t, 301, report.Redirects[0].Status)
				require.Len(t, report.Tries, fault.Count+1)
				require.Equal(t, "redirect from server.ocs.test:5061", report.Tries[1].Why)
				require.Equal(t, 1, report.Tries[1].Redirects)
				require.True(t, report.Authentication.PasswordTested)
			})
		})
	}
}

func TestEachServerGetsACallOfItsOwn(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{redirects("<sip:sip.ocs.test>", 1, true)}}, func(t *testing.T, w *world) {
		var transcript safeBuffer
		w.config.Transcript = &transcript
		_, s := w.signIn()
		require.NoError(t, s.SignOut(t.Context()))
		calls := map[string][]string{}
		for _, m := range regexp.MustCompile(`(?s)REGISTER sip:ocs\.test SIP/2\.0\r\n.*?CSeq: (\d+) REGISTER.*?Call-ID: (\w+)`).FindAllStringSubmatch(transcript.b.String(), -1) {
			calls[m[2]] = append(calls[m[2]], m[1])
		}
		require.Len(t, calls, 2)
		for _, numbers := range calls {
			require.Equal(t, "1", numbers[0])
		}
	})
}

func TestARedirectThatCannotBeFollowedFails(t *testing.T) {
	for name, c := range map[string]struct {
		fault  server.Fault
		change func(*signin.Config)
		code   ocserr.Code
		cause  ocserr.Cause
		tries  int
	}{
		"without end":             {fault: redirects("<sip:sip.ocs.test>", 0, true), code: ocserr.Unexpected, cause: ocserr.CauseRedirectLoop, tries: 6},
		"to nowhere":              {fault: redirects("*", 0, true), code: ocserr.Unexpected, cause: ocserr.CauseRedirectInvalid, tries: 1},
		"to an unknown host":      {fault: redirects("<sip:nowhere.ocs.test>", 0, true), code: ocserr.Unexpected, cause: ocserr.CauseRedirectInvalid, tries: 1},
		"to no host name":         {fault: redirects("<sip:a..b>", 0, true), code: ocserr.Unexpected, cause: ocserr.CauseRedirectInvalid, tries: 1},
		"down to TCP":             {fault: redirects("<sip:sip.ocs.test;transport=tcp>", 0, true), code: ocserr.Connect, cause: ocserr.CauseInsecureTransport, tries: 1},
		"to a port with nothing":  {fault: redirects("<sip:sip.ocs.test:9>", 0, true), code: ocserr.Connect, cause: ocserr.CauseConnectionRefused, tries: 2},
		"to an address literally": {fault: redirects("<sip:192.0.2.7>", 0, true), code: ocserr.Connect, cause: ocserr.CauseHostUnreachable, tries: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, server.Config{Faults: []server.Fault{c.fault}}, func(t *testing.T, w *world) {
				w.config.Server = "server.ocs.test"
				client := w.client()
				r := record(t, client)
				_, err := client.SignIn(t.Context())
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, c.code.Name(), failed.Code.Name(), failed.Error())
				require.Equal(t, c.cause, failed.Cause, failed.Error())
				require.Len(t, client.Report().Tries, c.tries)
				require.Equal(t, then(connecting, "OnSignin("+c.code.Name()+")",
					"OnMyStatusChange("+c.code.StatusChange().Name()+", MISTATUS_OFFLINE)"), r.stop())
			})
		})
	}
}

func TestARedirectPassesTheNamingPolicy(t *testing.T) {
	for naming, allowed := range map[resolve.Naming]bool{resolve.NamingAny: true, resolve.NamingDomain: true, resolve.NamingStrict: false} {
		inWorld(t, server.Config{Faults: []server.Fault{redirects("<sip:sipexternal.ocs.test>", 1, true)}}, func(t *testing.T, w *world) {
			w.config.Naming, w.config.Server = naming, "server.ocs.test"
			s, err := w.client().SignIn(t.Context())
			if allowed {
				require.NoError(t, err)
				require.NoError(t, s.SignOut(t.Context()))
				return
			}
			var failed *ocserr.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, ocserr.CauseStrictNamingRefused, failed.Cause)
			require.Equal(t, ocserr.StageRegister, failed.Stage)
			require.ErrorIs(t, err, ocserr.Connect)
		})
	}
}

func TestARedirectToTCPIsFollowedWhereTCPIsAskedFor(t *testing.T) {
	inWorld(t, server.Config{Faults: []server.Fault{redirects("<sip:sip.ocs.test;transport=tcp>", 1, true)}}, func(t *testing.T, w *world) {
		w.config.Transport = signin.TransportTCP
		c, s := w.signIn()
		require.Equal(t, signin.TransportTCP, c.Report().Connection.Transport)
		require.NoError(t, s.SignOut(t.Context()))
	})
}

func TestARedirectThatIsNotSignedIsNotBelieved(t *testing.T) {
	authenticated := true
	inWorld(t, server.Config{Faults: []server.Fault{{
		Stage: server.StageRegister, Match: server.Match{Authenticated: &authenticated}, Action: server.ActionDropSignature,
	}}}, func(t *testing.T, w *world) {
		client := w.client()
		_, err := client.SignIn(t.Context())
		var failed *ocserr.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, ocserr.CauseServerSignatureMissing, failed.Cause)
		require.Empty(t, client.Report().Redirects)
	})
}

func TestARedirectDoesNotRenewTheLimit(t *testing.T) {
	late := redirects("<sip:sip.ocs.test>", 0, false)
	late.Delay = 4 * time.Second
	inWorld(t, server.Config{Faults: []server.Fault{late}}, func(t *testing.T, w *world) {
		client := w.client()
		_, err := client.SignIn(t.Context())
		require.ErrorIs(t, err, ocserr.LogonTimeout)
		require.Equal(t, 15*time.Second, w.since())
		require.Len(t, client.Report().Redirects, 3)
	})
}

func TestServersAreAcceptedByTheirVersion(t *testing.T) {
	for _, c := range []struct {
		server   string
		check    signin.ServerCheck
		accepted []string
		refused  bool
	}{
		{server: "RTC/3.0"},
		{server: "RTC/6.0"},
		{server: "kamailio (5.6.3 (x86_64/linux))"},
		{server: "RTC/2.0", refused: true},
		{server: "rtc/1.5 (LCS)", refused: true},
		{server: "RTC/2.0", accepted: []string{"RTC/2.0"}},
		{server: "RTC/2.0", check: signin.ServerCheckOff},
		{server: "RTC/4.0", check: signin.ServerCheckStrict},
		{server: "RTC/5.0", check: signin.ServerCheckStrict, refused: true},
		{server: "RTC/5.0", check: signin.ServerCheckStrict, accepted: []string{"rtc/5.0"}},
		{server: "kamailio", check: signin.ServerCheckStrict, refused: true},
	} {
		t.Run(fmt.Sprintf("%s %s %s", c.server, c.check, c.accepted), func(t *testing.T) {
			inWorld(t, server.Config{Server: c.server}, func(t *testing.T, w *world) {
				w.config.ServerCheck, w.config.AcceptedServers = c.check, c.accepted
				client := w.client()
				s, err := client.SignIn(t.Context())
				require.Equal(t, c.server, client.Report().Registration.Server)
				if !c.refused {
					require.NoError(t, err)
					require.NoError(t, s.SignOut(t.Context()))
					return
				}
				var failed *ocserr.Error
				require.ErrorAs(t, err, &failed)
				require.ErrorIs(t, err, ocserr.ServerVersion)
				require.Equal(t, ocserr.CauseServerVersionRefused, failed.Cause)
				require.Contains(t, failed.Error(), c.server)
				time.Sleep(time.Second)
				require.Empty(t, w.server.Endpoints(), "the registration is withdrawn")
			})
		})
	}
}
