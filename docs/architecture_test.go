package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/ocsgo/ocs"

// arrows says which folders of the module a folder may import, itself and its own sub-folders aside, and
// why no other: docs/architecture.md, "Arrows".
var arrows = []struct {
	folder string
	may    []string
	reason string
}{
	{"errors", nil, "the vocabulary is a leaf: everything may import it"},
	{"status", []string{"errors"}, "the state machine knows codes and nothing of the wire"},
	{"sip", []string{"errors"}, "a connection knows no scheme and no sign-in"},
	{"sip/auth/ntlm", nil, "a scheme works on tokens, not on messages"},
	{"sip/auth/digest", nil, "a scheme works on tokens, not on messages"},
	{"sip/auth/kerberos", nil, "a scheme works on tokens, not on messages"},
	{"sip/auth/tlsdsk", nil, "a scheme works on tokens, not on messages"},
	{"sip/auth/ocauthws", []string{"sip/auth/ntlm"}, "the web services know no SIP"},
	{"sip/auth", []string{"errors", "sip", "sip/auth/ntlm", "sip/auth/digest", "sip/auth/kerberos", "sip/auth/tlsdsk", "sip/auth/ocauthws"}, "authentication works on messages and knows no registration"},
	{"signin/resolve", []string{"errors"}, "each stage can be tested alone"},
	{"signin/dial", []string{"errors", "sip/auth/ntlm", "sip/auth/digest"}, "each stage can be tested alone; proxies speak the schemes' tokens"},
	{"signin/secure", []string{"errors"}, "each stage can be tested alone"},
	{"signin/register", []string{"errors", "sip", "sip/auth"}, "registration knows nothing of presence or of how the connection came"},
	{"signin/presence", []string{"errors", "status", "sip", "signin/register"}, "presence works as a registered endpoint"},
	{"signin", []string{"errors", "status", "sip", "sip/auth", "sip/auth/kerberos", "sip/auth/ocauthws", "signin/resolve", "signin/dial", "signin/secure", "signin/register", "signin/presence"}, "the engine knows no test server and no command line"},
	{"signin/signintest", []string{"errors", "signin", "conformance/server"}, "embedders' tests fail for real causes"},
	{"conformance/webservices", []string{"sip/auth/ntlm"}, "the web services know no SIP"},
	{"conformance/server", []string{"errors", "status", "sip", "sip/auth", "sip/auth/ntlm", "sip/auth/digest", "sip/auth/kerberos", "sip/auth/tlsdsk", "conformance/webservices"}, "the server must not share the client's code for what it judges"},
	{"conformance", []string{"errors", "status", "sip", "sip/auth", "sip/auth/kerberos", "signin", "signin/dial", "signin/resolve", "signin/secure", "conformance/server"}, "the suite judges by what it sees"},
	{"conformance/cases", []string{"errors", "status", "sip", "signin", "signin/resolve", "conformance", "conformance/server"}, "a case is a script and what it expects"},
	{"conformance/report", []string{"errors", "status", "conformance"}, "a report prints verdicts"},
	{"cmd/ocs", []string{"errors", "status", "sip", "sip/auth", "sip/auth/kerberos", "signin", "signin/resolve", "signin/dial", "signin/secure", "conformance", "conformance/cases", "conformance/report", "conformance/server"}, "the command line wires"},
}

// importers says which folders may import a third-party module outside tests.
var importers = map[string][]string{
	"github.com/emiago/sipgo":     {"sip"},
	"github.com/miekg/dns":        {"signin/resolve", "conformance/server"}, // one importer a side
	"github.com/alecthomas/kong":  {"cmd/ocs"},
	"golang.org/x/term":           {"cmd/ocs"},
	"golang.org/x/net":            {"signin/resolve", "signin/dial"}, // idna; httpproxy
	"github.com/jcmturner/gokrb5": {"sip/auth/kerberos"},
	"github.com/jcmturner/gofork": {"sip/auth/kerberos"},                                        // gokrb5's ASN.1
	"golang.org/x/crypto":         {"sip/auth/ntlm", "sip/auth/kerberos", "conformance/server"}, // MD4
	"github.com/stretchr/testify": nil,                                                          // tests only
	"go.uber.org/goleak":          nil,                                                          // tests only
}

// source is one Go file of the module.
type source struct {
	folder string
	name   string
	test   bool
	file   *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", filepath.Dir(p))
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(folder), p, strings.HasSuffix(p, "_test.go"), file})
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func imports(f *ast.File) []string {
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, p)
		}
	}
	return out
}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		i := slices.IndexFunc(arrows, func(a struct {
			folder string
			may    []string
			reason string
		},
		) bool {
			return a.folder == s.folder
		})
		for _, imported := range imports(s.file) {
			target, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			require.NotEqualf(t, -1, i, "%s is in a folder without a rule: add one to arrows and to docs/architecture.md", s.name)
			require.Containsf(t, arrows[i].may, target, "%s: %s", s.name, arrows[i].reason)
		}
	}
}

func TestEachThirdPartyModuleHasOneImporterASide(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range imports(s.file) {
			if !strings.Contains(strings.Split(imported, "/")[0], ".") || strings.HasPrefix(imported, module) {
				continue
			}
			var known bool
			for m, folders := range importers {
				if imported == m || strings.HasPrefix(imported, m+"/") {
					known = true
					require.Truef(t, s.test || slices.Contains(folders, s.folder), "%s imports %s; only %v may", s.name, imported, folders)
				}
			}
			require.Truef(t, known, "%s imports %s, a module without a rule: add one to importers and to docs/architecture.md", s.name, imported)
		}
	}
}

func TestEachPackageHasOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		comments[s.folder] += 0
		if s.file.Doc != nil {
			comments[s.folder]++
		}
	}
	for folder, n := range comments {
		require.Equalf(t, 1, n, "package in %s has %d package comments", folder, n)
	}
}

func TestTopLevelHoldsOnlyWhatTheDesignNames(t *testing.T) {
	entries, err := os.ReadDir("..")
	require.NoError(t, err)
	named := []string{"go.mod", "go.sum", "README.md", "Makefile", "cmd", "sip", "signin", "status", "errors", "conformance", "docs", "bin"}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		require.Containsf(t, named, path.Base(e.Name()), "the top level is fixed")
	}
}
