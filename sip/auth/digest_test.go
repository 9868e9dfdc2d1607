package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
)

func digestWire(t *testing.T) *wire {
	w := newWire(t, config(only(Digest)))
	w.client = NewClient(ClientConfig{Password: Password{User: "alice", Secret: "secret"}})
	return w
}

func TestDigestSignInTakesTwoRegisters(t *testing.T) {
	w := digestWire(t)
	_, n, err := w.register()
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "SHA-256", w.param("algorithm"))
	require.Equal(t, State{
		Challenged: true, Offered: []string{Digest}, Scheme: Digest, PasswordSent: true, PasswordTested: true, ServerVerified: true, Verified: 1,
	}, w.client.State())
}

func TestDigestCredentialsInEveryRequest(t *testing.T) {
	w := digestWire(t).signIn()
	require.Equal(t, "00000001", w.param("nc"))
	for _, nc := range []string{"00000002", "00000003"} {
		res := w.send(w.request("SUBSCRIBE"))
		require.Equal(t, 200, res.StatusCode)
		require.NoError(t, w.client.Verify(res))
		require.Equal(t, nc, w.param("nc"))
	}
	res := sip.NewResponse(w.request("NOTIFY"), 200, "OK")
	require.NoError(t, w.client.Sign(res))
	require.Empty(t, sip.Value(res, "Authorization"), "responses carry none")
}

func TestDigestUserIsSentAsTyped(t *testing.T) {
	w := newWire(t, config(only(Digest)))
	w.signIn() // user OCS\alice
	require.Equal(t, `OCS\alice`, w.param("username"))
}

func TestDigestLeavesUnsignedMessagesAlone(t *testing.T) {
	w := digestWire(t).signIn()
	require.NoError(t, w.client.Verify(w.request("NOTIFY")))
	require.NoError(t, w.client.Verify(sip.NewResponse(w.request("SUBSCRIBE"), 403, "")))
	require.Zero(t, w.client.State().Refused)
}

func TestDigestWithoutRspauthIsNotServerVerified(t *testing.T) {
	w := digestWire(t)
	w.meddle = func(res *sip.Response) { sip.Del(res, "Authentication-Info") }
	w.signIn()
	require.True(t, w.client.State().PasswordTested)
	require.False(t, w.client.State().ServerVerified)
}

func TestDigestWrongRspauth(t *testing.T) {
	w := digestWire(t)
	w.meddle = func(res *sip.Response) {
		if res.StatusCode == 200 {
			wrong := strings.Repeat("0", 64)
			setParam(t, res, "Authentication-Info", "rspauth", &wrong)
		}
	}
	_, _, err := w.register()
	requireSignature(t, ocserr.CauseServerSignatureWrong, err)
	require.False(t, w.client.State().PasswordTested)
	require.Equal(t, 1, w.client.State().Refused)
}

func TestDigestNextNonceIsUsed(t *testing.T) {
	w := digestWire(t)
	w.meddle = func(res *sip.Response) {
		if res.StatusCode == 200 {
			sip.Set(res, "Authentication-Info", sip.Value(res, "Authentication-Info")+`, nextnonce="fresh"`)
		}
	}
	w.signIn()
	require.NoError(t, w.client.Sign(w.request("SUBSCRIBE")))
	req := w.request("SUBSCRIBE")
	require.NoError(t, w.client.Sign(req))
	require.Equal(t, "fresh", mustParam(t, req, "nonce"))
	require.Equal(t, "00000002", mustParam(t, req, "nc"))
}

// forget makes the server's nonces unknown.
func forget(w *wire) {
	w.server.digest.Realm, w.server.digest = w.server.cfg.Realm, NewServer(w.server.cfg).digest
}

func TestDigestStaleNonceIsRenewed(t *testing.T) {
	w := digestWire(t).signIn()
	forget(w)
	res := w.send(w.request("REGISTER"))
	require.Contains(t, sip.Value(res, "WWW-Authenticate"), "stale=true")
	require.NoError(t, w.client.Challenge(ctx, res))
	require.Equal(t, 200, w.send(w.request("REGISTER")).StatusCode)
	require.Equal(t, "00000001", w.param("nc"))
}

// Some registrars ask for a new nonce without saying stale. An accepted password earns one more try, and no more.
func TestDigestNewNonceWithoutStale(t *testing.T) {
	w := digestWire(t).signIn()
	forget(w)
	w.meddle = func(res *sip.Response) {
		all := sip.Values(res, "WWW-Authenticate")
		sip.Del(res, "WWW-Authenticate")
		for _, value := range all {
			sip.Add(res, "WWW-Authenticate", strings.Replace(value, "stale=true, ", "", 1))
		}
	}
	require.NoError(t, w.client.Challenge(ctx, w.send(w.request("REGISTER"))))
	forget(w)
	err := w.client.Challenge(ctx, w.send(w.request("REGISTER")))
	requireCause(t, ocserr.CausePasswordRejected, err)
}

func TestDigestPipelinedRequestsWithOneStaleNonce(t *testing.T) {
	w := digestWire(t).signIn()
	forget(w)
	a, b := w.request("SUBSCRIBE"), w.request("SUBSCRIBE")
	require.NoError(t, w.client.Sign(a))
	require.NoError(t, w.client.Sign(b))
	first, second := w.answer(over(t, a)), w.answer(over(t, b))
	require.NoError(t, w.client.Challenge(ctx, first))
	require.NoError(t, w.client.Challenge(ctx, second), "the nonce has been renewed in between")
	require.Equal(t, 200, w.send(w.request("SUBSCRIBE")).StatusCode)
}

func TestSentDigestsAreBounded(t *testing.T) {
	w := digestWire(t).signIn()
	for range 3 * maxSentDigests {
		w.send(w.request("SUBSCRIBE"))
	}
	require.Len(t, w.client.registrar.digest.sent.keys, maxSentDigests)
	require.Len(t, w.client.registrar.digest.sent.values, maxSentDigests)
	require.Len(t, w.server.judged.keys, maxSentDigests)
}

func TestResetWithDigestAsksForANewChallenge(t *testing.T) {
	w := digestWire(t).signIn()
	w.client.Reset()
	req := w.request("REGISTER")
	require.NoError(t, w.client.Sign(req))
	require.Empty(t, sip.Value(req, "Authorization"))
	w.signIn()
}
