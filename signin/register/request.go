package register

import (
	"context"

	"github.com/ocsgo/ocs/sip"
)

// maxResends bounds how often a request is sent again because the server wanted the endpoint to prove itself anew.
const maxResends = 2

// Call is a request of a registered endpoint whose answer is awaited.
type Call struct {
	registration *Registration
	build        func() (*sip.Request, error)
	call         *sip.Call
	proofs       int // the registration's, when it was sent
	resends      int
}

// Start sends the request that build makes, and leaves the waiting to Wait, so that several can be under way. While a
// REGISTER is under way it waits for its end, or that of ctx: the request is then signed with what that one brings.
// build is called again for each time that the request is sent again, and each time makes one with a CSeq of its own.
func (r *Registration) Start(ctx context.Context, build func() (*sip.Request, error)) (*Call, error) {
	c := &Call{registration: r, build: build}
	if err := c.send(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Do sends a request outside any dialog and waits for its answer, as Start and Wait do.
func (r *Registration) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	again := false
	call, err := r.Start(ctx, func() (*sip.Request, error) {
		if again {
			next(req)
		}
		again = true
		return req, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Wait(ctx)
}

func (c *Call) send(ctx context.Context) error {
	r := c.registration
	if err := r.take(ctx); err != nil {
		return err
	}
	defer func() { <-r.turn }()
	req, err := c.build()
	if err != nil {
		return err
	}
	c.proofs = r.proofs
	c.call, err = r.conn.Start(req)
	return err
}

// Wait returns the final answer. Where the server challenges the request the endpoint proves itself anew, which one
// call does for all that are under way, and the request is sent again: twice, then the challenge is the answer.
func (c *Call) Wait(ctx context.Context) (*sip.Response, error) {
	for {
		res, err := c.call.Wait(ctx)
		if err != nil || res.StatusCode != 401 && res.StatusCode != 407 || c.resends == maxResends {
			return res, err
		}
		c.resends++
		if err := c.registration.prove(ctx, res, c.proofs); err != nil {
			return nil, err
		}
		if err := c.send(ctx); err != nil {
			return nil, err
		}
	}
}

// prove answers the challenge to a request that was sent after so many proofs, unless that has been done since.
func (r *Registration) prove(ctx context.Context, res *sip.Response, proofs int) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer func() { <-r.turn }()
	if r.proofs != proofs {
		return nil
	}
	if err := r.auth.Challenge(ctx, res); err != nil {
		return err
	}
	if r.auth.Pending() {
		if _, err := r.refresh(ctx); err != nil {
			return err
		}
	}
	r.proofs++
	return nil
}
