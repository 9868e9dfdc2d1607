package dial

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// shows lets dialogues show the password of one proxy, each after a time, with a verdict after another; it returns when
// each of them did, -1 for not at all.
func shows(ctx context.Context, l *Logins, dialogues []dialogueOf) []time.Duration {
	start := time.Now()
	when := make([]time.Duration, len(dialogues))
	for i, d := range dialogues {
		go func() {
			time.Sleep(d.begins)
			tell, err := l.show(ctx, &Proxy{Scheme: HTTP, Host: d.proxy, Port: 3128, User: "p", Password: "x"})
			if when[i] = time.Since(start); err != nil {
				when[i] = -1
				return
			}
			time.Sleep(d.takes)
			tell(d.says)
			tell(rejected) // only the first word counts
		}()
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	return when
}

type dialogueOf struct {
	proxy         string
	begins, takes time.Duration
	says          verdict
}

func TestLoginsShowAPasswordOnceUntilThereIsAVerdict(t *testing.T) {
	const quarter = 250 * time.Millisecond
	for name, test := range map[string]struct {
		dialogues []dialogueOf
		want      []time.Duration
	}{
		"rejected":           {[]dialogueOf{{"a", 0, time.Second, rejected}, {"a", quarter, 0, accepted}, {"a", time.Minute, 0, accepted}}, []time.Duration{0, -1, -1}},
		"accepted":           {[]dialogueOf{{"a", 0, time.Second, accepted}, {"a", quarter, time.Minute, noVerdict}, {"a", 2 * quarter, 0, noVerdict}}, []time.Duration{0, time.Second, time.Second}},
		"without a word":     {[]dialogueOf{{"a", 0, time.Second, noVerdict}, {"a", quarter, time.Second, rejected}, {"a", 6 * quarter, 0, accepted}}, []time.Duration{0, time.Second, -1}},
		"no verdict in time": {[]dialogueOf{{"a", 0, time.Minute, noVerdict}, {"a", quarter, time.Minute, noVerdict}, {"a", quarter, time.Minute, noVerdict}}, []time.Duration{0, verdictLimit, 2 * verdictLimit}},
		"another proxy":      {[]dialogueOf{{"a", 0, time.Second, rejected}, {"b", quarter, 0, accepted}}, []time.Duration{0, quarter}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := shows(t.Context(), &Logins{}, test.dialogues)
				if name == "no verdict in time" && got[1] > got[2] { // whoever of the two comes first
					got[1], got[2] = got[2], got[1]
				}
				require.Equal(t, test.want, got)
			})
		})
	}
}

func TestLoginsThatForgetShowARejectedPasswordAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Logins{}
		require.Equal(t, []time.Duration{0}, shows(t.Context(), l, []dialogueOf{{"a", 0, 0, rejected}}))
		l.Forget()
		require.Equal(t, []time.Duration{0}, shows(t.Context(), l, []dialogueOf{{"a", 0, 0, accepted}}))
	})
}

func TestLoginsDoNotHoldADialogueThatIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, []time.Duration{0, -1}, shows(ctx, &Logins{}, []dialogueOf{{"a", 0, time.Minute, accepted}, {"a", time.Millisecond, 0, noVerdict}}))
	})
}
