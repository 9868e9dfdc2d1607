package conformance

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/sip/auth"
)

// World is what the body of a case sees of the run: a server with the attempt's script, the client, and what
// the client is to be told. It stands for *testing.T as well: a body returns a Record and an error of the
// harness, and who runs it decides what a failure means.
type World struct {
	Ground   Ground
	Server   *server.Server // nil on ground R
	Client   Client
	Settings Settings // of the user alice, complete

	attempt Attempt
	settle  func()        // waits until nothing moves any more
	limit   time.Duration // of one sign-in, session and sign-out
	pace    *pace         // of log-ons; nil: none
	asked   atomic.Int64  // connections and DNS answers that the client wanted, on ground V
}

// The users of every server on the grounds V and S. The passwords are such that a search finds them wherever
// they are shown.
const (
	Domain        = "ocs.test"
	Host          = "server." + Domain // at a real server: the one that its profile names
	Alice         = "alice@" + Domain
	Bob           = "bob@" + Domain
	Unknown       = "ocs-conformance-nobody@" + Domain   // at a real server: at the domain of its user
	Disabled      = "ocs-conformance-disabled@" + Domain // at a real server: the one that its profile names
	Password      = "pA55-of-alice-1f0e"
	BobPassword   = "pA55-of-bob-77c3"
	WrongPassword = "pA55-wrong-9d21"
	ProxyPassword = "pA55-of-proxy-5b68"
)

// secrets are what must never be seen, beside those in the settings.
func (s Settings) secrets() []string {
	return []string{s.Password, Password, BobPassword, WrongPassword, ProxyPassword}
}

// watched are those secrets, for the server to look for. The password in the proxy's URL is the proxy's.
func (s Settings) watched() (all []server.Secret) {
	for _, secret := range s.secrets() {
		proxy, err := url.Parse(s.Proxy)
		given := ""
		if err == nil && proxy.User != nil {
			given, _ = proxy.User.Password()
		}
		all = append(all, server.Secret{Value: auth.Secret(secret), Proxy: secret == given})
	}
	return all
}

// network is the addresses and the clock of a ground.
const (
	virtualIP    = "127.0.0.1"
	virtualLimit = 24 * time.Hour
	realLimit    = 2 * time.Minute
)

// open makes the world of an attempt.
func (r *Runner) open(c Case, a Attempt) (*World, error) {
	w := &World{Ground: r.Ground, Client: r.client(), attempt: a, settle: r.Settle, limit: realLimit}
	if c.subject() == SubjectServer {
		w.Client = Engine
	}
	if w.settle == nil {
		w.settle = func() {}
	}
	if r.Ground == Real {
		own := c.subject() == SubjectServer || r.Client == nil || r.Own
		w.Settings = r.Profile.settings(a.Client, own, c.Needs...)
		r.pace.pause = max(cmp.Or(r.Pause, defaultPause), 0)
		r.pace.profile = r.Profile
		w.pace = &r.pace
		w.Settings.Case = c.ID
		return w, nil
	}
	var ip string
	var err error
	if a.Certificate != nil {
		if err = a.Certificate.apply(&a.Server, &a.Client); err != nil {
			return nil, err
		}
	}
	a.Server.Secrets = a.Client.watched()
	if r.Ground == Virtual {
		ip, w.limit = virtualIP, virtualLimit
		w.Server, err = server.Start(script(a.Server, ip))
	} else {
		w.Server, ip, err = listenAnywhere(a.Server)
	}
	if err != nil {
		return nil, err
	}
	w.Settings = complete(a.Client, w.Server, ip)
	w.Settings.Case = c.ID
	if r.Ground == Virtual {
		w.Settings.Network = (&Network{Dial: virtualDial(w.Server, ip), Exchange: w.Server.Exchange}).counted(&w.asked)
	}
	return w, nil
}

// close ends the world's server.
func (w *World) close() error {
	if w.Server == nil {
		return nil
	}
	return w.Server.Close()
}

// script fills in what every server has.
func script(cfg server.Config, ip string) server.Config {
	cfg.Users = append([]server.User{{Name: "alice", Password: Password}, {Name: "bob", Password: BobPassword}}, cfg.Users...)
	if cfg.Zone != "" {
		cfg.Zone = "$TTL 60\n@ SOA server hostmaster 1 3600 600 86400 60\n@ NS server\n" + strings.ReplaceAll(cfg.Zone, "$ip", ip)
	}
	faults := make([]server.Fault, len(cfg.Faults))
	for i, f := range cfg.Faults {
		headers := map[string]string{}
		for name, value := range f.Headers {
			headers[name] = strings.ReplaceAll(value, "$ip", ip)
		}
		if f.Headers != nil {
			f.Headers = headers
		}
		faults[i] = f
	}
	cfg.Faults = faults
	return cfg
}

// complete fills in what every client is told.
func complete(s Settings, srv *server.Server, ip string) Settings {
	s.SignInName = orElse(s.SignInName, Alice)
	s.Password = orElse(s.Password, Password)
	s.Server = strings.ReplaceAll(s.Server, "$ip", ip)
	s.Proxy = strings.ReplaceAll(s.Proxy, "$ip", ip)
	if slices.Contains(s.Schemes, auth.Kerberos) {
		s.KDC = orElse(srv.KDCAddr(), "server."+Domain+":88")
	}
	s.DNS = orElse(s.DNS, orElse(srv.DNSAddr(), "127.0.0.1:53"))
	s.CA = orElse(s.CA, string(srv.CAPEM()))
	s.Hostname = orElse(s.Hostname, "conformance")
	return s
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// errNoPort443 says that this ground has no place for an autodiscover service, of which clients know the port.
var errNoPort443 = errors.New("autodiscover is asked at port 443, where this system lets only administrators listen")

// listenAnywhere starts a server at a loopback address of its own, so that every server has the ports that
// its zone names, and many run side by side. All of 127.0.0.0/8 is loopback on Linux and Windows.
func listenAnywhere(cfg server.Config) (srv *server.Server, ip string, err error) {
	for range 20 {
		b := make([]byte, 2)
		rand.Read(b) // never fails
		ip = fmt.Sprintf("127.77.%d.%d", b[0], 1+b[1]%254)
		sockets := script(cfg, ip)
		sockets.ListenTLS, sockets.ListenTCP, sockets.ListenDNS = ip+":5061", ip+":5060", ip+":0"
		sockets.ListenProxy, sockets.ListenKDC, sockets.ListenWeb = ip+":3128", ip+":0", ip+":0"
		if cfg.Autodiscover != nil {
			sockets.ListenWeb = ip + ":443"
		}
		if srv, err = server.Start(sockets); err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if cfg.Autodiscover != nil && errors.Is(err, syscall.EACCES) {
		err = errNoPort443
	}
	return srv, ip, err
}

// maxStart is how long a program may take to its first event before Attempt.StopAfter counts without one.
const maxStart = 10 * time.Second

// SignIn lets the client sign in as the attempt says, and stops it when the attempt says so. The error is the
// harness's, or ErrUnimplemented.
func (w *World) SignIn(ctx context.Context) (*Record, error) {
	if w.pace.locked() {
		return &Record{Attempt: w.attempt.Name, Started: time.Now(), Settings: w.Settings}, errRejected
	}
	w.pace.wait(ctx)
	defer w.pace.done()
	r := &Record{Attempt: w.attempt.Name, Started: time.Now(), Settings: w.Settings}
	settings := w.Settings
	settings.Transcript = &r.transcript
	running, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		w.pace.heard(settings, r.Events)
	}()
	begun, ready := make(chan struct{}), make(chan struct{})
	tell := func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.At.IsZero() {
			e.At = time.Now()
		}
		if r.Events = append(r.Events, e); len(r.Events) == 1 {
			close(begun)
		}
		if e.Kind == Ready {
			select {
			case <-ready:
			default:
				close(ready)
			}
		}
	}
	type end struct {
		report *signin.Report
		err    error
	}
	ended := make(chan end, 1)
	label := fmt.Sprintf("%s-%p", strings.ReplaceAll(w.Settings.Case, "/", "-"), r)
	go pprof.Do(running, pprof.Labels(goroutineLabel, label), func(ctx context.Context) {
		report, err := w.Client(ctx, settings, tell)
		ended <- end{report, err}
	})

	var stopAt <-chan time.Time
	var hasBegun chan struct{}
	isReady := ready
	timer := time.NewTimer(w.attempt.StopAfter + maxStart)
	defer timer.Stop()
	if w.attempt.StopAfter > 0 {
		stopAt, hasBegun, isReady = timer.C, begun, nil
	}
	limit := time.NewTimer(w.limit)
	defer limit.Stop()
	halt := func() {
		r.Stopped = time.Now()
		stop()
	}
	var live error
	for {
		select {
		case <-isReady:
			isReady = nil
			if w.attempt.Live != nil {
				live = w.attempt.Live(running, w)
			}
			w.settle()
			halt()
			continue
		case <-hasBegun:
			hasBegun = nil
			timer.Reset(w.attempt.StopAfter)
			continue
		case <-stopAt:
			stopAt = nil
			halt()
			continue
		case <-limit.C:
			if r.Stopped.IsZero() {
				halt()
				limit.Reset(w.limit)
				continue
			}
			r.Left = append(r.Left, "the client itself: it was told to stop and did not end")
		case e := <-ended:
			r.Report = e.report
			switch {
			case errors.Is(e.err, ErrRunaway):
				r.runaway = e.err.Error()
			case e.err != nil:
				return r, e.err
			}
		}
		break
	}
	r.Duration = time.Since(r.Started)
	w.look(r, label, func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(r.Events)
	})
	mu.Lock()
	defer mu.Unlock()
	r.Events = append([]Event(nil), r.Events...)
	return r, live
}
