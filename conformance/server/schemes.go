package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance/webservices"
	"github.com/ocsgo/ocs/sip/auth"
	"github.com/ocsgo/ocs/sip/auth/kerberos"
	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

// schemes is what the schemes with a third party need: a key distribution centre, and an authority whose
// certificates the server takes for its users.
type schemes struct {
	kdc      *kerberos.KDC    // nil: none of our own
	kerberos *kerberos.Server // nil: not offered
	tlsdsk   *tlsdsk.Server   // nil: not offered
	stsURI   string           // of the certificate provisioning service
	kdcAddr  net.Addr         // of its listener; nil: none
}

// The ports of the third parties in memory.
const (
	portKDC = 88
	portWeb = 443
)

// prepareSchemes makes what the offered schemes need.
func (s *Server) prepareSchemes() error {
	if s.config.offers(auth.Kerberos) {
		if err := s.prepareKerberos(); err != nil {
			return err
		}
	}
	if !s.config.offers(auth.TLSDSK) && s.config.Autodiscover == nil {
		return nil
	}
	authority, err := newUserAuthority(s.config.Domain)
	if err != nil {
		return fmt.Errorf("server: authority for users: %w", err)
	}
	services, err := s.webServices(authority)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := s.listenWeb(s.config.ListenWeb, services); err != nil || !s.config.offers(auth.TLSDSK) {
		return err
	}
	return s.prepareTLSDSK(authority)
}

// offers tells whether a scheme is among those of the Config.
func (c Config) offers(scheme string) bool {
	return slices.ContainsFunc(c.Schemes, func(name string) bool { return strings.EqualFold(name, scheme) })
}

// prepareKerberos takes the keytab that is given, or makes a realm of the domain in which the users and the
// server have accounts.
func (s *Server) prepareKerberos() error {
	keytab := s.config.Keytab
	if keytab == nil {
		principal := "sip/" + s.config.fqdn()
		accounts := []kerberos.Account{{Name: principal}}
		for _, u := range s.config.Users {
			accounts = append(accounts, kerberos.Account{Name: u.Name, Password: u.Password})
		}
		kdc, err := kerberos.NewKDC(strings.ToUpper(s.config.Domain), accounts...)
		if err != nil {
			return fmt.Errorf("server: %w", err)
		}
		s.schemes.kdc = kdc
		keytab = kdc.Keytab(principal)
	}
	s.schemes.kerberos = &kerberos.Server{Keytab: keytab, Replays: new(kerberos.ReplayCache)}
	if s.schemes.kdc == nil || s.config.ListenKDC == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.config.ListenKDC)
	if err != nil {
		return fmt.Errorf("server: KDC: %w", err)
	}
	s.schemes.kdcAddr = l.Addr()
	s.closers = append(s.closers, l.Close)
	s.goroutines.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			if !s.serveKDC(nc) {
				_ = nc.Close()
			}
		}
	})
	return nil
}

// serveKDC answers one connection to the key distribution centre; false: there is none.
func (s *Server) serveKDC(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.schemes.kdc == nil || s.closed {
		return false
	}
	f, _ := s.faults.take(StageKDC, facts{})
	s.recordFault(f, 0)
	s.goroutines.Go(func() {
		s.pause(f.Delay)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			switch f.Action {
			case ActionSilent:
				_, _ = io.Copy(io.Discard, nc)
			case ActionClose:
			default:
				_ = nc.SetDeadline(time.Now().Add(handshakeLimit))
				s.schemes.kdc.ServeConn(watchedConn{nc, s.watch(atKDC, 0)})
			}
		}()
		select {
		case <-ended:
		case <-s.closing:
		}
		_ = nc.Close()
		<-ended
	})
	return true
}

// prepareTLSDSK makes the certificate that the server has in a handshake of TLS-DSK, where it takes those of users that
// the authority has issued.
func (s *Server) prepareTLSDSK(authority tls.Certificate) error {
	leaf, err := newRSALeaf(authority, s.config.fqdn())
	if err != nil {
		return fmt.Errorf("server: certificate for TLS-DSK: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority.Leaf)
	s.schemes.tlsdsk = &tlsdsk.Server{Certificate: leaf, ClientCAs: pool}
	host := s.config.fqdn()
	if s.webPort != portWeb {
		host = fmt.Sprintf("%s:%d", host, s.webPort)
	}
	s.schemes.stsURI = "https://" + host + webservices.CertificateService
	return nil
}

// webServices are those at which users get certificates, and tickets for autodiscover.
func (s *Server) webServices(authority tls.Certificate) (*webservices.Services, error) {
	netbios, _, _ := strings.Cut(s.config.Domain, ".")
	return webservices.New(webservices.Config{
		Authority: authority,
		Accounts: func(user, domain string) (webservices.Account, bool) {
			account, ok := s.account(user, domain)
			_, address, _ := strings.Cut(account.URI, ":")
			return webservices.Account{Address: address, Password: string(account.Password)}, ok
		},
		Rejected: func(user, _ string) {
			s.history.add(record{kind: KindRejected, user: s.config.address(user)})
		},
		Resources: []string{userPath},
		Domain:    s.config.Domain, NetBIOSDomain: strings.ToUpper(netbios), Host: s.config.fqdn(),
		Certificate: s.identity.leaf.Leaf, Log: s.log,
	})
}

// newUserAuthority makes an authority with an ECDSA key.
func newUserAuthority(domain string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: "ocs test authority for users of " + domain},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certificateLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return issue(template, template, key.Public(), key, key)
}

// newRSALeaf makes a certificate with an RSA key, which is what TLS-DSK's suites want.
func newRSALeaf(authority tls.Certificate, name string) (tls.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certificateLife),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	return issue(template, authority.Leaf, key.Public(), key, authority.PrivateKey)
}

// issue signs a certificate and puts it together with its key.
func issue(template, parent *x509.Certificate, public, key, signer any) (tls.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
