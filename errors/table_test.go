package ocserr_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

var order = []ocserr.Stage{
	ocserr.StageConfig, ocserr.StageResolve, ocserr.StageDial, ocserr.StageSecure,
	ocserr.StageRegister, ocserr.StagePresence, ocserr.StageLive, ocserr.StageSignout,
}

func TestRowsCarryDocumentedCodes(t *testing.T) {
	for _, r := range ocserr.Table() {
		if r.Cause == ocserr.CauseCancelled {
			require.Equal(t, ocserr.Cancel, r.Code, "after the sign-in no event carries it: SignIn returns it")
		} else if r.Stage == ocserr.StagePresence || r.Stage == ocserr.StageLive || r.Stage == ocserr.StageSignout {
			require.Equal(t, r.Code, r.Code.StatusChange(), "%s at %s: not documented for OnMyStatusChange", r.Cause, r.Stage)
		} else {
			require.True(t, r.Code.Signin(), "%s at %s: not documented for OnSignin", r.Cause, r.Stage)
		}
		require.NotEqual(t, ocserr.UserNotFound, r.Code, r.Cause)
		require.NotEqual(t, ocserr.UserNotFound, r.Detail, r.Cause)
		if r.Detail != 0 {
			require.False(t, r.Detail.Success(), r.Cause)
			require.NotEqual(t, r.Detail.Hex(), r.Detail.Name(), "%s: unknown detail", r.Cause)
		}
	}
}

func TestEachOfTheTenCodesHasACause(t *testing.T) {
	has := map[ocserr.Code]bool{}
	for _, r := range ocserr.Table() {
		has[r.Code] = true
	}
	for _, i := range ocserr.Codes() {
		if i.Code.Signin() {
			require.True(t, has[i.Code], i.Name)
		}
	}
}

func TestRowsAreWholeAndInOrder(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	type key struct {
		cause ocserr.Cause
		stage ocserr.Stage
	}
	seen := map[key]bool{}
	for _, r := range ocserr.Table() {
		require.Regexp(t, kebab, string(r.Cause))
		require.Contains(t, order, r.Stage, r.Cause)
		require.Contains(t, []ocserr.Side{ocserr.SideClient, ocserr.SideProxy, ocserr.SideServer}, r.Side, r.Cause)
		require.False(t, seen[key{r.Cause, r.Stage}], "%s at %s twice", r.Cause, r.Stage)
		seen[key{r.Cause, r.Stage}] = true
		require.NotEmpty(t, r.Meaning, r.Cause)
		require.False(t, strings.HasSuffix(r.Meaning, "."), r.Cause)
		if r.Cause != ocserr.CauseCancelled {
			require.Regexp(t, `^[A-Z][^\n]*\.$`, r.Remedy, r.Cause)
		}
	}
}

func TestEveryCauseConstantHasARow(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "cause.go", nil, 0)
	require.NoError(t, err)
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			cause, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			_, ok := ocserr.Lookup(ocserr.Cause(cause), "")
			require.True(t, ok, cause)
			n++
		}
		return true
	})
	require.Greater(t, n, 50)
}

func TestARejectedPasswordIsNeverRetried(t *testing.T) {
	for _, r := range ocserr.Table() {
		if r.Code == ocserr.InvalidPassword || r.Code == ocserr.ServerVersion {
			require.False(t, r.Retry, r.Cause)
		}
	}
}

func TestProxyTroubleIsNeverThePassword(t *testing.T) {
	for _, r := range ocserr.Table() {
		if r.Side == ocserr.SideProxy {
			require.NotEqual(t, ocserr.InvalidPassword, r.Code, r.Cause)
		}
	}
}

func TestTableIsACopy(t *testing.T) {
	ocserr.Table()[0].Code = ocserr.OK
	require.NotEqual(t, ocserr.OK, ocserr.Table()[0].Code)
}

func TestErrorMapDocumentIsTheTable(t *testing.T) {
	golden(t, "../docs/error-map.md", errorMap())
}

// errorMap writes docs/error-map.md.
func errorMap() string {
	var b strings.Builder
	b.WriteString(`# Error map

Which cause gives which code. Generated from the table in ` + "`errors/table_*.go`" + ` by
` + "`go test ./errors -update`" + `; do not edit by hand.

The Automation API documents ten values for OnSignin and does not say which cause gives which. The choice below is this
project's. *Detail* is the finer code of the Communicator SDK header: part of the error, never an OnSignin value.
*Retry* says whether the same attempt may succeed later without a change. An unknown user is MSGR_E_INVALID_PASSWORD;
MSGR_E_USER_NOT_FOUND is never reported.
`)
	titles := map[ocserr.Stage]string{
		ocserr.StageConfig:   "config: before anything is sent (exit status 2)",
		ocserr.StageResolve:  "resolve: finding the server",
		ocserr.StageDial:     "dial: opening the connection, through a proxy or not",
		ocserr.StageSecure:   "secure: TLS",
		ocserr.StageRegister: "register: authentication and registration",
		ocserr.StagePresence: "presence: accepted, not yet ready (OnMyStatusChange carries the code)",
		ocserr.StageLive:     "live: signed in (OnMyStatusChange carries the code)",
		ocserr.StageSignout:  "signout: signing out (the client ends OFFLINE in any case)",
	}
	for _, stage := range order {
		fmt.Fprintf(&b, "\n## %s\n\n| cause | code | detail | said by | retry | meaning | remedy |\n|---|---|---|---|---|---|---|\n", titles[stage])
		for _, r := range ocserr.Table() {
			if r.Stage != stage {
				continue
			}
			detail, retry := "", ""
			if r.Detail != 0 {
				detail = r.Detail.Name()
			}
			if r.Retry {
				retry = "yes"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.Cause, r.Code.Name(), detail, r.Side, retry, r.Meaning, r.Remedy)
		}
	}
	return b.String()
}
