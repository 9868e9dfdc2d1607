package cases

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// rfc4475 holds the torture messages of RFC 4475, byte for byte, each under its name there.
//
//go:embed rfc4475/*.dat
var rfc4475 embed.FS

// tortured is one of them as it is sent.
func tortured(name string) string {
	raw, err := rfc4475.ReadFile("rfc4475/" + name + ".dat")
	if err != nil {
		panic(err) // a name in this file is wrong
	}
	text := string(raw)
	if name == "dblreq" {
		// Its second request has five octets more than its Content-Length. In the datagram that it was written for they
		// mean nothing; on a stream they would be the beginning of a third message.
		text = text[:len(text)-5]
	}
	return text
}

// The requests, in the order of the RFC. What is in none of the lists is an answer.
var (
	// validRequests are to be answered, and not as malformed (section 3.1.1).
	validRequests = []string{"wsinv", "intmeth", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "dblreq", "semiuri", "transports", "mpart01"}
	// readableRequests have something that an answer may refuse (sections 3.2 and 3.3): they are to be answered.
	readableRequests = []string{
		"badbranch", "unkscm", "novelsc", "unksm2", "bext01", "invut", "regaut01", "zeromf", "cparam01", "cparam02", "regescrt", "sdp01",
	}
	// brokenRequests are invalid, or have no end that a stream shows (sections 3.1.2, 3.3 and 3.4).
	brokenRequests = []string{
		"badinv01", "clerr", "ncl", "scalar02", "quotbal", "ltgtruri", "lwsruri", "lwsstart", "trws", "escruri", "baddate", "regbadct",
		"badaspec", "baddn", "badvers", "mismatch01", "mismatch02", "insuf", "multi01", "mcl01", "inv2543",
	}
)

func tortures() conformance.Case {
	c := conformance.Case{
		ID: "rob/rfc4475-messages", Title: "The torture messages of RFC 4475", Level: conformance.Should, Grounds: inVS, Refs: []string{"RFC 4475"},
		Purpose: "Each comes once, under its own name: requests in a live session, which valid ones get an answer in and invalid ones do not harm, answers as the answer to REGISTER.",
	}
	for _, name := range validRequests {
		c.Attempts = append(c.Attempts, request(name, func(status int) bool { return status >= 200 && status != 400 }))
	}
	for _, name := range readableRequests {
		c.Attempts = append(c.Attempts, request(name, func(status int) bool { return status >= 200 }))
	}
	for _, name := range brokenRequests {
		c.Attempts = append(c.Attempts, conformance.Attempt{
			Name: name, Server: injecting(name), Live: stay(150 * time.Millisecond), Expect: []conformance.Outcome{
				{},
				{Events: conformance.Lost(ocserr.Unexpected), Note: "the connection ends, for it cannot be read further"},
				{Events: conformance.Lost(ocserr.Disconnected), Note: "the connection ends, for it cannot be read further"},
			},
		})
	}
	answer := func(name string, f server.Fault, expect ...conformance.Outcome) {
		f.Count = 1
		c.Attempts = append(c.Attempts, conformance.Attempt{Name: name, Server: onRegister(f), Expect: expect})
	}
	unsolicited := func(text string) server.Fault { return server.Fault{Action: server.ActionUnsolicited, Text: text} }
	ok := conformance.Outcome{}
	answer("unreason", unsolicited(tortured("unreason")), ok)
	answer("unreason, as the answer", server.Fault{Action: server.ActionRewrite, Match: server.Match{Status: 200}, Reason: reason("unreason")}, ok)
	answer("noreason", unsolicited(tortured("noreason")), ok)
	answer("noreason, as an answer", unsolicited(adopted("noreason", "Via", "From", "To", "Call-ID", "CSeq")), ok)
	answer("bcast", unsolicited(tortured("bcast")), ok)
	answer("scalarlg", unsolicited(tortured("scalarlg")), ok)
	answer("scalarlg, as an answer", unsolicited(adopted("scalarlg", "Via", "From", "To", "Call-ID")), ok) // its CSeq is what is wrong
	answer("bigcode", unsolicited(tortured("bigcode")), append(broken[:2:2], ok)...)
	answer("bigcode, as an answer", unsolicited(adopted("bigcode", "Via", "From", "To", "Call-ID", "CSeq")), append(broken[:2:2], ok)...)
	return sane(c)
}

// injecting is a server that sends a message in a live session without signatures, which the message could not have.
func injecting(name string) server.Config {
	return server.Config{PlainRegistrar: true, Schemes: []string{"Digest"}, Faults: []server.Fault{{
		Stage: server.StageRegister, Action: server.ActionInject, Text: tortured(name), Delay: 50 * time.Millisecond, Count: 1,
	}}}
}

// request is an attempt in which a request comes that the client has to answer.
func request(name string, proper func(status int) bool) conformance.Attempt {
	due := 1
	if name == "dblreq" {
		due = 2
	}
	answers := func(messages []server.Record) (statuses []int) {
		for _, m := range messages {
			if m.Kind == server.KindMessage && !m.Sent && m.Status != 0 {
				statuses = append(statuses, m.Status)
			}
		}
		return statuses
	}
	return conformance.Attempt{
		Name: name, Server: injecting(name), Expect: signsIn,
		Live: func(ctx context.Context, w *conformance.World) error {
			for deadline := time.Now().Add(2 * time.Second); ctx.Err() == nil && len(answers(w.Server.History())) < due && time.Now().Before(deadline); {
				time.Sleep(50 * time.Millisecond)
			}
			return nil
		},
		Wire: []conformance.Check{check(fmt.Sprintf("answers to the requests: %d", due), func(r *conformance.Record) string {
			got := answers(r.History)
			for _, status := range got {
				if !proper(status) {
					return fmt.Sprintf("one is %d", status)
				}
			}
			if len(got) != due {
				return fmt.Sprintf("there are %d", len(got))
			}
			return ""
		})},
	}
}

// adopted is an answer with some of its headers taken from the answer before which it comes, so that it belongs to
// the same request.
func adopted(name string, headers ...string) string {
	text := tortured(name)
	for _, h := range headers {
		text = regexp.MustCompile(`(?m)^`+h+`: [^\r]*`).ReplaceAllString(text, h+": {"+h+"}")
	}
	return text
}

// reason is the reason phrase of an answer.
func reason(name string) string {
	line, _, _ := strings.Cut(tortured(name), "\r\n")
	return strings.SplitN(line, " ", 3)[2]
}
