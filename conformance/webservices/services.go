package webservices

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// CertificateService is the path of the certificate provisioning service: a TLS-DSK challenge's sts-uri is
// "https://", host and port, and this.
const CertificateService = "/CertProv/CertProvisioningService.svc"

const (
	ticketService = "/WebTicket/WebTicketService.svc"
	proofPort     = "/WebTicket_Proof_SHA1"
	bearerPort    = "/WebTicket_Bearer"

	maxRequest = 256 << 10 // bytes of a request's body
)

// Operation names one of the four documents.
type Operation string

// The operations, in the order in which a client comes to them.
const (
	OpMetadata       Operation = "metadata"
	OpTicketMetadata Operation = "ticket-metadata"
	OpTicket         Operation = "ticket"
	OpCertificate    Operation = "certificate"
)

// Account is a user who may have tickets and a certificate.
type Account struct {
	Address  string // the SIP address, without "sip:"
	Password string `json:"-"`
}

// String returns the address: a password is not for logs.
func (a Account) String() string { return a.Address }

// GoString does likewise.
func (a Account) GoString() string { return a.Address }

// LogValue does likewise.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.Address) }

// Fault is a failure that a service tells of.
type Fault struct {
	Status  int // HTTP status; 0: 500
	ErrorID int // of MS-OCER 7.22
	Reason  string
	Header  bool // in an X-Ms-diagnostics header instead of a SOAP fault
}

// Config says who may get tickets and certificates, and who signs the latter.
type Config struct {
	Authority tls.Certificate `json:"-"` // signs users' certificates
	Lifetime  time.Duration   // of a certificate; 0: 24 h, as the services in the field

	// Accounts finds a user by the names of a Windows login: "alice" and "CONTOSO", or "alice@contoso.com" and
	// "".
	Accounts func(user, domain string) (Account, bool) `json:"-"`
	// Schemes are the HTTP authentication schemes of the ticket service: "Negotiate", "NTLM", "Basic"; nil:
	// Negotiate and NTLM.
	Schemes []string
	// Negotiate finds the account that a GSS-API token proves; nil: under Negotiate there is only NTLM.
	Negotiate func(ctx context.Context, token []byte) (Account, error) `json:"-"`
	// Domain, NetBIOSDomain and Host are the names that NTLM tells the client.
	Domain, NetBIOSDomain, Host string
	// Certificate is the one that clients see over TLS: NTLM proofs that are bound to another are refused; nil:
	// bindings are not looked at.
	Certificate *x509.Certificate `json:"-"`

	// Resources are the paths of other services for which tickets are issued too, on the same host: those that
	// Services.Protect guards.
	Resources []string
	// Rejected is told of each login whose password is wrong, or whose user is unknown; nil: nobody is.
	Rejected func(user, domain string) `json:"-"`

	Bearer bool                   // tickets are shown, not signed with
	Fault  func(Operation) *Fault `json:"-"` // makes an operation fail; nil, or a nil Fault: it does not
	Log    *slog.Logger           `json:"-"` // nil: none
}

// Services are the web services of one front end. They keep the tickets they have issued.
type Services struct {
	cfg Config
	ca  *x509.Certificate
	mux http.ServeMux

	mu      sync.Mutex
	tickets map[string]ticket // by AssertionID
}

// New checks a configuration and makes its services.
func New(cfg Config) (*Services, error) {
	if len(cfg.Authority.Certificate) == 0 || cfg.Accounts == nil {
		return nil, errors.New("webservices: an authority and accounts are needed")
	}
	ca, err := x509.ParseCertificate(cfg.Authority.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("webservices: authority: %w", err)
	}
	if cfg.Lifetime == 0 {
		cfg.Lifetime = 24 * time.Hour
	}
	if cfg.Schemes == nil {
		cfg.Schemes = []string{"Negotiate", "NTLM"}
	}
	for _, scheme := range cfg.Schemes {
		if !slices.Contains([]string{"Negotiate", "NTLM", "Basic"}, scheme) {
			return nil, fmt.Errorf("webservices: unknown scheme %q; known: Negotiate, NTLM, Basic", scheme)
		}
	}
	if cfg.Rejected == nil {
		cfg.Rejected = func(string, string) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Services{cfg: cfg, ca: ca, tickets: map[string]ticket{}}
	for pattern, h := range map[string]struct {
		op     Operation
		handle func(http.ResponseWriter, *http.Request, []byte)
	}{
		"GET " + CertificateService + "/mex":    {OpMetadata, s.serveMetadata},
		"GET " + ticketService + "/mex":         {OpTicketMetadata, s.serveTicketMetadata},
		"POST " + ticketService:                 {OpTicket, s.serveTicket},
		"POST " + CertificateService + s.port(): {OpCertificate, s.serveCertificate},
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
			if err != nil {
				http.Error(w, "request is too long", http.StatusRequestEntityTooLarge)
				return
			}
			if cfg.Fault != nil {
				if f := cfg.Fault(h.op); f != nil {
					s.fail(w, r, *f)
					return
				}
			}
			h.handle(w, r, body)
		})
	}
	return s, nil
}

// port is the last part of the service's path, which tells how it wants its tickets.
func (s *Services) port() string {
	if s.cfg.Bearer {
		return bearerPort
	}
	return proofPort
}

// ServeHTTP answers one request.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// ConnContext is for http.Server.ConnContext: it gives each connection the place where NTLM keeps its state.
func (s *Services) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &connState{})
}

// url is how the client of this request reaches a path.
func url(r *http.Request, path string) string {
	scheme := "https"
	if r.TLS == nil {
		scheme = "http"
	}
	return scheme + "://" + r.Host + path
}
