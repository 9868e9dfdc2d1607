package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ocsgo/ocs/conformance/webservices"
)

// listenWeb serves HTTPS in memory at port 443, and at an address if there is one, with the certificate that SIP has.
func (s *Server) listenWeb(address string, services *webservices.Services) error {
	s.web, s.webPort = newMemoryListener(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: portWeb}), portWeb
	s.webAddr = s.web.Addr()
	listeners := []net.Listener{s.web}
	if address != "" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("server: web services: %w", err)
		}
		s.webAddr, s.webPort = l.Addr(), l.Addr().(*net.TCPAddr).Port
		listeners = append(listeners, l)
	}
	mux := http.NewServeMux()
	mux.Handle("/", services)
	if s.config.Autodiscover != nil {
		s.autodiscover(mux, services)
	}
	web := &http.Server{
		Handler: s.recorded(mux), ConnContext: services.ConnContext, ErrorLog: log.New(io.Discard, "", 0),
		ReadTimeout: handshakeLimit, WriteTimeout: handshakeLimit, IdleTimeout: time.Minute,
	}
	s.closers = append(s.closers, web.Close)
	for _, l := range listeners {
		s.goroutines.Go(func() {
			_ = web.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{s.identity.leaf}}))
		})
	}
	return nil
}

// recorded keeps in the history what the web server is asked, and with which status it answers. Faults of the
// stage web strike here.
func (s *Server) recorded(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.watchRequest(req)
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		if !s.strikeWeb(status, req) {
			handler.ServeHTTP(status, req)
		}
		s.history.add(record{
			kind: KindWeb, name: req.Method + " " + req.URL.Path, answer: fmt.Sprint(status.status), remote: req.RemoteAddr,
		})
	})
}

// strikeWeb does what a fault wants with a request; false: there is none, or the request goes on.
func (s *Server) strikeWeb(w http.ResponseWriter, req *http.Request) (done bool) {
	f, hit := s.faults.take(StageWeb, facts{name: req.URL.Path})
	if !hit {
		return false
	}
	s.recordFault(f, 0)
	s.pause(f.Delay)
	switch f.Action {
	case ActionSilent:
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, req.Body, maxManagementBody)) // so that its end is noticed
		select {
		case <-req.Context().Done():
		case <-s.closing:
		}
		panic(http.ErrAbortHandler)
	case ActionClose:
		panic(http.ErrAbortHandler)
	case ActionStatus:
		for name, value := range f.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Text)
		return true
	}
	return false
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// memoryListener accepts connections in memory.
type memoryListener struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newMemoryListener(addr net.Addr) *memoryListener {
	return &memoryListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// offer hands a connection to who accepts; false: nobody does any more.
func (l *memoryListener) offer(nc net.Conn) bool {
	if l == nil {
		return false
	}
	select {
	case l.conns <- nc:
		return true
	case <-l.closed:
		return false
	}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.addr }
