package cases

import (
	"fmt"
	"time"

	"github.com/ocsgo/ocs/conformance"
	ocserr "github.com/ocsgo/ocs/errors"
)

// diagnostics is an ms-diagnostics header.
func diagnostics(id int, reason string) map[string]string {
	return map[string]string{"ms-diagnostics": fmt.Sprintf(`%d;reason="%s";source="server.ocs.test"`, id, reason)}
}

// warning is a Warning header.
func warning(code int, text string) map[string]string {
	return map[string]string{"Warning": fmt.Sprintf(`%d server.ocs.test "%s"`, code, text)}
}

// retryAfter is a Retry-After header.
func retryAfter(seconds int) map[string]string {
	return map[string]string{"Retry-After": fmt.Sprint(seconds)}
}

// refusal is one way in which a REGISTER is answered.
type refusal struct {
	name    string
	status  int
	headers map[string]string
}

// verdict is what a refusal must come to.
type verdict struct {
	code   ocserr.Code
	cause  ocserr.Cause
	detail ocserr.Code
	retry  bool          // whether our own engine's report says that another attempt may succeed
	after  time.Duration // how long the server wants to be left alone, by that report
}

// reported: the report, where there is one, has the hint whether and when to try again.
func (v verdict) reported(r *conformance.Record) string {
	if e := r.Report.Error; e == nil || e.Retry != v.retry || e.RetryAfter != v.after {
		return fmt.Sprintf("the report does not say: try again %t, after %s", v.retry, v.after)
	}
	return ""
}

// answers are the cases of a server that refuses a REGISTER in words of its own.
func answers() []conformance.Case {
	one := func(status int, headers map[string]string) []refusal { return []refusal{{"", status, headers}} }
	each := func(headers func(int) map[string]string, status int, numbers ...int) (out []refusal) {
		for _, n := range numbers {
			out = append(out, refusal{fmt.Sprintf("%d with %d", status, n), status, headers(n)})
		}
		return out
	}
	diagnosed := func(n int) map[string]string { return diagnostics(n, "as the server has it") }
	warned := func(n int) map[string]string { return warning(n, "a newer client is needed") }
	must, should := conformance.Must, conformance.Should
	var cases []conformance.Case
	for _, row := range []struct {
		id, title string
		level     conformance.Level
		answers   []refusal
		verdict   verdict
		refs      []string
	}{
		{"403-version-17002", "403 with ms-diagnostics 17002", must, one(403, diagnosed(17002)), verdict{ocserr.ServerVersion, ocserr.CauseClientVersionRefused, ocserr.ClientDisallowed, false, 0}, []string{"MS-OCER", "contract 4.5"}},
		{"403-version-17003", "403 with ms-diagnostics 17003", must, one(403, diagnosed(17003)), verdict{ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded, ocserr.NewerClientAvailable, false, 0}, []string{"MS-OCER", "contract 4.5"}},
		{"warning-310", "403 with Warning 310", must, one(403, warned(310)), verdict{ocserr.ServerVersion, ocserr.CauseClientVersionRefused, ocserr.ClientDisallowed, false, 0}, []string{"contract 4.5", "MS-SIPREGE 3.4.2.5"}},
		{"warning-312-313-314", "403 with a Warning of the version filter", must, each(warned, 403, 312, 313, 314), verdict{ocserr.ServerVersion, ocserr.CauseClientUpgradeNeeded, ocserr.NewerClientAvailable, false, 0}, []string{"contract 4.5", "MS-SIPREGE 3.4.2.5"}},
		{"503-retry-after", "503 with Retry-After", should, one(503, retryAfter(30)), verdict{ocserr.ServerTooBusy, ocserr.CauseServerTooBusy, 0, true, 30 * time.Second}, nil},
		{"503-17000", "503 with ms-diagnostics 17000", should, one(503, diagnosed(17000)), verdict{ocserr.ServerTooBusy, ocserr.CauseServerTooBusy, 0, true, 0}, []string{"MS-OCER"}},
		{"503-plain", "503", should, one(503, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseServiceUnavailable, 0, true, 0}, nil},
		{"504", "504", should, one(504, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseServerTimeout, 0, true, 0}, nil},
		{"504-routing", "504 from between the servers", should, each(diagnosed, 504, 1005, 1007, 1008, 1009, 1010, 1014), verdict{ocserr.ServerUnavailable, ocserr.CauseRoutingFailed, 0, true, 0}, []string{"MS-OCER"}},
		{"480", "480", should, one(480, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseTemporarilyUnavailable, 0, true, 0}, nil},
		{"480-user-unknown", "480 of a pool that does not know the user", should, each(diagnosed, 480, 1003, 4005, 4006), verdict{ocserr.InvalidPassword, ocserr.CauseUserUnknown, 0, false, 0}, []string{"MS-OCER"}},
		{"404-domain-unknown", "404 with ms-diagnostics 1005", should, one(404, diagnosed(1005)), verdict{ocserr.InvalidPassword, ocserr.CauseDomainUnknown, ocserr.InvalidDomain, false, 0}, []string{"MS-OCER"}},
		{"500", "500", should, one(500, nil), verdict{ocserr.Unexpected, ocserr.CauseServerError, ocserr.ServerError, true, 0}, nil},
		{"500-retry-after", "500 with Retry-After", should, one(500, retryAfter(7)), verdict{ocserr.Unexpected, ocserr.CauseServerError, ocserr.ServerError, true, 7 * time.Second}, []string{"RFC 3261 section 20.33"}},
		{"400", "400", should, one(400, nil), verdict{ocserr.Unexpected, ocserr.CauseBadRequest, ocserr.ServerProtocol, false, 0}, nil},
		{"400-endpoint", "400 for the endpoint's identifier", should, each(diagnosed, 400, 4010, 4011, 4012), verdict{ocserr.Unexpected, ocserr.CauseEndpointRefused, ocserr.ServerProtocol, false, 0}, []string{"MS-OCER"}},
		{"488", "488", should, one(488, nil), verdict{ocserr.Unexpected, ocserr.CauseNotAcceptable, ocserr.ServerProtocol, false, 0}, nil},
		{"unknown-6xx", "699", should, one(699, nil), verdict{ocserr.Unexpected, ocserr.CauseUnexpectedStatus, 0, false, 0}, nil},
		{"403-plain", "403 without a reason", should, one(403, nil), verdict{ocserr.Unexpected, ocserr.CauseForbidden, ocserr.SIPLoginForbidden, false, 0}, []string{"MS-OCER"}},
		{"403-identity", "403 with ms-diagnostics 4004", should, one(403, diagnosed(4004)), verdict{ocserr.InvalidPassword, ocserr.CauseIdentityRefused, ocserr.SIPLoginForbidden, false, 0}, []string{"MS-OCER"}},
		{"403-remote-access", "403 with ms-diagnostics 4003", should, one(403, diagnosed(4003)), verdict{ocserr.Unexpected, ocserr.CauseRemoteAccessRefused, ocserr.SIPLoginForbidden, false, 0}, []string{"MS-OCER"}},
		{"403-external", "403 with ms-diagnostics 1012", should, one(403, diagnosed(1012)), verdict{ocserr.Unexpected, ocserr.CauseExternalRefused, ocserr.SIPLoginForbidden, false, 0}, []string{"MS-OCER"}},
		{"408", "408", should, one(408, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseRequestTimeout, 0, true, 0}, nil},
		{"415", "415", should, one(415, nil), verdict{ocserr.Unexpected, ocserr.CauseUnsupportedMedia, ocserr.ServerProtocol, false, 0}, nil},
		{"420", "420", should, one(420, nil), verdict{ocserr.Unexpected, ocserr.CauseBadExtension, ocserr.ServerProtocol, false, 0}, nil},
		{"421", "421", should, one(421, nil), verdict{ocserr.Unexpected, ocserr.CauseExtensionRequired, ocserr.ServerProtocol, false, 0}, nil},
		{"486", "486", should, one(486, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseServerBusy, 0, true, 0}, nil},
		{"busy-retry-after", "486 and 600 with Retry-After", should, append(each(retryAfter, 486, 90), each(retryAfter, 600, 90)...), verdict{ocserr.ServerTooBusy, ocserr.CauseServerTooBusy, 0, true, 90 * time.Second}, nil},
		{"489", "489", should, one(489, nil), verdict{ocserr.Unexpected, ocserr.CauseBadEvent, ocserr.ServerProtocol, false, 0}, nil},
		{"505", "505", should, one(505, nil), verdict{ocserr.ServerVersion, ocserr.CauseSIPVersion, ocserr.ServerProtocol, false, 0}, nil},
		{"600", "600", should, one(600, nil), verdict{ocserr.ServerUnavailable, ocserr.CauseServerBusy, 0, true, 0}, nil},
		{"603", "603", should, one(603, nil), verdict{ocserr.Unexpected, ocserr.CauseDeclined, 0, false, 0}, nil},
		{"606", "606", should, one(606, nil), verdict{ocserr.Unexpected, ocserr.CauseNotAcceptable, ocserr.ServerProtocol, false, 0}, nil},
	} {
		c := conformance.Case{
			ID: "err/" + row.id, Title: row.title, Level: row.level, Grounds: inVS, Refs: append(row.refs, "contract 1.4"),
			Purpose: fmt.Sprintf("A REGISTER answered %d has this code and no other.", row.answers[0].status),
		}
		for _, a := range row.answers {
			c.Attempts = append(c.Attempts, conformance.Attempt{
				Name: a.name, Server: answering(a.status, a.headers), Run: reporting(row.verdict.reported),
				Expect: fails(row.verdict.code, row.verdict.cause, row.verdict.detail),
			})
		}
		cases = append(cases, c)
	}
	return cases
}
