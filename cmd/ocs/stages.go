package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/signin/dial"
	"github.com/ocsgo/ocs/signin/resolve"
	"github.com/ocsgo/ocs/signin/secure"
)

// writeStages writes the stages of a sign-in, each with its time and outcome; with explain, with all that
// the report knows of it.
func writeStages(w io.Writer, r *signin.Report, explain bool) {
	if explain {
		fmt.Fprintf(w, "%s as user %s, at %s, %.1f ms in all\n", r.SignInName, r.User, r.Started.Format("2006-01-02 15:04:05 MST"), r.Duration)
	}
	hop := -1 // of the redirects: each leads to a stage of connecting
	for i, s := range r.Stages {
		if s.Stage == ocserr.StageDial {
			hop++
		}
		failed := r.Error != nil && r.Error.Stage != ocserr.StageLive && i == len(r.Stages)-1
		result := choose(failed, "failed", "ok")
		if failed {
			result += ": " + r.Error.Code.Name() + ": " + r.Error.Meaning()
		}
		about, details := explainStage(s.Stage, hop, r)
		if about != "" && !failed {
			result += ": " + about
		}
		fmt.Fprintf(w, "%-10s %9.1f ms  %s\n", stageName(s.Stage), s.Duration, printable(result))
		if explain {
			for _, d := range details {
				fmt.Fprintf(w, "    %s\n", printable(d))
			}
		}
	}
}

// stageName is a stage in words: the report times dialling and TLS together, since candidates race.
func stageName(s ocserr.Stage) string {
	return choose(s == ocserr.StageDial, "connect", string(s))
}

// explainStage says what a stage came to, in a few words and in full.
func explainStage(s ocserr.Stage, hop int, r *signin.Report) (about string, details []string) {
	switch s {
	case ocserr.StageResolve:
		if r.Discovery != nil {
			return count(len(r.Discovery.Candidates), "candidate"), explainPlan(r.Discovery)
		}
	case ocserr.StageDial:
		return explainConnect(hop, r)
	case ocserr.StageRegister:
		if hop < len(r.Redirects) {
			return explainRedirect(r.Redirects[hop])
		}
		return explainRegister(r)
	case ocserr.StagePresence:
		return explainPresence(r)
	}
	return about, details
}

// explainPlan lists what was asked of DNS, and what came of it.
func explainPlan(p *resolve.Plan) []string {
	var lines []string
	for _, q := range p.Questions {
		lines = append(lines, questionText(q))
	}
	for i, c := range p.Candidates {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, candidateText(c)))
	}
	if len(p.Candidates) == 0 {
		lines = append(lines, "no candidate")
	}
	return append(lines, explainOthers(p)...)
}

// explainOthers tells of what is not tried: servers that were refused, and what the other policy would have done.
func explainOthers(p *resolve.Plan) []string {
	var lines []string
	for _, r := range p.Refused {
		lines = append(lines, fmt.Sprintf("not tried: %s (%s): %s", hostPort(r.Host, r.Port), r.Why, r.Reason))
	}
	other := resolve.Communicator
	if p.Policy == resolve.Communicator {
		other = resolve.Resilient
	}
	if list := p.Under(other); len(list) != len(p.Candidates) {
		names := make([]string, len(list))
		for i, c := range list {
			names[i] = hostPort(c.Host, c.Port)
		}
		lines = append(lines, fmt.Sprintf("policy %s would try: %s", other, cmp.Or(strings.Join(names, ", "), "nothing")))
	}
	return lines
}

// questionText is a question to DNS or a web service with its answer.
func questionText(q resolve.Question) string {
	return fmt.Sprintf("%-5s %s: %s (%.1f ms, %s)", q.Type, q.Name, answerText(q), milliseconds(q.Duration), q.Server)
}

// answerText is the answer to a question. Where a web service gave none there are as many reasons as to a server of
// SIP, and a flag may help as it does there.
func answerText(q resolve.Question) string {
	failed, ok := errors.AsType[*ocserr.Error](q.Err)
	if !ok || q.Network != "https" {
		return q.Answer
	}
	text := q.Answer + ": " + cause(failed)
	if flag := hint(&signin.Report{}, failed); flag != "" {
		text += "; " + flag
	}
	return text
}

// candidateText is a candidate with the reason for it.
func candidateText(c resolve.Candidate) string {
	var addrs []string
	for _, a := range c.Addrs {
		addrs = append(addrs, a.String())
	}
	at := "by its name, through the proxy"
	if len(addrs) > 0 {
		at = "at " + strings.Join(addrs, " ")
	}
	return fmt.Sprintf("%s over %s, %s: %s", hostPort(c.Host, c.Port), strings.ToUpper(string(c.Transport)), at, c.Why)
}

// explainConnect tells of the tries behind so many redirects.
func explainConnect(hop int, r *signin.Report) (about string, details []string) {
	n := 0
	for _, t := range r.Tries {
		if t.Redirects != hop {
			continue
		}
		n++
		details = append(details, explainTry(n, t)...)
		if t.Error == nil && !t.GivenUp {
			about = fmt.Sprintf("%s over %s", hostPort(t.Host, t.Port), strings.ToUpper(string(t.Transport)))
		}
	}
	if c := r.Connection; c != nil && hop == len(r.Redirects) {
		about = fmt.Sprintf("%s (%s) over %s", c.Host, choose(c.Proxy == "", c.Remote, "through "+c.Proxy), strings.ToUpper(string(c.Transport)))
	}
	return about, details
}

// explainRedirect tells of a server that named another one.
func explainRedirect(r signin.Redirect) (about string, details []string) {
	details = []string{fmt.Sprintf("%s answered SIP %d with the Contact %s", r.From, r.Status, r.Contact)}
	for _, q := range r.Questions {
		details = append(details, questionText(q))
	}
	return "redirected to " + r.Contact, details
}

func explainTry(n int, t signin.Try) []string {
	outcome := choose(t.GivenUp, "given up", "connected")
	if t.Error != nil {
		outcome = "failed at " + string(t.Stage) + ": " + cause(t.Error)
	}
	took := fmt.Sprintf("%.1f ms", t.Duration)
	if t.Stage == ocserr.StageSecure {
		took += fmt.Sprintf(", of them %.1f ms to connect", t.Dial)
	}
	lines := []string{
		fmt.Sprintf("%d. %s%s over %s: %s", n, hostPort(t.Host, t.Port), choose(t.Address == "" || t.Address == t.Host, "", " at "+t.Address),
			strings.ToUpper(string(t.Transport)), outcome),
		fmt.Sprintf("   %s; found by: %s", took, t.Why),
	}
	if t.Via != nil {
		lines = append(lines, explainVia(t.Via)...)
	}
	if t.TLS != nil {
		for _, l := range explainTLS(t.TLS) {
			lines = append(lines, "   "+l)
		}
	}
	return lines
}

// explainVia tells of the dialogue with a proxy.
func explainVia(v *dial.Via) []string {
	lines := []string{"   through the proxy " + v.Proxy}
	for _, s := range v.Steps {
		line := "      " + s.Sent
		if s.Scheme != "" {
			line += " with " + s.Scheme
		}
		line += ": " + cmp.Or(s.Answer, "no answer")
		if s.Status != 0 && !strings.HasPrefix(s.Answer, strconv.Itoa(s.Status)) {
			line += fmt.Sprintf(" (%d)", s.Status)
		}
		if len(s.Offers) > 0 {
			line += ", wants " + strings.Join(s.Offers, ", ")
		}
		lines = append(lines, line)
	}
	if len(v.Steps) == 0 {
		lines = append(lines, "      not reached")
	}
	return lines
}

func explainTLS(r *secure.Report) []string {
	var lines []string
	if r.Version != "" {
		lines = append(lines, fmt.Sprintf("%s, %s", r.Version, r.CipherSuite))
	}
	lines = append(lines, fmt.Sprintf("server name %s, %s", r.ServerName, choose(r.Verified, "certificate verified", "certificate NOT verified")))
	if len(r.Legacy) > 0 {
		lines = append(lines, "old and weak: "+strings.Join(r.Legacy, ", "))
	}
	if r.Fault != "" {
		lines = append(lines, "fault: "+r.Fault)
	}
	for i, c := range r.Chain() {
		lines = append(lines, fmt.Sprintf("certificate %d: %s", i+1, c.Subject))
		if len(c.DNSNames) > 0 {
			lines = append(lines, "   names "+strings.Join(c.DNSNames, ", "))
		}
		lines = append(lines,
			fmt.Sprintf("   valid %s to %s", c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02")),
			"   issued by "+c.Issuer,
			"   SHA-256 "+c.SHA256)
	}
	return lines
}

func explainRegister(r *signin.Report) (about string, details []string) {
	a := r.Authentication
	if !a.Challenged {
		about = "not challenged"
		details = append(details, "the server did not ask for a password")
	} else {
		about = strings.Join(slices.DeleteFunc([]string{a.Scheme, choose(a.PasswordTested, "password tested", ""), choose(a.ServerVerified, "server verified", "")},
			func(s string) bool { return s == "" }), ", ")
		details = append(details,
			"schemes offered: "+strings.Join(a.Offered, ", "),
			"scheme used: "+choose(a.Scheme != "", a.Scheme, "none")+choose(a.Version != 0, fmt.Sprintf(", SIPAE version %d", a.Version), ""),
		)
		for _, f := range a.Failed {
			details = append(details, fmt.Sprintf("scheme tried before: %s: %s", f.Scheme, cause(f.Error)))
		}
		if a.NTLMv1 {
			details = append(details, "NTLMv1 was used: who saw it can find the password")
		}
		details = append(details,
			"password tested: "+choose(a.PasswordTested, "yes", choose(a.PasswordSent, "it was sent; no verdict came", "no")),
			fmt.Sprintf("server signature verified: %s (%s verified, %d refused)", choose(a.ServerVerified, "yes", "no"), count(a.MessagesVerified, "message"), a.MessagesRefused))
		if a.ClockSkew != 0 {
			details = append(details, fmt.Sprintf("the server's clock is %.0f s %s ours", math.Abs(a.ClockSkew), choose(a.ClockSkew > 0, "ahead of", "behind")))
		}
	}
	if r.Error != nil && r.Error.Stage == ocserr.StageRegister && r.Error.Status != 0 {
		details = append(details, fmt.Sprintf("final answer: SIP %d", r.Error.Status))
		for _, d := range r.Error.Diagnostics {
			details = append(details, diagnosticText(d))
		}
	}
	if g := r.Registration; g != nil {
		details = append(details, fmt.Sprintf("registered for %.0f s, keep-alive %s", g.Expires, choose(g.KeepAlive > 0, fmt.Sprintf("%.0f s", g.KeepAlive), "none")))
		for _, pair := range [][2]string{
			{"server", g.Server}, {"GRUU", g.GRUU}, {"events allowed", strings.Join(g.Events, ", ")},
		} {
			if pair[1] != "" {
				details = append(details, pair[0]+": "+pair[1])
			}
		}
		for _, w := range g.Warnings {
			details = append(details, fmt.Sprintf("warning %d: %s", w.Code, w.Text))
		}
	}
	return about, details
}

func explainPresence(r *signin.Report) (about string, details []string) {
	p := r.Presence
	if p == nil {
		return "none on this server: registered is online", nil
	}
	for _, s := range p.Subscriptions {
		line := fmt.Sprintf("SUBSCRIBE %s: %d", s.Event, s.Status)
		if s.State != "" {
			line += ", " + s.State
		}
		details = append(details, line)
	}
	details = append(details, "published: "+choose(p.Published, "yes", "no"))
	return count(len(p.Subscriptions), "subscription") + choose(p.Published, ", published", ""), details
}

// count is a number of things: "1 candidate", "2 candidates".
func count(n int, thing string) string {
	return strconv.Itoa(n) + " " + thing + choose(n == 1, "", "s")
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
