package conformance

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/sip/auth"
)

// Offer is cases for clients that a person operates: every attempt has a server of its own under a domain of its
// own, and one DNS server leads to all of them. So the case is chosen by the sign-in name alone, and the client
// needs no shim.
type Offer struct {
	Offered []Offered
	Refused []Refused

	authority *authority
	udp       net.PacketConn
	tcp       net.Listener
	ended     sync.WaitGroup
}

// Refused is an attempt that is not offered.
type Refused struct {
	Case    Case
	Attempt Attempt
	Reason  string
}

// OfferConfig says where to listen.
type OfferConfig struct {
	// Host is the address, an IPv4 literal that clients reach. Where it is loopback every server has a loopback address of
	// its own, with the ports that clients know; elsewhere all share it, on ports that SRV records name.
	Host string
	DNS  string // host:port of DNS, over UDP and TCP; port 0 takes a free one for both
}

// NewOffer starts the servers of every attempt that a person can make with a client. Close ends them.
func NewOffer(cfg OfferConfig, cases []Case) (*Offer, error) {
	o := &Offer{}
	var err error
	if o.authority, err = newRSAAuthority("for people", time.Now()); err != nil {
		return nil, err
	}
	for _, c := range cases {
		for n, a := range c.Attempts {
			reason := unfit(c, a)
			if reason == "" {
				reason, err = o.offer(cfg.Host, c, a, n)
			}
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", c.ID, err), o.Close())
			}
			if reason != "" {
				o.Refused = append(o.Refused, Refused{c, a, reason})
			}
		}
	}
	if err := o.listenDNS(cfg.DNS); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// unfit says why a person cannot make an attempt, whatever the network; "" where one can.
func unfit(c Case, a Attempt) string {
	switch {
	case c.subject() != SubjectClient:
		return "it judges a server"
	case !c.On(Simulator), a.Only != "" && a.Only != Simulator:
		return "it needs virtual time"
	case slices.Contains(c.Needs, NeedEngine):
		return "it is about our own engine's Go API"
	case a.Live != nil:
		return "the suite has to act while the client is signed in"
	}
	return ""
}

// offer starts the server of one attempt, or says why it cannot be offered here.
func (o *Offer) offer(host string, c Case, a Attempt, n int) (reason string, err error) {
	domain := "c-" + strings.ReplaceAll(c.ID, "/", "-")
	if n > 0 {
		domain += "-" + strconv.Itoa(n+1)
	}
	domain += ".test"
	cfg, settings := a.Server, a.Client
	cfg.Domain, cfg.Faults = domain, slices.Clone(cfg.Faults)
	for i := range cfg.Faults {
		cfg.Faults[i].Headers = maps.Clone(cfg.Faults[i].Headers)
	}
	settings.SignInName, settings.Password = orElse(settings.SignInName, Alice), orElse(settings.Password, Password)
	certificate := Certificate{}
	if a.Certificate != nil {
		certificate = *a.Certificate
	}
	if err := certificate.applyBy(o.authority, domain, &cfg, &settings); err != nil {
		return "", err
	}
	// What the case says of its own domain is true of this one too.
	here := strings.NewReplacer(Domain, domain)
	adapt(reflect.ValueOf(&cfg.Zone), here)
	adapt(reflect.ValueOf(cfg.Faults), here)
	adapt(reflect.ValueOf(&settings), here)
	var srv *server.Server
	ip, shared := host, !net.ParseIP(host).IsLoopback()
	if !shared {
		srv, ip, err = listenAnywhere(cfg)
		switch {
		case errors.Is(err, errNoPort443):
			return err.Error(), nil
		case errors.Is(err, syscall.EADDRNOTAVAIL): // one loopback address is all there is
			ip, shared = host, true
		}
	}
	if shared {
		if needsPorts(a) {
			return "clients look for its server at ports that they know, and all servers share this address", nil
		}
		srv, err = listenShared(host, &cfg, &settings)
	}
	if err != nil {
		return "", err
	}
	adapt(reflect.ValueOf(&settings), strings.NewReplacer("$ip", ip))
	if slices.Contains(cfg.Schemes, auth.Kerberos) {
		settings.KDC = srv.KDCAddr()
	}
	o.Offered = append(o.Offered, Offered{c, a, domain, settings, srv})
	return "", nil
}

// needsPorts tells whether clients know the ports of an attempt's server without having been told them.
func needsPorts(a Attempt) bool {
	_, port, _ := strings.Cut(a.Client.Server, ":")
	return a.Server.Autodiscover != nil || a.Client.Server != "" && port == "" || a.Server.Zone != "" && !strings.Contains(a.Server.Zone, " SRV ")
}

// listenShared starts a server at an address that others have too, on ports that are free, and tells zone, faults and
// client of them.
func listenShared(host string, cfg *server.Config, settings *Settings) (*server.Server, error) {
	ports, err := freePorts(host, 3)
	if err != nil {
		return nil, err
	}
	here := strings.NewReplacer("5061", ports[0], "5060", ports[1], "3128", ports[2])
	*cfg = script(*cfg, host)
	adapt(reflect.ValueOf(&cfg.Zone), here)
	adapt(reflect.ValueOf(cfg.Faults), here)
	adapt(reflect.ValueOf(settings), strings.NewReplacer(":5061", ":"+ports[0], ":5060", ":"+ports[1], ":3128", ":"+ports[2]))
	cfg.ListenTLS, cfg.ListenTCP, cfg.ListenProxy = net.JoinHostPort(host, ports[0]), net.JoinHostPort(host, ports[1]), net.JoinHostPort(host, ports[2])
	cfg.ListenKDC, cfg.ListenWeb = net.JoinHostPort(host, "0"), net.JoinHostPort(host, "0")
	return server.Start(*cfg)
}

// adapt replaces in every string that v holds.
func adapt(v reflect.Value, by *strings.Replacer) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			adapt(v.Elem(), by)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			adapt(field, by)
		}
	case reflect.Slice:
		for i := range v.Len() {
			adapt(v.Index(i), by)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() != reflect.String {
			return
		}
		for _, key := range v.MapKeys() {
			v.SetMapIndex(key, reflect.ValueOf(by.Replace(v.MapIndex(key).String())))
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(by.Replace(v.String()))
		}
	}
}

// freePorts finds ports that nothing listens on at the moment.
func freePorts(host string, n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

// CA is the authority that the client has to trust, as PEM.
func (o *Offer) CA() string { return o.authority.pem() }

// Close ends the servers.
func (o *Offer) Close() error {
	var errs []error
	if o.udp != nil {
		errs = append(errs, o.udp.Close())
	}
	if o.tcp != nil {
		errs = append(errs, o.tcp.Close())
	}
	for _, offered := range o.Offered {
		errs = append(errs, offered.Server.Close())
	}
	o.ended.Wait()
	return errors.Join(errs...)
}
