package cases

import (
	"context"
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
func told(t *testing.T, o *conformance.Offer, offered conformance.Offered) (first conformance.Event) {
	t.Helper()
	s := offered.Settings
	s.DNS = o.DNSAddr()
	if s.CA == "" {
		s.CA = o.CA()
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*tooLong)
	defer stop()
	if offered.Attempt.StopAfter > 0 {
		time.AfterFunc(offered.Attempt.StopAfter, stop)
	}
	var mu sync.Mutex
	_, err := conformance.Engine(ctx, s, func(e conformance.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Kind == conformance.Ready:
			stop()
		case e.Kind == status.OnSignin && first.Kind == "":
			first = e
		}
	})
	require.NoError(t, err)
	return first
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

func TestWhatIsOfferedCanBePassed(t *testing.T) {
	o := offerOf(t, "127.0.0.1")
	slots := make(chan struct{}, 16)
	t.Run("all", func(t *testing.T) {
		for _, offered := range o.Offered {
			if long(offered.Case, offered.Attempt) {
				continue
			}
			t.Run(offered.Domain, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				e := told(t, o, offered)
				require.Truef(t, accepted(offered.Attempt.Expect, e), "%s, cause %s: %s", e, e.Cause, e.Text)
			})
		}
	})
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
