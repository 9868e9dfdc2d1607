package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// webHandler is what the web server serves: handlers that keep something for each connection.
type webHandler interface {
	http.Handler
	ConnContext(ctx context.Context, nc net.Conn) context.Context
}

// listenWeb serves HTTPS at an address, or with none in memory at port 443, with the certificate that SIP has.
// The services may be nil. It returns the port.
func (s *Server) listenWeb(address string, services webHandler) (port int, err error) {
	s.web = newMemoryListener(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: portWeb})
	var l net.Listener = s.web
	if address != "" {
		if l, err = net.Listen("tcp", address); err != nil {
			return 0, fmt.Errorf("server: web services: %w", err)
		}
		s.web = nil
	}
	mux := http.NewServeMux()
	if s.config.Autodiscover != nil {
		s.autodiscover(mux)
	}
	web := &http.Server{
		Handler: s.recorded(mux), ErrorLog: log.New(io.Discard, "", 0),
		ReadTimeout: handshakeLimit, WriteTimeout: handshakeLimit, IdleTimeout: time.Minute,
	}
	if services != nil {
		mux.Handle("/", services)
		web.ConnContext = services.ConnContext
	}
	s.goroutines.Go(func() {
		_ = web.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{s.identity.leaf}}))
	})
	s.closers = append(s.closers, web.Close)
	s.webAddr = l.Addr()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// recorded keeps in the history what the web server is asked, and with which status it answers. Faults of the
// stage web strike here.
func (s *Server) recorded(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
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
