package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ocsgo/ocs/sip/auth"
)

// asked is a person at a terminal who answers with text.
func asked(text string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return text, nil }
}

func TestPasswordSources(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "password", []byte("from a file\n"))
	for _, test := range []struct {
		name   string
		file   string
		stdin  string
		env    string
		prompt func(context.Context, string) (string, error)
		want   auth.Secret
	}{
		{"file before variable and person", file, "", "variable", asked("person"), "from a file"},
		{"standard input", "-", "from stdin\n", "variable", nil, "from stdin"},
		{"one line break of Windows is cut", "-", "secret\r\n", "", nil, "secret"},
		{"blanks are kept", "-", " secret ", "", nil, " secret "},
		{"empty where a file says so", "-", "", "variable", nil, ""},
		{"variable before person", "", "", "variable", asked("person"), "variable"},
		{"person where the variable is empty", "", "", "", asked("person"), "person"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			std := &streams{
				in: strings.NewReader(test.stdin), prompt: test.prompt,
				env: func(string) (string, bool) { return test.env, true },
			}
			got, err := readPassword(t.Context(), std, test.file, "alice")

			require.NoError(t, err)
			require.Equal(t, string(test.want), string(got))
		})
	}
}

func TestPasswordRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		file   string
		stdin  string
		prompt func(context.Context, string) (string, error)
		says   string
	}{
		{"nobody to ask", "", "", nil, "$OCS_PASSWORD"},
		{"two lines", "-", "one\ntwo\n", nil, "more than one line"},
		{"endless", "-", strings.Repeat("x", maxPassword+1), nil, "longer than"},
		{"empty answer", "", "", asked(""), "no password was entered"},
		{"terminal gone", "", "", func(context.Context, string) (string, error) { return "", errors.New("EOF") }, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			std := &streams{
				in: strings.NewReader(test.stdin), prompt: test.prompt,
				env: func(string) (string, bool) { return "", false },
			}
			_, err := readPassword(t.Context(), std, test.file, "alice")

			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestInterruptAtThePromptIsCancel(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	r := invocation{ctx: ctx, prompt: func(context.Context, string) (string, error) {
		interrupt()
		return "", context.Canceled
	}}.run(t, "signin", "alice@ocs.test")

	require.Equal(t, 130, r.status)
	require.Contains(t, r.stderr, "MSGR_E_CANCEL")
}
