package register

import (
	"context"
	"time"

	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth"
)

// Registration is an endpoint's binding at its registrar. Its methods may be called from any goroutine;
// one REGISTER is under way at a time.
type Registration struct {
	conn     *sip.Conn
	endpoint *Endpoint
	auth     *auth.Client

	callID string        // one for all REGISTERs of a connection
	tag    string        // one From tag likewise, as Microsoft's clients keep it
	turn   chan struct{} // holds the right to send
	cseq   int           // of the last REGISTER; guarded by turn
	expiry string        // Expires to ask for, after a 423; guarded by turn

	granted Granted // guarded by turn
	proofs  int     // how often the endpoint has proved itself anew; guarded by turn
}

// Register brings the endpoint on conn to a registration: it sends REGISTER, answers the server's
// challenges through a, and returns once the server has accepted (RFC 3261 10.2, MS-SIPREGE 3.1.1).
//
// Its error is ctx's cause, a *sip.ConnError where the connection died, a *sip.VerifyError where the answer
// was not signed as it must be, a *Redirect to another server, or the *ocserr.Error of the server's refusal. It
// sets no limit of its own; a bounds the handshake. Where ctx ends the server may yet accept: a removal is sent
// behind the last REGISTER.
func Register(ctx context.Context, conn *sip.Conn, e *Endpoint, a *auth.Client) (*Registration, error) {
	r := &Registration{
		conn: conn, endpoint: e, auth: a,
		callID: sip.NewCallID(), tag: sip.NewTag(), turn: make(chan struct{}, 1),
	}
	res, err := r.ladder(ctx, "")
	if err != nil {
		if ctx.Err() != nil {
			r.Withdraw()
		}
		return nil, err
	}
	granted, err := readGranted(res, e)
	if err != nil {
		return nil, err
	}
	r.keep(granted)
	e.contact.Store(&granted.Contact)
	return r, nil
}

// Granted is what the server's last 200 said.
func (r *Registration) Granted() Granted {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	return r.granted
}

// ladder sends REGISTER until the server gives a verdict: a challenge is answered with the next REGISTER,
// 423 with a longer expiry (once). The returned response is a 2xx. The caller holds turn, or is alone.
func (r *Registration) ladder(ctx context.Context, expires string) (*sip.Response, error) {
	for {
		res, err := r.send(ctx, expires)
		if err != nil {
			return nil, err
		}
		switch {
		case res.StatusCode >= 200 && res.StatusCode < 300:
			return res, nil
		case res.StatusCode == 401 || res.StatusCode == 407:
			if err := r.auth.Challenge(ctx, res); err != nil {
				return nil, err
			}
		case res.StatusCode == 301 || res.StatusCode == 302:
			return nil, redirection(res)
		case res.StatusCode == 423 && r.expiry == "" && expires == "" && minExpires(res) != "":
			r.expiry = minExpires(res)
		default:
			return nil, sip.StatusError(res, r.auth.State().PasswordTested)
		}
	}
}

// send sends one REGISTER and waits for its final answer.
func (r *Registration) send(ctx context.Context, expires string) (*sip.Response, error) {
	call, err := r.start(expires) // not Do: a sign-out is sent even where nobody can wait for its answer
	if err != nil {
		return nil, err
	}
	return call.Wait(ctx)
}

// start sends one REGISTER. expires overrides the expiry to ask for; empty leaves the choice to the server.
func (r *Registration) start(expires string) (*sip.Call, error) {
	r.cseq++
	e := r.endpoint
	req, err := e.Request("REGISTER", "sip:"+e.Domain(), "", r.tag, r.callID, r.cseq)
	if err != nil {
		return nil, err
	}
	sip.Add(req, "Contact", e.registerContact())
	sip.Add(req, "Supported", "gruu-10, adhoclist, msrtc-event-categories")
	sip.Add(req, "Supported", "ms-forking")
	sip.Add(req, "Event", "registration")
	sip.Add(req, "Allow-Events", "presence")
	sip.Add(req, "ms-keep-alive", "UAC;hop-hop=yes")
	if expires == "" {
		expires = r.expiry
	}
	if expires != "" {
		sip.Add(req, "Expires", expires)
	}
	sip.SetBody(req, "", nil)
	return r.conn.Start(req)
}

// minExpires reads Min-Expires of a 423 (RFC 3261 20.23); empty when it is not a number of seconds, or 0, with which a
// REGISTER would be a removal.
func minExpires(res *sip.Response) string {
	v := sip.Value(res, "Min-Expires")
	if seconds, ok := deltaSeconds(v); !ok || seconds == 0 {
		return ""
	}
	return v
}

// margin is how long before the granted expiry a registration is refreshed.
const margin = 30 * time.Second
