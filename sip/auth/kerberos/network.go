package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

const (
	// maxReply bounds a KDC's answer. The ticket in it can carry 64 KiB of authorization data.
	maxReply = 128 << 10
	// maxEndpoints bounds the KDCs asked for one realm.
	maxEndpoints = 16
	// attemptDelay is how long one KDC may be silent before the next one is asked too (MIT Kerberos does so).
	attemptDelay = time.Second
)

// endpoint is a KDC at one address and transport.
type endpoint struct{ network, address string }

// String returns what errors name: "tcp 192.0.2.1:88".
func (e endpoint) String() string { return e.network + " " + e.address }

// network finds the KDCs of realms and asks them. The zero value of both functions is the system's.
type network struct {
	config    *Config
	lookupSRV func(ctx context.Context, name string) ([]*net.SRV, error)
	dial      func(ctx context.Context, network, address string) (net.Conn, error)

	located map[string][]endpoint
}

// locate returns the KDCs of a realm: those of krb5.conf, else by SRV records (RFC 4120 7.2.3.2). TCP comes
// before UDP: it loses nothing, passes proxies, and is what Windows uses.
func (n *network) locate(ctx context.Context, realm string) ([]endpoint, error) {
	if found, ok := n.located[realm]; ok {
		return found, nil
	}
	found := n.config.kdcs(realm)
	if len(found) == 0 {
		if !n.config.lookupKDC() {
			return nil, &Error{Kind: KindKDCUnreachable, About: realm, Err: errors.New("krb5.conf names no KDC for this realm and forbids looking it up in DNS")}
		}
		var err error
		if found, err = n.lookup(ctx, realm); err != nil {
			return nil, err
		}
	}
	if len(found) > maxEndpoints {
		found = found[:maxEndpoints]
	}
	if n.located == nil {
		n.located = map[string][]endpoint{}
	}
	n.located[realm] = found
	return found, nil
}

func (n *network) lookup(ctx context.Context, realm string) ([]endpoint, error) {
	lookup := n.lookupSRV
	if lookup == nil {
		lookup = func(ctx context.Context, name string) ([]*net.SRV, error) {
			_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
			return records, err
		}
	}
	var names []string
	var errs []error
	for _, service := range []string{"_kerberos._tcp.", "_kerberos._udp."} {
		name := service + strings.ToLower(realm)
		names = append(names, name)
		records, err := lookup(ctx, name)
		if ctx.Err() != nil {
			return nil, silent(ctx, realm+": looking up "+strings.Join(names, ", "), nil)
		}
		errs = append(errs, err)
		var tcp, udp []endpoint
		for _, record := range records {
			host := strings.TrimSuffix(record.Target, ".")
			if host == "" {
				continue // ".": the service is not there (RFC 2782)
			}
			address := net.JoinHostPort(host, strconv.Itoa(int(record.Port)))
			tcp, udp = append(tcp, endpoint{"tcp", address}), append(udp, endpoint{"udp", address})
		}
		if len(tcp) > 0 {
			return append(tcp, udp...), nil
		}
	}
	return nil, &Error{
		Kind: KindKDCUnreachable, About: realm + ": neither krb5.conf nor " + strings.Join(names, ", ") + " names a KDC",
		Err: errors.Join(errs...),
	}
}

// exchange sends a request to the KDCs of a realm: to the first, and as long as none has answered to one more
// every second, or as soon as one has failed. It returns the first answer and who gave it.
func (n *network) exchange(ctx context.Context, realm string, request []byte) ([]byte, endpoint, error) {
	endpoints, err := n.locate(ctx, realm)
	if err != nil {
		return nil, endpoint{}, err
	}
	type outcome struct {
		from  endpoint
		reply []byte
		err   error
	}
	outcomes := make(chan outcome, len(endpoints)) // no attempt waits for its reader
	var attempts sync.WaitGroup
	defer attempts.Wait()
	attemptCtx, cancel := context.WithCancel(ctx)
	defer cancel()

	var asked []string
	var errs []error
	next := time.NewTimer(attemptDelay)
	defer next.Stop()
	start := func() {
		if len(asked) == len(endpoints) {
			return
		}
		e := endpoints[len(asked)]
		asked = append(asked, e.String())
		next.Reset(attemptDelay)
		attempts.Go(func() {
			reply, err := n.ask(attemptCtx, e, request)
			outcomes <- outcome{e, reply, err}
		})
	}
	start()
	for {
		select {
		case o := <-outcomes:
			if o.err == nil {
				return o.reply, o.from, nil
			}
			if ctx.Err() != nil {
				return nil, endpoint{}, silent(ctx, realm, asked)
			}
			if errs = append(errs, fmt.Errorf("%v: %w", o.from, o.err)); len(errs) == len(endpoints) {
				return nil, endpoint{}, &Error{Kind: KindKDCUnreachable, About: realm, KDCs: asked, Err: errors.Join(errs...)}
			}
			start()
		case <-next.C:
			start()
		case <-ctx.Done():
			return nil, endpoint{}, silent(ctx, realm, asked)
		}
	}
}

// again sends one more request to the KDC that answered the one before, and to no other: a request that
// proves the password must not be counted against the user by two of them.
func (n *network) again(ctx context.Context, e endpoint, realm string, request []byte) ([]byte, error) {
	reply, err := n.ask(ctx, e, request)
	switch {
	case err == nil:
		return reply, nil
	case ctx.Err() != nil:
		return nil, silent(ctx, realm, []string{e.String()})
	}
	return nil, &Error{Kind: KindKDCUnreachable, About: realm, KDCs: []string{e.String()}, Err: err}
}

// ask sends a request to one KDC and returns its answer. It ends with the context.
func (n *network) ask(ctx context.Context, e endpoint, request []byte) ([]byte, error) {
	dial := n.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, e.network, e.address)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	var reply []byte
	if e.network == "udp" {
		reply, err = askUDP(nc, request)
	} else {
		reply, err = askTCP(nc, request)
	}
	if err != nil {
		return nil, err
	}
	switch m := parseKRBError(reply); {
	case m == nil:
		return reply, nil
	case m.ErrorCode == errorcode.KRB_ERR_RESPONSE_TOO_BIG && e.network == "udp":
		return n.ask(ctx, endpoint{"tcp", e.address}, request)
	case m.ErrorCode == errorcode.KDC_ERR_SVC_UNAVAILABLE:
		return nil, fromKRBError(m)
	}
	return reply, nil
}

// askTCP sends a request and reads the answer, each after its length in four bytes (RFC 4120 7.2.2).
func askTCP(nc net.Conn, request []byte) ([]byte, error) {
	if err := writeFrame(nc, request); err != nil {
		return nil, err
	}
	return readFrame(nc)
}

func writeFrame(w io.Writer, message []byte) error {
	_, err := w.Write(slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message))
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxReply {
		return nil, fmt.Errorf("a message of %d bytes, more than %d", n, maxReply)
	}
	message := make([]byte, n)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	return message, nil
}

// askUDP sends a request in one datagram, again after 1, 2, 4 ... seconds, until an answer or an error comes.
// Closing the connection ends it.
func askUDP(nc net.Conn, request []byte) ([]byte, error) {
	reply := make([]byte, 64<<10)
	for wait := time.Second; ; wait *= 2 {
		if _, err := nc.Write(request); err != nil {
			return nil, err
		}
		if err := nc.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return nil, err
		}
		n, err := nc.Read(reply)
		if err == nil {
			return reply[:n], nil
		}
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			return nil, err
		}
	}
}

// parseKRBError returns the KRB-ERROR message that an answer is; nil if it is none.
func parseKRBError(reply []byte) *messages.KRBError {
	var m messages.KRBError
	if len(reply) > 0 && reply[0] == krbErrorTag && m.Unmarshal(reply) == nil {
		return &m
	}
	return nil
}

// krbErrorTag is the first byte of a KRB-ERROR message: application tag 30.
const krbErrorTag = 0x7E
