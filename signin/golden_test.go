package signin_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/conformance/server"
	"github.com/ocsgo/ocs/signin"
	"github.com/ocsgo/ocs/status"
)

var update = flag.Bool("update", false, "write testdata anew")

// What a client puts on the wire is a contract with servers that nobody can ask: a change must be seen. The
// files hold every message sent, with random values numbered by first appearance and secrets masked.
func TestWhatIsSentIsGolden(t *testing.T) {
	for name, cfg := range map[string]server.Config{
		"ntlm-v4": {},
		"ntlm-v3": {Version: 3},
		"ntlm-v2": {Version: 2},
		"digest":  {Schemes: []string{"Digest"}, PlainRegistrar: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, cfg, func(t *testing.T, w *world) {
				var transcript safeBuffer
				w.config.Transport, w.config.Transcript = signin.TransportTCP, &transcript
				_, s := w.signIn()
				if !cfg.PlainRegistrar {
					require.NoError(t, s.SetStatus(t.Context(), status.Busy))
				}
				require.NoError(t, s.SignOut(t.Context()))
				got := sent(transcript.b.String())
				file := filepath.Join("testdata", "sent-"+name+".golden")
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, string(want), got)
			})
		})
	}
}

// random finds the values that are new in every sign-in.
var random = regexp.MustCompile(`(branch=z9hG4bK|;tag=|Call-ID: |crand="|opaque="|nonce=")([0-9A-Za-z]+)`)

// sent takes the messages sent out of a transcript.
func sent(transcript string) string {
	var b strings.Builder
	numbers := map[string]string{}
	for part := range strings.SplitSeq(transcript, "\n>>> ") {
		message, _, _ := strings.Cut(part, "\n<<< ")
		_, message, _ = strings.Cut(message, "\n") // the time
		b.WriteString(strings.ReplaceAll(message, "\r\n", "\n") + "\n")
	}
	return random.ReplaceAllStringFunc(b.String(), func(match string) string {
		parts := random.FindStringSubmatch(match)
		if numbers[parts[2]] == "" {
			numbers[parts[2]] = fmt.Sprintf("{random %d}", len(numbers)+1)
		}
		return parts[1] + numbers[parts[2]]
	})
}
