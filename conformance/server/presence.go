package server

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// presence is what the server keeps of one user for MS-PRES: the publications of all endpoints, what they
// come to together, and who may read what. Guarded by Server.mu.
type presence struct {
	publications []*publication // in the order of their first publication
	containers   []*container
}

// key is what a publication is kept and versioned under.
type key struct {
	category  string
	instance  uint32
	container int
}

// publication is one instance of a category in one container.
type publication struct {
	key
	version    uint64
	expireType string    // what it lives as long as: "endpoint", "user" (the last endpoint) or "static" (for ever)
	owner      *endpoint // who published it last; nil: the server
	published  time.Time
	namespaces []namespace // prefixes that content takes from outside
	content    string      // XML
	state      state       // of the category "state"
}

// container is a set of readers: who sees the publications in it (section 5.4 of MS-PRES's model: 100
// public, 200 company, 300 team, 400 personal, 32000 blocked).
type container struct {
	id      int
	version uint64
	members []member
}

type member struct{ kind, value string }

// conflict is an operation refused for its version.
type conflict struct {
	index            int // of the operation in its request, from 1
	version, current uint64
}

// The bounds of what one user may publish.
const (
	maxPublications = 256
	maxPublished    = 1 << 20 // bytes of content
	maxContainers   = 64
	maxMembers      = 1024
)

var errTooMuch = errors.New("input data too large")

// operation is one publication of a request: a new state of it, or its end.
type operation struct {
	publication
	delete bool
}

// publish does all operations or none. With conflicts nothing has changed; else it returns the categories
// that did, the aggregate included.
func (p *presence) publish(owner *endpoint, operations []operation) (changed []string, conflicts []conflict, err error) {
	size := 0
	for _, pub := range p.publications {
		size += len(pub.content)
	}
	for i, op := range operations {
		current := uint64(0)
		if have := p.find(op.key); have != nil {
			current = have.version
		}
		if op.version != current {
			conflicts = append(conflicts, conflict{index: i + 1, version: op.version, current: current})
		}
		size += len(op.content)
	}
	switch {
	case len(conflicts) > 0:
		return nil, conflicts, nil
	case size > maxPublished || len(p.publications)+len(operations) > maxPublications:
		return nil, nil, errTooMuch
	}
	now := time.Now().UTC()
	for _, op := range operations {
		changed = note(changed, op.category)
		if op.delete {
			p.remove(func(pub *publication) bool { return pub.key == op.key })
			continue
		}
		next := op.publication
		next.version, next.owner, next.published = op.version+1, owner, now
		p.put(next)
	}
	if p.aggregate(now) {
		changed = note(changed, "state")
	}
	return changed, nil, nil
}

// leave ends what lived as long as an endpoint, or as any endpoint when it was the last. It returns the
// categories that changed.
func (p *presence) leave(gone *endpoint, last bool) (changed []string) {
	changed = p.remove(func(pub *publication) bool {
		return pub.expireType == "endpoint" && pub.owner == gone || last && pub.expireType == "user"
	})
	if p.aggregate(time.Now().UTC()) {
		changed = note(changed, "state")
	}
	return changed
}

func (p *presence) find(k key) *publication {
	i := slices.IndexFunc(p.publications, func(pub *publication) bool { return pub.key == k })
	if i < 0 {
		return nil
	}
	return p.publications[i]
}

// put stores a publication in the place of the one with its key.
func (p *presence) put(next publication) {
	if have := p.find(next.key); have != nil {
		*have = next
		return
	}
	p.publications = append(p.publications, &next)
}

// remove deletes publications and returns their categories.
func (p *presence) remove(which func(*publication) bool) (categories []string) {
	p.publications = slices.DeleteFunc(p.publications, func(pub *publication) bool {
		if !which(pub) {
			return false
		}
		categories = note(categories, pub.category)
		return true
	})
	return categories
}

// memberChange is one change to the members of a container.
type memberChange struct {
	member
	remove bool
}

// setMembers changes containers, all or none, at the versions that the client saw last.
func (p *presence) setMembers(changes []containerChange) (conflicts []conflict, err error) {
	for i, change := range changes {
		current, size := uint64(0), len(change.members)
		if have := p.findContainer(change.id); have != nil {
			current = have.version
			size += len(have.members)
		}
		if change.version != current {
			conflicts = append(conflicts, conflict{index: i + 1, version: change.version, current: current})
		}
		if size > maxMembers || len(p.containers)+len(changes) > maxContainers {
			err = errTooMuch
		}
	}
	if len(conflicts) > 0 || err != nil {
		return conflicts, err
	}
	for _, change := range changes {
		have := p.findContainer(change.id)
		if have == nil {
			have = &container{id: change.id}
			p.containers = append(p.containers, have)
		}
		have.version++
		for _, m := range change.members {
			have.members = slices.DeleteFunc(have.members, func(old member) bool { return old == m.member })
			if !m.remove {
				have.members = append(have.members, m.member)
			}
		}
	}
	return nil, nil
}

type containerChange struct {
	id      int
	version uint64
	members []memberChange
}

func (p *presence) findContainer(id int) *container {
	i := slices.IndexFunc(p.containers, func(c *container) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return p.containers[i]
}

// note adds a name to a list that does not have it yet.
func note(names []string, name string) []string {
	if slices.ContainsFunc(names, func(have string) bool { return strings.EqualFold(have, name) }) {
		return names
	}
	return append(names, name)
}
