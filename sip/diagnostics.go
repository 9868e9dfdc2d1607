package sip

import (
	"errors"
	"strconv"
	"strings"
	"time"

	ocserr "github.com/ocsgo/ocs/errors"
)

// Diagnostics returns every ms-diagnostics, ms-diagnostics-public and ms-diagnostics-fault value of a message in order
// (MS-OCER 2.2.1). It reads leniently, as deployed servers write: blanks anywhere, parameters in any order, a sub error
// after a dot or a semicolon, quotes missing. A value without any number and reason is left out.
func Diagnostics(m Message) []ocserr.Diagnostic {
	var all []ocserr.Diagnostic
	for _, h := range headers(m) {
		public := false
		switch strings.ToLower(h.Name()) {
		case "ms-diagnostics", "ms-diagnostics-fault":
		case "ms-diagnostics-public":
			public = true
		default:
			continue
		}
		if d, ok := parseDiagnostic(h.Value()); ok {
			d.Public = public
			all = append(all, d)
		}
	}
	return all
}

// parseDiagnostic reads ErrorId[.SubError][;SubError]*(;name=value).
func parseDiagnostic(value string) (d ocserr.Diagnostic, ok bool) {
	var params Params
	for value != "" {
		p, rest, _ := parseParams(value, ';', ';')
		params = append(params, p...)
		_, value, _ = strings.Cut(rest, ";") // a fault in one parameter spoils no other
	}
	for i, p := range params {
		if i == 0 && p.Value == "" {
			id, sub, _ := strings.Cut(p.Name, ".")
			if d.ID, ok = parseID(id); ok {
				d.Sub, _ = parseID(sub)
			}
			continue
		}
		if n, isID := parseID(p.Name); isID && i == 1 && p.Value == "" {
			d.Sub = n
			continue
		}
		switch strings.ToLower(p.Name) {
		case "reason":
			d.Reason, ok = p.Value, true
		case "source":
			d.Source = p.Value
		default:
			if d.Params == nil {
				d.Params = make(map[string]string)
			}
			d.Params[p.Name] = p.Value
		}
	}
	return d, ok
}

func parseID(s string) (int, bool) {
	n, err := strconv.ParseUint(strings.Trim(s, " \t"), 10, 31)
	return int(n), err == nil
}

// Warnings returns every Warning value of a message in order (RFC 3261 section 20.43): 310 lcs.microsoft.com "text".
// Text without quotes is taken to the end of the line.
func Warnings(m Message) []ocserr.Warning {
	var all []ocserr.Warning
	for _, s := range Values(m, "Warning") {
		for {
			s = strings.TrimLeft(s, " \t,")
			code, rest, _ := cutBlank(s)
			agent, text, _ := cutBlank(rest)
			n, ok := parseID(code)
			if !ok || agent == "" {
				break
			}
			w := ocserr.Warning{Code: n, Agent: agent}
			s = ""
			if strings.HasPrefix(text, `"`) {
				text, s, _ = unquote(text)
			}
			w.Text = text
			all = append(all, w)
		}
	}
	return all
}

// RetryAfter returns how long the server asks to wait (RFC 3261 section 20.33). A comment and parameters are ignored.
func RetryAfter(m Message) (time.Duration, bool) {
	return seconds(Value(m, "Retry-After"))
}

// KeepAlive returns the interval the server announces in ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no;
// timeout=300 (MS-CONMGMT 2.2.1).
func KeepAlive(m Message) (time.Duration, bool) {
	params, _, _ := parseParams(Value(m, "ms-keep-alive"), ';', ';')
	timeout, _ := params.Get("timeout")
	return seconds(timeout)
}

// seconds reads the digits at the start of s: 2^32-1 seconds at most, and of what is more so many.
func seconds(s string) (time.Duration, bool) {
	s = strings.TrimLeft(s, " \t")
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(s[:n], 10, 32) // of a number out of range it gives the largest
	return time.Duration(v) * time.Second, err == nil || errors.Is(err, strconv.ErrRange)
}

// StatusError makes the error of a failed REGISTER from what its final response says. authenticated tells whether a
// handshake had completed before, which makes a further 401 or 407 a rejected password.
func StatusError(res *Response, authenticated bool) *ocserr.Error {
	wait, ok := RetryAfter(res)
	return ocserr.FromResponse(ocserr.Response{
		Status:        res.StatusCode,
		Reason:        res.Reason,
		Diagnostics:   Diagnostics(res),
		Warnings:      Warnings(res),
		RetryAfter:    wait,
		HasRetryAfter: ok,
		Authenticated: authenticated,
	})
}
