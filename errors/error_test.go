package ocserr_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ocserr "github.com/ocsgo/ocs/errors"
)

func TestNewFillsFromTheTable(t *testing.T) {
	for _, r := range ocserr.Table() {
		if r.Code.Success() {
			continue
		}
		e := ocserr.New(r.Cause, io.EOF).At(r.Stage)
		require.Equal(t, &ocserr.Error{
			Code: r.Code, Detail: r.Detail, Stage: r.Stage, Side: r.Side, Cause: r.Cause,
			Remedy: r.Remedy, Retry: r.Retry, Err: io.EOF,
		}, e)
		require.Equal(t, r.Meaning, e.Meaning())
	}
}

func TestNewOfAnUnknownCauseIsUnexpected(t *testing.T) {
	e := ocserr.New("no-such-cause", io.EOF)
	require.Equal(t, ocserr.Unexpected, e.Code)
	require.Equal(t, ocserr.Cause("no-such-cause"), e.Cause)
}

func TestNewNeverMakesASuccess(t *testing.T) {
	e := ocserr.New(ocserr.CauseUpgradeAdvised, nil)
	require.Equal(t, ocserr.Unexpected, e.Code)
	require.Equal(t, ocserr.Unexpected, e.At(ocserr.StageRegister).Code)
	require.NotErrorIs(t, &ocserr.Error{}, ocserr.OK)
}

func TestAtTakesTheRowOfTheStage(t *testing.T) {
	for stage, want := range map[ocserr.Stage]ocserr.Code{
		ocserr.StageDial: ocserr.Connect, ocserr.StageSecure: ocserr.Connect,
		ocserr.StageRegister: ocserr.Connect, ocserr.StageLive: ocserr.Disconnected,
	} {
		e := ocserr.New(ocserr.CauseConnectionReset, nil).At(stage)
		require.Equal(t, want, e.Code, stage)
		require.Equal(t, stage, e.Stage)
	}
}

func TestAtKeepsTheCodeWhereTheStageHasNoRow(t *testing.T) {
	e := ocserr.New(ocserr.CauseCancelled, nil).At(ocserr.StageSecure)
	require.Equal(t, ocserr.Cancel, e.Code)
	require.Equal(t, ocserr.StageSecure, e.Stage)
	require.Equal(t, "the attempt was cancelled before a server had accepted it", e.Meaning())
}

func TestErrorsIsFindsCodeAndCause(t *testing.T) {
	err := fmt.Errorf("sign-in: %w", ocserr.New(ocserr.CauseConnectionClosed, fmt.Errorf("read: %w", io.EOF)))
	require.ErrorIs(t, err, ocserr.Connect)
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, ocserr.LogonTimeout)
	var e *ocserr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, ocserr.CauseConnectionClosed, e.Cause)
}

func TestErrorIsOneReadableLine(t *testing.T) {
	e := ocserr.New(ocserr.CauseConnectionRefused, errors.Join(errors.New("127.0.0.1:5061: refused"), errors.New("[::1]:5061: refused")))
	require.Equal(t, "MSGR_E_CONNECT at dial: nothing listens on the server's port (127.0.0.1:5061: refused; [::1]:5061: refused); "+
		"check that the front-end service runs, and that host and port are those of the server (5061 for TLS, 5060 for TCP)", e.Error())
	e = ocserr.New(ocserr.CauseCancelled, nil)
	require.Equal(t, "MSGR_E_CANCEL at resolve: the attempt was cancelled before a server had accepted it", e.Error())
}

func TestErrorQuotesTheServerWithoutControlCharacters(t *testing.T) {
	e := ocserr.FromResponse(ocserr.Response{
		Status: 403, Reason: "Forbidden\x1b[2J",
		Diagnostics: []ocserr.Diagnostic{{ID: 4004, Reason: "Credentials\r\nnot authorized\xff"}},
		Warnings:    []ocserr.Warning{{Code: 399, Text: "\a!"}},
	})
	require.Contains(t, e.Error(), "(SIP status 403 Forbidden [2J; ms-diagnostics 4004 Credentials; not authorized\uFFFD; Warning 399  !)")
}

func TestErrorExitStatus(t *testing.T) {
	require.Equal(t, 2, ocserr.New(ocserr.CauseInvalidSignInName, nil).ExitStatus())
	require.Equal(t, 11, ocserr.New(ocserr.CauseConnectionRefused, nil).ExitStatus())
}

func TestErrorJSON(t *testing.T) {
	e := ocserr.FromResponse(ocserr.Response{
		Status: 503, Reason: "Service Unavailable", RetryAfter: 90 * time.Second, HasRetryAfter: true,
		Diagnostics: []ocserr.Diagnostic{{ID: 17000, Reason: "Server overloaded.", Source: "fe.contoso.com"}},
	})
	raw, err := json.Marshal(e)
	require.NoError(t, err)
	require.Equal(t, `{"hr":-2130705650,"hex":"0x8100030E","code":"MSGR_E_SERVER_TOO_BUSY","stage":"register","side":"server",`+
		`"cause":"server-too-busy","status":503,"diagnostics":[{"id":17000,"reason":"Server overloaded.","source":"fe.contoso.com"}],`+
		`"message":"SIP status 503 Service Unavailable",`+
		`"remedy":"Try again after the time that the server asks for, and check its load.","retry":true,"retry_after_s":90}`, string(raw))
}

func TestErrorJSONKeepsEveryJoinedErrorInOrder(t *testing.T) {
	e := ocserr.New(ocserr.CauseConnectFailed, fmt.Errorf("all candidates: %w", errors.Join(
		ocserr.New(ocserr.CauseConnectionRefused, nil), ocserr.New(ocserr.CauseTLSExpired, io.ErrUnexpectedEOF), io.EOF)))
	raw, err := json.Marshal(e)
	require.NoError(t, err)
	var got struct {
		Errors []struct{ Cause, Code, Detail, Message string }
	}
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, []struct{ Cause, Code, Detail, Message string }{
		{"connection-refused", "MSGR_E_CONNECT", "MSGR_E_TCP_ERROR", "nothing listens on the server's port"},
		{"tls-expired", "MSGR_E_CONNECT", "MSGR_E_INVALID_CERTIFICATE", "unexpected EOF"},
		{"", "", "", "EOF"},
	}, got.Errors)
}

func TestErrorLogsAsAGroup(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("failed", "err", ocserr.New(ocserr.CauseTLSExpired, io.EOF))
	for _, want := range []string{"err.code=MSGR_E_CONNECT", "err.detail=MSGR_E_INVALID_CERTIFICATE", "err.stage=secure", "err.cause=tls-expired", "err.message=EOF"} {
		require.Contains(t, b.String(), want)
	}
	require.Equal(t, 1, strings.Count(b.String(), "\n"))
}
