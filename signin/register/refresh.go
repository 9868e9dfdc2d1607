package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// RefreshIn is how long after a grant the registration is to be refreshed: 30 s before it expires, or at
// its end where it is shorter than that.
func (g Granted) RefreshIn() time.Duration {
	if g.Expires > margin {
		return g.Expires - margin
	}
	return g.Expires
}

// Refresh renews the binding on the same connection. A server that answers a refresh with "added" or
// "fixed" had lost the binding, and with it every dialog: that is a failure (MS-SIPREGE 3.1.1.5.1), cause
// refresh-failed.
func (r *Registration) Refresh(ctx context.Context) (Granted, error) {
	if err := r.take(ctx); err != nil {
		return Granted{}, err
	}
	defer func() { <-r.turn }()
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
	r.granted = g
	return g, nil
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
	if refused := (*ocserr.Error)(nil); errors.As(err, &refused) {
		return nil
	}
	return err
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
