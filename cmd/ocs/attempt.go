package main

import (
	"context"
	"errors"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

// attempt makes one attempt to sign in and shows it. Once the user is online it runs live, which must end
// the session and says whether it was lost. The error is an exitStatus, or nil for success.
func attempt(ctx context.Context, cfg signin.Config, show presenter, live func(context.Context, *signin.Session) error) error {
	client, err := signin.New(cfg)
	if err != nil {
		return refuse(show, cfg.SignInName, err)
	}
	type outcome struct {
		session *signin.Session
		err     error
	}
	signedIn, lived := make(chan outcome, 1), make(chan error, 1)
	// Of all events, none is missed: the context is not ctx, since an interrupt has events too. The first
	// is the state before the attempt.
	events, before := client.Events(context.Background()), true
	started := time.Now()
	show.begin(cfg.SignInName, started)
	go func() {
		session, err := client.SignIn(ctx)
		signedIn <- outcome{session, err}
	}()

	accepted, online := false, false
	for e := range events {
		if before {
			before = false
			continue
		}
		show.event(e)
		accepted = accepted || e.Kind == status.OnSignin && e.HR.Success()
		if e.Kind != status.OnMyStatusChange {
			continue
		}
		if e.Status.Online() && !online {
			online = true
			session := (<-signedIn).session // an online client has one
			show.online(client.Report())
			go func() { lived <- live(ctx, session) }()
		}
		if e.Status == status.Offline { // every attempt and every session ends so
			break
		}
	}
	if online {
		err = <-lived
	} else {
		err = (<-signedIn).err
	}
	return conclude(show, client.Report(), err, accepted && !online)
}

// conclude shows the end and picks the exit status.
func conclude(show presenter, report *signin.Report, err error, notOnline bool) error {
	coded := asCoded(err)
	show.end(report, coded)
	switch {
	case coded == nil, coded.Stage == ocserr.StageSignout: // it was ONLINE, and is out whatever the server says
		return nil
	case coded.Cause == ocserr.CauseCancelled:
		return exitStatus(exitCancelled)
	case notOnline:
		return exitStatus(exitNotOnline)
	}
	return exitStatus(coded.ExitStatus())
}

// refuse shows that a sign-in did not begin: the report says so too.
func refuse(show presenter, signInName string, err error) error {
	coded := asCoded(err)
	report := &signin.Report{
		SignInName: signInName, Started: time.Now().Round(0), HR: coded.Code, Code: coded.Code.Name(),
		Stages: []signin.Stage{}, Error: coded,
	}
	return conclude(show, report, coded, false)
}

// asCoded is err as an Error of the engine's; nil for nil.
func asCoded(err error) *ocserr.Error {
	if err == nil {
		return nil
	}
	if coded, ok := errors.AsType[*ocserr.Error](err); ok {
		return coded
	}
	coded := ocserr.New(ocserr.CauseUnexpected, err)
	if code, ok := errors.AsType[ocserr.Code](err); ok && !code.Success() {
		coded.Code = code
	}
	return coded
}

// untilSignOut is the life of a session that is only tested, or, with stay, held until ctx ends or the
// server or the network end it.
func untilSignOut(stay bool) func(context.Context, *signin.Session) error {
	return func(ctx context.Context, s *signin.Session) error {
		if stay {
			select {
			case <-ctx.Done():
			case <-s.Done():
				return s.Err()
			}
		}
		return s.SignOut(context.WithoutCancel(ctx))
	}
}
