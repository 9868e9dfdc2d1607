package conformance

import (
	"context"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

func TestEveryOfferedCaseHasADomainOfItsOwn(t *testing.T) {
	ground := []Ground{Simulator}
	cases := []Case{
		{ID: "a/good", Grounds: ground, Attempts: []Attempt{{}}},
		{ID: "a/busy", Grounds: ground, Attempts: []Attempt{{}, {Server: server.Config{
			Zone:   "server A $ip\n_sipinternaltls._tcp SRV 0 0 5061 server\n",
			Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionStatus, Status: 503}},
		}}}},
		{ID: "a/moved", Grounds: ground, Attempts: []Attempt{{Server: server.Config{
			Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionRedirect, To: "sip.ocs.test:5061;transport=tls", Count: 1}},
		}}}},
		{ID: "a/expired", Grounds: ground, Attempts: []Attempt{{Certificate: &Certificate{Begins: -2 * time.Hour, Ends: -time.Hour}}}},
		{ID: "a/virtual", Grounds: []Ground{Virtual}, Attempts: []Attempt{{}}},
		{ID: "a/autodiscover", Grounds: ground, Attempts: []Attempt{{Server: server.Config{Autodiscover: &server.Autodiscover{}}}}},
	}
	o, err := NewOffer(OfferConfig{Host: "127.0.0.1", DNS: "127.0.0.1:0"}, cases)
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()
	for _, r := range o.Refused { // who is not root may not listen at port 443
		require.Contains(t, map[string]string{
			"a/autodiscover": errNoPort443.Error(),
			"a/virtual":      "it needs virtual time",
		}[r.Case.ID], r.Reason)
	}
	require.Equal(t, 7, len(o.Offered)+len(o.Refused))
	require.Empty(t, o.Offered[0].Seen())

	for domain, want := range map[string]Outcome{
		"c-a-good.test":    {},
		"c-a-busy-2.test":  {Code: ocserr.ServerUnavailable},
		"c-a-moved.test":   {},
		"c-a-expired.test": {Code: ocserr.Connect, Cause: ocserr.CauseTLSExpired, Detail: ocserr.InvalidCertificate},
	} {
		w := &World{Ground: Simulator, Client: Engine, settle: func() {}, limit: realLimit, Settings: Settings{
			Case: domain, SignInName: "alice@" + domain, Password: Password, DNS: o.DNSAddr(), CA: o.CA(),
		}}
		r, err := w.SignIn(t.Context())
		require.NoError(t, err)
		require.Empty(t, want.misfit(r, false), domain)
	}
	require.Contains(t, o.Offered[2].Seen(), "answered 503")
}

func TestWhatAPersonCannotDoIsNotOffered(t *testing.T) {
	ground := []Ground{Simulator}
	o, err := NewOffer(OfferConfig{Host: "127.0.0.1", DNS: "127.0.0.1:0"}, []Case{
		{ID: "a/engine", Grounds: ground, Needs: []Need{NeedEngine}, Attempts: []Attempt{{}}},
		{ID: "a/live", Grounds: ground, Attempts: []Attempt{{Live: func(context.Context, *World) error { return nil }}}},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()
	require.Empty(t, o.Offered)
	require.Len(t, o.Refused, 2)
	require.Contains(t, o.Refused[0].Reason, "Go API")
	require.Contains(t, o.Refused[1].Reason, "has to act")
}

func TestServersThatShareAnAddressAreFoundByTheirRecords(t *testing.T) {
	cfg := server.Config{Zone: "server A $ip\n_sipinternaltls._tcp SRV 0 0 5061 server\n"}
	settings := Settings{Proxy: "http://$ip:3128", Server: "$ip:5061"}
	srv, err := listenShared("127.0.0.1", &cfg, &settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, srv.Close()) }()
	require.Equal(t, "$ip"+strings.TrimPrefix(srv.TLSAddr(), "127.0.0.1"), settings.Server)
	_, port, _ := net.SplitHostPort(srv.TLSAddr())
	require.Contains(t, cfg.Zone, " "+port+" server")
}

func TestWhatNeedsItsPortsSaysSo(t *testing.T) {
	srv := "server A $ip\n_sipinternaltls._tcp SRV 0 0 5061 server\n"
	for name, test := range map[string]struct {
		attempt Attempt
		want    bool
	}{
		"records of the server's own": {Attempt{}, false},
		"SRV":                         {Attempt{Server: server.Config{Zone: srv}}, false},
		"a server with its port":      {Attempt{Client: Settings{Server: "$ip:5061"}}, false},
		"a server without":            {Attempt{Client: Settings{Server: "server.ocs.test"}}, true},
		"host names alone":            {Attempt{Server: server.Config{Zone: "sip A $ip\n"}}, true},
		"autodiscover":                {Attempt{Server: server.Config{Zone: srv, Autodiscover: &server.Autodiscover{}}}, true},
	} {
		require.Equal(t, test.want, needsPorts(test.attempt), name)
	}
}

func TestAPersonIsToldEverythingThatIsSet(t *testing.T) {
	plain := len(Offered{}.Instructions())
	elsewhere := []string{"Case", "SignInName", "DNS", "CA", "Transcript", "Network"} // told once for all, or no setting of a person's
	for field := range reflect.TypeFor[Settings]().Fields() {
		o := Offered{Domain: "c-a-b.test"}
		v := reflect.ValueOf(&o.Settings).Elem().FieldByName(field.Name)
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"x"}))
		}
		if !slices.Contains(elsewhere, field.Name) {
			require.Len(t, o.Instructions(), plain+1, field.Name)
		}
	}
	require.Equal(t, []string{"press Cancel (or sign out) after 1s"}, Offered{Attempt: Attempt{StopAfter: time.Second}}.Instructions())
	require.Equal(t, []string{"sign in and out 2 times"}, Offered{Attempt: Attempt{LogOns: 2}}.Instructions())
}

func TestOtherDomainsAreRefused(t *testing.T) {
	o, err := NewOffer(OfferConfig{Host: "127.0.0.1", DNS: "127.0.0.1:0"}, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()
	w := &World{Ground: Simulator, Client: Engine, settle: func() {}, limit: realLimit, Settings: Settings{
		SignInName: "alice@elsewhere.test", Password: Password, DNS: o.DNSAddr(),
	}}
	r, err := w.SignIn(t.Context())
	require.NoError(t, err)
	require.Empty(t, Outcome{Code: ocserr.InvalidServerName, Cause: ocserr.CauseDNSFailure, Detail: ocserr.DNSSRVFail}.misfit(r, false))
}

func FuzzQuestionName(f *testing.F) {
	f.Add([]byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sip\x04test\x00\x00\x01\x00\x01"))
	f.Add([]byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c"))
	f.Fuzz(func(t *testing.T, query []byte) {
		name, err := questionName(query)
		if err == nil {
			require.LessOrEqual(t, len(name), len(query))
		}
	})
}
