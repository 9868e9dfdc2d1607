package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxManagementBody bounds what the management interface reads.
const maxManagementBody = 1 << 20

// listenManagement serves the management interface.
func (s *Server) listenManagement(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("server: management: %w", err)
	}
	s.managementURL = "http://" + l.Addr().String()
	web := &http.Server{Handler: s.Management(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	s.goroutines.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("management ended", "error", err)
		}
	})
	s.closers = append(s.closers, web.Close)
	return nil
}

// Management returns the management interface; the package comment lists its resources. It asks nobody
// for a password: let it be reached from the own machine only.
func (s *Server) Management() http.Handler {
	mux := http.NewServeMux()
	var known []string
	handle := func(pattern string, handler http.HandlerFunc) {
		known = append(known, pattern)
		mux.HandleFunc(pattern, handler)
	}
	handle("GET /history", func(w http.ResponseWriter, req *http.Request) {
		var kinds []Kind
		for _, k := range req.URL.Query()["kind"] {
			if !slices.Contains(historyKinds(), Kind(k)) {
				writeError(w, http.StatusBadRequest, fmt.Errorf("unknown kind %q; known: %s", k, list(historyKinds())))
				return
			}
			kinds = append(kinds, Kind(k))
		}
		records := s.History(kinds...)
		writeJSON(w, http.StatusOK, struct {
			Dropped int      `json:"dropped"`
			Records []Record `json:"records"`
		}{s.HistoryDropped(), records})
	})
	handle("GET /users", func(w http.ResponseWriter, _ *http.Request) {
		type userJSON struct {
			Name     string `json:"name"`
			URI      string `json:"uri"`
			Rejected int    `json:"rejected"`
		}
		users := []userJSON{}
		for _, address := range sortedKeys(s.users) {
			u := s.users[address]
			users = append(users, userJSON{u.name, u.uri, s.Rejected(address)})
		}
		writeJSON(w, http.StatusOK, users)
	})
	handle("GET /endpoints", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Endpoints())
	})
	handle("DELETE /endpoints/{epid}", func(w http.ResponseWriter, req *http.Request) {
		why := RemovedUnregistered
		if event := req.URL.Query().Get("event"); event != "" {
			why = Removal(event)
		}
		switch removed, err := s.RemoveEndpoint(req.PathValue("epid"), why); {
		case err != nil:
			writeError(w, http.StatusBadRequest, err)
		case removed == 0:
			writeError(w, http.StatusNotFound, fmt.Errorf("no endpoint %q", req.PathValue("epid")))
		default:
			writeJSON(w, http.StatusOK, map[string]int{"removed": removed})
		}
	})
	handle("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Faults())
	})
	handle("POST /faults", func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(io.LimitReader(req.Body, maxManagementBody+1))
		if err != nil {
			writeError(w, http.StatusBadRequest, err)
			return
		}
		if len(body) > maxManagementBody {
			err := fmt.Errorf("more than %d bytes: post fewer faults at once", maxManagementBody)
			writeError(w, http.StatusRequestEntityTooLarge, err)
			return
		}
		script, err := ParseFaults(body)
		if err == nil {
			err = s.AddFaults(script...)
		}
		if err != nil {
			writeError(w, http.StatusBadRequest, err)
			return
		}
		writeJSON(w, http.StatusCreated, s.Faults())
	})
	handle("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	handle("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		refusal, pattern := mux.Handler(req)
		if pattern != "" {
			mux.ServeHTTP(w, req)
			return
		}
		plain := &statusOnly{header: w.Header()} // 404, or 405 with Allow
		refusal.ServeHTTP(plain, req)
		err := fmt.Errorf("%s %s is unknown; known: %s", req.Method, req.URL.Path, strings.Join(known, ", "))
		writeError(w, plain.status, err)
	})
}

// statusOnly lets a handler set headers, and keeps its status.
type statusOnly struct {
	header http.Header
	status int
}

func (w *statusOnly) Header() http.Header         { return w.header }
func (w *statusOnly) WriteHeader(status int)      { w.status = status }
func (w *statusOnly) Write(p []byte) (int, error) { return len(p), nil }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}
