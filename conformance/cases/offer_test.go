package cases

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/status"
)

// tooLong is from where on a sign-in is too long for the test below.
const tooLong = 5 * time.Second

// long tells whether an attempt lasts as long as one of the limits.
func long(c conformance.Case, a conformance.Attempt) bool {
	return c.ID == "disc/dns-timeout" || a.StopAfter > tooLong || slices.ContainsFunc(a.Expect, func(o conformance.Outcome) bool { return o.After > tooLong })
}

// told is what our engine tells OnSignin of when it does what a person is asked to.
func told(ctx context.Context, o *conformance.Offer, offered conformance.Offered) (first conformance.Event, err error) {
	s := offered.Settings
	s.DNS = o.DNSAddr()
	if s.CA == "" {
		s.CA = o.CA()
	}
	ctx, stop := context.WithTimeout(ctx, 2*tooLong)
	defer stop()
	if offered.Attempt.StopAfter > 0 {
		time.AfterFunc(offered.Attempt.StopAfter, stop)
	}
	var mu sync.Mutex
	_, err = conformance.Engine(ctx, s, func(e conformance.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Kind == conformance.Ready:
			stop()
		case e.Kind == status.OnSignin && first.Kind == "":
			first = e
		}
	})
	return first, err
}

// accepted tells whether OnSignin is as one of the outcomes has it.
func accepted(outcomes []conformance.Outcome, e conformance.Event) bool {
	return len(outcomes) == 0 || slices.ContainsFunc(outcomes, func(o conformance.Outcome) bool {
		if o.Events != nil {
			return slices.Contains(o.Events, e.String())
		}
		return o.Code == e.HR && (o.Cause == "" || o.Cause == e.Cause)
	})
}

func offerOf(t *testing.T, host string) *conformance.Offer {
	t.Helper()
	o, err := conformance.NewOffer(conformance.OfferConfig{Host: host, DNS: "127.0.0.1:0"}, All())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return o
}

// They mostly wait, so that many go on at once.
func TestWhatIsOfferedCanBePassed(t *testing.T) {
	o := offerOf(t, "127.0.0.1")
	failed := make([]string, len(o.Offered))
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, offered := range o.Offered {
		if long(offered.Case, offered.Attempt) {
			continue
		}
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if e, err := told(t.Context(), o, offered); err != nil || !accepted(offered.Attempt.Expect, e) {
				failed[i] = fmt.Sprintf("%s: %s, cause %s: %s, %v", offered.Domain, e, e.Cause, e.Text, err)
			}
		})
	}
	all.Wait()
	require.Empty(t, slices.DeleteFunc(failed, func(s string) bool { return s == "" }))
}

func TestWhatIsNotOfferedSaysWhy(t *testing.T) {
	o := offerOf(t, "127.0.0.1")
	for _, r := range o.Refused {
		require.NotEmpty(t, r.Reason, r.Case.ID)
		t.Logf("not offered: %s %s: %s", r.Case.ID, r.Attempt.Name, r.Reason)
	}
	offered, all := len(o.Offered)+len(o.Refused), 0
	for _, c := range All() {
		all += len(c.Attempts)
	}
	require.Equal(t, all, offered)
}
