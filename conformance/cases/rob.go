package cases

import (
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// broken is the outcome of an answer that is no SIP message: a failure, soon, whatever its code.
var broken = []conformance.Outcome{
	{Code: ocserr.Unexpected},
	{Code: ocserr.Connect},
	{Code: ocserr.LogonTimeout, NonStrict: true, Note: "it waits for the rest of the message"},
}

// damaged breaks the answer to the first REGISTER.
func damaged(how server.Damage) server.Config {
	return onRegister(server.Fault{Action: server.ActionCorrupt, How: string(how)})
}

func rob() []conformance.Case {
	accepts := func(id, title, ref string, script ...server.Fault) conformance.Case {
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Must, Grounds: inVS, Refs: []string{ref},
			Purpose:  "What RFC 3261 allows on the wire must be understood.",
			Attempts: one(conformance.Attempt{Server: faulty(script...), Expect: signsIn}),
		}
	}
	refuses := func(id, title string, how server.Damage) conformance.Case {
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Must, Grounds: inVS, Refs: []string{"RFC 3261 section 18.3"},
			Purpose:  "A message that cannot be read ends the attempt: no hang, no memory without bound, no misreading of the next one.",
			Attempts: one(conformance.Attempt{Server: damaged(how), Expect: broken}),
		}
	}
	written := func(id, title, ref string, form server.Form) conformance.Case {
		script := everywhere(server.Fault{Action: server.ActionVary, How: string(form)})
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Must, Grounds: inVS, Refs: []string{ref},
			Purpose: "What RFC 3261 allows on the wire must be understood, and signatures still verify.",
			Attempts: []conformance.Attempt{
				{Name: "NTLM", Server: faulty(script...), Expect: signsIn},
				{Name: "Digest", Server: server.Config{Schemes: []string{"Digest"}, Faults: script}, Expect: signsIn},
			},
		}
	}
	both := func(c conformance.Case, toServer conformance.Attempt) conformance.Case {
		c.Attempts[0].Name = "to the client"
		c.Attempts = append(c.Attempts, toServer)
		return c
	}
	return append([]conformance.Case{
		both(accepts("rob/tcp-split-every-byte", "Messages come byte by byte", "RFC 3261 section 18.3", everywhere(server.Fault{Action: server.ActionSplit, Bytes: 1})...),
			segmented(func(c net.Conn) net.Conn { return byteByByte{c} })),
		both(accepts("rob/tcp-coalesced", "Messages come together", "RFC 3261 section 18.3", everywhere(server.Fault{Action: server.ActionCoalesce, Delay: 50 * time.Millisecond})...),
			segmented(func(c net.Conn) net.Conn { return &together{Conn: c} })),
		accepts("rob/duplicate-200", "Answers come twice", "RFC 3261 section 17.1.2", everywhere(server.Fault{Action: server.ActionDuplicate})...),
		{
			ID: "rob/varied-forms", Title: "Headers in every form that is allowed", Level: conformance.Must, Grounds: inVS, Refs: []string{"RFC 3261 section 7.3", "RFC 4475 section 3.1.1.1"},
			Purpose: "Compact forms, folded lines, names in capitals, another order: what RFC 3261 allows must be understood, and signatures still verify.",
			Attempts: []conformance.Attempt{
				{Name: "NTLM", Server: server.Config{Varied: true}, Expect: signsIn},
				{Name: "Digest", Server: server.Config{Varied: true, Schemes: []string{"Digest"}}, Expect: signsIn},
			},
		},
		written("rob/lws-folding", "Header lines are folded", "RFC 3261 section 7.3.1", server.FormFold),
		written("rob/compact-forms", "Header names are in their compact form", "RFC 3261 section 7.3.3", server.FormCompact),
		written("rob/header-case", "Header names are in any case", "RFC 3261 section 7.3.1", server.FormCase),
		refuses("rob/garbage", "Bytes that are no SIP", server.DamageGarbage),
		{
			ID: "rob/no-content-length", Title: "No Content-Length", Level: conformance.Must, Grounds: inVS, Refs: []string{"RFC 3261 section 18.3"},
			Purpose: "On a stream such an answer is to be discarded: nobody knows where it ends.",
			Attempts: one(conformance.Attempt{Server: damaged(server.DamageNoLength), Expect: append(broken[:2:2],
				conformance.Outcome{Code: ocserr.LogonTimeout, After: limit}, conformance.Outcome{NonStrict: true, Note: "read as a message without a body"})}),
		},
		refuses("rob/oversize-header", "A header without bound", server.DamageHeader),
		refuses("rob/oversize-body", "A body without bound", server.DamageBody),
		{
			ID: "rob/wrong-content-length", Title: "A Content-Length that is wrong", Level: conformance.Must, Grounds: inVS, Refs: []string{"RFC 3261 section 18.3"},
			Purpose: "Neither a hang beyond the 15 s nor a misreading of the next message.",
			Attempts: []conformance.Attempt{
				{Name: "more promised than come", Server: damaged(server.DamageLonger), Expect: []conformance.Outcome{
					{Code: ocserr.LogonTimeout, After: limit}, {Code: ocserr.Unexpected}, {Code: ocserr.Connect},
				}},
				{Name: "more come than promised", Server: damaged(server.DamageShorter), Expect: []conformance.Outcome{
					{Code: ocserr.Unexpected}, {Code: ocserr.Connect},
				}},
			},
		},
		{
			ID: "rob/banner", Title: "A server of another protocol", Level: conformance.Must, Grounds: inVS, Refs: []string{"OnSignin: MSGR_E_CONNECT"},
			Purpose: "A mail server behind the port is no SIP server.",
			Attempts: []conformance.Attempt{
				{
					Name: "over TLS's port", Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionBanner, Text: "220 mail.ocs.test ESMTP\r\n"}),
					Expect: fails(ocserr.Connect, "", 0),
				},
				{
					Name: "over TCP", Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionBanner, Text: "220 mail.ocs.test ESMTP\r\n\r\n"}),
					Client: conformance.Settings{Transport: "tcp"}, Expect: broken,
				},
			},
		},
		accepts("rob/wrong-cseq", "An answer to a request that was never sent", "RFC 3261 section 17.1.3",
			server.Fault{Stage: server.StageRegister, Action: server.ActionUnsolicited, Headers: map[string]string{"CSeq": "4711 REGISTER"}}),
		accepts("rob/wrong-branch", "An answer to somebody else", "RFC 3261 section 17.1.3",
			server.Fault{Stage: server.StageRegister, Action: server.ActionUnsolicited, Headers: map[string]string{
				"Via": "SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK-of-nobody", "Call-ID": "nobody",
			}}),
		{
			ID: "rob/unknown-request", Title: "Requests that nobody asked for", Level: conformance.Should, Grounds: inVS, Refs: []string{"RFC 3261 section 8.2"},
			Purpose: "Each is answered properly, and the sign-in goes on.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{PlainRegistrar: true, Schemes: []string{"Digest"}, Faults: []server.Fault{{
					Stage: server.StageRegister, Action: server.ActionUnsolicited, Match: server.Match{Status: 200}, Count: 1,
					Text: strangeRequest("OPTIONS") + strangeRequest("INVITE") + strangeRequest("MESSAGE") + strangeRequest("FROBNICATE"),
				}}},
				Live: stay(200 * time.Millisecond), Expect: signsIn,
				Wire: []conformance.Check{answered("OPTIONS", 200), answered("INVITE", 480, 486, 488, 501, 603, 606), answered("MESSAGE", 405, 415, 488, 501), answered("FROBNICATE", 405, 501)},
			}),
		},
		{
			ID: "rob/secrets-never-visible", Title: "No password is ever visible", Level: conformance.Must, Grounds: inVSR, Refs: []string{"docs/security.md"},
			Purpose: "Reports and transcripts are mailed around. Checked on every attempt of every case.",
			Attempts: []conformance.Attempt{
				{Name: "right", Expect: signsIn},
				{Name: "over TCP", Only: conformance.Virtual, Client: conformance.Settings{Transport: "tcp"}, Expect: signsIn},
				{Name: "wrong, and with signs that are written otherwise", Only: conformance.Virtual, Client: conformance.Settings{Password: oddPassword}, Expect: rejectedOnce},
			},
		},
		{
			ID: "rob/sanity", Title: "A normal sign-in", Level: conformance.Must, Grounds: inVSR, Refs: []string{"tlsfuzzer"},
			Purpose:  "Where this fails, the other cases say nothing.",
			Attempts: one(conformance.Attempt{Expect: signsIn}),
		},
	}, append(mutation(), tortures())...)
}

// oddPassword has signs that JSON, XML, URLs and quotes write otherwise.
const oddPassword = `pA55-&<"\%-wrong-4e1b`

// everywhere is a fault at every stage of SIP.
func everywhere(f server.Fault) []server.Fault {
	var out []server.Fault
	for _, stage := range []server.FaultStage{server.StageRegister, server.StageSubscribe, server.StagePublish, server.StageLive} {
		f.Stage = stage
		out = append(out, f)
	}
	return out
}

// strangeRequest is a request out of nowhere.
func strangeRequest(method string) string {
	return method + " sip:alice@ocs.test SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK" + method + "\r\n" +
		"From: <sip:bob@ocs.test>;tag=1\r\nTo: <sip:alice@ocs.test>\r\nCall-ID: strange-" + method + "\r\nCSeq: 1 " + method +
		"\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
}

// answered: the client answered a request of the server's, in one of the ways that are proper.
func answered(method string, proper ...int) conformance.Check {
	return check(fmt.Sprintf("%s answered with one of %d", method, proper), func(r *conformance.Record) string {
		for _, m := range r.Messages(true) {
			switch {
			case m.Status == 0 || m.Method != method:
			case !slices.Contains(proper, m.Status):
				return fmt.Sprintf("it was answered %d", m.Status)
			default:
				return ""
			}
		}
		return "it was not"
	})
}
