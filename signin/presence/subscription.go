package presence

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/sip"
)

// Subscription is how one subscription stands, for the report.
type Subscription struct {
	Event  string `json:"event"`
	Status int    `json:"status"`          // of the answer to the last SUBSCRIBE
	State  string `json:"state,omitempty"` // subscription-state, "active;expires=31000"
}

// subscription is one subscription to the user's own data (RFC 6665 with Microsoft's piggybacked first
// NOTIFY, MS-PRES). All but the question and the dialog's own identifiers is guarded by mu.
type subscription struct {
	*question

	callID, tag string

	mu      sync.Mutex
	cseq    int
	to      string // To of the answer, with the server's tag
	target  string // Contact of the answer: where refreshes go
	status  int
	state   string
	timer   *time.Timer
	stopped bool
}

// question is what a subscription asks for.
type question struct {
	Event   string
	accept  string
	once    bool   // Expires 0: a look, not a subscription
	special string // one more Supported tag
	body    string
}

// questions are those of a client of OCS 2007 and later, in their order on the wire.
var questions = [...]question{
	{
		Event:   "vnd-microsoft-roaming-contacts",
		accept:  "application/vnd-microsoft-roaming-contacts+xml",
		special: "ms-ucs",
	},
	{
		Event:  "vnd-microsoft-provisioning-v2",
		accept: "application/vnd-microsoft-roaming-provisioning-v2+xml",
		once:   true,
		body: `<provisioningGroupList xmlns="http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist">` +
			`<provisioningGroup name="ServerConfiguration"/><provisioningGroup name="meetingPolicy"/><provisioningGroup name="ucPolicy"/></provisioningGroupList>`,
	},
	{
		Event:  "vnd-microsoft-roaming-self",
		accept: "application/vnd-microsoft-roaming-self+xml",
		body: `<roamingList xmlns="http://schemas.microsoft.com/2006/09/sip/roaming-self">` +
			`<roaming type="categories"/><roaming type="containers"/><roaming type="subscribers"/></roamingList>`,
	},
}

// start sends the SUBSCRIBE; the first one opens the dialog, later ones refresh it inside.
func (s *subscription) start(ctx context.Context, cfg Config) (*register.Call, error) {
	return cfg.Registration.Start(ctx, func() (*sip.Request, error) { return s.request(cfg) })
}

func (s *subscription) request(cfg Config) (*sip.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callID == "" {
		s.callID, s.tag, s.target = sip.NewCallID(), sip.NewTag(), cfg.Endpoint.URI
	}
	s.cseq++
	req, err := cfg.Endpoint.Request("SUBSCRIBE", s.target, s.to, s.tag, s.callID, s.cseq)
	if err != nil {
		return nil, err
	}
	sip.Add(req, "Event", s.Event)
	sip.Add(req, "Accept", s.accept)
	sip.Add(req, "Supported", "com.microsoft.autoextend")
	sip.Add(req, "Supported", "ms-benotify")
	sip.Add(req, "Proxy-Require", "ms-benotify")
	sip.Add(req, "Supported", "ms-piggyback-first-notify")
	if s.special != "" {
		sip.Add(req, "Supported", s.special)
	}
	if s.once {
		sip.Add(req, "Expires", "0")
	}
	sip.Add(req, "Contact", cfg.Endpoint.Contact())
	if s.body == "" {
		sip.SetBody(req, "", nil)
	} else {
		sip.SetBody(req, s.accept, []byte(s.body))
	}
	return req, nil
}

// answered takes the answer to a SUBSCRIBE: it keeps the dialog, arms the timer that calls refresh, and
// returns the document that came piggybacked, if one did.
func (s *subscription) answered(res *sip.Response, refresh func()) document {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.state = res.StatusCode, sip.Value(res, "subscription-state")
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return document{}
	}
	if s.once { // no dialog to keep
		s.callID, s.tag = "", ""
	} else if s.to == "" {
		s.to = sip.Value(res, "To")
		if c, err := sip.ParseNameAddr(sip.Value(res, "Contact")); err == nil {
			s.target = c.URI
		}
	}
	if in := refreshIn(sip.Value(res, "Expires")); in > 0 && !s.once && !s.stopped && !strings.Contains(s.state, "terminated") {
		s.timer = time.AfterFunc(in, refresh)
	}
	if sip.Value(res, "ms-piggyback-cseq") == "" {
		return document{}
	}
	return document{contentType: sip.Value(res, "Content-Type"), body: res.Body()}
}

// notified takes the state out of a NOTIFY or BENOTIFY.
func (s *subscription) notified(req *sip.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := sip.Value(req, "subscription-state"); v != "" {
		s.state = v
	}
}

func (s *subscription) snapshot() Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Subscription{Event: s.Event, Status: s.status, State: s.state}
}

func (s *subscription) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// refreshIn is how long after an answer with this Expires a subscription is refreshed: two minutes before
// it ends, or after half of it where that is later; 0: never.
func refreshIn(expires string) time.Duration {
	seconds, err := strconv.ParseUint(expires, 10, 31)
	if err != nil || seconds == 0 {
		return 0
	}
	d := time.Duration(seconds) * time.Second
	return max(d-2*time.Minute, d/2)
}
