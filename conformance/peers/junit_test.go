//go:build peers

package peers

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance"
	conformancereport "github.com/ocsgo/ocs/conformance/report"
)

// A report with every verdict, and with text that XML cannot carry as it is.
func TestXMLLintValidatesJUnit(t *testing.T) {
	const text = "<b>&\"']]>\x00\x1b</b>"
	var results []conformance.Result
	for _, v := range conformance.Verdicts() {
		results = append(results, conformance.Result{
			Case:    conformance.Case{ID: "area/" + strings.ToLower(string(v)), Title: text, Level: conformance.Must},
			Verdict: v, Reason: text, Axes: []conformance.Judgement{{Axis: conformance.AxisContract, Verdict: v, Actual: []string{text}}},
		})
	}
	known := results[0]
	known.Case.ID, known.Deviation, known.Unexpected = "area/known", text, true
	r, err := conformancereport.New(conformancereport.Run{Subject: text, Ground: conformance.Simulator, Started: time.Now(), Missing: []string{"area/missing"}}, append(results, known))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.JUnit(&b))
	cmd := exec.Command(program(t, "xmllint"), "--nonet", "--noout", "--schema", "../report/testdata/junit.xsd", "-")
	cmd.Stdin = &b
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "xmllint: %s", out)
}
