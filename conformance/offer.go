package conformance

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ocsgo/ocs/conformance/server"
)

// Offer is cases for clients that a person operates: every attempt has a server of its own under a domain of its
// own, and one DNS server leads to all of them. So the case is chosen by the sign-in name alone, and the client
// needs no shim.
type Offer struct {
	Offered []Offered

	authority *authority
	udp       net.PacketConn
	tcp       net.Listener
	ended     sync.WaitGroup
}

// Offered is one attempt that waits for a client.
type Offered struct {
	Case     Case
	Attempt  Attempt
	Domain   string
	Settings Settings // what the person tells the client
	Server   *server.Server
}

// OfferConfig says where to listen.
type OfferConfig struct {
	Host string // the address, an IPv4 literal that clients reach
	DNS  string // host:port of DNS, over UDP and TCP; port 0 takes a free one for both
}

// NewOffer starts the servers of every attempt that runs on ground S with a client as subject. Close ends them.
func NewOffer(cfg OfferConfig, cases []Case) (*Offer, error) {
	o := &Offer{}
	var err error
	if o.authority, err = newAuthority("for people", time.Now()); err != nil {
		return nil, err
	}
	for _, c := range cases {
		if !c.On(Simulator) || c.subject() != SubjectClient {
			continue
		}
		for n, a := range c.Attempts {
			// Autodiscover is asked at port 443, of which there is one for all.
			if a.Only != "" && a.Only != Simulator || a.Server.Autodiscover != nil {
				continue
			}
			if err := o.offer(cfg.Host, c, a, n); err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", c.ID, err), o.Close())
			}
		}
	}
	if err := o.listenDNS(cfg.DNS); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// offer starts the server of one attempt.
func (o *Offer) offer(host string, c Case, a Attempt, n int) error {
	domain := "c-" + strings.ReplaceAll(c.ID, "/", "-")
	if n > 0 {
		domain += "-" + strconv.Itoa(n+1)
	}
	domain += ".test"
	cfg, settings := script(a.Server, host), a.Client
	ports, err := freePorts(host, 3)
	if err != nil {
		return err
	}
	cfg.Domain = domain
	cfg.ListenTLS, cfg.ListenTCP, cfg.ListenProxy = net.JoinHostPort(host, ports[0]), net.JoinHostPort(host, ports[1]), net.JoinHostPort(host, ports[2])
	cfg.ListenKDC, cfg.ListenWeb = net.JoinHostPort(host, "0"), net.JoinHostPort(host, "0")
	settings.SignInName, settings.Password = orElse(settings.SignInName, Alice), orElse(settings.Password, Password)
	certificate := Certificate{}
	if a.Certificate != nil {
		certificate = *a.Certificate
	}
	if err := certificate.applyBy(o.authority, domain, &cfg, &settings); err != nil {
		return err
	}
	// What the case says of its own domain, address and ports is true of these too.
	here := strings.NewReplacer(Domain, domain, "$ip", host, "5061", ports[0], "5060", ports[1], "3128", ports[2])
	adapt(reflect.ValueOf(&cfg.Zone), here)
	adapt(reflect.ValueOf(cfg.Faults), here)
	adapt(reflect.ValueOf(&settings), strings.NewReplacer(Domain, domain, "$ip", host, ":5061", ":"+ports[0], ":3128", ":"+ports[2]))
	srv, err := server.Start(cfg)
	if err != nil {
		return err
	}
	o.Offered = append(o.Offered, Offered{c, a, domain, settings, srv})
	return nil
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

// DNSAddr is where DNS is served.
func (o *Offer) DNSAddr() string { return o.udp.LocalAddr().String() }

// Seen says in a few words what a client has done so far.
func (o Offered) Seen() string {
	r := Record{History: o.Server.History()}
	connections, registers := len(r.Of(server.KindConnect)), r.Requests("REGISTER")
	if connections == 0 && len(r.Queries("")) == 0 {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d DNS queries, %d connections, %d REGISTERs", len(r.Queries("")), connections, len(registers))
	for _, m := range r.Messages(false) {
		if m.Method == "REGISTER" && m.Status >= 200 {
			fmt.Fprintf(&text, ", answered %d", m.Status)
		}
	}
	return text.String()
}

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

// listenDNS serves the zones of all servers.
func (o *Offer) listenDNS(address string) (err error) {
	if o.tcp, err = net.Listen("tcp", address); err != nil {
		return err
	}
	if o.udp, err = net.ListenPacket("udp", o.tcp.Addr().String()); err != nil {
		return err
	}
	o.ended.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := o.udp.ReadFrom(buffer)
			if err != nil {
				return
			}
			query := append([]byte(nil), buffer[:n]...)
			o.ended.Go(func() {
				if answer, err := o.answer("udp", query); err == nil {
					_, _ = o.udp.WriteTo(answer, from)
				}
			})
		}
	})
	o.ended.Go(func() {
		for {
			conn, err := o.tcp.Accept()
			if err != nil {
				return
			}
			o.ended.Go(func() { o.answerTCP(conn) })
		}
	})
	return nil
}

// dnsLimit bounds an exchange with DNS.
const dnsLimit = 15 * time.Second

// answerTCP answers one query over TCP (RFC 1035 4.2.2).
func (o *Offer) answerTCP(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(dnsLimit))
	length := make([]byte, 2)
	if _, err := io.ReadFull(conn, length); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	answer, err := o.answer("tcp", query)
	if err != nil {
		return
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
}

// answer lets the server of the domain asked for answer a query.
func (o *Offer) answer(network string, query []byte) ([]byte, error) {
	name, err := questionName(query)
	if err != nil {
		return nil, err
	}
	for _, offered := range o.Offered {
		if name == offered.Domain || strings.HasSuffix(name, "."+offered.Domain) {
			ctx, cancel := context.WithTimeout(context.Background(), dnsLimit)
			defer cancel()
			return offered.Server.Exchange(ctx, network, "", query)
		}
	}
	refused := append([]byte(nil), query[:12]...)
	refused[2], refused[3] = refused[2]&0x79|0x80, 5 // an answer, REFUSED (RFC 1035 4.1.1)
	for i := 4; i < 12; i++ {
		refused[i] = 0
	}
	return refused, nil
}

// questionName reads the name of a query's question, in lower case (RFC 1035 4.1.2).
func questionName(query []byte) (string, error) {
	if len(query) < 12 {
		return "", errors.New("not a DNS query")
	}
	var labels []string
	for rest := query[12:]; ; {
		if len(rest) == 0 || rest[0] > 63 || len(rest) <= int(rest[0]) {
			return "", errors.New("not a DNS question")
		}
		n := int(rest[0])
		if n == 0 {
			return strings.ToLower(strings.Join(labels, ".")), nil
		}
		labels = append(labels, string(rest[1:1+n]))
		rest = rest[1+n:]
	}
}
