//go:build peers

package peers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth/tlsdsk"
)

// OpenSSL judges the handshake of TLS-DSK in both roles. The tokens of ours go through a loopback socket to
// "openssl s_server" or "openssl s_client", which checks every byte of the handshake as a TLS peer does, and
// exports the key material itself: our signatures must be those under its bytes 64 to 95 and 96 to 127.

// opensslCase is what the two sides may agree on, and whether with extended master secret (RFC 7627), which
// the servers of this protocol's age do not know.
type opensslCase struct {
	version string // as OpenSSL's options name it
	suite   string // as OpenSSL names it
	id      uint16
	digest  func() hash.Hash
	ems     bool
}

func opensslCases() []opensslCase {
	var all []opensslCase
	for _, version := range []string{"tls1", "tls1_1", "tls1_2"} {
		for _, suite := range []struct {
			name string
			id   uint16
		}{
			{"AES128-SHA", tls.TLS_RSA_WITH_AES_128_CBC_SHA},
			{"AES256-SHA", tls.TLS_RSA_WITH_AES_256_CBC_SHA},
			{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
			{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA},
		} {
			for _, ems := range []bool{false, true} {
				all = append(all, opensslCase{version, suite.name, suite.id, sha1.New, ems})
			}
		}
	}
	return append(all, opensslCase{"tls1_2", "AES128-SHA256", tls.TLS_RSA_WITH_AES_128_CBC_SHA256, sha256.New, false})
}

func (c opensslCase) String() string { return fmt.Sprintf("%s %s ems=%t", c.version, c.suite, c.ems) }

// tlsVersion is the version as crypto/tls numbers it.
func (c opensslCase) tlsVersion() uint16 {
	return map[string]uint16{"tls1": tls.VersionTLS10, "tls1_1": tls.VersionTLS11, "tls1_2": tls.VersionTLS12}[c.version]
}

// options are the arguments that both of OpenSSL's programs share.
func (c opensslCase) options(files rsaFiles) []string {
	return []string{
		"-" + c.version, "-cipher", c.suite + ":@SECLEVEL=0",
		"-cert", files.certificate, "-key", files.key, "-CAfile", files.ca, "-verify_return_error",
		"-keymatexport", "client EAP encryption", "-keymatexportlen", "128",
	}
}

// rsaFiles are a certificate for TLS-DSK, which must be RSA, as OpenSSL and as we read it.
type rsaFiles struct {
	certificateFiles
	pair tls.Certificate
	pool *x509.CertPool
}

// newRSACertificates makes one authority and certificates of it for the names.
func newRSACertificates(t *testing.T, dir string, names ...string) []rsaFiles {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, by *rsa.PrivateKey) *x509.Certificate {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		require.NoError(t, err)
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return cert
	}
	newRSAKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		return key
	}
	caKey := newRSAKey()
	caTemplate := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ocs peers CA"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca := sign(caTemplate, caTemplate, caKey, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	var all []rsaFiles
	for i, name := range names {
		key := newRSAKey()
		cert := sign(&x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, ca, key, caKey)
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		all = append(all, rsaFiles{
			certificateFiles{
				ca:          writePEM(t, filepath.Join(dir, "rsa-ca.pem"), "CERTIFICATE", ca.Raw),
				certificate: writePEM(t, filepath.Join(dir, name+".pem"), "CERTIFICATE", cert.Raw),
				key:         writePEM(t, filepath.Join(dir, name+"-key.pem"), "PRIVATE KEY", keyDER),
			},
			tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert},
			pool,
		})
	}
	return all
}

// startOpenSSL runs a program of OpenSSL until the test ends, as start does, but with a standard input that
// stays open: at its end the programs close the connection.
func startOpenSSL(t *testing.T, dir string, ems bool, args ...string) *process {
	t.Helper()
	config := filepath.Join(dir, "openssl.cnf")
	options := "ExtendedMasterSecret"
	if !ems {
		options = "-" + options
	}
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil,
		"openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\nOptions = %s\n", options), 0o600))
	p := &process{
		name: "openssl",
		cmd:  exec.Command(program(t, "openssl"), args...),
		log:  filepath.Join(dir, "openssl.log"),
		done: make(chan struct{}),
	}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	defer log.Close()
	input, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	p.cmd.Env = append(os.Environ(), "OPENSSL_CONF="+config)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // how it ended is in p.cmd.ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(t)
		_ = input.Close()
		if t.Failed() {
			t.Logf("openssl said:\n%s", p.said(t))
		}
	})
	return p
}

// tlsFlight reads records from a TLS peer until the last of a flight: the one with the message last, or the
// second one after ChangeCipherSpec at the latest, which is the encrypted Finished.
func tlsFlight(t *testing.T, nc net.Conn, last byte) []byte {
	t.Helper()
	const changeCipherSpec, alert, handshake = 20, 21, 22
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(patience)))
	var token, messages []byte
	for encrypted := false; ; {
		header := make([]byte, 5)
		_, err := io.ReadFull(nc, header)
		require.NoError(t, err)
		payload := make([]byte, binary.BigEndian.Uint16(header[3:]))
		_, err = io.ReadFull(nc, payload)
		require.NoError(t, err)
		token = append(append(token, header...), payload...)
		switch {
		case header[0] == alert || encrypted:
			return token
		case header[0] == changeCipherSpec:
			encrypted = true
		case header[0] == handshake:
			messages = append(messages, payload...)
			for len(messages) >= 4 {
				size := 4 + int(binary.BigEndian.Uint32(messages)&0xFFFFFF)
				if size > len(messages) {
					break
				}
				if messages[0] == last {
					return token
				}
				messages = messages[size:]
			}
		}
	}
}

var exportedKeys = regexp.MustCompile(`Keying material: ([0-9A-F]{256})`)

// keyMaterial waits for the key material that OpenSSL exports after the handshake.
func (p *process) keyMaterial(t *testing.T) []byte {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if match := exportedKeys.FindStringSubmatch(p.said(t)); match != nil {
			material, err := hex.DecodeString(match[1])
			require.NoError(t, err)
			return material
		}
		require.True(t, time.Now().Before(deadline), "openssl exports no key material")
	}
}

// tlsdskSide is what both sides of ours have.
type tlsdskSide interface {
	Sign(buffer []byte) ([]byte, error)
	Verify(buffer, signature []byte) error
	ConnectionState() tls.ConnectionState
}

// requireKeys holds a side's signing keys, which it does not show, against OpenSSL's key material.
func (c opensslCase) requireKeys(t *testing.T, material []byte, side tlsdskSide, client bool) {
	t.Helper()
	state := side.ConnectionState()
	require.Equal(t, c.tlsVersion(), state.Version)
	require.Equal(t, c.id, state.CipherSuite)
	ours, err := state.ExportKeyingMaterial("client EAP encryption", nil, 128)
	require.Equal(t, c.ems, err == nil, "crypto/tls exports with extended master secret only: %v", err)
	if c.ems {
		require.Equal(t, material, ours)
	}

	const buffer = "<TLS-DSK><00000000><1>"
	clientKey, serverKey := material[64:96], material[96:128]
	if !client {
		clientKey, serverKey = serverKey, clientKey
	}
	mac := func(key []byte) []byte {
		h := hmac.New(c.digest, key)
		h.Write([]byte(buffer))
		return h.Sum(nil)
	}
	signature, err := side.Sign([]byte(buffer))
	require.NoError(t, err)
	require.Equal(t, mac(clientKey), signature)
	require.NoError(t, side.Verify([]byte(buffer), mac(serverKey)))
}

func TestOpenSSLServerJudgesTLSDSKClient(t *testing.T) {
	files := newRSACertificates(t, scratch(t), "sip.ocs.test", "alice")
	for _, tc := range opensslCases() {
		t.Run(tc.String(), func(t *testing.T) {
			dir := scratch(t)
			address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			judge := startOpenSSL(t, dir, tc.ems, append([]string{
				"s_server", "-accept", address, "-Verify", "1",
			}, tc.options(files[0])...)...)
			judge.waitListening(t, address)
			nc, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer nc.Close()

			c := &tlsdsk.Client{Certificate: files[1].pair, Roots: files[1].pool, ServerName: "sip.ocs.test", CipherSuites: []uint16{tc.id}}
			defer c.Close()
			var in []byte
			for _, last := range []byte{14, 20} { // ServerHelloDone; Finished
				out, done, err := c.Step(t.Context(), in)
				require.NoError(t, err)
				require.False(t, done)
				_, err = nc.Write(out)
				require.NoError(t, err)
				in = tlsFlight(t, nc, last)
			}
			out, done, err := c.Step(t.Context(), in)
			require.NoError(t, err)
			require.True(t, done)
			require.Empty(t, out)

			tc.requireKeys(t, judge.keyMaterial(t), c, true)
			require.Regexp(t, `(?m)^subject=CN = alice$`, judge.said(t)) // the certificate it saw
		})
	}
}

func TestOpenSSLClientJudgesTLSDSKServer(t *testing.T) {
	files := newRSACertificates(t, scratch(t), "sip.ocs.test", "alice")
	for _, tc := range opensslCases() {
		t.Run(tc.String(), func(t *testing.T) {
			dir := scratch(t)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			// s_client ends when the connection does, which therefore must outlive it.
			var nc net.Conn
			t.Cleanup(func() {
				if nc != nil {
					nc.Close()
				}
			})
			judge := startOpenSSL(t, dir, tc.ems, append([]string{
				"s_client", "-connect", listener.Addr().String(), "-verify_hostname", "sip.ocs.test",
			}, tc.options(files[1])...)...)
			nc, err = listener.Accept()
			require.NoError(t, err)

			s := &tlsdsk.Server{Certificate: files[0].pair, ClientCAs: files[0].pool, CipherSuites: []uint16{tc.id}}
			defer s.Close()
			for i, last := range []byte{1, 20} { // ClientHello; Finished
				out, done, err := s.Step(t.Context(), tlsFlight(t, nc, last))
				require.NoError(t, err)
				require.Equal(t, i == 1, done)
				_, err = nc.Write(out)
				require.NoError(t, err)
			}

			require.Equal(t, "alice", s.ClientCertificate().Subject.CommonName)
			tc.requireKeys(t, judge.keyMaterial(t), s, false)
			require.Contains(t, judge.said(t), "Verify return code: 0 (ok)")
		})
	}
}

// An OpenSSL server that knows another authority refuses our certificate, and its alert arrives as one.
func TestOpenSSLServerRefusesCertificate(t *testing.T) {
	dir, other := scratch(t), scratch(t)
	files := newRSACertificates(t, dir, "sip.ocs.test", "alice")
	strangers := newRSACertificates(t, other, "alice")
	tc := opensslCases()[0]
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	judge := startOpenSSL(t, dir, tc.ems, append([]string{"s_server", "-accept", address, "-Verify", "1"}, tc.options(files[0])...)...)
	judge.waitListening(t, address)
	nc, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer nc.Close()

	c := &tlsdsk.Client{Certificate: strangers[0].pair, CipherSuites: []uint16{tc.id}}
	defer c.Close()
	var in []byte
	for _, last := range []byte{14, 20} {
		out, _, err := c.Step(t.Context(), in)
		require.NoError(t, err)
		_, err = nc.Write(out)
		require.NoError(t, err)
		in = tlsFlight(t, nc, last)
	}
	_, done, err := c.Step(t.Context(), in)
	require.False(t, done)
	var alert *tlsdsk.AlertError
	require.ErrorAs(t, err, &alert)
	require.True(t, alert.Certificate(), alert.Name())
}
