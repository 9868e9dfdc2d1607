package server

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ocsgo/ocs/sip/auth"
)

// Server is a running server. Its methods may be called from any goroutine.
type Server struct {
	config   Config
	log      *slog.Logger
	identity identity
	tls      *tls.Config
	zone     *zone
	ports    [2]int // by transport, as the zone publishes them; 0: not served
	history  *history
	faults   faults
	schemes  schemes
	web      *memoryListener // of the web server; nil: none
	webAddr  net.Addr        // of its socket, or of web
	webPort  int             // likewise
	proxy    proxy

	secrets, proxySecrets *Spellings // all, and those that are none of the proxy's

	addrs         [2]net.Addr // of the listeners, by transport; nil: none
	dnsAddr       net.Addr
	managementURL string
	closers       []func() error

	closing     chan struct{}
	goroutines  sync.WaitGroup
	clientPorts atomic.Uint32

	// mu guards what follows, and gives the order on the wire to what is told of it: answers and
	// notifications are handed to their connections under it. It is never held while something waits.
	mu          sync.Mutex
	closed      bool
	connected   int // connections so far
	connections map[*connection]struct{}
	users       map[string]*user // by address
}

// user is one who may sign in, and what the server knows of them. Guarded by Server.mu but for what never
// changes.
type user struct {
	name, address, uri string // "alice", "alice@ocs.test", "sip:alice@ocs.test"
	password           auth.Secret
	endpoints          []*endpoint
	presence           presence
	watchers           []*subscription // to the user's presence
}

// Start starts a server. Its listeners are bound when it returns.
func Start(config Config) (*Server, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:      config,
		log:         config.Log,
		history:     newHistory(config.History),
		closing:     make(chan struct{}),
		connections: map[*connection]struct{}{},
		users:       map[string]*user{},
	}
	s.spell()
	if config.Rand != nil {
		s.config.Rand = &lockedReader{r: config.Rand}
	}
	for _, u := range config.Users {
		address := config.address(u.Name)
		s.users[address] = &user{name: u.Name, address: address, uri: "sip:" + address, password: auth.Secret(u.Password)}
	}
	if config.TLS != nil {
		s.identity, err = identityOf(*config.TLS)
	} else {
		s.identity, err = newIdentity(config)
	}
	if err == nil {
		s.tls = s.tlsConfig()
		err = s.faults.add(config.Faults, config)
	}
	if err == nil {
		err = s.prepareSchemes()
	}
	if err == nil {
		err = s.listen()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// listen binds the listeners that Config asks for, and makes the zone with their ports.
func (s *Server) listen() error {
	var listeners [2]net.Listener
	ip := netip.MustParseAddr("127.0.0.1")
	if s.config.ListenTLS == "" && s.config.ListenTCP == "" {
		s.ports = [2]int{transportTLS: 5061, transportTCP: 5060}
	}
	for t, address := range [2]string{transportTLS: s.config.ListenTLS, transportTCP: s.config.ListenTCP} {
		if address == "" {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("server: %s: %w", transport(t), err)
		}
		s.closers = append(s.closers, l.Close)
		listeners[t], s.addrs[t] = l, l.Addr()
		bound := l.Addr().(*net.TCPAddr).AddrPort()
		s.ports[t] = int(bound.Port())
		if !bound.Addr().IsUnspecified() {
			ip = bound.Addr().Unmap()
		}
	}
	text := s.config.Zone
	if text == "" {
		var kdc netip.AddrPort
		if s.schemes.kdcAddr != nil {
			kdc = s.schemes.kdcAddr.(*net.TCPAddr).AddrPort()
		}
		text = defaultZone(s.config, ip, s.ports, kdc)
	}
	var err error
	if s.zone, err = parseZone(s.config.Domain, text); err != nil {
		return err
	}
	for t, l := range listeners {
		if l != nil {
			s.goroutines.Go(func() { s.acceptAll(l, transport(t)) })
		}
	}
	if err := s.listenProxy(s.config.ListenProxy); err != nil {
		return err
	}
	if s.config.ListenDNS != "" {
		if err := s.listenDNS(s.config.ListenDNS); err != nil {
			return err
		}
	}
	if s.config.ListenManagement != "" {
		return s.listenManagement(s.config.ListenManagement)
	}
	return nil
}

// Close stops the server: listeners and connections are closed, and every goroutine has ended when it
// returns. A second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	connections := s.connections
	s.connections = nil
	for _, u := range s.users {
		for _, e := range u.endpoints {
			e.timer.Stop()
		}
	}
	s.mu.Unlock()

	var errs []error
	for _, closer := range s.closers {
		errs = append(errs, closer())
	}
	for c := range connections {
		c.close()
	}
	s.goroutines.Wait()
	for c := range connections {
		c.wait()
	}
	return errors.Join(errs...)
}

// Reset forgets what clients have done: history, faults, presence and registrations; connections are
// closed. The users stay.
func (s *Server) Reset() {
	s.mu.Lock()
	connections := make([]*connection, 0, len(s.connections))
	for c := range s.connections {
		connections = append(connections, c)
	}
	clear(s.connections)
	for _, u := range s.users {
		for _, e := range u.endpoints {
			e.timer.Stop()
		}
		u.endpoints, u.presence, u.watchers = nil, presence{}, nil
	}
	s.mu.Unlock()
	for _, c := range connections {
		c.close()
	}
	for _, c := range connections {
		c.wait()
	}
	s.faults.clear()
	s.history.reset()
}

// TLSAddr returns the address that the TLS listener is bound to, "" without one.
func (s *Server) TLSAddr() string { return text(s.addrs[transportTLS]) }

// TCPAddr returns the address that the TCP listener is bound to, "" without one.
func (s *Server) TCPAddr() string { return text(s.addrs[transportTCP]) }

// DNSAddr returns the address that DNS is served at, "" without.
func (s *Server) DNSAddr() string { return text(s.dnsAddr) }

// KDCAddr returns the address of the KDC's listener, "" without one.
func (s *Server) KDCAddr() string { return text(s.schemes.kdcAddr) }

// WebAddr returns the address of the web server, "" without. In memory it is port 443 of 127.0.0.1.
func (s *Server) WebAddr() string { return text(s.webAddr) }

// ManagementURL returns the base of the management interface, "http://127.0.0.1:40004", "" without one.
func (s *Server) ManagementURL() string { return s.managementURL }

func text(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// account finds who may sign in by the name and domain of credentials: the domain behind an "@" in the
// name, or given in its NetBIOS form (its first label) or whole, or not at all.
func (s *Server) account(name, domain string) (auth.Account, bool) {
	login := auth.Account{User: name, Domain: domain}
	if before, after, ok := strings.Cut(name, "@"); ok {
		name, domain = before, after
	}
	netbios, _, _ := strings.Cut(s.config.Domain, ".")
	if domain != "" && !strings.EqualFold(domain, netbios) && !strings.EqualFold(domain, s.config.Domain) {
		return auth.Account{}, false
	}
	u := s.users[s.config.address(name)] // the map itself never changes
	if u == nil {
		return auth.Account{}, false
	}
	login.Password, login.URI = u.password, u.uri
	return login, true
}

// token makes n random bytes in upper-case hexadecimal digits, as the server's tags are.
func (s *Server) token(n int) string {
	b := make([]byte, n)
	if s.config.Rand == nil {
		rand.Read(b) // never fails
	} else if _, err := io.ReadFull(s.config.Rand, b); err != nil {
		s.log.Error("Config.Rand failed", "error", err)
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// nextClientPort numbers the client's ends of connections in memory, in the range of ephemeral ports.
func (s *Server) nextClientPort() int { return 49152 + int(s.clientPorts.Add(1)-1)%16384 }

// lockedReader lets several connections use one source of randomness.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// pause waits, unless the server is closed meanwhile.
func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}
