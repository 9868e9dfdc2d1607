package signin_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
)

// serveVariable makes the test binary a server of its own, so that a benchmark measures the client alone.
const serveVariable = "OCS_BENCHMARK_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		if err := serveBenchmark(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// zeros is a random source that always says zero: two sign-ins to the same server then get the same challenge,
// so that the bytes of one can be played again.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type benchmarkServer struct {
	TLS, TCP string
	CA       []byte
}

// serveBenchmark serves until standard input ends.
func serveBenchmark() error {
	cfg := server.Config{ListenTLS: "127.0.0.1:0", ListenTCP: "127.0.0.1:0", Rand: zeros{}, History: -1}
	for i := range 1000 {
		cfg.Users = append(cfg.Users, server.User{Name: "user" + strconv.Itoa(i), Password: "secret"})
	}
	srv, err := server.Start(cfg)
	if err != nil {
		return err
	}
	defer srv.Close()
	if err := json.NewEncoder(os.Stdout).Encode(benchmarkServer{srv.TLSAddr(), srv.TCPAddr(), srv.CAPEM()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startServer starts the server process and returns where it listens.
func startServer(b *testing.B) (addresses benchmarkServer, roots *x509.CertPool) {
	b.Helper()
	process := exec.Command(os.Args[0], "-test.run=^$")
	process.Env = append(os.Environ(), serveVariable+"=1")
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	require.NoError(b, err)
	stdout, err := process.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, process.Start())
	b.Cleanup(func() {
		stdin.Close()
		_ = process.Wait()
	})
	require.NoError(b, json.NewDecoder(stdout).Decode(&addresses))
	roots = x509.NewCertPool()
	require.True(b, roots.AppendCertsFromPEM(addresses.CA))
	return addresses, roots
}

func benchmarkConfig(user int, address string, roots *x509.CertPool) signin.Config {
	return signin.Config{
		SignInName: fmt.Sprintf("user%d@ocs.test", user), Credentials: signin.Password{Secret: "secret"},
		Server: address, Roots: roots, Hostname: "bench",
	}
}

// BenchmarkSignIn measures a sign-in over TLS with NTLM from SignIn to ONLINE, and beside it, in turns, the
// floor: a bare crypto/tls client that plays the same bytes in the same round trips to the same server. It
// reports both medians and their ratio.
func BenchmarkSignIn(b *testing.B) {
	addresses, roots := startServer(b)
	flights := recordFlights(b, addresses, roots)
	var engine, floor []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		client, err := signin.New(benchmarkConfig(0, addresses.TLS, roots))
		require.NoError(b, err)
		start := time.Now()
		session, err := client.SignIn(context.Background())
		engine = append(engine, time.Since(start))
		require.NoError(b, err)
		require.NoError(b, session.SignOut(context.Background()))
		floor = append(floor, playFlights(b, addresses.TLS, roots, flights))
	}
	e, f := median(engine), median(floor)
	b.ReportMetric(float64(e.Microseconds()), "µs/signin")
	b.ReportMetric(float64(f.Microseconds()), "µs/floor")
	b.ReportMetric(float64(e)/float64(f), "ratio")
}

// BenchmarkSessionsAtRest signs 1,000 users in and reports what each costs while nothing happens: resident
// memory, heap and goroutines of the client's process. The collector is made to keep up with the sign-ins: what
// is asked is the cost of a session that rests, not the garbage that 1,000 sign-ins in a row leave between
// sessions.
func BenchmarkSessionsAtRest(b *testing.B) {
	const sessions = 1000
	addresses, roots := startServer(b)
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	signInAll(b, addresses, roots, 16)() // what the first sign-ins cost the process is not a session's
	for b.Loop() {
		memory, goroutines, heap := resident(b), runtime.NumGoroutine(), heapInUse()
		signOut := signInAll(b, addresses, roots, sessions)
		time.Sleep(time.Second)
		for range 5 { // each collection halves the stacks that sign-ins have grown
			runtime.GC()
		}
		b.ReportMetric(float64(resident(b)-memory)/sessions, "KiB/session")
		b.ReportMetric(float64(heapInUse()-heap)/1024/sessions, "heapKiB/session")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/sessions, "goroutines/session")
		signOut()
	}
}

// signInAll signs the first users in, one after another, and returns the function that signs them out.
func signInAll(b *testing.B, addresses benchmarkServer, roots *x509.CertPool, users int) (signOut func()) {
	b.Helper()
	live := make([]*signin.Session, users)
	for i := range live {
		client, err := signin.New(benchmarkConfig(i, addresses.TLS, roots))
		require.NoError(b, err)
		live[i], err = client.SignIn(context.Background())
		require.NoError(b, err)
	}
	return func() {
		for _, s := range live {
			require.NoError(b, s.SignOut(context.Background()))
		}
	}
}

// resident is the process's resident memory in KiB after a collection (Linux).
func resident(b *testing.B) int {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/status")
	if errors.Is(err, os.ErrNotExist) {
		b.Skip("resident memory is read from /proc")
	}
	require.NoError(b, err)
	_, rest, found := strings.Cut(string(text), "VmRSS:")
	require.True(b, found)
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(b, err)
	return kib
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// flight is what a client writes before it waits, and how many responses it waits for.
type flight struct {
	writes    [][]byte
	responses int
}

// recordFlights signs in over TCP, where the bytes can be seen, and gives the writes in the form that they have
// over TLS. Neither Via nor Contact is covered by a signature.
func recordFlights(b *testing.B, addresses benchmarkServer, roots *x509.CertPool) []flight {
	b.Helper()
	cfg := benchmarkConfig(0, addresses.TCP, roots)
	cfg.Transport = signin.TransportTCP
	recorded := &recordingConn{}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		recorded.Conn = nc
		return recorded, err
	}
	client, err := signin.New(cfg)
	require.NoError(b, err)
	session, err := client.SignIn(context.Background())
	require.NoError(b, err)
	flights := recorded.take()
	require.NoError(b, session.SignOut(context.Background()))
	return flights
}

type recordingConn struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
}

func (c *recordingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, slices.Clone(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// take groups the writes: each REGISTER waits for its answer, what follows the last goes out together.
func (c *recordingConn) take() []flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	var flights []flight
	for _, w := range c.writes {
		w = bytes.ReplaceAll(bytes.ReplaceAll(w, []byte("SIP/2.0/TCP"), []byte("SIP/2.0/TLS")), []byte("transport=tcp"), []byte("transport=tls"))
		register := bytes.HasPrefix(w, []byte("REGISTER "))
		switch {
		case bytes.HasPrefix(w, []byte("SIP/2.0 ")): // an answer to the server: it comes when it comes
		case register || len(flights) == 0 || bytes.HasPrefix(flights[len(flights)-1].writes[0], []byte("REGISTER ")):
			flights = append(flights, flight{writes: [][]byte{w}, responses: 1})
		default:
			last := &flights[len(flights)-1]
			last.writes, last.responses = append(last.writes, w), last.responses+1
		}
	}
	return flights
}

// playFlights is the floor: nothing but TLS, the bytes, and counting the responses.
func playFlights(b *testing.B, address string, roots *x509.CertPool, flights []flight) time.Duration {
	b.Helper()
	start := time.Now()
	nc, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	require.NoError(b, err)
	defer nc.Close()
	reader := bufio.NewReader(nc)
	for _, f := range flights {
		for _, w := range f.writes {
			_, err := nc.Write(w)
			require.NoError(b, err)
		}
		for n := 0; n < f.responses; {
			first := readMessage(b, reader)
			if strings.HasPrefix(first, "SIP/2.0 ") {
				n++
			}
		}
	}
	return time.Since(start)
}

// readMessage reads one message and returns its first line.
func readMessage(b *testing.B, r *bufio.Reader) (first string) {
	length := 0
	for {
		line, err := r.ReadString('\n')
		require.NoError(b, err)
		line = strings.TrimRight(line, "\r\n")
		if line == "" && first != "" {
			_, err := io.CopyN(io.Discard, r, int64(length))
			require.NoError(b, err)
			return first
		}
		if first == "" {
			first = line
		}
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
			length, err = strconv.Atoi(strings.TrimSpace(value))
			require.NoError(b, err)
		}
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
