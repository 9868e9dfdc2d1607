package presence

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/status"
)

// Config is what a presence needs of its session.
type Config struct {
	Registration *register.Registration // sends the requests
	Endpoint     *register.Endpoint
	Events       []string // the server's Allow-Events: nothing else is subscribed to
	Machine      string   // the host's name, published with the device
	// Changed is told of a status that this presence did not set itself: chosen at another endpoint of
	// the user. It runs on the connection's reader and must not block. nil: not told.
	Changed func(status.Status)
}

// Presence is the presence of one endpoint. Its methods may be called from any goroutine.
type Presence struct {
	cfg           Config
	callID        string // of every SERVICE
	subscriptions []*subscription

	mu         sync.Mutex
	cseq       int
	versions   versions      // of our publications, as the server last told them
	chosen     int           // availability of the user's own choice (userState); 0: none
	aggregate  int           // availability of the server's aggregate; 0: not told
	activity   string        // activity token beside the aggregate
	current    status.Status // as last told to the owner
	publishing int           // publications under way, Start's included: their effect is told by their own answer
}

// New makes a presence that has sent nothing yet; it can already take notifications.
func New(cfg Config) *Presence {
	p := &Presence{cfg: cfg, callID: sip.NewCallID(), publishing: 1}
	for i := range questions {
		q := &questions[i]
		if slices.ContainsFunc(cfg.Events, func(e string) bool { return strings.EqualFold(e, q.Event) }) {
			p.subscriptions = append(p.subscriptions, &subscription{question: q})
		}
	}
	return p
}

// Start subscribes to the user's own data and publishes the endpoint's device and machine state, all in
// one flight, and returns once the server has accepted the publication: from then on the user is online.
// A status other than Online (or zero) is published as the user's choice. Call it once.
//
// A refused subscription does not keep the user from being online: it is kept in Subscriptions. A refused
// publication does: the error is the *ocserr.Error of the server's answer (cause publication-refused),
// the connection's end, or ctx's cause.
func (p *Presence) Start(ctx context.Context, initial status.Status) error {
	subscribing := make([]*register.Call, len(p.subscriptions))
	for i, s := range p.subscriptions {
		call, err := s.start(ctx, p.cfg)
		if err != nil {
			return err
		}
		subscribing[i] = call
	}
	publications := append(p.device(), p.machineState()...)
	if initial != 0 && initial != status.Online {
		publications = append(publications, p.userState(initial)...)
	}
	publishing, err := p.send(ctx, publications)
	if err != nil {
		return err
	}
	for i, s := range p.subscriptions {
		res, err := subscribing[i].Wait(ctx)
		if err != nil {
			return err
		}
		p.absorb(s.answered(res, func() { p.refresh(s) }))
	}
	if err := p.settle(ctx, publishing, publications); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishing--
	p.current = p.status()
	return nil
}

// Status is the user's own status as far as this endpoint knows it.
func (p *Presence) Status() status.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Publish publishes st as the user's choice, for all endpoints of the user, and returns once the server
// has accepted it.
func (p *Presence) Publish(ctx context.Context, st status.Status) error {
	p.mu.Lock()
	p.publishing++
	p.mu.Unlock()
	publications := p.userState(st)
	call, err := p.send(ctx, publications)
	if err == nil {
		err = p.settle(ctx, call, publications)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.publishing--
	if err != nil {
		return err
	}
	p.chosen, _ = st.Availability()
	p.current = st
	return nil
}

// Notify takes a NOTIFY or BENOTIFY of one of the subscriptions; false means that it is none of theirs.
func (p *Presence) Notify(req *sip.Request) bool {
	event := sip.Value(req, "Event")
	i := slices.IndexFunc(p.subscriptions, func(s *subscription) bool { return strings.EqualFold(s.Event, event) })
	if i < 0 {
		return false
	}
	p.subscriptions[i].notified(req)
	if p.absorb(document{contentType: sip.Value(req, "Content-Type"), body: req.Body()}) && p.cfg.Changed != nil {
		p.cfg.Changed(p.Status())
	}
	return true
}

// refreshLimit bounds the refresh of a subscription (RFC 3261 17.1.2.2: Timer F).
const refreshLimit = 32 * time.Second

// refresh renews s from its timer. A refusal is kept for the report: what becomes of the connection is
// decided by the registration, which has a timer of its own.
func (p *Presence) refresh(s *subscription) {
	ctx, cancel := context.WithTimeout(context.Background(), refreshLimit)
	defer cancel()
	call, err := s.start(ctx, p.cfg)
	if err != nil {
		return
	}
	if res, err := call.Wait(ctx); err == nil {
		p.absorb(s.answered(res, func() { p.refresh(s) }))
	}
}

// Subscriptions tells how each subscription stands, for the report.
func (p *Presence) Subscriptions() []Subscription {
	out := make([]Subscription, len(p.subscriptions))
	for i, s := range p.subscriptions {
		out[i] = s.snapshot()
	}
	return out
}

// Stop ends the timers of the subscriptions. The subscriptions themselves die with the connection.
func (p *Presence) Stop() {
	for _, s := range p.subscriptions {
		s.stop()
	}
}

// absorb takes over what a document of the server says of our own publications and state, and tells
// whether the status changed by somebody else's doing.
func (p *Presence) absorb(d document) (changed bool) {
	data, ok := d.roamingData()
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remember(data)
	if p.publishing > 0 {
		return false
	}
	now := p.status()
	changed = now != p.current
	p.current = now
	return changed
}

// remember updates versions and states from roamingData. A message lists all live publications of each
// category that it mentions, so what it does not list of such a category is gone. The caller holds mu.
func (p *Presence) remember(data roamingData) {
	mentioned := map[string]bool{}
	for _, c := range data.Categories {
		mentioned[c.Name] = true
	}
	p.versions.forget(mentioned)
	if mentioned["state"] {
		p.chosen = 0
	}
	for _, c := range data.Categories {
		k, ok := c.key()
		if !ok {
			continue
		}
		if p.mayPublish(k) {
			p.versions.set(k, c.Version)
		}
		switch {
		case c.Name != "state" || k.container != 2:
		case c.State.is("userState"):
			p.chosen = c.State.Availability
		case c.State.is("aggregateState"):
			p.aggregate, p.activity = c.State.Availability, c.State.Activity.Token
		}
	}
}

// status reckons the user's own status: the user's choice first, then the server's aggregate. The caller
// holds mu.
func (p *Presence) status() status.Status {
	shown, _ := p.current.Availability()
	switch {
	case p.chosen != 0 && p.chosen == shown:
		return p.current // several statuses share an availability: keep the one that was set
	case p.chosen != 0:
		return own(p.chosen, "")
	case p.aggregate != 0:
		return own(p.aggregate, p.activity)
	default:
		return status.Online
	}
}

// own maps an availability to a status of our own: to be shown as offline is to be invisible, for the
// server cannot sign anybody out by an availability.
func own(availability int, activity string) status.Status {
	st := status.FromAvailability(availability, activity)
	if !st.Online() {
		return status.Invisible
	}
	return st
}

// refused says what a server's answer to a publication means.
func refused(res *sip.Response) *ocserr.Error {
	err := ocserr.New(ocserr.CausePublicationRefused, errors.New(res.StartLine()))
	err.Side, err.Status, err.Diagnostics = ocserr.SideServer, res.StatusCode, sip.Diagnostics(res)
	return err
}
