package ocserr_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

var update = flag.Bool("update", false, "rewrite golden files and generated documents")

// golden compares got with the file, or rewrites the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s differs; run go test ./errors -update and look at the change", file)
}

func TestCodesEqualTheGoldenList(t *testing.T) {
	var b strings.Builder
	for _, i := range ocserr.Codes() {
		fmt.Fprintf(&b, "%s %s %d\n", i.Name, i.Code.Hex(), i.Code)
	}
	golden(t, "testdata/codes.golden", b.String())
}

func TestOffsetsSkipAsInTheHeader(t *testing.T) {
	for _, pair := range []struct{ before, after ocserr.Code }{
		{ocserr.DNSAResFail, ocserr.NoServerAddressSpecified},         // 0x59, 0x60
		{ocserr.AuthTimeSkew, ocserr.ChangedCredentials},              // 0x69, 0x70
		{ocserr.AuthServerUnavailable, ocserr.SessionRestricted},      // 0x78, 0x80
		{ocserr.AccountErrorRedirect, ocserr.IncomingInviteCancelled}, // 0x89, 0x90
	} {
		require.Greater(t, pair.after-pair.before, ocserr.Code(1), "%s, %s", pair.before.Name(), pair.after.Name())
		require.Zero(t, pair.after&0xF, pair.after.Name())
	}
}

func TestEveryCodeIsDistinctAndDescribed(t *testing.T) {
	values, names := map[ocserr.Code]bool{}, map[string]bool{}
	for _, i := range ocserr.Codes() {
		require.False(t, values[i.Code], i.Name)
		require.False(t, names[i.Name], i.Name)
		values[i.Code], names[i.Name] = true, true
		require.NotEmpty(t, i.Meaning, i.Name)
		require.NotEmpty(t, i.Class, i.Name)
		require.Equal(t, i.Name, i.Code.Name())
		require.Equal(t, i.Meaning, i.Code.Meaning())
	}
}

func TestSuccessIsTheSign(t *testing.T) {
	require.True(t, ocserr.OK.Success())
	require.True(t, ocserr.False.Success())
	for _, i := range ocserr.Codes() {
		require.Equal(t, !strings.Contains(i.Name, "_E_") && !strings.HasPrefix(i.Name, "E_") && i.Name != "RPC_X_NULL_REF_POINTER",
			i.Code.Success(), i.Name)
	}
}

func TestTenCodesAreDocumentedForOnSignin(t *testing.T) {
	var signin []string
	for _, i := range ocserr.Codes() {
		if i.Code.Signin() {
			signin = append(signin, i.Name)
		}
		require.Equal(t, i.Class == ocserr.ClassSignin || i.Class == ocserr.ClassSigninStatus, i.Code.Signin(), i.Name)
	}
	require.ElementsMatch(t, []string{
		"S_OK", "MSGR_E_INVALID_SERVER_NAME", "MSGR_E_CONNECT", "MSGR_E_CANCEL", "MSGR_E_LOGON_TIMEOUT", "MSGR_E_SERVER_VERSION",
		"MSGR_E_INVALID_PASSWORD", "MSGR_E_SERVER_TOO_BUSY", "MSGR_E_SERVER_UNAVAILABLE", "MSGR_E_UNEXPECTED",
	}, signin)
}

func TestStatusChangeCarriesDocumentedCodesOnly(t *testing.T) {
	documented := []ocserr.Code{
		ocserr.OK, ocserr.Disconnected, ocserr.Unexpected, ocserr.ServerTooBusy, ocserr.ServerUnavailable, ocserr.LogonTimeout,
	}
	for _, i := range ocserr.Codes() {
		require.Contains(t, documented, i.Code.StatusChange(), i.Name)
	}
	for _, c := range documented {
		require.Equal(t, c, c.StatusChange())
	}
	require.Equal(t, ocserr.Disconnected, ocserr.InvalidPassword.StatusChange())
}

func TestExitStatus(t *testing.T) {
	for code, want := range map[ocserr.Code]int{
		ocserr.OK: 0, ocserr.False: 0, ocserr.Unexpected: 1, ocserr.Fail: 1, ocserr.Disconnected: 1,
		ocserr.InvalidServerName: 10, ocserr.Connect: 11, ocserr.LogonTimeout: 12, ocserr.ServerVersion: 13,
		ocserr.InvalidPassword: 14, ocserr.ServerTooBusy: 15, ocserr.ServerUnavailable: 16, ocserr.Cancel: 130,
	} {
		require.Equal(t, want, code.ExitStatus(), code.Name())
	}
}

func TestCodeFormatsItself(t *testing.T) {
	require.Equal(t, "0x81000301", ocserr.Connect.Hex())
	require.Equal(t, "0x00000000", ocserr.OK.Hex())
	require.True(t, strings.HasPrefix(ocserr.Connect.Error(), "MSGR_E_CONNECT (0x81000301): "))
	unknown := ocserr.Connect + 0x500
	require.Equal(t, "0x81000801", unknown.Name())
	require.Equal(t, "0x81000801: unknown code", unknown.Error())
	require.Empty(t, unknown.Meaning())
}

func TestParseReadsEveryFormOfEveryCode(t *testing.T) {
	for _, i := range ocserr.Codes() {
		for _, text := range []string{
			i.Name, strings.ToLower(i.Name), i.Code.Hex(), strings.ToLower(i.Code.Hex()),
			fmt.Sprint(int32(i.Code)), fmt.Sprint(uint32(i.Code)), " " + i.Name + "\n",
		} {
			got, err := ocserr.Parse(text)
			require.NoError(t, err, text)
			require.Equal(t, i.Code, got, text)
		}
		if short, ok := strings.CutPrefix(i.Name, "MSGR_E_"); ok {
			got, err := ocserr.Parse(short)
			require.NoError(t, err, short)
			require.Equal(t, i.Code, got, short)
		}
	}
}

func TestParseRefusesWhatIsNoCode(t *testing.T) {
	for _, text := range []string{"", " ", "MSGR_E_", "MSGR_E_NONSENSE", "0x", "0x1810003010", "0xZZ", "4294967296", "-2147483649", "1.5", "0x-1"} {
		_, err := ocserr.Parse(text)
		require.Error(t, err, text)
	}
}

func TestParseTakesANumberThatNoListHas(t *testing.T) {
	got, err := ocserr.Parse("0x81000801")
	require.NoError(t, err)
	require.Equal(t, ocserr.Connect+0x500, got)
}
