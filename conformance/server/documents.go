package server

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// The media types of the bodies, as the Event or the Content-Type of a request chooses them.
const (
	typeContacts      = "application/vnd-microsoft-roaming-contacts+xml"
	typeProvisioning2 = "application/vnd-microsoft-roaming-provisioning-v2+xml"
	typeProvisioning  = "application/vnd-microsoft-roaming-provisioning+xml"
	typeACL           = "application/vnd-microsoft-roaming-acls+xml"
	typeRoamingSelf   = "application/vnd-microsoft-roaming-self+xml"
	typeWatchers      = "text/xml+msrtc.wpending"
	typeCategories    = "application/msrtc-event-categories+xml"
	typePublish       = "application/msrtc-category-publish+xml"
	typeSetMembers    = "application/msrtc-setcontainermembers+xml"
	typeSetSubscriber = "application/msrtc-presence-setsubscriber+xml"
	typeFault         = "application/msrtc-fault+xml"
	typeRegistration  = "text/registration-event"
)

// schema begins the name spaces of the bodies.
const schema = "http://schemas.microsoft.com/2006/09/sip/"

// contactsXML is a contact list with its one default group.
const contactsXML = `<contactList xmlns="` + schema + `contactlist" deltaNum="1"><group id="1" name="~" externalURI=""/></contactList>`

// watchersXML says that nobody waits for a decision (event presence.wpending).
const watchersXML = `<watchers xmlns="` + schema + `presence-subscribers"/>`

// aclXML is the access list of the presence model of 2005: everybody.
const aclXML = `<ACLlist xmlns="http://schemas.microsoft.com/winrtc/2002/11/sip" deltaNum="1"/>`

// provisioningXML answers the groups that a client asks for; ServerConfiguration has content.
func provisioningXML(uri string, groups []string) string {
	var b strings.Builder
	b.WriteString(`<provisionGroupList xmlns="` + schema + `provisiongrouplist-notification">`)
	for _, group := range groups {
		fmt.Fprintf(&b, `<provisionGroup name="%s"`, escape(group))
		if group == "ServerConfiguration" {
			fmt.Fprintf(&b, `><focusFactoryUri>%s;gruu;opaque=app:conf:focusfactory</focusFactoryUri></provisionGroup>`, escape(uri))
		} else {
			b.WriteString(`/>`)
		}
	}
	b.WriteString(`</provisionGroupList>`)
	return b.String()
}

// roamingXML is the user's own data: of categories all live publications of those named (nil: of all), and
// containers and subscribers if asked for. A category without publications is named, as a sign that it
// has none.
func (p *presence) roamingXML(uri string, types, categories []string) string {
	var b strings.Builder
	b.WriteString(`<roamingData xmlns="` + schema + `roaming-self">`)
	for _, t := range types {
		switch t {
		case "categories":
			p.categoriesXML(&b, uri, categories)
		case "containers":
			b.WriteString(`<containers xmlns="` + schema + `container-management">`)
			for _, c := range p.containers {
				fmt.Fprintf(&b, `<container id="%d" version="%d">`, c.id, c.version)
				for _, m := range c.members {
					fmt.Fprintf(&b, `<member type="%s"`, escape(m.kind))
					if m.value != "" {
						fmt.Fprintf(&b, ` value="%s"`, escape(m.value))
					}
					b.WriteString(`/>`)
				}
				b.WriteString(`</container>`)
			}
			b.WriteString(`</containers>`)
		case "subscribers":
			b.WriteString(`<subscribers xmlns="` + schema + `presence-subscribers"/>`)
		}
	}
	b.WriteString(`</roamingData>`)
	return b.String()
}

func (p *presence) categoriesXML(b *strings.Builder, uri string, categories []string) {
	fmt.Fprintf(b, `<categories xmlns="%scategories" uri="%s">`, schema, escape(uri))
	empty := slices.Clone(categories)
	for _, pub := range p.publications {
		if categories != nil && !slices.Contains(categories, pub.category) {
			continue
		}
		empty = slices.DeleteFunc(empty, func(name string) bool { return name == pub.category })
		fmt.Fprintf(b, `<category name="%s" instance="%d" publishTime="%s" container="%d" version="%d" expireType="%s"`,
			escape(pub.category), pub.instance, pub.published.Format("2006-01-02T15:04:05.000"), pub.container, pub.version, pub.expireType)
		for _, ns := range pub.namespaces {
			fmt.Fprintf(b, ` xmlns:%s="%s"`, ns.prefix, escape(ns.uri))
		}
		b.WriteString(`>` + pub.content + `</category>`)
	}
	for _, name := range empty {
		fmt.Fprintf(b, `<category name="%s"/>`, escape(name))
	}
	b.WriteString(`</categories>`)
}

// watchedXML is what a subscriber to the user's presence sees: the aggregate.
func (p *presence) watchedXML(uri string) string {
	total, online := p.total()
	content := `<state xsi:type="aggregateState" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="` + schema +
		`state"><availability>18500</availability></state>`
	if have := p.find(key{"state", aggregateInstance, 2}); online && have != nil && have.state == total {
		content = have.content
	}
	return fmt.Sprintf(`<categories xmlns="%scategories" uri="%s"><category name="state" instance="%d">%s</category></categories>`,
		schema, escape(uri), aggregateInstance, content)
}

// faultXML names the operations that were refused for their versions.
func faultXML(conflicts []conflict) string {
	var b strings.Builder
	b.WriteString(`<Fault xmlns="` + schema + `publication/error"><Faultcode>Client.BadCall.WrongDelta</Faultcode><details>`)
	for _, c := range conflicts {
		fmt.Fprintf(&b, `<operation index="%d" version="%d" curVersion="%d"/>`, c.index, c.version, c.current)
	}
	b.WriteString(`</details></Fault>`)
	return b.String()
}

// escape makes text fit for XML content and attributes.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}
