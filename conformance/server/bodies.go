package server

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxGroups bounds the groups and roaming types that one request may name.
const maxGroups = 64

// provisioningGroups reads which groups a provisioning SUBSCRIBE asks for; without a body all that the
// server knows.
func provisioningGroups(body []byte) ([]string, error) {
	if len(body) == 0 {
		return []string{"ServerConfiguration"}, nil
	}
	var in struct {
		XMLName xml.Name `xml:"provisioningGroupList"`
		Groups  []struct {
			Name string `xml:"name,attr"`
		} `xml:"provisioningGroup"`
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if len(in.Groups) > maxGroups {
		return nil, errTooMuch
	}
	groups := make([]string, len(in.Groups))
	for i, g := range in.Groups {
		groups[i] = g.Name
	}
	return groups, nil
}

// roamingTypes reads what a roaming-self SUBSCRIBE asks for; without a body everything.
func roamingTypes(body []byte) ([]string, error) {
	if len(body) == 0 {
		return []string{"categories", "containers", "subscribers"}, nil
	}
	var in struct {
		XMLName xml.Name `xml:"roamingList"`
		Types   []struct {
			Type string `xml:"type,attr"`
		} `xml:"roaming"`
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	var types []string
	for _, t := range in.Types {
		types = note(types, t.Type)
	}
	return types, nil
}

// namespace is a declaration xmlns:prefix="uri".
type namespace struct{ prefix, uri string }

// maxPrefixes bounds the declarations of one element, those of the elements around it included.
const maxPrefixes = 32

// prefixes adds the declarations among an element's attributes to those of the elements around it, which
// they hide.
func prefixes(outer []namespace, attrs []xml.Attr) ([]namespace, error) {
	out := slices.Clone(outer)
	for _, a := range attrs {
		if a.Name.Space != "xmlns" {
			continue
		}
		if len(out) == maxPrefixes {
			return nil, errTooMuch
		}
		out = slices.DeleteFunc(out, func(ns namespace) bool { return ns.prefix == a.Name.Local })
		out = append(out, namespace{a.Name.Local, a.Value})
	}
	return out, nil
}

// publishRequest is the body of a category-publish SERVICE.
type publishRequest struct {
	XMLName      xml.Name   `xml:"publish"`
	Attrs        []xml.Attr `xml:",any,attr"`
	Publications struct {
		URI   string     `xml:"uri,attr"`
		Attrs []xml.Attr `xml:",any,attr"`
		Items []struct {
			Category   string     `xml:"categoryName,attr"`
			Instance   string     `xml:"instance,attr"`
			Container  string     `xml:"container,attr"`
			Version    string     `xml:"version,attr"`
			ExpireType string     `xml:"expireType,attr"`
			Expires    string     `xml:"expires,attr"`
			Attrs      []xml.Attr `xml:",any,attr"`
			Content    string     `xml:",innerxml"`
		} `xml:"publication"`
	} `xml:"publications"`
}

// parsePublish reads a category-publish body: whose it is, and what to do.
func parsePublish(body []byte) (uri string, operations []operation, err error) {
	var in publishRequest
	if err := xml.Unmarshal(body, &in); err != nil {
		return "", nil, err
	}
	if len(in.Publications.Items) > maxPublications {
		return "", nil, errTooMuch
	}
	outer, err := prefixes(nil, in.Attrs)
	if err == nil {
		outer, err = prefixes(outer, in.Publications.Attrs)
	}
	if err != nil {
		return "", nil, err
	}
	for i, item := range in.Publications.Items {
		op := operation{delete: item.Expires == "0"}
		instance, err1 := strconv.ParseUint(item.Instance, 10, 32)
		container, err2 := strconv.ParseUint(item.Container, 10, 31)
		version, err3 := strconv.ParseUint(item.Version, 10, 32)
		if err := errors.Join(err1, err2, err3); err != nil {
			return "", nil, fmt.Errorf("publication %d: %w", i+1, err)
		}
		if item.Category == "" {
			return "", nil, fmt.Errorf("publication %d: no categoryName", i+1)
		}
		op.key = key{item.Category, uint32(instance), int(container)}
		if op.category == "state" && op.instance == aggregateInstance {
			return "", nil, fmt.Errorf("publication %d: the instance is the server's", i+1)
		}
		op.version = version
		switch item.ExpireType {
		case "", "endpoint", "time": // the server measures no time: it ends with the endpoint at the latest
			op.expireType = "endpoint"
		case "user", "static":
			op.expireType = item.ExpireType
		default:
			return "", nil, fmt.Errorf("publication %d: unknown expireType %q", i+1, item.ExpireType)
		}
		op.content = item.Content
		if op.namespaces, err = prefixes(outer, item.Attrs); err != nil {
			return "", nil, err
		}
		if item.Category == "state" && !op.delete {
			op.state = parseState(item.Content)
		}
		operations = append(operations, op)
	}
	return in.Publications.URI, operations, nil
}

// parseState reads the content of a category "state"; what it does not say stays zero.
func parseState(content string) state {
	var in struct {
		Type         string `xml:"type,attr"`
		Availability string `xml:"availability"`
		Activity     struct {
			Token string `xml:"token,attr"`
		} `xml:"activity"`
	}
	if xml.Unmarshal([]byte(content), &in) != nil {
		return state{}
	}
	availability, err := strconv.Atoi(strings.TrimSpace(in.Availability))
	if err != nil {
		availability = 0
	}
	return state{kind: in.Type[strings.IndexByte(in.Type, ':')+1:], availability: availability, activity: in.Activity.Token}
}

// parseSetMembers reads a setContainerMembers body.
func parseSetMembers(body []byte) ([]containerChange, error) {
	var in struct {
		XMLName    xml.Name `xml:"setContainerMembers"`
		Containers []struct {
			ID      int    `xml:"id,attr"`
			Version uint64 `xml:"version,attr"`
			Members []struct {
				Action string `xml:"action,attr"`
				Type   string `xml:"type,attr"`
				Value  string `xml:"value,attr"`
			} `xml:"member"`
		} `xml:"container"`
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	var changes []containerChange
	for _, c := range in.Containers {
		change := containerChange{id: c.ID, version: c.Version}
		for _, m := range c.Members {
			if m.Action != "add" && m.Action != "remove" {
				return nil, fmt.Errorf("unknown action %q", m.Action)
			}
			change.members = append(change.members, memberChange{member{m.Type, m.Value}, m.Action == "remove"})
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// parseSetSubscribers reads a setSubscribers body. The server keeps no list of watchers to acknowledge, so
// only its form matters.
func parseSetSubscribers(body []byte) error {
	var in struct {
		XMLName xml.Name `xml:"setSubscribers"`
	}
	return xml.Unmarshal(body, &in)
}
