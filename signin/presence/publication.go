package presence

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ocsgo/ocs/signin/register"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/status"
)

// key is what a server keeps the version of a publication under.
type key struct {
	category  string
	instance  uint32
	container int
}

// versions holds the version of each publication. There are a handful: a slice is smaller than a map.
type versions []versioned

type versioned struct {
	key
	version uint64
}

// of is the version of k; 0 where the server has told none.
func (v versions) of(k key) uint64 {
	for _, e := range v {
		if e.key == k {
			return e.version
		}
	}
	return 0
}

func (v *versions) set(k key, version uint64) {
	for i := range *v {
		if (*v)[i].key == k {
			(*v)[i].version = version
			return
		}
	}
	if *v == nil {
		*v = make(versions, 0, 5) // device, and two states in two containers each
	}
	*v = append(*v, versioned{k, version})
}

// forget drops the versions of every category named.
func (v *versions) forget(categories map[string]bool) {
	*v = slices.DeleteFunc(*v, func(e versioned) bool { return categories[e.category] })
}

// publication is one category instance in one container.
type publication struct {
	key
	expireType string // "endpoint": ends with the registration; "static": stays
	content    string // XML of the category
}

// The containers that feed the server's aggregation of a user's state: every state is published in both.
const (
	fullContainer       = 2
	restrictedContainer = 3
)

// userStateInstance is the one instance of the user's choice, shared by all endpoints of the user.
const userStateInstance = 0x20000000

// maxPublish bounds the publishes of one change: after a version conflict it is repeated with the versions
// that the server told.
const maxPublish = 4

// deviceInstance is the instance number that MS-PRES derives from an epid: its first 8 hex digits.
func (p *Presence) deviceInstance() uint32 {
	digits := p.cfg.Endpoint.Epid
	n, _ := strconv.ParseUint(digits[:min(8, len(digits))], 16, 32)
	return uint32(n)
}

// machineInstance is the instance number of the machine's state, derived likewise.
func (p *Presence) machineInstance() uint32 { return p.deviceInstance()>>4 | 0x30000000 }

// mayPublish tells whether a publication is one that this endpoint makes: only their versions matter to it.
func (p *Presence) mayPublish(k key) bool {
	return k.instance == userStateInstance || k.instance == p.machineInstance() || k.instance == p.deviceInstance()
}

// device publishes the endpoint as a device of the user.
func (p *Presence) device() []publication {
	return []publication{{
		key:        key{"device", p.deviceInstance(), fullContainer},
		expireType: "endpoint",
		content: fmt.Sprintf(`<device xmlns="http://schemas.microsoft.com/2006/09/sip/device" endpointId="%s">`+
			`<capabilities preferred="false" uri="%s"><text capture="true" render="true" publish="false"/></capabilities>`+
			`<timezone>00:00:00+00:00</timezone><machineName>%s</machineName></device>`,
			register.InstanceID(p.cfg.Endpoint.Epid), escape(p.cfg.Endpoint.URI), escape(p.cfg.Machine)),
	}}
}

// machineState publishes what the endpoint itself says of its availability: it is there, whatever its user
// wants shown.
func (p *Presence) machineState() []publication {
	online, _ := status.Online.Availability()
	return inBoth(key{category: "state", instance: p.machineInstance()}, "endpoint", state("machineState", false, online))
}

// userState publishes the user's choice. It outlives the endpoint, so it is published only when a status
// was asked for.
func (p *Presence) userState(st status.Status) []publication {
	availability, _ := st.Availability()
	return inBoth(key{category: "state", instance: userStateInstance}, "static", state("userState", true, availability))
}

func inBoth(k key, expireType, content string) []publication {
	full, restricted := k, k
	full.container, restricted.container = fullContainer, restrictedContainer
	return []publication{{full, expireType, content}, {restricted, expireType, content}}
}

func state(kind string, manual bool, availability int) string {
	return fmt.Sprintf(`<state xmlns="http://schemas.microsoft.com/2006/09/sip/state" manual="%t" `+
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="%s"><availability>%d</availability><endpointLocation/></state>`,
		manual, kind, availability)
}

// send sends one SERVICE with the publications at the versions last told by the server.
func (p *Presence) send(ctx context.Context, publications []publication) (*register.Call, error) {
	return p.cfg.Registration.Start(ctx, func() (*sip.Request, error) { return p.request(publications) })
}

func (p *Presence) request(publications []publication) (*sip.Request, error) {
	var body strings.Builder
	fmt.Fprintf(&body, `<publish xmlns="http://schemas.microsoft.com/2006/09/sip/rich-presence"><publications uri="%s">`, escape(p.cfg.Endpoint.URI))
	p.mu.Lock()
	for _, pub := range publications {
		fmt.Fprintf(&body, `<publication categoryName="%s" instance="%d" container="%d" version="%d" expireType="%s">%s</publication>`,
			pub.category, pub.instance, pub.container, p.versions.of(pub.key), pub.expireType, pub.content)
	}
	p.cseq++
	cseq := p.cseq
	p.mu.Unlock()
	body.WriteString(`</publications></publish>`)

	req, err := p.cfg.Endpoint.Request("SERVICE", p.cfg.Endpoint.URI, "", sip.NewTag(), p.callID, cseq)
	if err != nil {
		return nil, err
	}
	sip.Add(req, "Contact", p.cfg.Endpoint.Contact())
	sip.SetBody(req, "application/msrtc-category-publish+xml", []byte(body.String()))
	return req, nil
}

// settle waits for the answer to a publish that send sent, and repeats it after a version conflict (409)
// with the versions that the server told.
func (p *Presence) settle(ctx context.Context, call *register.Call, publications []publication) error {
	for attempt := 1; ; attempt++ {
		res, err := call.Wait(ctx)
		if err != nil {
			return err
		}
		d := document{contentType: sip.Value(res, "Content-Type"), body: res.Body()}
		if res.StatusCode >= 200 && res.StatusCode < 300 {
			p.absorb(d)
			return nil
		}
		conflicts := d.conflicts()
		if res.StatusCode != 409 || len(conflicts) == 0 || attempt == maxPublish {
			return refused(res)
		}
		p.mu.Lock()
		for _, c := range conflicts {
			if c.Index >= 1 && c.Index <= len(publications) {
				p.versions.set(publications[c.Index-1].key, c.CurVersion)
			}
		}
		p.mu.Unlock()
		if call, err = p.send(ctx, publications); err != nil {
			return err
		}
	}
}

// escape makes text fit for XML content and attributes.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}
