package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// RefreshIn is how long after a grant the registration is to be refreshed: 30 s before it expires, or after half of it
// where that is later, since a binding that has ended cannot be refreshed; and when the security association must be
// renewed, if that is earlier.
func (g Granted) RefreshIn() time.Duration {
	in := max(g.Expires-margin, g.Expires/2)
	if g.renewIn != 0 {
		in = min(in, max(g.renewIn, margin))
	}
	return in
}

// Refresh renews the binding on the same connection, and the security association if that is due. A server that
// answers a refresh with "added" or "fixed" had lost the binding, and with it every dialog: that is a failure
// (MS-SIPREGE 3.1.1.5.1), cause refresh-failed.
func (r *Registration) Refresh(ctx context.Context) (Granted, error) {
	if err := r.take(ctx); err != nil {
		return Granted{}, err
	}
	defer func() { <-r.turn }()
	if due := r.auth.RenewAt(); !due.IsZero() && !time.Now().Before(due) {
		r.auth.Reset()
	}
	return r.refresh(ctx)
}

// refresh is Refresh by who holds turn.
func (r *Registration) refresh(ctx context.Context) (Granted, error) {
	res, err := r.ladder(ctx, "")
	if err != nil {
		return Granted{}, err
	}
	g, err := readGranted(res, r.endpoint)
	if err != nil {
		return Granted{}, err
	}
	if g.Action == "added" || g.Action == "fixed" {
		return Granted{}, ocserr.New(ocserr.CauseRefreshFailed, fmt.Errorf("the refresh was answered with register-action=%q", g.Action))
	}
	r.keep(g)
	return r.granted, nil
}

// keep keeps what was granted.
func (r *Registration) keep(g Granted) {
	if at := r.auth.RenewAt(); !at.IsZero() {
		g.renewIn = time.Until(at)
	}
	r.granted = g
}

// Remove ends the binding: REGISTER with Expires 0 (RFC 3261 10.2.2), challenged anew where the server wants
// that. The server's refusal of it matters to nobody: the binding dies with the connection; only a dead
// connection or the end of ctx is an error.
func (r *Registration) Remove(ctx context.Context) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer func() { <-r.turn }()
	_, err := r.ladder(ctx, "0")
	var refused *ocserr.Error
	var moved *Redirect
	if errors.As(err, &refused) || errors.As(err, &moved) {
		return nil
	}
	return err
}

// Withdraw sends the removal of the binding, if the connection still takes it, and waits for no answer. It is for who
// gives up and closes the connection next: what the server accepted, or is about to accept, does not stay.
func (r *Registration) Withdraw() {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	_, _ = r.start("0") // the binding dies with the connection in any case
}

// take waits for the right to send a REGISTER; one that is free is taken even when ctx has ended, so that
// a sign-out always sends its REGISTER.
func (r *Registration) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
