package conformance

import (
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
	require.Len(t, o.Offered, 5)
	require.Empty(t, o.Offered[0].Seen())

	for domain, want := range map[string]Outcome{
		"c-a-good.test":    {},
		"c-a-busy-2.test":  {Code: ocserr.ServerUnavailable},
		"c-a-moved.test":   {},
		"c-a-expired.test": {Code: ocserr.Connect, Cause: ocserr.CauseTLSExpired},
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

func TestOtherDomainsAreRefused(t *testing.T) {
	o, err := NewOffer(OfferConfig{Host: "127.0.0.1", DNS: "127.0.0.1:0"}, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()
	w := &World{Ground: Simulator, Client: Engine, settle: func() {}, limit: realLimit, Settings: Settings{
		SignInName: "alice@elsewhere.test", Password: Password, DNS: o.DNSAddr(),
	}}
	r, err := w.SignIn(t.Context())
	require.NoError(t, err)
	require.Empty(t, Outcome{Code: ocserr.InvalidServerName, Cause: ocserr.CauseDNSFailure}.misfit(r, false))
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
