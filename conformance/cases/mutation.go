package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// seeds is how often bytes are changed at random, in each of the cases.
const seeds = 32

// unusable are the mutations after which there is nothing to sign in with: what remains is no challenge of NTLM, its
// keys would sign nothing, or the answer to it is for another server.
func unusable() []server.Mutation {
	return []server.Mutation{
		"token-empty", "token-cut", "token-signature", "token-negotiate", "token-authenticate", "token-unknown-type", "token-nonce",
		"token-info-beyond", "token-info-long", "token-no-sign", "token-no-datagram", "token-no-ntlm", "token-no-flags",
		"realm-missing", "realm-empty", "targetname-missing", "targetname-empty",
		"gssapi-data-missing", "gssapi-data-empty", "gssapi-data-not-base64",
		"unknown-scheme", "nothing", "no-line", "no-scheme", "no-parameters",
	}
}

// harmless are those that change how a challenge is written, or what means nothing to a client.
func harmless() []server.Mutation {
	return []server.Mutation{"token-no-version", "token-pair-unknown", "capitals", "blanks"}
}

// ends are the outcomes of a mutation: a failure with one of the two codes for a challenge that cannot be answered and
// for an answer that the server does not take, or success where the change is one that a client may pass over.
func ends(m server.Mutation) []conformance.Outcome {
	failure := []conformance.Outcome{{Code: ocserr.Unexpected}, {Code: ocserr.InvalidPassword}}
	switch {
	case slices.Contains(unusable(), m):
		return failure
	case slices.Contains(harmless(), m):
		return signsIn
	}
	return append(failure, conformance.Outcome{Note: "the change is passed over"})
}

// mutated is an attempt at a server that changes its challenges. Its name tells how, so that it can be done again.
func mutated(f server.Fault) conformance.Attempt {
	name := f.How
	if f.Bytes > 0 {
		name += fmt.Sprintf(" after %d bytes", f.Bytes)
	}
	if f.Seed > 0 {
		name += fmt.Sprintf(", seed %d", f.Seed)
	}
	if f.Skip > 0 {
		name += ", in the handshake"
	}
	f.Stage, f.Action, f.Match.Status = server.StageRegister, server.ActionMutate, 401
	return conformance.Attempt{Name: name, Server: faulty(f), Expect: ends(server.Mutation(f.How))}
}

// mutation are the cases of challenges that are nearly valid.
func mutation() []conformance.Case {
	tokens := conformance.Case{
		ID: "rob/ntlm-mutations", Title: "NTLM challenges that are wrong in one thing", Level: conformance.Must, Grounds: inVS,
		Needs: []conformance.Need{conformance.NeedNTLM}, Refs: []string{"MS-NLMP 2.2.1.2", "PROTOS c07-sip"},
		Purpose: "Nothing that comes for a challenge ends the program, or sends a rejected password a second time.",
	}
	lines := conformance.Case{
		ID: "rob/gssapi-params-mutations", Title: "Challenge headers that are wrong in one thing", Level: conformance.Must, Grounds: inVS,
		Needs: []conformance.Need{conformance.NeedNTLM}, Refs: []string{"MS-SIPAE 2.2", "PROTOS c07-sip"},
		Purpose: "Parameters that are missing, twice there, empty, endless or unquoted end in a code of the contract, and no password is rejected twice.",
	}
	for _, m := range server.Mutations() {
		f := server.Fault{How: string(m)}
		switch {
		case m == server.MutateTokenBytes:
			tokens.Attempts = append(tokens.Attempts, seeded(f)...)
		case m == server.MutateLineBytes:
			lines.Attempts = append(lines.Attempts, seeded(f)...)
		case m == "token-cut": // within each field, and behind each but the last
			for _, f.Bytes = range []int{1, 7, 8, 11, 12, 19, 20, 23, 24, 31, 32, 39, 40, 47, 48, 55, 56, 57, 60} {
				tokens.Attempts = append(tokens.Attempts, mutated(f))
			}
		case strings.HasPrefix(f.How, "token-"):
			tokens.Attempts = append(tokens.Attempts, mutated(f))
		case strings.HasPrefix(f.How, "gssapi-data-"), strings.HasPrefix(f.How, "opaque-"): // the first challenge has none
			lines.Attempts = append(lines.Attempts, mutated(f))
		default:
			lines.Attempts = append(lines.Attempts, mutated(f))
			f.Skip = 1
			lines.Attempts = append(lines.Attempts, mutated(f))
		}
	}
	return []conformance.Case{sane(tokens), sane(lines)}
}

// seeded is one attempt a seed, at a server that mutates every challenge.
func seeded(f server.Fault) []conformance.Attempt {
	var out []conformance.Attempt
	for f.Seed = 1; f.Seed <= seeds; f.Seed++ {
		out = append(out, mutated(f))
	}
	return out
}

// sane has a normal sign-in before and after the attempts of a case: where the first fails the case says nothing, where
// the last fails the client is not what it was before.
func sane(c conformance.Case) conformance.Case {
	before, after := conformance.Attempt{Name: "sanity, before", Expect: signsIn}, conformance.Attempt{Name: "sanity, after", Expect: signsIn}
	c.Attempts = slices.Concat([]conformance.Attempt{before}, c.Attempts, []conformance.Attempt{after})
	return c
}
