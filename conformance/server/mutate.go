package server

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/sip"
)

// Mutation is what ActionMutate makes of the challenges in a 401 or 407. Each begins with a valid challenge and
// changes one thing, so that what is behind the first check of a client is reached too. The names that begin
// with "token-" change the token in gssapi-data (mutatetoken.go), the others the header line; of both there is
// one that changes bytes at random, as Seed has it.
type Mutation string

// The mutations that change bytes at random.
const (
	MutateLineBytes  Mutation = "line-bytes"
	MutateTokenBytes Mutation = "token-bytes"
)

// mutator is how a mutation changes a header line, or the token in it.
type mutator struct {
	name  Mutation
	line  func(line string, random *rand.Rand) []string
	token func(token []byte, f Fault, random *rand.Rand) []byte
}

// Mutations returns all of them.
func Mutations() []Mutation {
	var all []Mutation
	for _, m := range mutators() {
		all = append(all, m.name)
	}
	return all
}

func mutators() []mutator { return slices.Concat(lineMutators(), tokenMutators()) }

// mutate changes the challenges of an answer, where it has any. The same fault does the same to the same answer.
func mutate(m sip.Message, f Fault) {
	all := mutators()
	i := slices.IndexFunc(all, func(m mutator) bool { return m.name == Mutation(f.How) })
	if i < 0 {
		return
	}
	random := rand.New(rand.NewPCG(uint64(f.Seed), 4475))
	for _, name := range []string{"WWW-Authenticate", "Proxy-Authenticate"} {
		lines := sip.Values(m, name)
		sip.Del(m, name)
		for _, line := range lines {
			for _, changed := range all[i].apply(line, f, random) {
				sip.Add(m, name, oneLine(changed))
			}
		}
	}
}

func (m mutator) apply(line string, f Fault, random *rand.Rand) []string {
	if m.line != nil {
		return m.line(line, random)
	}
	return []string{editParam(line, "gssapi-data", func(data string) string {
		token, err := base64.StdEncoding.DecodeString(data)
		if err != nil || len(token) == 0 {
			return data
		}
		return base64.StdEncoding.EncodeToString(m.token(slices.Clone(token), f, random))
	})}
}

// oneLine keeps a value from being more than one header line.
func oneLine(s string) string { return strings.NewReplacer("\r", "?", "\n", "?").Replace(s) }

// lineMutators are those of the header line.
func lineMutators() []mutator {
	long, tooLong := strings.Repeat("x", 24<<10), strings.Repeat("x", 100<<10)
	var all []mutator
	add := func(name string, f func(line string) []string) {
		all = append(all, mutator{name: Mutation(name), line: func(line string, _ *rand.Rand) []string { return f(line) }})
	}
	one := func(name string, f func(line string) string) {
		add(name, func(line string) []string { return []string{f(line)} })
	}
	for _, param := range []string{"realm", "targetname", "opaque", "version", "gssapi-data"} {
		set := func(value string) func(string) string {
			return func(line string) string { return editParam(line, param, func(string) string { return value }) }
		}
		one(param+"-missing", func(line string) string { return editParams(line, param, func(sip.Param) sip.Params { return nil }) })
		one(param+"-twice", func(line string) string {
			return editParams(line, param, func(p sip.Param) sip.Params {
				return sip.Params{p, {Name: p.Name, Value: "other", Quoted: p.Quoted}}
			})
		})
		one(param+"-empty", set(""))
		one(param+"-other", set("7"))
		one(param+"-control", set("\x00\x01\x7f\xff\xfe"))
		one(param+"-long", set(long))
	}
	for name, value := range map[string]string{"version-text": "four", "version-negative": "-4", "version-huge": "99999999999999999999"} {
		one(name, func(line string) string { return editParam(line, "version", func(string) string { return value }) })
	}
	one("gssapi-data-not-base64", func(line string) string {
		return editParam(line, "gssapi-data", func(s string) string { return "!" + s })
	})
	one("gssapi-data-cut-base64", func(line string) string {
		return editParam(line, "gssapi-data", func(s string) string { return s[:max(len(s)-1, 0)] })
	})
	one("too-long", func(line string) string { return line + `, pad="` + tooLong + `"` })
	one("quote-unclosed", func(line string) string { return strings.TrimSuffix(line, `"`) + `, pad="open` })
	one("first-quote-unclosed", func(line string) string { return strings.Replace(line, `",`, `,`, 1) })
	one("quotes-removed", func(line string) string { return strings.ReplaceAll(line, `"`, "") })
	one("quotes-escaped", func(line string) string { return strings.ReplaceAll(line, `"`, `\"`) })
	one("commas", func(line string) string { return line + strings.Repeat(",", 10000) })
	one("parameters", func(line string) string { return line + strings.Repeat(`, a="b"`, 4000) })
	one("no-parameters", func(line string) string { scheme, _, _ := strings.Cut(line, " "); return scheme })
	one("no-scheme", func(line string) string { _, params, _ := strings.Cut(line, " "); return params })
	one("unknown-scheme", func(line string) string { _, params, _ := strings.Cut(line, " "); return "Frobnicate " + params })
	one("nothing", func(string) string { return "" })
	add("no-line", func(string) []string { return nil })
	add("lines", func(line string) []string { return slices.Repeat([]string{line}, 100) })
	one("capitals", func(line string) string { return editNames(line, strings.ToUpper) })
	one("blanks", blanks)
	slices.SortFunc(all, func(a, b mutator) int { return strings.Compare(string(a.name), string(b.name)) })
	return append(all, mutator{name: MutateLineBytes, line: func(line string, random *rand.Rand) []string {
		return []string{string(scramble([]byte(line), random))}
	}})
}

// editParams puts others in the place of a parameter.
func editParams(line, name string, edit func(sip.Param) sip.Params) string {
	c, err := sip.ParseCredentials(line)
	if err != nil {
		return line
	}
	var params sip.Params
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, name) {
			params = append(params, edit(p)...)
		} else {
			params = append(params, p)
		}
	}
	c.Params = params
	return c.String()
}

// editParam changes the value of a parameter.
func editParam(line, name string, edit func(string) string) string {
	return editParams(line, name, func(p sip.Param) sip.Params {
		p.Value = edit(p.Value)
		p.Quoted = p.Quoted || p.Value == ""
		return sip.Params{p}
	})
}

// editNames changes the names of scheme and parameters.
func editNames(line string, edit func(string) string) string {
	c, err := sip.ParseCredentials(line)
	if err != nil {
		return line
	}
	c.Scheme = edit(c.Scheme)
	for i := range c.Params {
		c.Params[i].Name = edit(c.Params[i].Name)
	}
	return c.String()
}

// blanks puts blanks around everything that may have them.
func blanks(line string) string {
	c, err := sip.ParseCredentials(line)
	if err != nil {
		return line
	}
	var params []string
	for _, p := range c.Params {
		value := p.Value
		if p.Quoted {
			value = `"` + value + `"`
		}
		params = append(params, p.Name+" \t= "+value)
	}
	return c.Scheme + " \t" + strings.Join(params, " \t,\t ")
}

// scramble changes a few bytes: it sets, flips, removes, repeats, or moves them.
func scramble(b []byte, random *rand.Rand) []byte {
	for range 1 + random.IntN(4) {
		if len(b) < 2 {
			return b
		}
		at := random.IntN(len(b))
		end := min(len(b), at+1+random.IntN(16))
		switch random.IntN(6) {
		case 0:
			b[at] = byte(random.IntN(256))
		case 1:
			b[at] ^= 1 << random.IntN(8)
		case 2:
			b = slices.Delete(b, at, end)
		case 3:
			b = slices.Insert(b, at, slices.Repeat(slices.Clone(b[at:end]), 1+random.IntN(32))...)
		case 4:
			b = b[:at]
		case 5:
			to := random.IntN(len(b))
			b[at], b[to] = b[to], b[at]
		}
	}
	return b
}
